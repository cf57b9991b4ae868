"""What was found to be imported, and what becomes of it. The nouns of :mod:`molthub.registry.authoring.imports`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from molthub.errors import Problem
from molthub.model import FileEntry, Json
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.publish import Bump
from molthub.registry.upstreams.upstream import Upstream

State = Literal["new", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill as an upstream has it. ``name`` is what it shall be called here; ``version`` None: what it says itself.

    ``yanked`` is why the upstream has yanked it. ``asked`` tells what was asked for from what came along.
    """

    name: str | None
    version: str | None
    files: tuple[tuple[FileEntry, bytes], ...]
    upstream: Upstream
    yanked: str | None = None
    asked: bool = True
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPack:
    """A pack's version as an upstream has it; ``content`` is its file."""

    name: str
    number: int
    content: bytes
    upstream: Upstream
    yanked: str | None = None
    asked: bool = True
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for: who owns what is new, how a version that is taken is numbered, when it is."""

    published: str
    owner: str | None = None
    bump: Bump | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one version. ``problems`` are notes and warnings, or the reasons for a refusal.

    ``size`` is that of all its files, ``files`` those of them that are kept here.
    """

    kind: Literal["skill", "pack"]
    state: State
    name: str
    version: str
    upstream: Upstream
    digest: str = ""
    size: int = 0
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, NewFile] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How people name it."""
        return f"{'pack/' if self.kind == 'pack' else ''}{self.name} {self.version}".rstrip()

    def refused(self, *problems: Problem) -> Outcome:
        """Return it as refused, for these reasons."""
        return replace(self, state="refused", problems=problems, files={})

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        known = {"kind": self.kind, "name": self.name, "version": self.version, "digest": self.digest}
        problems = [problem.to_json() for problem in self.problems]
        upstream = self.upstream.to_json(self.digest)
        return {**{key: value for key, value in known.items() if value}, "upstream": upstream,
                "result": self.state, "problems": problems}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """All outcomes; ``files`` are what the commit writes, and none where anything was refused."""

    outcomes: tuple[Outcome, ...]
    files: Mapping[str, NewFile]

    def having(self, state: State) -> tuple[Outcome, ...]:
        """Return the outcomes of one kind."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == state)

    @property
    def message(self) -> str:
        """The commit's message."""
        new = self.having("new")
        lines = [f"- {outcome.shown}, {outcome.upstream.shown}" for outcome in new]
        head = f"Import {new[0].shown}" if len(new) == 1 else f"Import {len(new)} versions"
        return head + "\n\n" + "\n".join(lines)
