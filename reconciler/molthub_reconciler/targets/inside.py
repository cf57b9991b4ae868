"""Paths that stay inside a bot's home, and errors that say which one was in the way.

A home belongs to the bot, which may put a link anywhere. Nothing is read or written through one: it could lead to
another bot, or out of the target.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from molthub.errors import PlatformFileError, Problem


def parents(folder: str, path: str) -> Iterator[str]:
    """Yield every folder between the target's root and ``path``, which is relative to the home ``folder``."""
    steps = [*folder.split("/"), *path.split("/")[:-1]]
    for depth in range(1, len(steps) + 1):
        yield "/".join(steps[:depth])


def refuse_links(root: str, folder: str, path: str) -> None:
    """Check that the way to ``path`` and ``path`` itself hold no link.

    ``root`` is the target's folder, ``folder`` the home in it. Raises :class:`PlatformFileError` (MH702).
    """
    if ".." in path.split("/") or path.startswith("/"):
        raise unreachable(path, "leads out of the bot's home", "tell whoever maintains this platform's adapter")
    for step in (*parents(folder, path), f"{folder}/{path}"):
        try:
            mode = os.lstat(f"{root}/{step}").st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            shown = step.removeprefix(f"{folder}/")
            message = "is a link, and nothing is written through links"
            raise unreachable(shown, message, f"replace {step} by what it names")


def make_folder(root: str, folder: str, path: str) -> None:
    """Make the folder that holds ``path``, and those above it; they get the owner of what they stand in."""
    for step in parents(folder, path):
        place = Path(root, step)
        with contextlib.suppress(FileExistsError):
            place.mkdir()
            give_to_owner(place)


def give_to_owner(path: Path) -> None:
    """Give what root made to whom the folder around it belongs, so that the bot can work with it."""
    if os.name == "nt" or os.geteuid() != 0:
        return
    around = path.parent.lstat()
    made = path.lstat()
    if (made.st_uid, made.st_gid) == (around.st_uid, around.st_gid):
        return
    os.chown(path, around.st_uid, around.st_gid, follow_symlinks=False)
    if path.is_dir():
        for entry in path.iterdir():
            give_to_owner(entry)


def unreachable(file: str, message: str, remedy: str) -> PlatformFileError:
    """Return the error MH702 about one file or folder."""
    problem = Problem("MH702", message, remedy, file=file)
    return PlatformFileError(message, place=file, remedy=remedy, problems=[problem])


def as_problem(error: OSError, file: str) -> PlatformFileError:
    """Return the error for what the system refused."""
    message = error.strerror or str(error)
    return unreachable(file, message[:1].lower() + message[1:], _REMEDIES.get(error.errno or 0, _OTHERWISE))


_RIGHTS = "give the user that runs molthub the right to read and write there"
_REMEDIES = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "that file system is read-only: make it writable, or use another target",
    errno.ENOSPC: "the disk is full: free some space; the next pass mends what is left",
    errno.EDQUOT: "the quota is used up: free some space; the next pass mends what is left",
    errno.EXDEV: "a bot's home must be one file system: mount it as a whole",
    errno.ENOTDIR: "a file stands where a folder belongs: move it away",
}
_OTHERWISE = "look at that path; the next pass tries again"
