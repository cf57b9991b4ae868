"""``molthub fmt``: one style for manifests, and versions made by hand completed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from molthub.registry.source import Source


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--registry", metavar="DIR", default=".", help="The registry's folder. Default: here.")
@click.option("--base", metavar="REV", help="The commit whose versions count as merged. Default: HEAD.")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 3 if something would change.")
@common_options
def fmt(console: Console, paths: tuple[Path, ...], registry: str, base: str | None, only_check: bool) -> ExitStatus:
    """Format a registry's manifests in place, and complete what a person wrote by hand.

    For versions that the base does not record it writes skill.yaml from SKILL.md's frontmatter, a pack's `resolved`,
    and the entries in project.yaml. A merged version is never touched, comments stay, and nothing is committed. With
    PATHs, only files there are written.

    \b
    Examples:
      molthub fmt
      molthub fmt packs/standard-dev
      molthub fmt --base origin/main
      molthub fmt --check
    """
    from molthub.registry.authoring.format import format_registry
    from molthub.registry.authoring.new_files import NewFile, write_files
    from molthub.registry.source import open_source

    source = open_source(Path(registry), worktree=True)
    folder = Path(source.where).resolve()
    done = format_registry(
        source,
        _base(folder, base),
        published=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        wanted=_wanted(folder, paths),
    )
    for change in done.changes:
        console.result(f"{change.file}: {change.what}")
    console.problems(done.problems)
    if done.files and not only_check:
        write_files(folder, {path: NewFile(content) for path, content in done.files.items()})
    count = len(done.files)
    files = counted(count, "file")
    console.say(
        f"{files} {'would change' if only_check else 'changed'}" if count else "everything is in style and complete"
    )
    if count and not only_check:
        console.say(f"next: molthub check --registry {registry} --worktree, then commit")
    console.json(
        {
            "format": "molthub.fmt/1",
            "changes": [{"file": change.file, "what": change.what} for change in done.changes],
            "problems": [problem.to_json() for problem in done.problems],
        }
    )
    if any(problem.severity == "error" for problem in done.problems):
        return ExitStatus.FAILED
    return ExitStatus.PENDING if count and only_check else ExitStatus.DONE


def _base(folder: Path, base: str | None) -> Source | None:
    """Open the base; outside git, or before the first commit, nothing is merged."""
    from molthub.registry.source import GitSource

    try:
        return GitSource(folder, base or "HEAD")
    except RegistryError:
        if base is not None:
            raise
        return None


def _wanted(folder: Path, paths: tuple[Path, ...]) -> Callable[[str], bool]:
    if not paths:
        return lambda _path: True
    chosen = [path.resolve() for path in paths]
    for path in chosen:
        if not path.exists():
            raise RegistryError("there is no such file or folder", place=str(path), remedy="give one of the registry's")
    return lambda path: any((folder / path).is_relative_to(choice) for choice in chosen)
