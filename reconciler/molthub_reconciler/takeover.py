"""Taking over what a bot's owner wrote by hand: conflicts that are none but for secrets.

Where somebody's own entry says exactly what is declared, with a text where the declaration has a secret, the program's
reference may replace that text. Everything else that the owner has stays a conflict. What overrides a key in the
owner's own file is taken away, once what is declared stands in ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from molthub.errors import PlatformValueError, Problem
from molthub.model import DesiredState, Json
from molthub.platforms.base import Platform
from molthub.platforms.config_file import same
from molthub.references.secrets import Secret, is_sensitive, pieces, placeholders
from molthub_reconciler.findings import Look
from molthub_reconciler.plan import Change, Place, Wanted
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.surroundings import Adoption


def taking_over(
    look: Look, desired: DesiredState, platform: Platform, adoption: Adoption, supply: Supply
) -> tuple[Look, tuple[Problem, ...]]:
    """Return a look in which what was written by hand and is declared now is brought, and overrides are taken away.

    A key stays a conflict where its secrets do not resolve: the problems say which.
    """
    changes = {change.key: change for change in look.plan.changes}
    problems: list[Problem] = []
    for key, wanted in look.wanted.keys.items():
        change = changes.get(key)
        overrides = tuple(place for place in wanted.overrides if place in look.observed.standing)
        if change is None or change.cause != "conflict":
            is_taken = bool(overrides)
        elif key.startswith("skill/"):
            is_taken = change.at in wanted.places and _is_whole_in(look, desired, change, supply)
        else:
            in_clear = _in_clear(look, desired, platform, change)
            missing = sorted(adoption.missing(desired.path, in_clear)) if in_clear else []
            problems += (_would_be_lost(key, name, desired.path) for name in missing)
            is_taken = in_clear is not None and not missing
        if is_taken:
            changes[key] = _brought(look, key, wanted, change, overrides)
    taken = replace(look.plan, changes=tuple(sorted(changes.values(), key=lambda one: one.key)))
    return replace(look, plan=taken), tuple(problems)


def _would_be_lost(key: str, secret: str, bot: str) -> Problem:
    message = f"{key} is not taken over: its secret {secret} does not resolve here, and would be lost with what stands"
    return Problem("MH731", message, f"molthub secrets set {secret} --bot {bot}", "warning")


def _brought(look: Look, key: str, wanted: Wanted, change: Change | None, overrides: tuple[Place, ...]) -> Change:
    observed = look.observed.standing
    write = tuple(place for place, same_as in wanted.all.items() if observed.get(place) != same_as)
    remove = (*overrides, *(change.remove if change is not None else ()))
    return Change(key, "update", "declared", (*write, *remove)[0], None, write, remove)


def _is_whole_in(look: Look, desired: DesiredState, change: Change, supply: Supply) -> bool:
    """Whether every file of a skill folder is in the version that is declared, so that replacing it loses nothing."""
    digest = desired.desired[change.key]
    artifact, standing = desired.skills.get(digest), look.observed.trees.get(change.at)
    if artifact is None or standing is None or supply.provide([artifact]):
        return False
    return set(standing) <= set(supply.files(digest))


def _in_clear(look: Look, desired: DesiredState, platform: Platform, change: Change) -> frozenset[str] | None:
    """Return the secrets that stand in clear where all else is as declared; None where something else differs."""
    value = look.observed.values.get(change.at)
    if value is None or any(_other_strangers(look, change)):
        return None
    try:
        standing = platform.read_back(desired.agent, change.key, value)
    except PlatformValueError:
        return None
    declared = desired.desired[change.key]
    if not means(declared, standing):
        return None
    return frozenset(placeholders(declared)) - frozenset(placeholders(standing))


def _other_strangers(look: Look, change: Change) -> Iterator[Place]:
    """Yield the key's other places where something stands that is not what is declared."""
    wanted = look.wanted.keys[change.key]
    for place, same_as in (*wanted.places.items(), *wanted.shadows.items()):
        if place != change.at and look.observed.standing.get(place, same_as) != same_as:
            yield place


def means(declared: Json, standing: Json) -> bool:
    """Whether ``standing`` says what is declared, with any text where that has a secret.

    A missing field counts as empty, and a server that is reached by url is by default reached over http.
    """
    if isinstance(declared, dict) and isinstance(standing, dict):
        fields = [field for field in (*declared, *standing) if field != "transport"]
        is_same_way = declared.get("transport", "http") == standing.get("transport", "http")
        return is_same_way and all(_member(declared, standing, field) for field in fields)
    if isinstance(declared, list) and isinstance(standing, list):
        return len(declared) == len(standing) and all(map(means, declared, standing))
    if isinstance(declared, str) and isinstance(standing, str):
        if not is_sensitive(declared):
            return pieces(declared) == pieces(standing)
        pattern = "".join(".+" if isinstance(part, Secret) else re.escape(part) for part in pieces(declared))
        plain = "".join("\0" if isinstance(part, Secret) else part for part in pieces(standing))
        return re.fullmatch(pattern, plain, re.DOTALL) is not None
    return same(declared, standing)


def _member(declared: dict[str, Json], standing: dict[str, Json], field: str) -> bool:
    if field in declared and field in standing:
        return means(declared[field], standing[field])
    return (declared.get(field) or standing.get(field)) in ([], {})
