"""What a skill version's folder may hold: which files are left out, how many, how large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from molthub.errors import Problem

MAX_FILES = 1000
MAX_BYTES = 50 * 1024 * 1024
JUNK: Mapping[str, str] = {
    ".DS_Store": "macOS's note on how a folder looks",
    ".env": "where secrets are kept",
    ".git": "another repository's history",
    "__pycache__": "compiled Python, made again when it is needed",
    "node_modules": "installed packages, made again when they are needed",
}
"""Names that no version holds, as a file or as a folder, and what they are."""


def junk_in(path: str) -> str | None:
    """Return the part of ``path`` up to the first name that no version holds, or None."""
    steps = path.split("/")
    for number, step in enumerate(steps, 1):
        if step in JUNK:
            return "/".join(steps[:number])
    return None


def check_names(paths: Iterable[str], folder: str) -> Iterator[Problem]:
    """Yield the files of one version that no version holds: ``paths`` are below ``folder``."""
    junk = dict.fromkeys(found for found in map(junk_in, paths) if found is not None)
    for found in junk:
        message = f"{found} does not belong into a version: {JUNK[found.rpartition('/')[2]]}"
        yield Problem("MH013", message, "git rm it; `skills publish` leaves it out", file=f"{folder}/{found}")


def check_limits(sizes: Sequence[int], folder: str) -> Iterator[Problem]:
    """Yield what makes one version too large for clients to unpack, by the bytes of each of its files."""
    if len(sizes) > MAX_FILES:
        message = f"the version has {len(sizes)} files, the limit is {MAX_FILES}"
        yield Problem("MH005", message, "split it", file=folder)
    if sum(sizes) > MAX_BYTES:
        message = f"the version has {sum(sizes)} bytes, the limit is {MAX_BYTES}"
        yield Problem("MH005", message, "leave large files out, or fetch them when they are needed", file=folder)
