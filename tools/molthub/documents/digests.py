"""Canonical bytes of JSON, and the digests that say what things are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from molthub.model import FileEntry, Json

NAMES_PER_SHARD = 128


def canonical(value: Json) -> bytes:
    """Return ``value`` as RFC 8785 canonical JSON.

    Sorting by code point is RFC 8785's order as long as keys are in the Basic Multilingual Plane; floats and other keys
    (only a skill's ``config`` may hold them) take the long way.
    """
    if _needs_care(value):
        import rfc8785

        return rfc8785.dumps(value)
    return canonical_plain(value)


def canonical_plain(value: Json) -> bytes:
    """Return what :func:`canonical` does, of a value that is known to hold no floats and only ASCII keys."""
    return _encode(value).encode()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_PLAIN = frozenset((str, int, bool, type(None)))


def _needs_care(value: Json) -> bool:
    # Every document of an index passes through here: the type of a leaf is looked up, not asked for by a call.
    if isinstance(value, dict):
        return not "".join(value).isascii() or _any_needs_care(value.values())
    if isinstance(value, list | tuple):
        return _any_needs_care(value)
    return isinstance(value, float)


def _any_needs_care(items: Iterable[Json]) -> bool:
    for item in items:  # noqa: SIM110 (half the time of any())
        if type(item) not in _PLAIN and _needs_care(item):
            return True
    return False


def digest_of(value: Json) -> str:
    """Return the digest of a JSON value: of its canonical bytes."""
    return "sha256:" + sha256(canonical(value)).hexdigest()


def hex_of(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes, its name in the index."""
    return sha256(content).hexdigest()


def tree_digest(files: Iterable[FileEntry]) -> str:
    """Return the digest of a version: over the list of its files."""
    return "sha256:" + sha256(file_list(files)).hexdigest()


def file_list(files: Iterable[FileEntry]) -> bytes:
    """Return the canonical list of a version's files, sorted by the UTF-8 bytes of their paths."""
    # Written out: a registry has millions of files, and this form is fixed.
    lines = [
        f'{{"executable":{"true" if entry.executable else "false"},"path":{_encode(entry.path)},'
        f'"sha256":"{entry.sha256}","size":{entry.size}}}'
        for entry in sorted(files, key=lambda entry: entry.path.encode())
    ]
    return f"[{','.join(lines)}]".encode()


def file_entry(path: str, content: bytes, *, executable: bool) -> FileEntry:
    """Return the entry of one file from its bytes."""
    return FileEntry(path, hex_of(content), len(content), executable)


def shard_key(kind: str, name: str, length: int) -> str:
    """Return the key of the shard that holds ``kind`` (``skill`` or ``pack``) ``name``."""
    return hex_of(f"{kind}/{name}".encode())[:length]


def shard_key_length(keys: Iterable[str]) -> int:
    """Return how many hex digits name a shard: as few as leave at most 128 names in each. ``keys`` are whole hashes."""
    whole = list(keys)
    length = 1
    while max(Counter(key[:length] for key in whole).values(), default=0) > NAMES_PER_SHARD:
        length += 1
    return length
