"""The usual folder of a registry, listed without asking every rule of every name: plain files under plain names.

A registry of 100,000 versions is 320,000 trees, nearly all of which hold nothing but files and folders whose names
every system can keep. Such a folder is listed here in one pass over git's bytes. Whatever else stands in it, this says
nothing at all, and :mod:`molthub.registry.trees.tree_walk` judges the whole folder with its own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from molthub.registry.trees import tree_rules
from molthub.registry.trees.tree_walk import ATTRIBUTES, TreeFile

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_EXECUTABLE = {b"100644": False, b"100755": True}
_FOLDER = b"40000"
_PLAIN_DEPTH = 8
_PLAIN_PATH = 200
"""Characters of a folder's path: with any name behind it, and so few folders, it is below the limits by far."""


class Objects(Protocol):
    """What is asked of a repository's objects, by their ids in hex."""

    def read(self, oid: str, /) -> tuple[Any, bytes]:
        """Return an object's type and bytes."""

    def read_header(self, oid: str, /) -> tuple[Any, int]:
        """Return an object's type and size."""


def plain_files(objects: Objects, tree_id: str, path: str) -> Mapping[str, TreeFile] | None:
    """Return every file below the folder at ``path``, sorted, or None where a rule may have something to say."""
    found: list[TreeFile] = []
    if not _gather(objects, tree_id, f"{path}/", found, 0):
        return None
    found.sort()
    return {file[0]: file for file in found}


def _gather(objects: Objects, tree_id: str, prefix: str, found: list[TreeFile], depth: int) -> bool:
    if depth > _PLAIN_DEPTH or len(prefix) > _PLAIN_PATH:
        return False
    names: list[str] = []
    for mode, raw_name, raw_id in _ENTRY.findall(objects.read(tree_id)[1]):
        name = _plain_name(raw_name)
        if name is None:
            return False
        names.append(name)
        entry_id = raw_id.hex()
        if mode == _FOLDER:
            if not _gather(objects, entry_id, f"{prefix}{name}/", found, depth + 1):
                return False
        elif mode in _EXECUTABLE:
            size = objects.read_header(entry_id)[1]
            if size > tree_rules.MAX_FILE_BYTES:
                return False
            found.append(TreeFile(prefix + name, size, _EXECUTABLE[mode], entry_id))
        else:
            return False
    return _all_differ(names)


@lru_cache(maxsize=65536)
def _plain_name(raw: bytes) -> str | None:
    """Return the name of an entry with which nothing can be wrong by itself; every name is judged once."""
    name = raw.decode("utf-8", "surrogateescape")
    plain = name.isascii() and name != ATTRIBUTES and tree_rules.name_fault(name) is None
    return name if plain else None


def _all_differ(names: list[str]) -> bool:
    """Whether no two of these names (of ASCII, without a slash) are one to a system that ignores case."""
    return len(set("/".join(names).lower().split("/"))) == len(names) or not names
