"""The publisher's word on one version: an OpenPGP signature (RFC 9580) over a canonical manifest.

What is signed is not an archive but what the version *is*: kind, name, number, digest, size. So a good signature cannot
be shown under another name or number, and whoever holds the files can check it. Keys are the publisher's own; a key
that was revoked, or had expired when the version was published, does not count, whatever OpenPGP itself would say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.documents import canonical
from molthub.errors import SignatureError, missing_extra

if TYPE_CHECKING:
    from pysequoia import Cert, Sig

FORMAT = "molthub.release/1"
MAX_SIGNATURE = 64 * 1024


class Release(NamedTuple):
    """What a signature speaks of. ``kind`` is skill or pack; ``size`` is the sum of the sizes of its files."""

    kind: str
    name: str
    version: str
    digest: str
    size: int

    def manifest(self) -> bytes:
        """Return the bytes that are signed (RFC 8785)."""
        return canonical(
            {
                "format": FORMAT,
                "type": self.kind,
                "name": self.name,
                "version": self.version,
                "digest": self.digest,
                "size": self.size,
            }
        )


class Signer(NamedTuple):
    """Who signed: the primary key's fingerprint, and the time that the signature claims."""

    fingerprint: str
    signed: datetime


class Keyring:
    """Public keys of one publisher, each file holding one or more, armored or not.

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
        return tuple(sorted(self._certs))

    def verify(self, release: Release, signature: bytes, published: str) -> Signer:
        """Return who signed ``release``, which was published at that time (RFC 3339).

        Raises :class:`SignatureError` that says why a signature does not count.
        """
        pysequoia = _pysequoia()
        signed = _read_signature(signature)
        cert = self._issuer(signed)
        shown = cert.fingerprint
        if cert.is_revoked:
            raise SignatureError(f"it was made by the key {shown}, which is revoked", remedy=_ANOTHER_KEY)
        if cert.expiration is not None and cert.expiration <= _time(published):
            when = f"{cert.expiration:%Y-%m-%d}"
            raise SignatureError(
                f"it was made by the key {shown}, which expired at {when}, before this was published at {published}",
                remedy=_ANOTHER_KEY,
            )
        try:
            pysequoia.verify(release.manifest(), store=lambda _ids: [cert], signature=signed)
        except RuntimeError:
            raise SignatureError(
                f"the key {shown} did not sign this: the signature is for other content, another name or number, or it "
                "is damaged or of a kind that is no longer safe",
                remedy=f"sign exactly these bytes: {release.manifest().decode()}",
            ) from None
        return Signer(shown, signed.created.astimezone(UTC) if signed.created else _time(published))

    def _issuer(self, signed: Sig) -> Cert:
        issuer = (signed.issuer_fingerprint or "").lower()
        primary = self._parts.get(issuer)
        if primary is None:
            known = ", ".join(self.fingerprints) or "there is none"
            raise SignatureError(
                f"it was made by the key {issuer or 'of no name'}, which is none of the publisher's ({known})",
                remedy="add the public key beside publisher.yaml first, or sign with one that is there",
            )
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


def _read_certs(content: bytes, place: str) -> list[Cert]:
    pysequoia = _pysequoia()
    try:
        certs = list(pysequoia.Cert.split_bytes(content))
    except RuntimeError as error:
        raise SignatureError(f"it is no OpenPGP key: {_first_line(error)}", place=place, remedy=_EXPORT) from None
    if not certs:
        raise SignatureError("it holds no OpenPGP key", place=place, remedy=_EXPORT)
    if any(tag.startswith("Tag.Secret") for tag, _ in _packets(content)):
        raise SignatureError(
            "this is a SECRET key", place=place, remedy=f"take it out of git's history, make another key, and {_EXPORT}"
        )
    return certs


def _read_signature(content: bytes) -> Sig:
    pysequoia = _pysequoia()
    if len(content) > MAX_SIGNATURE:
        raise SignatureError(f"a signature has at most {MAX_SIGNATURE} bytes", remedy=_DETACHED)
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


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


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
_ANOTHER_KEY = "publish a new version, signed by a key that counts"
