"""Whether passes notice secrets that changed: as ``secrets.yaml`` of the user who runs them says (``watch``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from molthub.errors import MolthubError
from molthub.secrets.assemble import resolver_for
from molthub.secrets.read_settings import read_settings
from molthub.secrets.rotation import SaltedVersions
from molthub_reconciler.records.secret_versions import SecretVersions


def watched_secrets(folder: Path, warn: Callable[[str], None] | None) -> SecretVersions | None:
    """Return what knows secrets' versions by the salt in the state ``folder`` of a target; None: nobody asks for it.

    With ``warn`` the pass acts: the salt is made where there is none, and what is wrong with the settings is told.
    """
    try:
        settings = read_settings()
    except MolthubError as error:
        if warn is not None:
            warn(f"{error}{f' ({error.remedy})' if error.remedy else ''}: secrets are not watched")
        return None
    if not settings.watch:
        return None
    shared = not settings.tells_bots_apart
    return SaltedVersions(folder, lambda bot: resolver_for(settings, bot), may_make=warn is not None, is_shared=shared)
