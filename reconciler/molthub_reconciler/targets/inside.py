"""Paths that stay inside a bot's home.

A home belongs to the bot, which may put a link anywhere. Nothing is read or written through one: it could lead to
another bot, or out of the target.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable

from molthub_reconciler.problems import unwritable

STAGING = ".molthub-staging"
"""The folder in a home where new skills and files wait until they are whole. It is there only during a pass."""


def refuse_links(root: str, folder: str, path: str, *, make: bool = False, seen: set[str] | None = None) -> None:
    """Check that the way to ``path`` and ``path`` itself hold no link.

    ``root`` is the target's folder, ``folder`` the home in it, ``path`` relative to the home. With ``make``, folders
    that are missing on the way are made, and get the owner of what they stand in. ``seen`` are folders that were just
    found to be none; those on the way are added. Raises :class:`PlatformFileError` (MH702), :class:`OSError`.
    """
    steps = [*folder.split("/"), *path.split("/")]
    if ".." in steps:
        raise unwritable(path, "leads out of the bot's home", "tell whoever maintains this platform's adapter")
    place = root
    for number, step in enumerate(steps, 1):
        place = f"{place}/{step}"
        if seen is not None and place in seen:
            continue
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            if not make or number == len(steps):
                return
            _make(place)
            continue
        if stat.S_ISLNK(mode):
            shown = place.removeprefix(f"{root}/{folder}/")
            raise unwritable(shown, "is a link, and nothing is written through links", f"replace {place} by a real one")
        if seen is not None and number < len(steps):
            seen.add(place)


def _make(place: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(place)
        if _is_root():
            around = os.lstat(os.path.dirname(place))
            os.chown(place, around.st_uid, around.st_gid, follow_symlinks=False)


def give_to_owner(staged: str, place: str) -> None:
    """Give what root made to whom the folder belongs in which it is to stand at ``place``: the bot has to work with it.

    It is given while it is ``staged`` where root alone gets in. Once it stands in the bot's home, the bot could put a
    link in the way, and be given what that leads to.
    """
    if not _is_root():
        return
    around, ours = os.lstat(os.path.dirname(place)), os.lstat(staged)
    # Everything in it was made by us in one go, so what is true of the folder is true of all.
    if (ours.st_uid, ours.st_gid) != (around.st_uid, around.st_gid):
        _give(staged, around.st_uid, around.st_gid, is_folder=stat.S_ISDIR(ours.st_mode))


def _give(path: str, user: int, group: int, *, is_folder: bool) -> None:
    os.chown(path, user, group, follow_symlinks=False)
    if is_folder:
        with os.scandir(path) as entries:
            for entry in entries:
                _give(entry.path, user, group, is_folder=entry.is_dir(follow_symlinks=False))


def _is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def keep_files(folder: str, staged: str, paths: Iterable[str]) -> None:
    """Let ``paths`` in the folder ``staged`` be as they are in ``folder``: copied with their modes, or gone.

    Nothing but regular files is kept, and nothing through a link. Raises :class:`OSError`.
    """
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{staged}/{path}")
        if _is_plain(folder, path):
            os.makedirs(os.path.dirname(f"{staged}/{path}"), exist_ok=True)
            shutil.copy2(f"{folder}/{path}", f"{staged}/{path}", follow_symlinks=False)


def _is_plain(folder: str, path: str) -> bool:
    """Whether a regular file stands there, and no link on the way to it."""
    place, steps = folder, path.split("/")
    for number, step in enumerate(steps, 1):
        place = f"{place}/{step}"
        try:
            mode = os.lstat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not (stat.S_ISREG(mode) if number == len(steps) else stat.S_ISDIR(mode)):
            return False
    return True
