"""What depends on many skills at once: packs with their locks, and bots with what they resolve to.

It is made from a catalog whose skills are read when they are asked for, and it notes which were. As long as none of
these changed, and nothing else that it was made from did, what it made the last time still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from molthub.documents import shard_from_json
from molthub.documents.signatures import signatures_from_json
from molthub.errors import MolthubError, Problem
from molthub.index.archive_packs import archive_packs
from molthub.index.archive_skills import imported_of, whole_content
from molthub.index.fleets import FleetDocuments, write_fleets
from molthub.index.listings import Listed, entry_views, listed, pack_lists
from molthub.index.publishers import Publishers
from molthub.index.releases import Archived
from molthub.index.shards import shard_document
from molthub.index.signatures import signature_files
from molthub.index.state.state import State
from molthub.index.views import Files, Views
from molthub.index.views.fleets import fleet_routes
from molthub.model import Artifact, SignedVersion, Skill, SkillEntry, SkillVersion
from molthub.publisher_signatures import demanded_by
from molthub.registry.catalog import read_around
from molthub.registry.publisher_keys import SignatureJudge
from molthub.registry.resolve import resolve_bots
from molthub.registry.touched import read_skill
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.skill_folders import skill_part
from molthub.registry.upstreams.content import NO_UPSTREAMS, Content, Upstreams

Key = TypeVar("Key")
Value = TypeVar("Value")

FLEET_FOLDERS = frozenset({"fleets", "profiles", "overlays"})


class SkillsOnDemand(Mapping[str, Skill]):
    """The catalog's skills, each read when it is asked for.

    ``asked`` holds the trees of those that were, empty for one that is not there. ``asked_names`` says whether there
    are skills of the names of which no more than that was asked.
    """

    def __init__(self, source: GitSource, state: State, upstreams: Upstreams = NO_UPSTREAMS) -> None:
        self._source = source
        self._state = state
        self._upstreams = upstreams
        self._read: dict[str, Skill | None] = {}
        self.asked: dict[str, str] = {}
        self.asked_names: dict[str, bool] = {}
        self.asked_for_all = False

    def __getitem__(self, name: str) -> Skill:
        self.asked[name] = self._state.skills.tree(name)
        found = self.peek(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        found = self._state.skills.readable(str(name))
        self.asked_names[str(name)] = found
        return found

    def __iter__(self) -> Iterator[str]:
        self.asked_for_all = True
        return iter(self._state.skills.readable_names())

    def __len__(self) -> int:
        return sum(1 for _name in self)

    def peek(self, name: str) -> Skill | None:
        """Return a skill without noting that it was asked for."""
        if name not in self._read:
            tree = self._state.skills.tree(name)
            self._read[name] = read_skill(self._source, name, tree) if tree else None
        return self._read[name]

    def version(self, name: str, version: str) -> SkillVersion:
        """Return one version without noting it; raises KeyError."""
        skill = self.peek(name)
        if skill is None:
            raise KeyError(name)
        return skill.versions[version]

    def content(self, name: str, version: str) -> Content:
        """Return the files of one version without noting it; raises KeyError.

        Raises :class:`MolthubError` where somebody took an imported version's archive away, and nobody else has it.
        """
        found = self.version(name, version)
        part = skill_part(self._source, name, self._state.skills.tree(name))
        content, imported = whole_content(found, part, self._upstreams), imported_of(found)
        if content is None and imported is not None:  # it is in the index already, and was not needed so far
            self._upstreams.bring([imported])
            content = whole_content(found, part, self._upstreams)
        if content is None:
            message = f"the files of {name} {version} are in no index that was asked, nor at its upstream"
            remedy = (
                "its archive was taken out of this folder: name an index that has it with --previous, or try --full"
            )
            raise MolthubError(message, place=found.folder, remedy=remedy)
        return content


@dataclass(frozen=True)
class OfferedOnDemand(Archived):
    """What the index offers, as the state remembers it, read when it is asked for.

    ``asked`` says what there was of every version that somebody asked for.
    """

    asked: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, skills: SkillsOnDemand, judge: SignatureJudge | None = None) -> OfferedOnDemand:
        """Offer what ``state`` remembers of ``skills``; ``judge`` judges the signatures of what is archived beside."""
        return cls(
            judge=judge or SignatureJudge(),
            signed=_OnDemand(lambda key: _signed(state, key)),
            skills=_OnDemand(lambda name: _entry(state, name)),
            manifests=_OnDemand(lambda key: skills.version(*key).manifest),
            contents=_OnDemand(lambda key: skills.content(*key)),
        )

    def artifact(self, skill: str, version: str) -> Artifact | None:
        """Return how to fetch a skill's version, or None where there is no archive of it."""
        self.asked[skill, version] = self.offer(skill, version)
        return Archived.artifact(self, skill, version)

    def was_removed(self, skill: str, version: str) -> bool:
        """Whether nothing but a tombstone is left of a skill's version."""
        self.asked[skill, version] = self.offer(skill, version)
        return Archived.was_removed(self, skill, version)

    def offer(self, skill: str, version: str) -> str:
        """Return what there is of a version: its archive, digest and signature, ``removed``, or nothing."""
        if Archived.was_removed(self, skill, version):
            return "removed"
        artifact = Archived.artifact(self, skill, version)
        return f"{artifact.archive} {artifact.digest} {artifact.signature}" if artifact is not None else ""


