"""The directory target: bots' homes are folders of this machine, ``DIR/<fleet>/<home>``, each laid out as a HOME.

Skills are copied from the store, never linked, and swapped in as whole folders; files of the agent program are edited
around what the owner has in them and replaced as a whole.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from molthub.atomic import remove_tree
from molthub.client.cache import Store
from molthub.errors import PlatformFileError, Problem
from molthub_reconciler.plan import Place
from molthub_reconciler.syncing import sync_files
from molthub_reconciler.targets.base import Home, Observed, Step
from molthub_reconciler.targets.glance import SETTLING_SECONDS, Glance, glance_from_bytes, glance_to_bytes, status_of
from molthub_reconciler.targets.inside import STAGING, refuse_links
from molthub_reconciler.targets.look import Look
from molthub_reconciler.targets.work import Work


class Memory(Protocol):
    """Where a look at a home is remembered until the next one."""

    def remembered(self, bot: str) -> bytes:
        """Return what was kept for a bot; nothing when there is nothing."""
        ...

    def remember(self, bot: str, content: bytes) -> None:
        """Keep ``content`` for a bot."""
        ...


class DirectoryTarget:
    """Bots' homes below ``root``. Without ``keep``, looking at them leaves nothing behind, not even in ``memory``."""

    def __init__(self, root: Path, store: Store, memory: Memory, *, keep: bool = True) -> None:
        self.where = str(root.absolute())
        self._store = store
        self._memory = memory
        self._keep = keep

    @property
    def settling(self) -> float:
        """The ticks in which the file system stamps times."""
        return SETTLING_SECONDS

    def observe(
        self, home: Home, places: Collection[Place], *, detail: Collection[Place] = (), full: bool = False
    ) -> Observed:
        """Look at a home; what the last look found and the system says has not moved is not read again."""
        last = glance_from_bytes(self._memory.remembered(home.bot))
        if not last.units and self._has_nothing(home):
            return Observed()
        look = Look(self.where, home, Glance() if full else last, {place.file for place in detail})
        for root in home.skill_roots:
            with look.told_apart(root):
                look.skill_root(root)
        for root in home.other_roots:
            look.other_root(root)
        files: dict[str, list[Place]] = {}
        for place in places:
            if place.pointer:
                files.setdefault(place.file, []).append(place)
            elif place.file.rpartition("/")[0] in home.other_roots:
                look.other_skill(place)
            else:
                with look.told_apart(place.file):
                    look.skill(place)
        for file, inside in files.items():
            with look.told_apart(file):
                look.file(file, inside)
        # Where nothing stands, looking again is as cheap as remembering.
        if self._keep and look.glance != last and (look.standing or look.skills or last.units):
            self._memory.remember(home.bot, glance_to_bytes(look.glance))
        return look.observed()

    def _has_nothing(self, home: Home) -> bool:
        """Whether there is no such home, and no link on the way to where it would be."""
        fleet = f"{self.where}/{home.folder.partition('/')[0]}"
        is_link = os.path.islink(self.where) or os.path.islink(fleet)
        return not is_link and not status_of(f"{self.where}/{home.folder}")

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> list[Mapping[str, Problem]]:
        """Do the steps of each home: skills, then files, then what is taken away."""
        under_way = [Work(self.where, home, steps, self._store) for home, steps in work]
        try:
            for one in under_way:
                one.begin()
            lost = sync_files([path for one in under_way for path in one.staged_files])
            for one in under_way:
                one.end(lost)
        finally:
            for one in under_way:
                one.clear()
        return [one.failed for one in under_way]

    def read(self, folder: str, path: str, limit: int) -> bytes | None:
        """Return the bytes of a regular file, not through links."""
        with contextlib.suppress(PlatformFileError, OSError):
            refuse_links(self.where, folder, path)
            descriptor = os.open(f"{self.where}/{folder}/{path}", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    content = file.read(limit + 1)
                    return content if len(content) <= limit else None
        return None

    def tidy(self, home: Home) -> None:
        """Remove what a killed pass left in a home."""
        staging = Path(self.where, home.folder, STAGING)
        if status_of(str(staging)):
            refuse_links(self.where, home.folder, ".")
            with contextlib.suppress(OSError):
                remove_tree(staging)
