"""Signing, with whatever key somebody has."""

from __future__ import annotations

from pathlib import Path

from molthub.publisher_signatures import ssh
from molthub.publisher_signatures.openpgp import sign_with_file, sign_with_gpg
from molthub.publisher_signatures.release import Release


class Signing:
    """A key to sign with.

    ``key`` is a file with a secret OpenPGP key, one for ``ssh-keygen`` (a secret key of OpenSSH's, or the public one of
    a key that the agent holds), or else what gpg calls a key.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        path = Path(key).expanduser()
        self._file = path if path.is_file() else None
        self._content = path.read_bytes() if self._file else b""

    def sign(self, release: Release) -> bytes:
        """Return the signature of ``release``. Raises :class:`SignatureError`, MissingExtraError."""
        if self._file is None:
            return sign_with_gpg(release, self._key)
        if ssh.is_key_file(self._content):
            return ssh.sign_with_ssh(release, self._file)
        return sign_with_file(release, self._content, str(self._file))
