"""Which secrets changed, without keeping any: a salted hash for each, which only whoever has the salt can make.

The salt is 32 random bytes in a file of its owner alone, for each target; without it a short secret could be guessed
from its hash. Nothing of a hash can be compared with another bot's or another target's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from molthub.atomic import unique_suffix
from molthub.errors import MolthubError
from molthub.secrets.private_file import PrivateFileError, read_private
from molthub.secrets.resolver import Resolver
from molthub.secrets.value import SecretValue

SALT_FILE = "salt"
_SALT_BYTES = 32
_VERSION_DIGITS = 32
_SECONDS_HELD = 5.0


class SaltedVersions:
    """Knows the version of each secret: the HMAC-SHA256 (RFC 2104) of its value, by the salt in ``folder``.

    ``resolver_of`` gives who is asked for a bot's secrets. Where there is no salt yet, it is made if it ``may_make``
    one; otherwise nothing can have changed. ``is_shared``: it makes no difference for which bot a secret is asked, so
    that within some seconds of ``clock`` each is asked for once, and not for each of a thousand bots.
    """

    def __init__(
        self,
        folder: Path,
        resolver_of: Callable[[str], Resolver],
        *,
        may_make: bool,
        is_shared: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._may_make = may_make
        self._resolver_of = resolver_of
        self._salt = b""
        self._is_shared = is_shared
        self._clock = clock
        self._held: dict[str, SecretValue | None] = {}
        self._held_until = 0.0

    def versions(self, bot: str, secrets: Collection[str]) -> Mapping[str, str]:
        """Return the version of each secret that resolves now; where nobody can be asked, none."""
        if not secrets or not (self._may_make or (self._folder / SALT_FILE).exists()):
            return {}
        try:
            values = self._values(bot, secrets)
            salt = self._salt or self._kept()
        except (MolthubError, OSError, PrivateFileError):
            return {}
        return {name: version_of(salt, bot, name, value) for name, value in sorted(values.items())}

    def _values(self, bot: str, secrets: Collection[str]) -> Mapping[str, SecretValue]:
        """Return the values of the secrets that resolve. Raises :class:`MolthubError`."""
        if not self._is_shared:
            return self._resolver_of(bot).resolve(secrets).values
        if self._clock() >= self._held_until:
            self._held, self._held_until = {}, self._clock() + _SECONDS_HELD
        unknown = [name for name in secrets if name not in self._held]
        if unknown:
            values = self._resolver_of(bot).resolve(unknown).values
            self._held |= {name: values.get(name) for name in unknown}
        return {name: value for name in secrets if (value := self._held[name]) is not None}

    def _kept(self) -> bytes:
        """Return the salt, made when it is first needed."""
        place = self._folder / SALT_FILE
        if not place.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):  # another process was faster: its salt counts
                _write_new(place, os.urandom(_SALT_BYTES))
        self._salt = read_private(place)
        return self._salt


def version_of(salt: bytes, bot: str, name: str, value: SecretValue) -> str:
    """Return the version of one bot's secret. Pure."""
    from hashlib import sha256
    from hmac import new

    text = f"{bot}\0{name}\0{value.reveal()}"
    return new(salt, text.encode("utf-8", "surrogateescape"), sha256).hexdigest()[:_VERSION_DIGITS]


def _write_new(place: Path, content: bytes) -> None:
    """Write a file of its owner alone, whole, unless there is one."""
    staged = place.with_name(f".{SALT_FILE}-{unique_suffix()}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.link(staged, place)
    finally:
        os.close(descriptor)
        staged.unlink()
