"""One publisher's public keys, of every kind, and which of them were revoked."""

from __future__ import annotations

from collections.abc import Iterable

from molthub.errors import RevokedKeyError, SignatureError
from molthub.model import RevokedKey
from molthub.publisher_signatures import ssh
from molthub.publisher_signatures.openpgp import ANOTHER_KEY, OpenPgpKeys
from molthub.publisher_signatures.release import MAX_SIGNATURE, Release, Signer, time_of
from molthub.publisher_signatures.ssh import SshKeys

KEY_SUFFIXES = {".asc": "OpenPGP", ".pub": "SSH", ".pem": "model"}  # the last: molthub.model_signature


def key_kind(file: str) -> str | None:
    """Return the kind of key that a file beside ``publisher.yaml`` holds, by its name; None: it is no key."""
    return next((kind for suffix, kind in KEY_SUFFIXES.items() if file.endswith(suffix)), None)


class Keyring:
    """Public keys, in files named ``*.asc`` (OpenPGP) or ``*.pub`` (OpenSSH); others are left alone.

    Raises :class:`SignatureError` for a file that holds no such key, or a secret one; MissingExtraError.
    """

    def __init__(self, files: Iterable[tuple[str, bytes]], revoked: Iterable[RevokedKey] = ()) -> None:
        given = list(files)
        self._openpgp = OpenPgpKeys(file for file in given if key_kind(file[0]) == "OpenPGP")
        self._ssh = SshKeys(file for file in given if key_kind(file[0]) == "SSH")
        self._revoked = {_spelled(key.fingerprint): key for key in revoked}

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The keys' fingerprints."""
        return tuple(sorted((*self._openpgp.fingerprints, *self._ssh.fingerprints)))

    def verify(self, release: Release, signature: bytes, published: str) -> Signer:
        """Return who signed ``release``, which was published at that time (RFC 3339).

        Raises :class:`SignatureError`, of the kind that says why a signature does not count.
        """
        if len(signature) > MAX_SIGNATURE:
            raise SignatureError(f"a signature has at most {MAX_SIGNATURE} bytes", remedy="sign anew, detached")
        keys = self._ssh if signature.lstrip().startswith(ssh.HEADER) else self._openpgp
        signer = keys.verify(release, signature, published)
        revoked = self._revoked.get(_spelled(signer.fingerprint))
        if revoked is not None and (revoked.since is None or time_of(published) >= time_of(revoked.since)):
            since = f" since {revoked.since}" if revoked.since else ""
            raise RevokedKeyError(
                f"it was made by the key {signer.fingerprint}, which its publisher revoked{since}: {revoked.reason}",
                remedy=ANOTHER_KEY,
            )
        return signer


def _spelled(fingerprint: str) -> str:
    """Return a fingerprint in one spelling: OpenPGP's in lower case without spaces, SSH's as it is."""
    return fingerprint if fingerprint.startswith("SHA256:") else fingerprint.replace(" ", "").lower()
