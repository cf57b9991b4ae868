"""What is said of one bot: its state, the digest of what was observed, and its changes as published. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from molthub.documents import digest_of
from molthub.model import DesiredState, FileEntry, Json
from molthub.references.secrets import placeholders
from molthub_reconciler.difference import (
    HIDDEN,
    NOTHING,
    Part,
    as_declared,
    declared_form,
    file_parts,
    origin_of,
    part_origin,
    value_parts,
)
from molthub_reconciler.plan import Change, Place, Plan
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.targets.base import Observed
from molthub_reconciler.wanted import WantedBot

State = Literal[
    "in-sync",
    "drifted",
    "pending",
    "conflict",
    "failed",
    "unresolved",
    "orphaned",
    "suspended",
    "rolled-back",
    "revoked",
    "offline",
]
Result = Literal["applied", "failed", "kept"]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that was known of one bot when it was compared: what its report is made of.

    ``rotated`` are the names of the secrets that changed. Where policy leaves parts of keys to the bot, ``ignores``
    says which, ``kept_files`` names such files of skills that differ, ``files`` what those should hold, by digest.
    """

    desired: DesiredState
    wanted: WantedBot = field(default_factory=WantedBot)
    observed: Observed = field(default_factory=Observed)
    receipt: Receipt = field(default_factory=lambda: Receipt(""))
    plan: Plan = field(default_factory=Plan)
    rotated: frozenset[str] = frozenset()
    ignores: Callable[[str, tuple[str, ...]], bool] | None = None
    kept_files: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[FileEntry, ...]] = field(default_factory=dict)


def state_of(plan: Plan, *, failed: bool = False) -> State:
    """Return a bot's state: the worst that its changes say."""
    causes = {change.cause for change in plan.changes if not change.is_extra and not change.is_told}
    if failed:
        return "failed"
    if "conflict" in causes or any(change.action == "keep" and change.cause == "both" for change in plan.changes):
        return "conflict"
    if causes & {"drifted", "both"}:
        return "drifted"
    if causes:
        return "pending"
    return "revoked" if any(change.is_told for change in plan.changes) else "in-sync"


def observed_digest(look: Look) -> str:
    """Return the digest over O in the declared form, cut to the keys of D and R. In sync it is D's digest."""
    differing = {
        change.key: change for change in look.plan.changes if not change.is_extra and change.drift not in _AS_DESIRED
    }
    doubtful = look.wanted.refused | look.wanted.withheld | differing.keys()
    state = {key: value for key, value in look.desired.desired.items() if key not in doubtful}
    for key, change in differing.items():
        value = _observed_value(look, change)
        if value is not NOTHING:
            state[key] = value
    return digest_of(state)


_AS_DESIRED = ("revoked", "secret-rotated")
"""What is told of keys whose places hold what they should."""


def shown_changes(look: Look, results: Mapping[str, Result] | None = None) -> tuple[Mapping[str, Json], ...]:
    """Return the changes as published; ``results`` says what became of each."""
    return tuple(_shown(look, change, results) for change in look.plan.changes)


def _shown(look: Look, change: Change, results: Mapping[str, Result] | None) -> Mapping[str, Json]:
    is_new = (change.action, change.cause, change.drift) == ("create", "declared", None)
    if is_new and change.key.startswith("skill/"):
        origin = origin_of(change.key, look.desired.origins)
        result = None if results is None else results.get(change.key, "kept")
        return _new_skill(change.key, change.at.file, look.desired.desired[change.key], origin, result)
    shown: dict[str, Json] = {"key": change.key, "action": change.action, "cause": change.cause}
    if change.drift:
        shown["drift"] = change.drift
    shown["file"] = change.at.file
    if change.drift == "secret-rotated":
        shown["secrets"] = sorted(look.rotated.intersection(placeholders(look.desired.desired[change.key])))
    elif not change.is_extra and change.drift != "unreadable":
        shown |= _skill_sides(look, change) if change.key.startswith("skill/") else _value_sides(look, change)
    origin = origin_of(change.key, look.desired.origins)
    if origin:
        shown["origin"] = origin
    if results is not None:
        shown["result"] = results.get(change.key, "kept")
    return shown


