"""Find and read ``secrets.yaml``. It names programs that are run: nobody but its owner may be able to write it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from molthub.client.paths import config_folder
from molthub.errors import MolthubError, NotFoundError
from molthub.secrets.private_file import unsafe
from molthub.secrets.provider import NOT_FOUND
from molthub.secrets.settings import Settings


def default_place() -> Path:
    """Return ``$XDG_CONFIG_HOME/molthub/secrets.yaml``."""
    return config_folder() / "secrets.yaml"


def own_secrets() -> Path:
    """Return ``$XDG_CONFIG_HOME/molthub/secrets``: a file for each secret; those of one bot in ``FLEET/BOT/``."""
    return config_folder() / "secrets"


def _has_folders_of_bots() -> bool:
    try:
        return any(path.is_dir() for path in own_secrets().iterdir())
    except OSError:
        return False


def read_settings(path: Path | None = None) -> Settings:
    """Return what the file says, or what holds where there is none.

    Raises :class:`ManifestError` with everything that is wrong with it, :class:`MolthubError` where others may write
    it, :class:`NotFoundError` where one was named that is not there.
    """
    place = path or default_place()
    refused = unsafe(place)
    if refused is not None and refused.code == NOT_FOUND:
        if path is None:
            return Settings(bots_have_folders=_has_folders_of_bots())
        raise NotFoundError("there is no such file", place=str(place), remedy="give the file that names the providers")
    if refused is not None:
        raise MolthubError(refused.message, remedy=refused.remedy)
    from molthub.secrets.settings_text import settings_of

    settings = settings_of(place.read_bytes(), str(place))
    return replace(settings, bots_have_folders=_has_folders_of_bots())
