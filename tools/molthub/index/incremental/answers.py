"""What a commit answers to the questions that were asked while bots were made: other answers, other bots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from molthub.errors import Problem
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import OfferedOnDemand
from molthub.model import Fleet
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.noted import ALL, Asked
from molthub.registry.trees.tree_part import TreePart

OF_SKILLS = frozenset({"skill", "skill?", "offer"})
"""The kinds of questions that skills answer."""

_SEPARATOR = "\n"
_DECLARED = ("skill/", "pack/", "profile/", "overlay/", "fleet/")


def dangling_key(key: tuple[str, str]) -> str:
    """Write the place of a dangling reference, and what it names, as one key."""
    return _SEPARATOR.join(key)


def of_skill(underway: Underway, offered: OfferedOnDemand, asked: Asked) -> str:
    """Return the answer to a question of :data:`OF_SKILLS`."""
    kind, key = asked
    if key == ALL:
        return str(underway.names_changed)  # it was answered "False": which names there were is not kept
    if kind == "offer":
        return offered.offer(*key.split(" "))
    return underway.state.skills.tree(key) if kind == "skill" else str(underway.state.skills.readable(key))


class Answers:
    """The answers of one commit, of which ``part`` holds what stands around skills, bots apart."""

    def __init__(self, underway: Underway, catalog: Catalog, part: TreePart, offered: OfferedOnDemand) -> None:
        self._underway, self._catalog, self._part, self._offered = underway, catalog, part, offered
        self._said: Mapping[str, Callable[[str], str]] = {
            "broken": lambda key: catalog.broken.get(key, ""),
            "dangling": self._dangling,
            "fleet": lambda key: declared(catalog.fleets[key], rollout=False) if key in catalog.fleets else "",
            "pack": lambda key: self._files(f"packs/{key}"),
            "profile": lambda key: self._files(f"profiles/{key}.yaml"),
            "overlay": lambda key: self._files(f"overlays/{key}.yaml"),
        }
        self._named: Mapping[str, Iterable[str]] = {
            "broken": [key for key in catalog.broken if key.startswith(_DECLARED)],
            "fleet": catalog.fleets,
            "pack": catalog.packs,
            "profile": catalog.profiles,
            "overlay": catalog.overlays,
        }
        self._below = _by_folder(part)

    def to(self, asked: Asked) -> str:
        """Return the answer to one question."""
        if asked.kind in OF_SKILLS:
            return "False" if asked.key == ALL else of_skill(self._underway, self._offered, asked)
        if asked.key == ALL:
            return _digest(sorted(self._named[asked.kind]))
        return self._said[asked.kind](asked.key)

    def others(self, before: Mapping[Asked, str]) -> dict[Asked, str]:
        """Return the questions that are answered otherwise than ``before``, with their answers now."""
        changed, names_changed = self._underway.changed, self._underway.names_changed
        others: dict[Asked, str] = {}
        for asked, answer in before.items():
            if asked.kind in OF_SKILLS:
                if asked.key == ALL and names_changed:
                    others[asked] = "False"
                if asked.key.partition(" ")[0] not in changed:
                    continue
            now = self.to(asked)
            if now != answer:
                others[asked] = now
        return others

    def _dangling(self, key: str) -> str:
        at, _, named = key.partition(_SEPARATOR)
        found: Problem | None = self._catalog.dangling.get((at, named))
        return json.dumps(found.to_json()) if found is not None else ""

    def _files(self, path: str) -> str:
        """Return a digest of the files at or below a path, and of what was refused there."""
        refused = sorted(
            other
            for other in self._part.refused
            if other == path or other.startswith(f"{path}/") or path.startswith(f"{other}/")
        )
        return _digest([self._below.get(path, []), refused])


def declared(fleet: Fleet, *, rollout: bool = True) -> str:
    """Return a digest of what a fleet declares; its bots' documents do not depend on its rollout."""
    return _digest(fleet if rollout else replace(fleet, rollout=None))


def _by_folder(part: TreePart) -> dict[str, list[tuple[str, str]]]:
    """Return the files of packs, profiles and overlays by their folder, or by themselves."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, file in part.files.items():
        top, _, rest = path.partition("/")
        if top in ("profiles", "overlays", "packs"):
            folder = f"packs/{rest.partition('/')[0]}" if top == "packs" else path
            found.setdefault(folder, []).append((path, file.id))
    return found


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()
