"""What differs between two states of a registry. Pure but for what the sources read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from molthub.errors import ManifestError
from molthub.registry.catalog import Catalog
from molthub.registry.source import Source
from molthub.registry.touched import every_skill
from molthub.yaml_text import Pointer, parse


@dataclass(frozen=True)
class Change:
    """A change of a registry from ``before`` (read from ``base``) to ``after`` (read from ``source``)."""

    before: Catalog
    after: Catalog
    base: Source
    source: Source

    @cached_property
    def paths(self) -> Sequence[str]:
        """Every path that differs, sorted."""
        return changed_paths(self.source, self.base)

    @cached_property
    def _there(self) -> Sequence[str]:
        return sorted({*self.base.files, *self.base.refused})

    def existed(self, folder: str) -> bool:
        """Whether the base holds anything in ``folder`` (ending in ``/``), be it readable or not."""
        at = bisect_left(self._there, folder)
        if at < len(self._there) and self._there[at].startswith(folder):
            return True
        name = folder.removeprefix("skills/")
        return name != folder and any(f"{skill}/".startswith(name) for skill in every_skill(self.before.skills))

    def line(self, file: str, pointer: Pointer) -> int | None:
        """Return the line of a manifest's key after the change; None where it cannot be told."""
        if file not in self.source.files:
            return None
        try:
            return parse(self.source.read(file), file).key_mark(pointer).line
        except ManifestError:
            return None


def changed_paths(source: Source, base: Source) -> tuple[str, ...]:
    """Return every path that is new, gone or different in ``source``, sorted."""
    here, there = source.files, base.files
    one_sided = here.keys() ^ there.keys()
    both = (path for path in here if path in there and not is_same(source, base, path))
    return tuple(sorted({*one_sided, *both}))


def is_same(source: Source, base: Source, path: str) -> bool:
    """Whether both sources hold ``path`` alike. Git's ids decide where both have them, else the bytes.

    The executable bit counts where it is part of what a file is: in skills.
    """
    here, there = source.files[path], base.files[path]
    if here.executable != there.executable and path.startswith("skills/"):
        return False
    if here.id and there.id:
        return here.id == there.id
    return here.size == there.size and source.read(path) == base.read(path)
