"""The files of imported versions: what the folder keeps, in the place of the same files of its upstream.

They are asked for by digest and by nothing else, so that it does not matter who brings them: the same commit gives the
same index, or one that does not offer the version and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from molthub.errors import Problem
from molthub.model import FileEntry
from molthub.registry.upstreams.upstream import OWN_FILES, Imported

Content = tuple[tuple[FileEntry, bytes], ...]
"""The files of a version with their bytes, ordered by the UTF-8 bytes of their paths."""


class Upstreams(Protocol):
    """Brings the files of imported versions. It is handed to other processes, which read what was brought before."""

    def files(self, digest: str) -> Content | None:
        """Return the files with this digest, verified; None where nobody has brought them yet."""

    def bring(self, wanted: Sequence[Imported]) -> None:
        """Bring the files of all of these, as far as that is possible. Raises nothing for any of them."""

    def problem(self, imported: Imported) -> Problem:
        """Return why the files of one were not brought."""


class NoUpstreams:
    """Brings nothing."""

    def files(self, digest: str) -> Content | None:  # noqa: ARG002 (one port)
        """Return nothing."""
        return None

    def bring(self, wanted: Sequence[Imported]) -> None:
        """Bring nothing."""

    def problem(self, imported: Imported) -> Problem:
        """Say that nobody was asked."""
        return Problem("MH901", f"{imported.upstream.shown} was not asked", "build it with molthub build")


NO_UPSTREAMS = NoUpstreams()


def content_of(imported: Imported, own: Content, upstreams: Upstreams) -> Content | None:
    """Return a version's files: its ``own`` in the place of those of its upstream. None: they were not brought."""
    for digest in dict.fromkeys((imported.digest, imported.upstream.digest)):
        found = upstreams.files(digest)
        if found is not None:
            return overlaid(found, own)
    return None


def overlaid(content: Content, own: Content) -> Content:
    """Return ``content`` with SKILL.md and skill.yaml of ``own`` in the place of its own."""
    files = {entry.path: (entry, read) for entry, read in content}
    files |= {entry.path: (entry, read) for entry, read in own if entry.path in OWN_FILES}
    return tuple(files[path] for path in sorted(files, key=str.encode))
