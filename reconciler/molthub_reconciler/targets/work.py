"""The steps of one pass in one home, in two halves: between them, what was written is made to last.

In the first half new skills are swapped in, and edited files are written beside their places; in the second those are
put there, and what is declared no more goes. So a server that needs a skill comes after it, and many homes' files
wait for the disk together (:mod:`molthub_reconciler.targets.directory`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from molthub.atomic import remove_tree, replace_folder
from molthub.client.cache import Store
from molthub.errors import MolthubError, PlatformFileError, Problem
from molthub_reconciler.problems import problem_of
from molthub_reconciler.targets.base import Home, Step
from molthub_reconciler.targets.file_edit import Edit, FileEdit
from molthub_reconciler.targets.inside import STAGING, give_to_owner, keep_files, refuse_links


@dataclass(slots=True)
class Work:
    """The ``steps`` of one home, in this order: :meth:`begin`, :meth:`end`, :meth:`clear`.

    What fails is put into ``failed`` by key, and the rest goes on.
    """

    target: str
    home: Home
    steps: Sequence[Step]
    store: Store
    failed: dict[str, Problem] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _edits: list[tuple[list[str], FileEdit]] = field(default_factory=list)
    _has_staging: bool = False
    _staged: int = 0

    @property
    def root(self) -> str:
        """The home's folder."""
        return f"{self.target}/{self.home.folder}"

    @property
    def staged_files(self) -> list[str]:
        """The files that are to last before :meth:`end` puts them in their places."""
        return [edit.staged for _keys, edit in self._edits if edit.is_staged]

    def begin(self) -> None:
        """Swap new skills in, and stage the files that are edited."""
        with self._all_or_none():
            self._make_staging()
            for step in self.steps:
                self._put_skills(step)
            self._stage_edits()

    def end(self, lost: Mapping[str, OSError]) -> None:
        """Put the edited files in their places, and take skills away. ``lost`` are staged files that cannot last."""
        if not self._has_staging:
            return
        for keys, edit in self._edits:
            with self._counted(keys, edit.where):
                if edit.staged in lost:
                    raise lost[edit.staged]
                refuse_links(self.target, self.home.folder, edit.where)
                self.failed |= edit.put()
        for step in self.steps:
            self._remove_skills(step)

    def clear(self) -> None:
        """Take the staging folder away."""
        if self._has_staging:
            self._has_staging = False
            with self._all_or_none():
                remove_tree(Path(self.root, STAGING))

    def _make_staging(self) -> None:
        place = f"{self.root}/{STAGING}"
        refuse_links(self.target, self.home.folder, STAGING, make=True)
        remove_tree(Path(place))
        os.mkdir(place, 0o700)
        self._has_staging = True

    def _put_skills(self, step: Step) -> None:
        """Bring a step's skills in: staged whole, then swapped."""
        for place, digest in step.contents.items():
            if not place.pointer:
                with self._counted([step.key], place.file):
                    staged = self._next_staged()
                    self.store.copy(digest, staged)
                    keep_files(f"{self.root}/{place.file}", staged, step.kept.get(place, ()))
                    refuse_links(self.target, self.home.folder, place.file, make=True)
                    give_to_owner(staged, f"{self.root}/{place.file}")
                    replace_folder(staged, f"{self.root}/{place.file}")

    def _stage_edits(self) -> None:
        """Edit each file once. A line that names another file is put in after that file was written."""
        by_file: dict[str, list[Edit]] = {}
        for step in self.steps:
            for edit in self._edits_of(step):
                by_file.setdefault(edit.place.file, []).append(edit)
        for file, inside in sorted(by_file.items(), key=lambda named: any(edit.place.item for edit in named[1])):
            keys = [edit.key for edit in inside]
            with self._counted(keys, file):
                refuse_links(self.target, self.home.folder, file, make=True)
                staged = FileEdit(f"{self.root}/{file}", file, self.home.file_format(file), inside, self._next_staged())
                staged.stage()
                self._edits.append((keys, staged))

    def _edits_of(self, step: Step) -> Iterator[Edit]:
        for place, value in step.contents.items():
            if place.pointer:
                yield Edit(step.key, place, value, self.home.owners_fields(place.file, place.pointer))
        for place in step.remove:
            if place.pointer:
                yield Edit(step.key, place)

    def _remove_skills(self, step: Step) -> None:
        """Take skills away: out of sight at once, then deleted."""
        for place in step.remove:
            if not place.pointer:
                with self._counted([step.key], place.file):
                    refuse_links(self.target, self.home.folder, place.file)
                    with contextlib.suppress(FileNotFoundError):
                        os.rename(f"{self.root}/{place.file}", self._next_staged())

    def _next_staged(self) -> str:
        self._staged += 1
        return f"{self.root}/{STAGING}/{self._staged}"

    @contextlib.contextmanager
    def _counted(self, keys: Iterable[str], file: str) -> Iterator[None]:
        try:
            yield
            self._done.update(keys)
        except (MolthubError, OSError) as error:
            self.failed |= dict.fromkeys(keys, problem_of(error, file))

    @contextlib.contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Nothing could be staged, so nothing was done; or only the staging folder could not be cleared."""
        try:
            yield
        except (PlatformFileError, OSError) as error:
            problem = problem_of(error, STAGING)
            self.failed |= {step.key: problem for step in self.steps if step.key not in self._done}
