"""``molthub build``: from one commit to a static index."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.guards import max_delete_option
from molthub.cli.upstream_options import upstream_options
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, missing_extra

if TYPE_CHECKING:
    from molthub.cli.upstreams import UpstreamFiles
    from molthub.index.update import Updated
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
@click.option("--jobs", type=click.IntRange(min=1), help="How many processes may work (default: one per processor).")
@max_delete_option
@click.option("--full", is_flag=True, help="Make everything again, and mend files that somebody edited.")
@click.option(
    "--previous", metavar="URL|DIR", help="The index as it was published before: what it holds is taken from there."
)
@click.option("--fleets", is_flag=True, help="Write fleets and bots too. Their index belongs where only they read it.")
@click.option(
    "--views",
    type=click.Choice(["none", "clients", "all"]),
    default="all",
    show_default=True,
    help="What to write beside what molthub reads: nothing, the forms of other clients, or pages for people too.",
)
@upstream_options
@common_options
def build(
    console: Console,
    *,
    registry: Path,
    rev: str | None,
    worktree: bool,
    out: Path,
    jobs: int | None,
    max_delete: int,
    full: bool,
    previous: str | None,
    fleets: bool,
    views: str,
    allow_upstream: tuple[str, ...],
    upstream_timeout: float,
) -> ExitStatus:
    """Build the static index of one commit.

    The same commit gives the same files, byte for byte. A folder that holds an index is brought up to date while it is
    served: only what changed since the last build is made and written. A version or bot that is not as it should be is
    left out and named. What the last build left in .molthub-state only saves time, and may be deleted.

    Of versions that were imported (molthub import) the files are fetched by digest: from the index in --out, from
    --previous, or else from their upstream. A version that nobody has is left out.

    \b
    Examples:
      molthub build                              ./registry-index at HEAD into ./site
      molthub build --fleets --out private       with the fleets' desired state
      molthub build --registry R.git --rev v1    a bare repository at a tag
      molthub build --worktree                   before committing
      molthub build --views none                 for molthub's own clients alone: a quarter of the time
      molthub build --previous https://skills.example.com/

    \b
    Exit status:
      0  everything that is declared is in the index
      1  nothing was built
      4  built, but a version was left out or a bot does not resolve
    """
    started = time.monotonic()
    if rev is not None and worktree:
        raise click.UsageError("--rev reads a commit and --worktree the files on disk: give one of them")
    source = _source(console, registry, rev, worktree=worktree)
    if full:
        from molthub.index.folder import STATE

        (out / STATE).unlink(missing_ok=True)
    upstreams = _upstreams(console, out, previous, allow_upstream, upstream_timeout)
    try:
        built = _build(
            console, source, out, upstreams, fleets=fleets, views=views, jobs=jobs, max_delete=max_delete / 100
        )
    finally:
        for note in upstreams.notes:
            console.warn(note)
    _show(console, built, out, round((time.monotonic() - started) * 1000))
    return ExitStatus.DONE if built.complete else ExitStatus.PARTLY_DONE


def _source(console: Console, registry: Path, rev: str | None, *, worktree: bool) -> Source:
    try:
        from molthub.registry.source import open_source
    except ModuleNotFoundError as error:
        raise missing_extra("registry", "molthub build") from error
    source = open_source(registry, rev=rev, worktree=worktree)
    if rev is None and source.uncommitted:
        verb = "is" if source.uncommitted == 1 else "are"
        files = counted(source.uncommitted, "uncommitted file")
        console.warn(f"{files} {verb} not in this index; --worktree builds them too")
    console.say(f"reading {source.where}")
    return source


def _upstreams(
    console: Console, out: Path, previous: str | None, allowed: tuple[str, ...], seconds: float
) -> UpstreamFiles:
    from molthub.cli.upstreams import UpstreamFiles
    from molthub.index.folder import is_index

    held = [str(out.resolve())] if is_index(out) else []
    if previous is not None:
        held.append(previous if "://" in previous else str(Path(previous).expanduser().resolve()))
    return UpstreamFiles.of_user(allowed, seconds, held=held, say=console.say)


def _build(
    console: Console,
    source: Source,
    out: Path,
    upstreams: UpstreamFiles,
    *,
    fleets: bool,
    views: str,
    jobs: int | None,
    max_delete: float,
) -> Updated:
    """Build from git at the cost of what changed, and from a plain folder, which has no ids to tell that by, whole."""
    if find_spec("deflate") is None:  # it is imported when something is to be made, which is too late to refuse
        raise missing_extra("registry", "molthub build")
    try:
        from molthub.index.update import Wanted, update, update_whole
        from molthub.index.views import Views
        from molthub.registry.trees.git_source import GitSource
    except ModuleNotFoundError as error:
        raise missing_extra("registry", "molthub build") from error
    wanted = Wanted(fleets, jobs or os.cpu_count() or 1, max_delete, console.progress, upstreams, Views(views))
    return update(source, out, wanted) if isinstance(source, GitSource) else update_whole(source, out, wanted)


def _show(console: Console, built: Updated, out: Path, milliseconds: int) -> None:
    console.problems(built.problems)
    console.json(
        {
            "out": str(out),
            "revision": built.revision,
            "counts": dict(built.counts),
            "written": built.written,
            "unchanged": built.unchanged,
            "removed": built.removed,
            "unresolved": list(built.unresolved),
            "problems": [problem.to_json() for problem in built.problems],
            "milliseconds": milliseconds,
        }
    )
    counts = built.counts
    what = f"{counted(counts['skills'], 'skill')} ({counted(counts['versions'], 'version')})"
    what += f", {counted(counts['packs'], 'pack')}"
    if built.fleets:
        what += f", {counted(counts['fleets'], 'fleet')} with {counted(counts['bots'], 'bot')}"
    console.result(f"{out}: {what}")
    files = f"{counted(built.written, 'file')} written, {built.unchanged} unchanged, {built.removed} removed"
    console.result(f"{files}, {milliseconds} ms, revision {built.revision[:12]}")
    errors = sum(problem.severity == "error" for problem in built.problems)
    if errors:
        unresolved = len(built.unresolved)
        bots = f", {counted(unresolved, 'bot')} {'does' if unresolved == 1 else 'do'} not resolve" if unresolved else ""
        names = "it names" if errors == 1 else "they name"
        console.warn(f"{counted(errors, 'error')}{bots}: what {names} is left out")
    else:
        console.say(f"next: molthub serve --index {out}")
