"""The files of every skill version in a source, and whether a version is the same as in another source."""

from __future__ import annotations

from collections.abc import Sequence

from molthub.documents import file_entry, tree_digest
from molthub.registry.source import Source


class Folders:
    """The skill versions of a source by their paths alone, so that versions with broken manifests count too.

    With a ``base``, versions whose files are the same git blobs there count as merged.
    """

    def __init__(self, source: Source, base: Source | None = None) -> None:
        self._source = source
        self._versions = _listed(source)
        self._base = base
        self._merged = _listed(base) if base is not None else {}

    def names(self) -> tuple[str, ...]:
        """Return the skills that have folders of versions."""
        return tuple(self._versions)

    def numbers(self, name: str) -> tuple[str, ...]:
        """Return the numbers that have a folder."""
        return tuple(self._versions.get(name, {}))

    def files(self, name: str, number: str) -> Sequence[str]:
        """Return the files of a version, relative to its folder; none where there is no such folder."""
        return self._versions.get(name, {}).get(number, ())

    def is_merged(self, name: str, number: str) -> bool:
        """Whether the base holds the version with exactly these files, as git tells by their ids."""
        paths = self.files(name, number)
        if self._base is None or not paths or paths != self._merged.get(name, {}).get(number):
            return False
        folder = f"skills/{name}/{number}"
        return all(self._same(f"{folder}/{path}") for path in paths)

    def is_merged_file(self, path: str) -> bool:
        """Whether the base holds the same file."""
        return self._base is not None and path in self._base.files and path in self._source.files and self._same(path)

    def _same(self, path: str) -> bool:
        here = self._source.files[path]
        there = self._base.files[path] if self._base is not None else here
        return bool(here.id) and here.id == there.id and here.executable == there.executable

    def digest(self, name: str, number: str) -> str:
        """Return the digest of a version's files."""
        paths = {path: f"skills/{name}/{number}/{path}" for path in self.files(name, number)}
        return tree_digest(
            file_entry(path, self._source.read(whole), executable=self._source.files[whole].executable)
            for path, whole in paths.items()
        )


def _listed(source: Source) -> dict[str, dict[str, list[str]]]:
    """Return name -> number -> paths below the version's folder."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in source.files:
        if not path.startswith("skills/"):
            continue
        steps = path.split("/")
        at = 3 if steps[1].startswith("@") else 2
        if len(steps) > at + 1:
            versions = found.setdefault("/".join(steps[1:at]), {})
            versions.setdefault(steps[at], []).append("/".join(steps[at + 1 :]))
    return found
