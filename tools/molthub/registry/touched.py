"""Two commits of a registry, as far as a change between them touches: what is equal on both sides is not read.

Of skills those are read whose trees differ. Any other skill is read when somebody asks for it by its name: because a
pack locks it, a bot has it, a version that is new needs it. What stands around skills is read where the change concerns
it (:mod:`molthub.registry.concerned`), and then all of it; where nothing but bots changed, of all bots those and their
neighbours alone (:mod:`molthub.registry.touched_bots`). So the check of one skill in a registry of 100,000 versions
costs what the skill costs, and that of one bot among 10,000 little more than the bot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from molthub.errors import Problem
from molthub.model import Skill
from molthub.registry.concerned import AROUND, are_concerned, read_skill
from molthub.registry.source import Source
from molthub.registry.touched_bots import left_out, touched_bots
from molthub.registry.trees.bot_folders import FLEETS
from molthub.registry.trees.git_source import ROOT_FILE, GitSource
from molthub.registry.trees.skill_folders import SKILLS, changed_folders, skill_folders, skill_part
from molthub.registry.trees.tree_part import TreePart
from molthub.registry.trees.tree_walk import TreeFile


class TouchedSource:
    """One of the two commits without the skills that the change does not touch, and ``without`` some other folders.

    ``bots`` are the blobs of the bots to read, by their files, where of the fleets ``partly`` not all are read.
    A source like any other.
    """

    uncommitted = 0

    def __init__(
        self,
        whole: GitSource,
        touched: Collection[str],
        without: Collection[str] = (),
        bots: Mapping[str, str] | None = None,
        partly: Collection[str] = (),
    ) -> None:
        self.whole = whole
        self.touched = frozenset(touched)
        self.partly = frozenset(partly)
        self.where, self.revision = whole.where, whole.revision
        trees = {name: whole.below_top(SKILLS, name) for name in sorted(touched)}
        parts = [whole.part(without=frozenset({SKILLS, *without}) | left_out(partly)), whole.these(bots or {})]
        parts += [skill_part(whole, name, tree) for name, tree in trees.items() if tree is not None]
        self._of: dict[str, TreePart] = {path: part for part in parts for path in part.files}
        files = {path: part.files[path] for path, part in self._of.items()}
        self.files: Mapping[str, TreeFile] = dict(sorted(files.items()))
        self.problems: tuple[Problem, ...] = tuple(problem for part in parts for problem in part.problems)
        self.refused = frozenset(path for part in parts for path in part.refused)
        self.strays = parts[0].strays

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises KeyError where ``files`` has no such path."""
        return self._of[path].read(path)

    @cached_property
    def trees(self) -> Mapping[str, str]:
        """The trees of all skills by name, touched or not."""
        return skill_folders(self.whole).trees


class TouchedSkills(Mapping[str, Skill]):
    """The skills of a commit: those that a change touches when they are gone through, any when it is asked for.

    Of a skill that is not touched it is believed that it can be read, until it is.
    """

    def __init__(self, read: Mapping[str, Skill], source: TouchedSource) -> None:
        self._source = source
        self._read: dict[str, Skill | None] = dict(read)
        self._touched = tuple(read)

    def __getitem__(self, name: str) -> Skill:
        if name not in self._read and name not in self._source.touched:
            tree = self._source.whole.below_top(SKILLS, name)
            self._read[name] = read_skill(self._source.whole, name, tree) if tree is not None else None
        found = self._read.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        if name in self._read or name in self._source.touched:
            return self._read.get(str(name)) is not None
        return self._source.whole.below_top(SKILLS, str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._touched)

    def __len__(self) -> int:
        return len(self._touched)

    def every(self) -> Collection[str]:
        """Return the names of all skills, touched or not."""
        return {*self._touched, *(self._source.trees.keys() - self._source.touched)}


def every_skill(skills: Mapping[str, Skill]) -> Collection[str]:
    """Return the names of all skills of a catalog, be they read or not."""
    return skills.every() if isinstance(skills, TouchedSkills) else skills.keys()


def touched_sources(source: Source, base: Source | None) -> tuple[TouchedSource, TouchedSource] | None:
    """Return both states as far as the change between them touches.

    None where everything must be read: outside git, or where what other skills are judged by changed.
    """
    if not isinstance(source, GitSource) or not isinstance(base, GitSource) or not _judges_alike(source, base):
        return None
    before = base.top_folder(SKILLS)
    changed = changed_folders(source, before) if before is not None else None
    if changed is None:
        return None
    names = changed.trees.keys() | changed.gone
    if not are_concerned(source, base, names):
        return TouchedSource(source, names, AROUND), TouchedSource(base, names, AROUND)
    bots = touched_bots(source, base) if not names and _only_fleets(source, base) else None
    if bots is None:
        return TouchedSource(source, names), TouchedSource(base, names)
    return (
        TouchedSource(source, names, bots=bots.after, partly=bots.fleets),
        TouchedSource(base, names, bots=bots.before, partly=bots.fleets),
    )


def _only_fleets(source: GitSource, base: GitSource) -> bool:
    """Whether of what stands around skills nothing differs but fleets."""
    return all(source.top_folder(folder) == base.top_folder(folder) for folder in AROUND if folder != FLEETS)


def _judges_alike(source: GitSource, base: GitSource) -> bool:
    """Whether what skills are judged by did not change: the registry's own file; publishers may only be added."""
    here, there = ({entry.name: entry for entry in one.entries(one.root)} for one in (source, base))
    if here.get(ROOT_FILE) != there.get(ROOT_FILE):
        return False
    old, new = (
        {entry.name: entry for entry in one.entries(top)} if (top := one.top_folder("publishers")) else {}
        for one in (source, base)
    )
    return new.items() <= old.items()