class _OnDemand(MutableMapping[Key, Value], Generic[Key, Value]):
    """A mapping that looks a key up when it is asked for, and remembers what it found."""

    def __init__(self, look_up: Callable[[Key], Value]) -> None:
        self._look_up = look_up
        self._found: dict[Key, Value] = {}

    def __getitem__(self, key: Key) -> Value:
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        self._found[key] = value

    def __delitem__(self, key: Key) -> None:
        del self._found[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _signed(state: State, key: str) -> SignedVersion:
    content = state.rows.signed(key.removeprefix("skill/").rpartition("@")[0]) if key.startswith("skill/") else b""
    if not content:
        raise KeyError(key)
    return signatures_from_json(content, key)[key]


def _entry(state: State, name: str) -> SkillEntry:
    row = state.rows.shard_row("skill", name)
    if row is None:
        raise KeyError(name)
    return shard_from_json(shard_document([row]), name).skills[name]


# --- what is made of them --------------------------------------------------------------------------------------------


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
        offered = OfferedOnDemand(skills=_OnDemand(lambda name: _entry(state, name)))
        return all(offered.offer(skill, version) == offer for skill, version, offer in self.offers if skill in touched)


def outline_of(source: GitSource, *, fleets: bool) -> str:
    """Return a digest of the files that packs and fleets are made from, skills apart."""
    return source.outline(_left_out(fleets=fleets))


def _left_out(*, fleets: bool) -> frozenset[str]:
    return frozenset({"skills"}) if fleets else FLEET_FOLDERS | {"skills"}


def make_around(
    source: GitSource,
    state: State,
    publishers: Publishers,
    *,
    fleets: bool,
    upstreams: Upstreams = NO_UPSTREAMS,
    views: Views = Views.ALL,
) -> tuple[AroundSkills, list[Listed], Files]:
    """Return what an index holds of packs and fleets: what to remember, the packs' rows, and their files."""
    part = source.part(without=_left_out(fleets=fleets))
    skills = SkillsOnDemand(source, state, upstreams)
    catalog = read_around(part, skills, state.skills.broken(), state.skills.dangling())
    judge = publishers.judge(source, demanded_by(catalog.registry.policy))
    archived = OfferedOnDemand.of(state, skills, judge)
    archive_packs(catalog, part, archived)
    documents = write_fleets(catalog.fleets, resolve_bots(catalog), archived) if fleets else FleetDocuments()
    files = documents.files | {f"archives/{name}.tar.gz": content for name, content in archived.archives.items()}
    packs_signed = {key: found for key, found in archived.signed.items() if key in archived.signed_manifests}
    files |= signature_files(archived, packs_signed)
    for pack in archived.packs.values():
        files |= entry_views(catalog.registry, archived, pack, views)
    if views.for_clients:
        files |= pack_lists(catalog.registry, archived)
    if fleets and views.for_clients:
        files |= fleet_routes(catalog, documents.states, archived.packs)
    rows = [listed(archived, pack, views) for pack in archived.packs.values()]
    releases = [release for pack in archived.packs.values() for release in pack.releases.values()]
    found = (*catalog.problems, *archived.problems, *documents.problems)
    around = AroundSkills(
        outline=outline_of(source, fleets=fleets),
        trees=skills.asked,
        names=skills.asked_names,
        offers=[(*key, offer) for key, offer in archived.asked.items()],
        all_names=skills.asked_for_all,
        packs=list(archived.packs),
        paths=sorted(files),
        fleets=documents.names,
        unresolved=[path for path, bot in documents.states.items() if not bot.resolved],
        removed=[release.artifact.digest for release in releases if release.removed is not None],
        counts={
            "packs": len(archived.packs),
            "packVersions": sum(release.removed is None for release in releases),
            "fleets": len(documents.names),
            "bots": len(documents.states),
        },
        problems=[problem.to_json() for problem in found],
    )
    return around, rows, files


def problems_of(around: AroundSkills) -> Iterator[Problem]:
    """Yield what was found wrong around the skills."""
    return (Problem(**problem) for problem in around.problems)  # type: ignore[arg-type] # as to_json() wrote it