@lru_cache(maxsize=8192)  # thousands of bots get the same skills, and reports of all of them are held at once
def _new_skill(key: str, file: str, after: str, origin: str | None, result: Result | None) -> Mapping[str, Json]:
    shown: dict[str, Json] = {"key": key, "action": "create", "cause": "declared", "file": file}
    shown |= {"before": None, "after": after} | ({"origin": origin} if origin else {})
    return MappingProxyType(shown | ({"result": result} if result is not None else {}))


def _skill_sides(look: Look, change: Change) -> dict[str, Json]:
    place, after = change.at, look.desired.desired.get(change.key) if change.action != "delete" else None
    shown: dict[str, Json] = {"before": look.observed.standing.get(place), "after": after}
    found, files = look.observed.trees.get(place), look.receipt.files.get(str(after)) or look.files.get(str(after))
    if found is not None and files is not None and change.cause != "declared":
        shown["parts"] = [_part(part.path[0], part) for part in _told(look, change, file_parts(files, found))]
    return shown


def _told(look: Look, change: Change, parts: Iterable[Part]) -> list[Part]:
    """Return the parts that are not the bot's own."""
    return [part for part in parts if look.ignores is None or not look.ignores(change.key, part.path)]


def _value_sides(look: Look, change: Change) -> dict[str, Json]:
    desired = look.desired.desired.get(change.key, NOTHING)
    if desired is NOTHING:
        return {"before": _gone_value(look, change), "after": None}
    place = change.at
    if place in look.wanted.keys[change.key].wiring:
        before = look.observed.values.get(place, NOTHING) if not place.item else NOTHING
        part = Part(place.pointer, before, look.wanted.contents[place])
        return {"parts": [_part(part.pointer, part)]}
    if place not in look.observed.values:
        return {"before": None, "after": desired}
    parts = _parts(look, change, desired)
    if [part.path for part in parts] == [()]:
        return {"before": _json(parts[0].before), "after": desired}
    return {"parts": [_part(part.pointer, part, _origin(look, change, part)) for part in parts]}


def _origin(look: Look, change: Change, part: Part) -> str | None:
    return part_origin(change.key, part.path, look.desired.desired, look.desired.origins)


def _part(name: str, part: Part, origin: str | None = None) -> dict[str, Json]:
    shown = {"part": name, "before": _json(part.before), "after": _json(part.after)}
    return {**shown, "origin": origin} if origin else shown


def _json(value: Json) -> Json:
    return None if value is NOTHING else value


def _parts(look: Look, change: Change, desired: Json) -> tuple[Part, ...]:
    place = change.at
    want = look.wanted.keys[change.key]
    meant = place if place in want.places else next(iter(want.places))
    return value_parts(desired, look.wanted.compared[meant], look.observed.values[place])


def _observed_value(look: Look, change: Change) -> Json:
    """Return what stands for a key that differs, in the declared form; NOTHING: the key is not in effect."""
    place = change.at
    if change.drift == "unreadable":
        return NOTHING
    if change.key.startswith("skill/"):
        return look.observed.standing.get(place, NOTHING)
    if change.key not in look.desired.desired:
        return _gone_value(look, change)
    if place in look.wanted.keys[change.key].wiring or place not in look.observed.values:
        return NOTHING
    desired = look.desired.desired[change.key]
    return declared_form(desired, _parts(look, change, desired))


def _gone_value(look: Look, change: Change) -> Json:
    """Return what is left of a key that is declared no more. Only what we wrote is known to hold no secret."""
    return HIDDEN if change.cause == "both" else as_declared(look.observed.values.get(change.at, HIDDEN))
