"""Where things are: the user's cache, the ``.skills`` folder that counts, its ``config.json``.

The cache follows the XDG Base Directory Specification on every system. Of ``.skills`` folders the nearest counts, from
the current folder up to the root of its git work tree, else ``~/.skills``. Outside of git only the current folder is
looked at, because any user may put a ``.skills`` into a shared parent such as ``/tmp``.
"""

from __future__ import annotations

import os
from pathlib import Path

SKILLS_FOLDER = ".skills"


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/molthub`` (``~/.cache/molthub``)."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def store_folder() -> Path:
    """Return the user's store, ``$XDG_CACHE_HOME/molthub/store``."""
    return cache_folder() / "store"


def state_folder() -> Path:
    """Return ``$XDG_STATE_HOME/molthub`` (``~/.local/state/molthub``)."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def config_folder() -> Path:
    """Return ``$XDG_CONFIG_HOME/molthub`` (``~/.config/molthub``)."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def index_cache(location: str) -> Path:
    """Return the folder that keeps what was fetched from the index at ``location`` (a URL, or a folder)."""
    return cache_folder() / "index" / _short_name(location)


def trust_folder(location: str, state: Path | None = None) -> Path:
    """Return the folder that remembers what is trusted and was seen of a signed registry, below ``state``."""
    return (state or state_folder()) / "trust" / _short_name(location)


def home_skills() -> Path:
    """Return ``~/.skills``."""
    return Path.home() / SKILLS_FOLDER


def skills_folder(here: Path, *, project: bool = False, use_home: bool = False) -> Path:
    """Return the ``.skills`` folder that counts at ``here``; it need not exist.

    ``project`` asks for one in this project (an existing one up to the git root, else ``here/.skills``), ``use_home``
    for ``~/.skills``.
    """
    if use_home:
        return home_skills()
    found = next(
        (folder / SKILLS_FOLDER for folder in _project_folders(here) if (folder / SKILLS_FOLDER).is_dir()), None
    )
    if found is not None:
        return found
    return here / SKILLS_FOLDER if project else home_skills()


def _project_folders(here: Path) -> tuple[Path, ...]:
    """Return ``here`` and its parents up to the root of the git work tree; without one, ``here`` alone."""
    folders = (here, *here.parents)
    for depth, folder in enumerate(folders):
        if (folder / ".git").exists():
            return folders[: depth + 1]
    return (here,)


def _short_name(location: str) -> str:
    """Return a folder's name for an index, the same with and without a slash at its end."""
    from hashlib import sha256

    return sha256(location.rstrip("/").encode()).hexdigest()[:16]


def _xdg(variable: str, below_home: str) -> Path:
    # The specification: a relative path in one of these variables is ignored.
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / below_home) / "molthub"
