"""``molthub build``: from one commit to a static index."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus, MolthubError, missing_extra

if TYPE_CHECKING:
    from molthub.index.build import BuiltIndex
    from molthub.index.publish import PublishResult
    from molthub.registry.source import Source


@click.command()
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    default=".",
    help="The registry: its folder, or a git repository that holds registry-index.",
)
@click.option("--rev", help="The revision to build (default: HEAD).")
@click.option("--worktree", is_flag=True, help="Build the files as they lie there, committed or not.")
@click.option("--out", type=click.Path(path_type=Path), default="site", show_default=True, help="Where to write.")
@click.option("--fleets", is_flag=True, help="Write fleets and bots too. Their index belongs where only they read it.")
@common_options
def build(console: Console, *, registry: Path, rev: str | None, worktree: bool, out: Path, fleets: bool) -> ExitStatus:
    """Build the static index of one commit.

    The same commit gives the same files, byte for byte. A folder that holds an index is brought up to date while it is
    served: only what changed is written. A version or bot that is not as it should be is left out and named.

    \b
    Examples:
      molthub build                              ./registry-index at HEAD into ./site
      molthub build --fleets --out private       with the fleets' desired state
      molthub build --registry R.git --rev v1    a bare repository at a tag
      molthub build --worktree                   before committing

    \b
    Exit status:
      0  everything that is declared is in the index
      1  nothing was built
      4  built, but a version was left out or a bot does not resolve
    """
    started = time.monotonic()
    if rev is not None and worktree:
        raise click.UsageError("--rev reads a commit and --worktree the files on disk: give one of them")
    source, index = _build(console, registry, rev, worktree=worktree, fleets=fleets)
    console.problems(index.problems)
    if not index.complete and not index.holds_anything:
        message = "nothing could be built, and nothing was written"
        raise MolthubError(message, place=source.where, remedy="mend what is named above, or run: molthub check")
    with console.progress("writing", len(index.files)) as progress:
        from molthub.index.publish import publish

        result = publish(index, out, progress=progress)
    _show(console, index, result, out, round((time.monotonic() - started) * 1000))
    return ExitStatus.DONE if index.complete else ExitStatus.PARTLY_DONE


def _build(
    console: Console, registry: Path, rev: str | None, *, worktree: bool, fleets: bool
) -> tuple[Source, BuiltIndex]:
    try:
        from molthub.index.build import build_index
        from molthub.registry.catalog import read_catalog
        from molthub.registry.source import open_source
    except ModuleNotFoundError as error:
        raise missing_extra("registry", "molthub build") from error
    source = open_source(registry, rev=rev, worktree=worktree)
    if source.uncommitted and rev is None:
        console.warn(f"{source.uncommitted} uncommitted files are not in this index; --worktree builds them too")
    console.say(f"reading {source.where}")
    catalog = read_catalog(source)
    with console.progress("building", len(catalog.skills)) as progress:
        return source, build_index(catalog, source, fleets=fleets, progress=progress)


def _show(console: Console, index: BuiltIndex, result: PublishResult, out: Path, milliseconds: int) -> None:
    console.json(
        {
            "out": str(out),
            "revision": index.revision,
            "counts": dict(index.counts),
            "written": len(result.written),
            "unchanged": result.unchanged,
            "removed": len(result.removed),
            "unresolved": list(index.unresolved),
            "problems": [problem.to_json() for problem in index.problems],
            "milliseconds": milliseconds,
        }
    )
    counts = index.counts
    what = f"{counts['skills']} skills ({counts['versions']} versions), {counts['packs']} packs"
    if index.fleets:
        what += f", {counts['fleets']} fleets with {counts['bots']} bots"
    console.result(f"{out}: {what}")
    files = f"{len(result.written)} files written, {result.unchanged} unchanged, {len(result.removed)} removed"
    console.result(f"{files}, {milliseconds} ms, revision {index.revision[:12]}")
    errors = sum(problem.severity == "error" for problem in index.problems)
    if errors:
        bots = f", {len(index.unresolved)} bots do not resolve" if index.unresolved else ""
        console.warn(f"{errors} errors{bots}: what they name is left out")
    else:
        console.say(f"next: molthub serve --index {out}")
