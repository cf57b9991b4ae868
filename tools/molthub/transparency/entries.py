"""What the log holds: one entry for each version that was published, and the list of places to look for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from molthub.documents import canonical, load_document
from molthub.documents.reading import reading
from molthub.model import Json
from molthub.transparency.merkle import leaf_hash

FOLDER = "log/"
"""Where the log is in an index."""

_KEY_DIGITS = 2


class LoggedRelease(NamedTuple):
    """A published version: ``kind`` is ``skill`` or ``pack``, ``digest`` says what it is (``sha256:<hex>``)."""

    kind: str
    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        prefix = "pack/" if self.kind == "pack" else ""
        return f"{prefix}{self.name}@{self.version}"

    def entry(self) -> bytes:
        """Return the bytes that are logged: canonical JSON (RFC 8785)."""
        what = {"type": self.kind, "name": self.name, "version": self.version, "digest": self.digest}
        return canonical({"format": "molthub.log-entry/1", **what})

    def leaf(self) -> bytes:
        """Return the hash of its leaf."""
        return leaf_hash(self.entry())


def places_path(leaf: bytes) -> str:
    """Return the file that says where a leaf is, below the log's folder."""
    return f"places/{leaf.hex()[:_KEY_DIGITS]}.json"


def places_to_json(places: Mapping[str, int]) -> dict[str, Json]:
    """Return ``molthub.log-places/1``: the index of each leaf by its hash in hexadecimal."""
    return {"format": "molthub.log-places/1", "places": dict(places)}


def places_from_json(content: bytes, where: str) -> dict[str, int]:
    """Read ``molthub.log-places/1``. Raises :class:`FormatError`."""
    return reading(_places, load_document(content, "log-places", where), where)


def _places(document: dict[str, Any]) -> dict[str, int]:
    return {bytes.fromhex(leaf).hex(): _index(index) for leaf, index in document["places"].items()}


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no place")
    return value


def group_places(leaves: Iterable[tuple[bytes, int]]) -> dict[str, dict[str, int]]:
    """Return the places of leaves by the file that they belong into."""
    files: dict[str, dict[str, int]] = {}
    for leaf, index in leaves:
        files.setdefault(places_path(leaf), {})[leaf.hex()] = index
    return files
