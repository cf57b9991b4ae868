"""Paths that stay inside a bot's home, and errors that say which one was in the way.

A home belongs to the bot, which may put a link anywhere. Nothing is read or written through one: it could lead to
another bot, or out of the target.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from molthub.errors import PlatformFileError, Problem


def refuse_links(root: str, folder: str, path: str, *, make: bool = False) -> None:
    """Check that the way to ``path`` and ``path`` itself hold no link.

    ``root`` is the target's folder, ``folder`` the home in it, ``path`` relative to the home. With ``make``, folders
    that are missing on the way are made, and get the owner of what they stand in. Raises
    :class:`PlatformFileError` (MH702), :class:`OSError`.
    """
    steps = [*folder.split("/"), *path.split("/")]
    if ".." in steps:
        raise unreachable(path, "leads out of the bot's home", "tell whoever maintains this platform's adapter")
    place = root
    for number, step in enumerate(steps, 1):
        place = f"{place}/{step}"
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            if not make or number == len(steps):
                return
            _make(place)
            continue
        if stat.S_ISLNK(mode):
            shown = place.removeprefix(f"{root}/{folder}/")
            raise unreachable(
                shown, "is a link, and nothing is written through links", f"replace {place} by a real one"
            )


def _make(place: str) -> None:
    with contextlib.suppress(FileExistsError):
        Path(place).mkdir()
        give_to_owner(Path(place))


def give_to_owner(path: Path) -> None:
    """Give what root made to whom the folder around it belongs, so that the bot can work with it."""
    if not _IS_ROOT:
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


_IS_ROOT = os.name != "nt" and os.geteuid() == 0
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
