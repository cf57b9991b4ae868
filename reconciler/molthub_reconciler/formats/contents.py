"""Reading what differs, of the skills that a report names: the bot's own files beside those that should be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from molthub.errors import MolthubError
from molthub.model import Json
from molthub_reconciler.formats.text_differences import FileDifference, file_difference
from molthub_reconciler.formats.told import Told
from molthub_reconciler.report import BotReport, Report
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.base import Target

MAX_FILE = 256 * 1024
MAX_FILES = 40
"""Of one skill, so that a page stays one that a person can read."""


def told_in_full(report: Report, target: Target, supply: Supply) -> Told:
    """Return the report with the differences of text files. What cannot be had is said in its place."""
    found = {}
    for bot in report.bots:
        for change in bot.changes:
            if str(change["key"]).startswith("skill/") and change.get("parts"):
                found[bot.bot, str(change["key"])] = tuple(_differences(bot, change, target, supply))
    return Told(report, found)


def _differences(
    bot: BotReport, change: Mapping[str, Json], target: Target, supply: Supply
) -> Iterator[FileDifference]:
    digest = str(change.get("after"))
    artifact = bot.artifacts.get(digest)
    desired: dict[str, bytes] | None = None
    try:
        if artifact is not None and not supply.provide([artifact]):
            desired = {entry.path: content for entry, content in supply.store.content(digest)}
    except (MolthubError, OSError):
        desired = None
    for number, part in enumerate(change["parts"]):
        path = f"{change['file']}/{part['part']}"
        if number == MAX_FILES:
            yield FileDifference(str(change["file"]), note=f"{len(change['parts']) - number} more files differ")
            return
        if desired is None:
            yield FileDifference(path, note="what it should be is neither in the store nor to be had from the index")
        else:
            yield _difference(bot, path, part, desired, target)


def _difference(
    bot: BotReport, path: str, part: Mapping[str, Json], desired: Mapping[str, bytes], target: Target
) -> FileDifference:
    should = desired.get(str(part["part"]))
    has = target.read(bot.home or bot.bot, path, MAX_FILE) if part.get("before") is not None else None
    if (part.get("before") is not None and has is None) or (should is not None and len(should) > MAX_FILE):
        return FileDifference(path, note="too large to be shown, or no regular file")
    if has == should:
        return FileDifference(path, note="only its mode differs")
    return file_difference(path, has, should)
