"""What a skill version's folder may hold: which files are left out, how many, how large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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


def check_files(sizes: Iterable[tuple[str, int]], folder: str) -> Iterator[Problem]:
    """Yield what is wrong with the files of one version: ``sizes`` are paths below ``folder`` with their bytes."""
    junk: set[str] = set()
    count = total = 0
    for path, size in sizes:
        count, total = count + 1, total + size
        found = junk_in(path)
        if found is not None and found not in junk:
            junk.add(found)
            message = f"{found} does not belong into a version: {JUNK[found.rpartition('/')[2]]}"
            yield Problem("MH013", message, "git rm it; `skills publish` leaves it out", file=f"{folder}/{found}")
    if count > MAX_FILES:
        yield Problem("MH005", f"the version has {count} files, the limit is {MAX_FILES}", "split it", file=folder)
    if total > MAX_BYTES:
        message = f"the version has {total} bytes, the limit is {MAX_BYTES}"
        yield Problem("MH005", message, "leave large files out, or fetch them when they are needed", file=folder)
