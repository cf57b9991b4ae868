"""Paths that stay inside a bot's home.

A home belongs to the bot, which may put a link anywhere. Nothing is read or written through one: it could lead to
another bot, or out of the target.
"""

from __future__ import annotations

import contextlib
import os
import stat

from molthub_reconciler.problems import unwritable


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
        give_to_owner(place)


def give_to_owner(path: str) -> None:
    """Give what root made to whom the folder around it belongs, so that the bot can work with it."""
    if os.name == "nt" or os.geteuid() != 0:
        return
    around = os.lstat(os.path.dirname(path))
    made = os.lstat(path)
    if (made.st_uid, made.st_gid) == (around.st_uid, around.st_gid):
        return
    os.chown(path, around.st_uid, around.st_gid, follow_symlinks=False)
    if stat.S_ISDIR(made.st_mode):
        for name in os.listdir(path):
            give_to_owner(f"{path}/{name}")
