"""``molthub skill-packs update``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.options import content_options, now, sign_option, signatures, words
from molthub.console import Console, common_options
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from molthub.registry.authoring.pack_edits import PackEdits
    from molthub.registry.authoring.packs import PackChange


@click.command()
@click.argument("packs", nargs=-1, metavar="[PACK]...", shell_complete=completing.packs)
@content_options
@click.option("--name", "title", default="", metavar="TEXT", help="The name that people read.")
@click.option(
    "--without", multiple=True, metavar="KEY,...", help="Take out skill/NAME, mcp/NAME, env/KEY or pack/NAME."
)
@sign_option
@editing_options
@common_options
def update(
    console: Console,
    packs: tuple[str, ...],
    *,
    edits: PackEdits,
    title: str,
    without: tuple[str, ...],
    key: str | None,
    editing: Editing,
) -> ExitStatus:
    """Write the next version of packs whose skills have newer versions (default: all packs), or change one.

    What is named by options is put in, or changed where it is there already; a skill named without a range takes the
    newest version again. A version that was merged never changes: bots that name no version get the next one.

    \b
    Examples:
      molthub skill-packs update
      molthub skill-packs update standard-dev --dry-run
      molthub skill-packs update standard-dev --skills postgres@^2 --without mcp/postgres
      molthub skill-packs update monitoring --mcp "datadog=npx -y datadog-mcp" --env 'DD_API_KEY=${secrets.datadog}'

    Exit status: 0 done or nothing to do, 4 some packs could not be updated, 1 none could.
    """
    from molthub.registry.authoring.packs import update_packs

    edits = replace(edits, display_name=title, without=words(without))
    if edits and len(packs) != 1:
        raise UsageError("what a pack declares is changed in one pack at a time", remedy="name that pack")
    files, changes = update_packs(editing.checkout.source, packs, published=now(), edits=edits)
    if not editing.dry_run:
        files |= signatures(files, key)
    for change in changes:
        _show_change(console, change)
    if not changes:
        console.result("there are no packs")
    written = [change for change in changes if change.number is not None]
    after = f"molthub skill-packs sync {written[0].name}" if len(written) == 1 else ""
    if files or editing.dry_run:
        editing.finish(console, files, _message(written), after=after)
    shown = [change.to_json() for change in changes]
    console.json({"changes": shown, **editing.to_json()})
    refused = [change for change in changes if change.problems]
    if not refused:
        return ExitStatus.DONE
    return ExitStatus.FAILED if len(refused) == len(changes) else ExitStatus.PARTLY_DONE


def _show_change(console: Console, change: PackChange) -> None:
    if change.problems:
        console.result(f"{console.style('!', fg='red')} {change.name}  refused")
        for problem in change.problems:
            console.result(f"    {problem}")
    elif change.number is None:
        console.result(f"= {change.name} {change.before}  unchanged")
    else:
        console.result(
            f"{console.style('+', fg='green')} {change.name} {change.before} -> {change.number}: {change.moved}"
        )


def _message(written: Sequence[PackChange]) -> str:
    lines = [f"{change.name} {change.number}: {change.moved}" for change in written]
    if len(lines) == 1:
        return f"Update the pack {lines[0]}"
    return f"Update {len(lines)} packs\n\n" + "\n".join(f"- {line}" for line in lines)
