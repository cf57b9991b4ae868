"""What depends on many skills at once: packs with their locks, and bots with what they resolve to.

It is made from a catalog whose skills are read when they are asked for, and it notes which were. As long as none of
these changed, and nothing else that it was made from did, what it made the last time still holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from molthub.index.on_demand import OfferedOnDemand, OnDemand, SkillsOnDemand, entry_of
from molthub.index.state.state import State
from molthub.model import Json
from molthub.registry.trees.git_source import GitSource

FLEET_FOLDERS = frozenset({"fleets", "profiles", "overlays"})


@dataclass(frozen=True)
class SkillsAsked:
    """What was asked of skills: those that were read, with their trees, and those of which only the name mattered.

    ``offers`` says what was offered of versions, ``all_names`` whether every name mattered.
    """

    trees: Mapping[str, str]
    names: Mapping[str, bool]
    offers: Iterable[tuple[str, str, str]]
    all_names: bool

    @classmethod
    def of(cls, skills: SkillsOnDemand, archived: OfferedOnDemand) -> Self:
        """Return what was asked so far."""
        offers = [(*key, offer) for key, offer in archived.asked.items()]
        return cls(dict(skills.asked), dict(skills.asked_names), offers, skills.asked_for_all)

    def holds(self, state: State, changed: Iterable[str], *, names_changed: bool) -> bool:
        """Whether the answers would be the same, after some skills ``changed``."""
        touched = set(changed)
        if names_changed and self.all_names:
            return False
        if any(state.skills.tree(name) != self.trees[name] for name in touched & self.trees.keys()):
            return False
        if any(state.skills.readable(name) != self.names[name] for name in touched & self.names.keys()):
            return False
        offered = OfferedOnDemand(skills=OnDemand(lambda name: entry_of(state, name)))
        return all(offered.offer(skill, version) == offer for skill, version, offer in self.offers if skill in touched)


@dataclass(frozen=True)
class _Around:
    """What is remembered of things that stand around skills.

    ``outline`` and ``asked`` say what it was made from: the files of the commit, and what was asked of skills.
    """

    outline: str
    asked: SkillsAsked

    def to_json(self) -> Json:
        """Return it as a fact of the state."""
        return asdict(self)

    @classmethod
    def from_json(cls, fact: Mapping[str, Any]) -> Self:
        """Read it as :meth:`to_json` wrote it."""
        return cls(**{**fact, "asked": SkillsAsked(**fact["asked"])})


@dataclass(frozen=True)
class AroundSkills(_Around):
    """What is remembered of packs, as JSON; ``paths`` are all of their files."""

    packs: list[str]
    paths: list[str]
    removed: list[str]
    counts: dict[str, int]
    problems: list[dict[str, object]]


@dataclass(frozen=True)
class AroundBots(_Around):
    """What is remembered of fleets beside their bots, as JSON.

    ``offered`` are the packs that are offered. ``documents`` are the fleets' hex names, ``said`` digests of what each
    declares. ``folders`` are the trees of those folders of bots in which nothing but plain files stands. ``listed`` are
    the packs whose bots are listed.
    """

    offered: list[str]
    documents: dict[str, str]
    said: dict[str, str]
    folders: dict[str, str]
    listed: list[str]
    problems: list[dict[str, object]]


def outline_of(source: GitSource, *, fleets: bool) -> str:
    """Return a digest of the files that packs and fleets are made from, skills apart."""
    return source.outline(left_out(fleets=fleets))


def left_out(*, fleets: bool) -> frozenset[str]:
    """Return the folders that packs and fleets are not made from."""
    return frozenset({"skills"}) if fleets else FLEET_FOLDERS | {"skills"}
