"""Making many skills, in this process or in several: each skill by itself, its files written as they are made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from molthub.index.folder import TEMPORARY
from molthub.index.listings import SKILL_FOLDERS
from molthub.index.publishers import Publishers
from molthub.index.skill_rows import ReadSkill, SkillRows, make_skill, read_one
from molthub.index.views import Views
from molthub.index.write_files import Writer, files_below
from molthub.model import Registry
from molthub.publisher_signatures import demanded_by
from molthub.registry.trees.git_source import GitSource
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams

_AT_ONCE = 50
"""How many skills a process is given at a time: enough that handing them over costs nothing beside the work."""

_WORTH_A_PROCESS = 400
"""From how many skills on starting processes (0.2 s each) pays."""


@dataclass(frozen=True)
class Work:
    """Where skills are read and written. ``fresh`` says that nothing stands in the folder yet.

    ``registry`` is the repository or folder, ``said`` what its ``registry.yaml`` says, ``publishers`` those whose keys
    signatures are judged by. A skill of which ``upstreams``
    have not brought everything is not written, unless ``without`` says that it is to be made without.
    """

    registry: Path
    said: Registry
    publishers: Publishers
    revision: str
    out: Path
    fresh: bool
    upstreams: Upstreams = NO_UPSTREAMS
    without: bool = False
    views: Views = Views.ALL


class MadeSkill(NamedTuple):
    """One skill made: what to remember of it, how many files were written or left as they are.

    ``paths`` are all of its files and ``stale`` those it has no longer, where any stood in the folder before.
    """

    rows: SkillRows
    written: int = 0
    unchanged: int = 0
    paths: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


class SkillMaker:
    """Makes skills in one process."""

    def __init__(self, work: Work, source: GitSource | None = None) -> None:
        self._work = work
        self._source = source or GitSource(work.registry, work.revision)
        self._judge = work.publishers.judge(self._source, demanded_by(work.said.policy))
        # Archives of several processes come into one folder, and are written there beside their places.
        self._writer = Writer(work.out, fresh=work.fresh, temporary=f"{TEMPORARY}-{os.getpid()}")

    def make(self, skills: Sequence[tuple[str, str]]) -> Iterator[MadeSkill]:
        """Make skills, given with their trees, and write their files; those they have no longer are named, and left.

        All are read before the first is made: a processor does many of a kind faster than one of each in turn.
        """
        waiting = [read_one(self._source, name, tree) for name, tree in reversed(skills)]
        while waiting:  # with each goes what its files hold
            yield self._make(waiting.pop())

    def _make(self, read: ReadSkill) -> MadeSkill:
        work, writer = self._work, self._writer
        rows, files = make_skill(read, work.said, judge=self._judge, upstreams=work.upstreams, views=work.views)
        if rows.unfetched and not work.without:
            return MadeSkill(rows)
        before = () if work.fresh else skill_files(work.out, read.name)
        for path, content in files.items():
            writer.put(path, content)
        written = len(writer.written)
        writer.written.clear()
        if work.fresh:
            return MadeSkill(rows, written)
        stale = tuple(path for path in before if path not in files)
        return MadeSkill(rows, written, len(files) - written, tuple(files), stale)


def skill_files(out: Path, name: str) -> list[str]:
    """Return the views of one skill that stand in a folder, archives apart."""
    found = [path for folder in SKILL_FOLDERS for path in files_below(f"{out}/{folder}/{name}", f"{folder}/{name}")]
    return found + [path for path in [f"api/v1/skills/{name}.json"] if (out / path).is_file()]


def make_skills(work: Work, skills: Sequence[tuple[str, str]], source: GitSource, jobs: int) -> Iterator[MadeSkill]:
    """Make skills, each given with its tree; in whatever order they are done. ``jobs`` processes at most are used."""
    portions = (skills[at : at + _AT_ONCE] for at in range(0, len(skills), _AT_ONCE))
    if jobs <= 1 or len(skills) < _WORTH_A_PROCESS:
        maker = SkillMaker(work, source)
        for portion in portions:
            yield from maker.make(portion)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Processes are started anew and not forked: git's library keeps state, and not every system can fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(work,)) as pool:
        waiting = [pool.submit(_make_some, portion) for portion in islice(portions, 2 * jobs)]
        while waiting:
            yield from waiting.pop(0).result()
            waiting += [pool.submit(_make_some, portion) for portion in islice(portions, 1)]


_MAKERS: list[SkillMaker] = []


def _begin(work: Work) -> None:
    os.umask(0)  # an index's files have their modes, whoever builds it
    _MAKERS.append(SkillMaker(work))


def _make_some(skills: Sequence[tuple[str, str]]) -> list[MadeSkill]:
    return list(_MAKERS[0].make(skills))
