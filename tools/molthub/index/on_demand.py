"""The skills of a commit, and what an index offers of them, read when they are asked for; what was asked is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from molthub.documents import shard_from_json
from molthub.documents.signatures import signatures_from_json
from molthub.errors import MolthubError
from molthub.index.archive_skills import imported_of, whole_content
from molthub.index.releases import Archived
from molthub.index.shards import shard_document
from molthub.index.state.state import State
from molthub.model import Artifact, SignedVersion, Skill, SkillEntry, SkillVersion
from molthub.registry.concerned import read_skill
from molthub.registry.publisher_keys import SignatureJudge
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.skill_folders import skill_part
from molthub.registry.upstreams.content import NO_UPSTREAMS, Content, Upstreams

Key = TypeVar("Key")
Value = TypeVar("Value")


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
            signed=OnDemand(lambda key: _signed(state, key)),
            skills=OnDemand(lambda name: entry_of(state, name)),
            manifests=OnDemand(lambda key: skills.version(*key).manifest),
            contents=OnDemand(lambda key: skills.content(*key)),
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


class OnDemand(MutableMapping[Key, Value], Generic[Key, Value]):
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


def entry_of(state: State, name: str) -> SkillEntry:
    """Return what the shards say of a skill. Raises KeyError."""
    row = state.rows.shard_row("skill", name)
    if row is None:
        raise KeyError(name)
    return shard_from_json(shard_document([row]), name).skills[name]
