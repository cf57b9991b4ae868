"""OpenPGP signatures (RFC 9580), verified in this process; made by a file with a secret key, or by ``gpg``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from molthub.errors import (
    ExpiredKeyError,
    ForeignSignerError,
    OtherContentError,
    RevokedKeyError,
    SignatureError,
    missing_extra,
)
from molthub.publisher_signatures.release import Release, Signer, time_of

if TYPE_CHECKING:
    from pysequoia import Cert, Sig


class OpenPgpKeys:
    """OpenPGP certificates, each file holding one or more, armored or not.

    Raises :class:`SignatureError` for a file that is no public key, or holds a secret one; MissingExtraError.
    """

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        self._certs: dict[str, Cert] = {}
        self._parts: dict[str, str] = {}
        for place, content in files:
            for cert in _read_certs(content, place):
                known = self._certs.get(cert.fingerprint)
                self._certs[cert.fingerprint] = cert if known is None else known.merge(cert)
                for part in _fingerprints(cert):
                    self._parts[part] = cert.fingerprint

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The primary keys' fingerprints."""
        return tuple(self._certs)

    def verify(self, release: Release, signature: bytes, published: str) -> Signer:
        """Return who signed ``release``, which was published at that time (RFC 3339).

        Raises :class:`SignatureError`, of the kind that says why a signature does not count.
        """
        pysequoia = _pysequoia()
        signed = _read_signature(signature)
        cert = self._issuer(signed)
        shown = cert.fingerprint
        revoked, expiration = _life(cert)
        if revoked:
            raise RevokedKeyError(f"it was made by the key {shown}, which is revoked", remedy=ANOTHER_KEY)
        if expiration is not None and expiration <= time_of(published):
            when = f"{expiration:%Y-%m-%d}"
            raise ExpiredKeyError(
                f"it was made by the key {shown}, which expired at {when}, before this was published at {published}",
                remedy=ANOTHER_KEY,
            )
        try:
            pysequoia.verify(release.manifest(), store=lambda _ids: [cert], signature=signed)
        except RuntimeError:
            raise _not_this(release, shown) from None
        return Signer(shown, signed.created.astimezone(UTC) if signed.created else None)

    def _issuer(self, signed: Sig) -> Cert:
        issuer = (signed.issuer_fingerprint or "").lower()
        primary = self._parts.get(issuer)
        if primary is None:
            raise foreign(issuer or "of no name", self.fingerprints)
        return self._certs[primary]


def sign_with_file(release: Release, key: bytes, place: str) -> bytes:
    """Sign by a secret key (armored, without a password). Raises :class:`SignatureError`, MissingExtraError."""
    pysequoia = _pysequoia()
    try:
        signer = pysequoia.Tsk.from_bytes(key).signer()
        signature: bytes = pysequoia.sign(signer, release.manifest(), mode=pysequoia.SignatureMode.DETACHED, armor=True)
    except RuntimeError as error:
        raise SignatureError(
            f"it cannot sign: {_first_line(error)}",
            place=place,
            remedy="give a file with a secret key that has no password and has not expired, or the id of a key of gpg",
        ) from None
    return signature


def sign_with_gpg(release: Release, key: str) -> bytes:
    """Sign by a key of the ``gpg`` program, which asks for a password itself. Raises :class:`SignatureError`."""
    import subprocess

    command = ["gpg", "--local-user", key, "--armor", "--detach-sign", "--output", "-"]
    try:
        done = subprocess.run(command, input=release.manifest(), capture_output=True, check=False)
    except FileNotFoundError:
        raise SignatureError(
            f"{key} is no file, and there is no gpg here", remedy="install GnuPG, or give a file with a secret key"
        ) from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SignatureError(
            f"gpg cannot sign with {key}: {said[-1] if said else 'it says nothing'}",
            remedy="see gpg --list-secret-keys",
        )
    return done.stdout


def foreign(fingerprint: str, known: Iterable[str]) -> ForeignSignerError:
    """Return the error for a signature of a key that is none of those ``known``."""
    keys = ", ".join(sorted(known)) or "there is none"
    return ForeignSignerError(
        f"it was made by the key {fingerprint}, which is none of the publisher's ({keys})",
        remedy="add the public key beside publisher.yaml first, or sign with one that is there",
    )


def _life(cert: Cert) -> tuple[bool, datetime | None]:
    """Return whether a key is revoked, and when it expires."""
    try:
        return cert.is_revoked, cert.expiration
    except RuntimeError:
        message = f"it was made by the key {cert.fingerprint}, whose own binding is damaged or no longer safe"
        raise SignatureError(message, remedy=f"export the key anew, or make another: {_EXPORT}") from None


def _not_this(release: Release, fingerprint: str) -> OtherContentError:
    return OtherContentError(
        f"the key {fingerprint} did not sign this: the signature is for other content, another name or number, or it "
        "is damaged or of a kind that is no longer safe",
        remedy=f"sign exactly these bytes: {release.manifest().decode()}",
    )


def _read_certs(content: bytes, place: str) -> list[Cert]:
    pysequoia = _pysequoia()
    try:
        certs = list(pysequoia.Cert.split_bytes(content))
        tags = [tag for tag, _ in _packets(content)] if certs else []
    except RuntimeError as error:
        raise SignatureError(f"it is no OpenPGP key: {_first_line(error)}", place=place, remedy=_EXPORT) from None
    if not certs:
        raise SignatureError("it holds no OpenPGP key", place=place, remedy=_EXPORT)
    if any(tag.startswith("Tag.Secret") for tag in tags):
        raise SignatureError(
            "this is a SECRET key", place=place, remedy=f"take it out of git's history, make another key, and {_EXPORT}"
        )
    return certs


def _read_signature(content: bytes) -> Sig:
    pysequoia = _pysequoia()
    try:
        signature: Sig = pysequoia.Sig.from_bytes(content)
    except (RuntimeError, ValueError):
        raise SignatureError("it is no OpenPGP signature", remedy=_DETACHED) from None
    return signature


def _fingerprints(cert: Cert) -> Iterable[str]:
    """Yield the fingerprints of a key and its subkeys: a signature names the one that made it."""
    yield cert.fingerprint
    for tag, packet in _packets(bytes(cert)):
        if tag in ("Tag.PublicKey", "Tag.PublicSubkey"):
            yield str(packet.fingerprint).lower()


def _packets(content: bytes) -> Iterable[tuple[str, Any]]:
    for packet in _pysequoia().packet.PacketPile.from_bytes(content):
        yield str(packet.tag), packet


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _pysequoia() -> Any:
    try:
        import pysequoia
    except ModuleNotFoundError as error:
        raise missing_extra("verify", "checking a publisher's signature") from error
    return pysequoia


_EXPORT = "export it with: gpg --armor --export KEY"
_DETACHED = "make it with: gpg --armor --detach-sign"
ANOTHER_KEY = "publish a new version, signed by a key that counts"
