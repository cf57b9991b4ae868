"""``molthub check``: what a pull request to a registry would be told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub import __version__
from molthub.cli.upstream_options import upstream_options
from molthub.console import Console, common_options, counted
from molthub.documents import readable
from molthub.errors import ExitStatus, UsageError
from molthub.model import Json

if TYPE_CHECKING:
    from molthub.cli.upstreams import UpstreamFiles
    from molthub.registry.check import CheckResult
    from molthub.registry.source import Source


@click.command()
@click.option("--registry", metavar="DIR", default=".", help="The registry's folder or repository. Default: here.")
@click.option("--rev", metavar="REV", help="The commit to check. Default: HEAD.")
@click.option(
    "--base", metavar="REV", help="The commit that the change starts from: also judge what it does to history."
)
@click.option(
    "--actor", "actors", multiple=True, metavar="WHO",
    help="Judge whether WHO may make the change: a publisher's name, or github:LOGIN. Several: each of them.",
)  # fmt: skip
@click.option("--worktree", is_flag=True, help="Check the files as they lie on disk, not a commit.")
@click.option("--strict", is_flag=True, help="Make every breach of the Agent Skills specification an error.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True,
    help="How to print the findings.",
)  # fmt: skip
@click.option("--upstreams", is_flag=True, help="Fetch imported versions and compare them with where they came from.")
@click.option("--summary", metavar="FILE", type=click.Path(path_type=Path), help="Add a summary for reviewers to FILE.")
@click.option(
    "--report", metavar="FILE", type=click.Path(path_type=Path), help="Write the findings as JSON to FILE too."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="How many processes may look for risks (default: one per processor)."
)
@upstream_options
@common_options
def check(
    console: Console, *, registry: str, rev: str | None, base: str | None, actors: tuple[str, ...], worktree: bool,
    strict: bool, form: str, upstreams: bool, allow_upstream: tuple[str, ...], upstream_timeout: float,
    summary: Path | None, report: Path | None, jobs: int | None
) -> ExitStatus:  # fmt: skip
    """Check a registry: schemas, skills, digests, references, packs, bots, and with --base its history.

    All findings are reported, errors first. Warnings do not fail the check. Who owns what is judged from the base, and
    only for the actors that are named: nothing is taken from the environment.

    With --base it is also said which class the change is of: at-once (a higher minor or patch version by its owner that
    asks for nothing more), new-name, person, or refused. --summary adds Markdown to a file: what is published, each
    version beside the one before it, what bots get, the findings.

    \b
    Examples:
      molthub check
      molthub check --worktree                          before you commit
      molthub check --base origin/main                  what a pull request is told
      molthub check --base origin/main --format github  the same, shown in the diff on GitHub
      molthub check --base origin/main --actor github:octocat
      molthub check --base origin/main --summary "$GITHUB_STEP_SUMMARY"
      molthub check --format sarif > molthub.sarif
      molthub check --upstreams                         imported versions too, to the byte

    Exit status: 0 no errors, 1 errors.
    """
    from molthub.registry.check import check as check_registry
    from molthub.registry.ownership import parse_actor
    from molthub.registry.source import open_source

    if rev and worktree:
        raise UsageError("--rev and --worktree exclude each other", remedy="give one of them")
    if actors and base is None:
        raise UsageError("--actor judges a change, and there is no --base", remedy="add --base origin/main")
    if summary is not None and base is None:
        raise UsageError("--summary is of a change, and there is no --base", remedy="add --base origin/main")
    directory = Path(registry)
    source = open_source(directory, rev=rev, worktree=worktree)
    base_source = open_source(directory, rev=base) if base else None
    if not worktree and rev is None and source.uncommitted:
        console.warn(f"{counted(source.uncommitted, 'file')} not committed, and not checked; --worktree checks them")
    judged = [parse_actor(actor) for actor in actors]
    asked = _upstreams(console, allow_upstream, upstream_timeout) if upstreams else None
    workers = jobs or os.cpu_count() or 1
    result = check_registry(source, base_source, strict_spec=strict, actors=judged, upstreams=asked, jobs=workers)
    state = _state(source, worktree=worktree)
    form = "json" if console.as_json else form
    document = _document(result, summary) if summary or report or form == "json" else {}
    if report is not None:
        report.write_bytes(readable(document))
    if form == "json":
        click.echo(readable(document), nl=False)
    else:
        _print(console, result, form, _prefix(directory, source), state)
    if base is None:
        console.say("not compared with history; pass --base origin/main")
    elif not actors:
        console.say("who owns what was not judged; pass --actor github:LOGIN, or a publisher's name")
    if result.uncompared:
        console.say(f"{result.uncompared} imported versions not compared with their upstreams; pass --upstreams")
    return ExitStatus.FAILED if result.having("error") else ExitStatus.DONE


def _upstreams(console: Console, allowed: tuple[str, ...], seconds: float) -> UpstreamFiles:
    from molthub.cli.upstreams import UpstreamFiles

    return UpstreamFiles.of_user(allowed, seconds, say=console.say)


def _state(source: Source, *, worktree: bool) -> str:
    """Return which state of the registry was checked, in words."""
    if worktree:
        return "in the work tree"
    return "in the folder" if source.revision.startswith("folder-") else f"at {source.revision[:12]}"


def _prefix(directory: Path, source: Source) -> str:
    """Return the way from the repository's root to the registry: GitHub names files from there."""
    from molthub.registry.authoring.checkout import path_in_repository

    return path_in_repository(directory, Path(source.where.partition(" at ")[0]))


def _document(result: CheckResult, summary: Path | None) -> dict[str, Json]:
    """Return the document of the check; of a change with its class. Its ``summary`` is added to a file."""
    if result.change is None:
        return result.to_json()
    from molthub.registry.review.review import review
    from molthub.registry.review.summary import summary as summary_of

    found = review(result)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(summary_of(found))
    return {**result.to_json(), "merge": found.merge.to_json()}


def _print(console: Console, result: CheckResult, form: str, prefix: str, state: str) -> None:
    from molthub.registry.report_formats import github_commands, sarif

    if form == "sarif":
        log = sarif(result.problems, version=__version__, revision=result.revision, prefix=prefix)
        click.echo(readable(log), nl=False)
    elif form == "github":
        for line in github_commands(result.problems, prefix=prefix):
            click.echo(line)
    else:
        console.problems(result.problems, err=False)
        console.result(_summary(console, result, state))


def _summary(console: Console, result: CheckResult, state: str) -> str:
    errors, warnings = result.having("error"), result.having("warning")
    counts = result.counts
    checked = (
        f"{counted(counts['skillVersions'], 'version')} of {counted(counts['skills'], 'skill')}, "
        f"{counted(counts['packs'], 'pack')}, {counted(counts['bots'], 'bot')} in {counted(counts['fleets'], 'fleet')} "
        f"{state}"
    )
    verdict = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    return f"{console.style(verdict, fg='red' if errors else 'green')} in {checked}"
