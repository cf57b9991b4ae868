"""``molthub skill-packs import``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.bot_outcomes import show_bots
from molthub.cli.skill_packs.options import now, sign_option, signatures
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, FormatError

if TYPE_CHECKING:
    from molthub.registry.authoring.import_packs import Import, Taken


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE.json...")
@click.option("--owner", metavar="NAME", help="Who owns packs that are not built in. Default: the registry's owner.")
@sign_option
@editing_options
@common_options
def import_packs(
    console: Console, files: tuple[str, ...], *, owner: str | None, key: str | None, editing: Editing
) -> ExitStatus:
    """Take in SkillPacks that another service keeps as JSON, and what they are attached to.

    FILE (`-`: standard input) holds a pack, a list of packs, or lists of packs and of attachments (botInstanceId,
    skillPackId, envOverrides, attachedAt). The name becomes the display name, its slug the name; workspaceId becomes a
    label, a built-in pack the registry owner's. What has no place here is named. Doing it again changes nothing; what
    changed there becomes the next version here. A token in clear is refused, with the placeholder to write.

    \b
    Examples:
      molthub skill-packs import packs.json --dry-run
      molthub skill-packs import packs.json --owner platform-team
      curl -s https://bots.example.com/api/v1/skill-packs | molthub skill-packs import -

    Exit status: 0 done or nothing to do, 4 some packs or attachments were refused (each is named), 1 all were.
    """
    from molthub.registry.authoring.import_packs import import_packs as taken_in
    from molthub.registry.authoring.pack_export import read_export

    read = [read_export(_json(file), file) for file in files]
    packs = [pack for found, _ in read for pack in found]
    attachments = [one for _, found in read for one in found]
    done = taken_in(editing.checkout.source, packs, attachments, owner=owner, published=now())
    new = {path: content for path, content in done.files.items() if path.startswith("packs/")}
    if not editing.dry_run:
        done.files |= signatures(new, key)
    _show(console, done)
    written = [one.change.name for one in done.packs if one.change.number is not None]
    what = written[0] if len(written) == 1 else counted(len(written), "pack")
    message = f"Import {what}" if written else "Import attachments of packs"
    editing.finish(console, done.files, message, after="molthub skill-packs list")
    console.json({**_as_json(done), **editing.to_json()})
    refused = sum(bool(one.change.problems) for one in done.packs) + sum(bool(bot.error) for _, bot in done.bots)
    if not refused:
        return ExitStatus.DONE
    return ExitStatus.FAILED if refused == len(done.packs) + len(done.bots) else ExitStatus.PARTLY_DONE


def _json(file: str) -> Any:
    content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"this is no JSON: {error}", place=file, remedy="export it again") from None


def _show(console: Console, done: Import) -> None:
    for one in done.packs:
        console.result(_line(console, one))
        for problem in one.change.problems:
            place = problem.place if problem.line else f"{problem.file or ''}{problem.at or ''}"
            console.result(f"    {place + ': ' if place else ''}{problem.message} ({problem.id})")
            if problem.remedy:
                console.result(f"      {problem.remedy}")
        for note in one.notes:
            console.result(f"    {note}")
    for pack, outcome in done.bots:
        show_bots(console, [outcome], pack)
    for note in done.notes:
        console.result(f"- {note}")


def _line(console: Console, one: Taken) -> str:
    change = one.change
    if change.problems:
        return f"{console.style('!', fg='red')} {change.name or one.pack_id}  refused"
    if change.number is None:
        return f"= {change.name} {change.before}  unchanged"
    return f"{console.style('+', fg='green')} {change.name} {change.number}"


def _as_json(done: Import) -> dict[str, Any]:
    failed = [
        {"botId": outcome.asked, "skillPackId": pack, "error": outcome.error}
        for pack, outcome in done.bots
        if outcome.error
    ]
    successful = [{"botId": outcome.asked, "skillPackId": pack} for pack, outcome in done.bots if not outcome.error]
    packs = [one.to_json() for one in done.packs]
    return {"packs": packs, "successful": successful, "failed": failed, "notes": done.notes}
