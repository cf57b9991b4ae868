"""The port to where bots live: what a pass asks of a target.

A pass (:mod:`molthub_reconciler.reconcile`) never knows what is behind it. It names places in a bot's home, is told
what stands there, and says what should stand there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from molthub.errors import Problem
from molthub.model import FileEntry, Json
from molthub.platforms.base import FileFormat, Pointer
from molthub_reconciler.plan import Place, Standing

CLOSED = "closed"
"""The fingerprint of a skill that cannot be looked into. No digest is the same."""


@dataclass(frozen=True, slots=True)
class Home:
    """One bot's home, for one look at it.

    ``bot`` is ``<fleet>/<bot>``, ``folder`` is ``<fleet>/<home>``. ``skill_roots`` are the folders that the agent
    program searches for this bot's skills, ``other_roots`` those that it searches besides; ``file_format`` says how a
    file of it is written, ``owners_fields`` which fields of an entry in it are the owner's: they are not looked at, and
    stay when the entry is updated. ``files`` are known file lists of skills by digest: a disk that holds no execute bit
    takes it from them.
    """

    bot: str
    folder: str
    skill_roots: tuple[str, ...] = ()
    other_roots: tuple[str, ...] = ()
    file_format: Callable[[str], FileFormat] = lambda _file: "json"
    owners_fields: Callable[[str, Pointer], frozenset[str]] = lambda _file, _pointer: frozenset()
    files: Mapping[str, tuple[FileEntry, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """O of one bot.

    ``standing`` holds every place asked for where something stands. ``skills`` are all skill folders below the roots,
    whoever made them, those of ``skill_roots`` first. A skill of the other roots that is a link, or cannot be read, is
    :data:`CLOSED`: that is no reason not to look at the bot. ``values`` (of places in files) and ``trees`` (of skills)
    say what it is in detail; a target that knows from the last look that nothing has moved may leave out what it was
    not asked for in detail.
    ``unreadable`` are files and folders of which nothing can be said, and why (MH701, MH702). ``statuses`` are those of
    all paths that this followed from, if it is certain that none can change without another status.
    """

    standing: Standing = field(default_factory=dict)
    skills: tuple[Place, ...] = ()
    values: Mapping[Place, Json] = field(default_factory=dict)
    trees: Mapping[Place, tuple[FileEntry, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, Problem] = field(default_factory=dict)
    statuses: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do for one key: put ``contents`` at their places, clear ``remove``.

    The content of a skill's place is its digest, that of any other place the value in the agent program's form. Of the
    skill at a place, the files of ``kept`` stay as they are, or missing as they are.
    """

    key: str
    contents: Mapping[Place, Json] = field(default_factory=dict)
    remove: tuple[Place, ...] = ()
    kept: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)


class Target(Protocol):
    """A place where bots live."""

    @property
    def where(self) -> str:
        """The target's address, as people know it."""
        ...

    @property
    def settling(self) -> float:
        """The seconds after which another look at what was written is certain."""
        ...

    def observe(
        self, home: Home, places: Collection[Place], *, detail: Collection[Place] = (), full: bool = False
    ) -> Observed:
        """Look at ``places`` and the skills of one home. ``full`` trusts nothing that an earlier look found.

        A file that does not parse or cannot be read is told as such, and the others are looked at all the same. Changes
        nothing in the home.
        """
        ...

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> Sequence[Mapping[str, Problem]]:
        """Do the steps of each home: skills first, then files, removals last. No two homes are the same.

        Return for each what failed, by key; the rest was done. Each skill and each file is replaced as a whole or not
        at all, also when the process is killed.
        """
        ...

    def read(self, folder: str, path: str, limit: int) -> bytes | None:
        """Return a file's bytes in the home ``folder``; None where there is none, or more than ``limit`` bytes."""
        ...

    def tidy(self, home: Home) -> None:
        """Remove what a killed pass left in a home. Called before a pass that may write."""
        ...
