"""The port to whoever knows when a secret changed.

A bot's files refer to secrets and never hold them, so a secret that was rotated leaves no trace there. Its *version*
tells: a text that differs whenever the value does, and from which nothing of the value follows (a salted hash). Where
nobody knows versions, no secret is ever seen to change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol


class SecretVersions(Protocol):
    """Knows the present version of each secret of a bot."""

    def versions(self, bot: str, secrets: Collection[str]) -> Mapping[str, str]:
        """Return the version of each of ``secrets`` (names, as in ``${secrets.name}``) for ``<fleet>/<bot>``.

        What cannot be told now is left out: then nothing is said to have changed. Never raises.
        """
        ...
