"""What a state must come from to be believed: everything that decides an index's bytes, beside the commit."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import molthub
from molthub.index.incremental.wanted import Wanted
from molthub.index.state.state import FORMAT

MADE_WITH = frozenset(
    (
        "attrs",
        "bcrypt",
        "certifi",
        "cffi",
        "charset-normalizer",
        "click",
        "cmarkgfm",
        "cronsim",
        "cryptography",
        "deflate",
        "detect-secrets",
        "idna",
        "jinja2",
        "jsonschema",
        "jsonschema-specifications",
        "markupsafe",
        "nh3",
        "pycparser",
        "pygit2",
        "pysequoia",
        "pyyaml",
        "referencing",
        "requests",
        "resolvelib",
        "rfc8785",
        "rpds-py",
        "ruamel-yaml",
        "ryaml",
        "semantic-version",
        "sshsig",
        "typing-extensions",
        "urllib3",
    )
)
"""The distributions that building may use, and theirs: another version of one may give other bytes."""


def identity(wanted: Wanted) -> str:
    """Return what a state is marked with: this program to the time of its files, what it is made with, these wishes."""
    program = sorted(_stamps(str(Path(molthub.__file__).parent)))
    built_by = sha256(repr((program, sys.version, versions(sys.path))).encode()).hexdigest()
    wishes = f"fleets {wanted.fleets}, views {wanted.views}, {wanted.bounds}"
    return f"molthub {molthub.__version__} {built_by}, format {FORMAT}, {wishes}"


def versions(path: Iterable[str]) -> list[str]:
    """Return the distributions of :data:`MADE_WITH` on a search path, as the names of their folders say.

    ``<name>-<version>.dist-info`` is where installers leave what they installed (PEP 376, PEP 491).
    """
    found: set[str] = set()
    for folder in path:
        with suppress(OSError):
            found.update(name for name in os.listdir(folder or ".") if name.endswith(".dist-info"))  # noqa: PTH208 (a name each)
    return sorted(name for name in found if _normalized(name.partition("-")[0]) in MADE_WITH)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                yield from _stamps(entry.path)
        elif not entry.name.endswith(".pyc"):
            found = entry.stat()
            yield entry.path, found.st_size, found.st_mtime_ns
