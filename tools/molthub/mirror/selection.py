"""Which versions a part of an index holds. Pure: what is asked for and the shards in, versions by name out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from molthub.client.wanted import Wanted, parse_wanted
from molthub.errors import NotFoundError, Problem, UsageError
from molthub.model import DesiredState, PackEntry, Shard, SkillEntry
from molthub.nearest import did_you_mean
from molthub.versions import highest, matches


@dataclass(frozen=True)
class Selection:
    """What is asked for: names (``git``, ``git@^1``, ``pack/dev``, ``@acme``), the newest versions alone, fleets."""

    only: tuple[str, ...] = ()
    latest: bool = False
    fleets: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the index."""
        return self == Selection()

    def to_json(self) -> dict[str, Any]:
        """Return it as the mirror notes it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selection:
        """Read it. Raises KeyError, TypeError."""
        return cls(tuple(map(str, value["only"])), bool(value["latest"]), tuple(map(str, value["fleets"])))


class Chosen(NamedTuple):
    """The versions of a part, by name."""

    skills: dict[str, set[str]]
    packs: dict[str, set[int]]


def choose(selection: Selection, shards: Iterable[Shard], bots: Iterable[DesiredState]) -> Chosen:
    """Return the versions that are asked for, with all that they depend on.

    Raises :class:`NotFoundError` that names everything which is not there, and :class:`UsageError`.
    """
    skills: dict[str, SkillEntry] = {}
    packs: dict[str, PackEntry] = {}
    for shard in shards:
        skills |= shard.skills
        packs |= shard.packs
    choice = _Choice(skills, packs, latest=selection.latest)
    for text in selection.only:
        choice.ask(text)
    if not selection.only and not selection.fleets:
        choice.ask_for_all()
    for bot in bots:
        for artifact in bot.skills.values():
            choice.take_exactly(artifact.name, artifact.version)
    choice.raise_missing()
    return choice.chosen


class _Choice:
    def __init__(self, skills: Mapping[str, SkillEntry], packs: Mapping[str, PackEntry], *, latest: bool) -> None:
        self.chosen = Chosen({}, {})
        self._skills = skills
        self._packs = packs
        self._latest = latest
        self._missing: list[Problem] = []
        self._asked: set[tuple[str, str | None]] = set()

    def ask(self, text: str) -> None:
        """Take what a person names."""
        if text.startswith("@") and "/" not in text:
            self._take_scope(text)
            return
        wanted = parse_wanted(text)
        known = wanted.name in (self._packs if wanted.kind == "pack" else self._skills)
        if not known:
            self._miss(wanted.shown)
        elif wanted.kind == "pack":
            self._take_pack(wanted)
        elif not self._take_skill(wanted.name, wanted.range):
            self._missing.append(Problem("MH606", f"{text}: no version of it lies in that range"))

    def ask_for_all(self) -> None:
        """Take every skill and pack."""
        for name in self._skills:
            self._take_skill(name, None)
        for name in self._packs:
            self._take_pack(Wanted("pack", name, None, name))

    def take_exactly(self, name: str, version: str) -> None:
        """Take one version that something is locked to. A lock holds what it needs itself."""
        if name in self._skills:
            found = self.chosen.skills.setdefault(name, set())
            if version in self._skills[name].releases:
                found.add(version)

    def raise_missing(self) -> None:
        """Raise :class:`NotFoundError` where something that a person named is not there."""
        if self._missing:
            message = "nothing was mirrored, because not all that was named is in the index"
            raise NotFoundError(message, problems=self._missing)

    def _take_scope(self, scope: str) -> None:
        names = [name for name in self._skills if name.startswith(f"{scope}/")]
        if not names:
            self._miss(scope)
        for name in names:
            self._take_skill(name, None)

    def _take_skill(self, name: str, wanted: str | None) -> bool:
        """Take the versions in a range, or the highest of them; False: there is none. What it needs comes along."""
        if (name, wanted) in self._asked:
            return True
        self._asked.add((name, wanted))
        releases = self._skills[name].releases
        there = [version for version, release in releases.items() if release.artifact.archive]
        if self._latest:
            offered = [version for version in there if releases[version].available]
            best = highest(offered, wanted) or highest(there, wanted)
            versions = [best] if best is not None else []
        else:
            versions = [version for version in there if wanted is None or matches(version, wanted)]
        self.chosen.skills.setdefault(name, set()).update(versions)
        for version in versions:
            for other, range_ in releases[version].dependencies.items():
                if other in self._skills:  # else it is an application
                    self._take_skill(other, range_)
        return bool(versions)

    def _take_pack(self, wanted: Wanted) -> None:
        releases = self._packs[wanted.name].releases
        numbers = [number for number, release in releases.items() if release.artifact.archive]
        if wanted.range is not None:
            numbers = [number for number in numbers if str(number) == wanted.range]
        elif self._latest:
            offered = [number for number in numbers if releases[number].available]
            numbers = [max(offered or numbers)] if numbers else []
        if not numbers:
            self._missing.append(Problem("MH606", f"{wanted.text}: there is no such version of the pack"))
        self.chosen.packs.setdefault(wanted.name, set()).update(numbers)
        for number in numbers:
            for name, artifact in releases[number].skills.items():
                self.take_exactly(name, artifact.version)

    def _miss(self, shown: str) -> None:
        known = [*self._skills, *(f"pack/{name}" for name in self._packs)]
        known += sorted({name.partition("/")[0] for name in self._skills if name.startswith("@")})
        remedy = did_you_mean(shown, known, "look for it with `skills search`", most=2)
        self._missing.append(Problem("MH606", f"{shown} is not in this index", remedy))


def check_selection(selection: Selection) -> None:
    """Raise :class:`UsageError` for names that are none, before anything is fetched."""
    for text in selection.only:
        if text in ("", "@"):
            raise UsageError(f"{text!r} names nothing", remedy="write --only git, --only pack/dev or --only @acme")
        if not (text.startswith("@") and "/" not in text):
            parse_wanted(text)
