"""What a pass says of a bot beside its changes: what is left alone, what was withdrawn, what moved. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.errors import Problem
from molthub.references.skill_folders import SkillFolders
from molthub_reconciler.findings import Look
from molthub_reconciler.policy.pins import Pin
from molthub_reconciler.supply.releases import Withdrawn


def lifted(pin: Pin) -> Problem:
    """Say that a pin ended because git moved on."""
    message = f"git asks for something newer than what was rolled back at {pin.at}: it is followed again"
    return Problem("MH712", message, "nothing needs to be done", severity="warning")


def moved(old: str) -> Problem:
    """Say that a bot lives elsewhere than before; ``old`` is the folder of its former home."""
    message = f"the bot's home was {old}: what was written there stays"
    return Problem("MH706", message, f"remove {old} when nothing uses it any more", severity="warning")


def left_alone(look: Look) -> list[Problem]:
    """Say what is left alone although it differs, and why."""
    notes = []
    for change in look.plan.changes:
        file = change.at.file
        if change.cause == "conflict" and change.at != look.plan.rivals.get(change.key):
            message = f"{change.key}: something else stands there that molthub did not write; it is left alone"
            notes.append(Problem("MH705", message, _IN_THE_WAY, "warning", file))
        elif change.action == "keep" and change.cause == "both":
            message = f"{change.key} is no longer declared, but was edited here; it is left alone"
            notes.append(Problem("MH704", message, "remove it by hand, or declare it again", "warning", file))
    return notes


def rivalled(look: Look, searched: SkillFolders) -> list[Problem]:
    """Say which skills are not sure to be used, since the program finds others of their names in other folders."""
    notes = []
    for key, place in look.plan.rivals.items():
        is_first = place.file.rpartition("/")[0] in searched.before
        message = f"{key}: another skill of its name {'is' if is_first else 'may be'} used in its place"
        notes.append(Problem("MH743", message, "move it away, or take the key out of git", "warning", place.file))
    return notes


_IN_THE_WAY = (
    "move it away, or take the key out of git; "
    "what differs by secrets alone is taken over by `molthub reconcile --once --adopt --bot BOT`"
)


def of_withdrawn(look: Look, revoked: Mapping[str, Withdrawn]) -> list[Problem]:
    """Say which skills were withdrawn since, and what becomes of them on the bot; ``revoked`` is by key."""
    told = []
    for key, withdrawn in revoked.items():
        is_there = any(change.key == key for change in look.plan.changes)
        if key in look.wanted.withheld:
            fate = "is to be taken away from the bot" if is_there else "was taken away from the bot"
        elif is_there:
            fate = "stays on the bot"
        else:
            continue
        remedy = "name another version in git; `sync.revoked` says what becomes of such skills"
        told.append(Problem("MH713", f"{withdrawn}; it {fate}", remedy, "warning"))
    return told
