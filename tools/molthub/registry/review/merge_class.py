"""Which changes may be merged at once, and which wait for a person. Pure.

Only what widens nothing is merged without a person: a higher patch or minor version of something that its owner
published before, which asks for no more than the version before it and carries no finding. Whatever is not known to be
of that kind waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from molthub.model import Json

Step = Literal["patch", "minor", "major", "pre-release", "older", "pack"]
ClassName = Literal["at-once", "new-name", "person", "refused"]


@dataclass(frozen=True)
class Bump:
    """A new version of something that exists. ``grown`` says what it asks for beyond the version before it."""

    name: str
    before: str | None
    after: str
    step: Step
    grown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is decided by. Paths are relative to the registry, ``outside`` ones to its repository.

    ``judged``: it was looked at whether everybody with a hand in the change may make it. ``findings`` are the ids of
    risk findings in what is new, allowed ones too; ``bots`` are those that get something else.
    """

    errors: int = 0
    judged: bool = True
    bumps: tuple[Bump, ...] = ()
    new_names: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()


@dataclass(frozen=True)
class MergeClass:
    """``at-once``; ``new-name`` and ``person`` wait for one; ``refused`` has errors. ``reasons`` say why it waits."""

    name: ClassName
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the class as the check's document holds it."""
        return {"class": self.name, "reasons": list(self.reasons)}


def merge_class(facts: Facts) -> MergeClass:
    """Return the class of a change."""
    if facts.errors:
        return MergeClass("refused", (f"{facts.errors} error{'s' * (facts.errors != 1)}",))
    reasons = _reasons(facts)
    names = [f"{name} is a new name" for name in facts.new_names]
    if reasons:
        return MergeClass("person", (*reasons, *names))
    return MergeClass("new-name", tuple(names)) if names else MergeClass("at-once")


def _reasons(facts: Facts) -> list[str]:
    """Return everything but new names that a person has to look at."""
    reasons = []
    if not facts.judged:
        reasons.append("it was not judged whether its author may make it")
    reasons += [f"{path} is no part of the registry" for path in facts.outside]
    reasons += [f"{path} is changed" for path in facts.other]
    for bump in facts.bumps:
        reasons += _reasons_of(bump)
    reasons += [f"there is a finding {found}" for found in sorted(set(facts.findings))]
    reasons += [f"the bot {bot} gets something else" for bot in facts.bots]
    if not facts.bumps and not facts.new_names and not reasons:
        reasons.append("it publishes nothing")
    return reasons


def _reasons_of(bump: Bump) -> list[str]:
    said = {
        "major": "is a major version",
        "pre-release": "is a pre-release",
        "older": "is not above the newest version",
    }
    told = [f"{bump.name} {bump.after} {said[bump.step]}"] if bump.step in said else []
    return told + [f"{bump.name} {bump.after} {what}" for what in bump.grown]
