"""What depends on many skills at once: packs with their locks, and bots with what they resolve to.

It is made from a catalog whose skills are read when they are asked for, and it notes which were. As long as none of
these changed, and nothing else that it was made from did, what it made the last time still holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from molthub.index.on_demand import OfferedOnDemand, OnDemand, entry_of
from molthub.index.state.state import State
from molthub.registry.trees.git_source import GitSource

FLEET_FOLDERS = frozenset({"fleets", "profiles", "overlays"})


@dataclass(frozen=True)
class AroundSkills:
    """What is remembered of packs and fleets, as JSON; ``paths`` are all of their files.

    ``outline``, ``trees``, ``names``, ``offers`` and ``all_names`` say what it was made from: the files of the commit,
    the skills that were read, those of which only the name mattered, what was offered of them, and whether every name
    mattered.
    """

    outline: str
    trees: dict[str, str]
    names: dict[str, bool]
    offers: list[tuple[str, str, str]]
    all_names: bool
    packs: list[str]
    paths: list[str]
    fleets: dict[str, str]
    unresolved: list[str]
    removed: list[str]
    counts: dict[str, int]
    problems: list[dict[str, object]]

    @property
    def bots(self) -> frozenset[str]:
        """The bots, as ``<fleet>/<bot>``."""
        return frozenset(path[5:-5] for path in self.paths if path.startswith("bots/") and path.count("/") > 1)

    def holds(self, state: State, changed: Iterable[str], *, names_changed: bool) -> bool:
        """Whether it would come out the same, after some skills ``changed``."""
        touched = set(changed)
        if names_changed and self.all_names:
            return False
        if any(state.skills.tree(name) != self.trees[name] for name in touched & self.trees.keys()):
            return False
        if any(state.skills.readable(name) != self.names[name] for name in touched & self.names.keys()):
            return False
        offered = OfferedOnDemand(skills=OnDemand(lambda name: entry_of(state, name)))
        return all(offered.offer(skill, version) == offer for skill, version, offer in self.offers if skill in touched)


def outline_of(source: GitSource, *, fleets: bool) -> str:
    """Return a digest of the files that packs and fleets are made from, skills apart."""
    return source.outline(left_out(fleets=fleets))


def left_out(*, fleets: bool) -> frozenset[str]:
    """Return the folders that packs and fleets are not made from."""
    return frozenset({"skills"}) if fleets else FLEET_FOLDERS | {"skills"}
