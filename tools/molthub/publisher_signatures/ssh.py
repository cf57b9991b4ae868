"""OpenSSH signatures (PROTOCOL.sshsig), verified in this process; made by ``ssh-keygen``, which knows agents.

Keys are lines as in ``~/.ssh/id_ed25519.pub``; Ed25519 and RSA are read. They have no life of their own: they count
until ``publisher.yaml`` says that they are revoked.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from molthub.errors import OtherContentError, SignatureError, missing_extra
from molthub.publisher_signatures.openpgp import foreign
from molthub.publisher_signatures.release import NAMESPACE, Release, Signer

HEADER = b"-----BEGIN SSH SIGNATURE-----"
_SECRET = b"PRIVATE KEY-----"
_HASHES = (b"sha256", b"sha512")  # the two that PROTOCOL.sshsig allows


class SshKeys:
    """Public keys of OpenSSH, one a line.

    Raises :class:`SignatureError` for a line that is none, or a file that holds a secret key; MissingExtraError.
    """

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        self._keys: dict[str, Any] = {}
        for place, content in files:
            for key in _read_keys(content, place):
                self._keys[key.sha256_str()] = key

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The keys' fingerprints, as ``ssh-keygen -l`` shows them."""
        return tuple(self._keys)

    def verify(self, release: Release, signature: bytes, published: str) -> Signer:
        """Return who signed ``release``; ``published`` has no say, since these keys have no life of their own.

        Raises :class:`SignatureError`, of the kind that says why a signature does not count.
        """
        del published
        sshsig, signed = _sshsig(), _read_signature(signature)
        if signed.hash_algo not in _HASHES:
            raise SignatureError("it uses a hash that SSH signatures may not have", remedy=_SIGN)
        try:
            found = sshsig.ssh_public_key.PublicKey.from_ssh_encoding(signed.public_key)
            shown = str(found.sha256_str())
        except (ValueError, NotImplementedError, EOFError):
            raise SignatureError("it was made by a kind of key that is not read here", remedy=_KINDS) from None
        if shown not in self._keys:
            raise foreign(shown, self.fingerprints)
        if not _is_exact(signed, signature, found):
            raise SignatureError("it is no SSH signature as OpenSSH writes it", remedy=_SIGN)
        try:
            sshsig.sshsig.verify(release.manifest(), signature.decode("ascii"), [self._keys[shown]], NAMESPACE)
        except (sshsig.sshsig.InvalidSignature, ValueError, NotImplementedError, AssertionError, EOFError):
            raise OtherContentError(
                f"the key {shown} did not sign this: the signature is for other content, another name, number or "
                f"namespace than {NAMESPACE}, or it is damaged",
                remedy=f"sign exactly these bytes: {release.manifest().decode()}",
            ) from None
        return Signer(shown, None)


def sign_with_ssh(release: Release, key: Path) -> bytes:
    """Sign by ``ssh-keygen``: a secret key's file, or the public one of a key that the agent holds.

    ``ssh-keygen`` asks for a password itself. Raises :class:`SignatureError`.
    """
    import subprocess

    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(command, input=release.manifest(), capture_output=True, check=False)
    except FileNotFoundError:
        raise SignatureError("there is no ssh-keygen here", place=str(key), remedy="install OpenSSH") from None
    if done.returncode != 0 or not done.stdout.startswith(HEADER):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SignatureError(
            f"ssh-keygen cannot sign: {said[-1] if said else 'it says nothing'}",
            place=str(key),
            remedy="give the file of a secret key, or of a public one whose secret key the agent holds",
        )
    return done.stdout


def is_key_file(content: bytes) -> bool:
    """Whether a file is for ``ssh-keygen`` to sign with: a secret key of OpenSSH's, or a public one."""
    return b"BEGIN OPENSSH PRIVATE KEY" in content or content.startswith((b"ssh-", b"ecdsa-", b"sk-"))


def _read_keys(content: bytes, place: str) -> list[Any]:
    sshsig = _sshsig()
    if _SECRET in content:
        remedy = "take it out of git's history, make another key, and add the file that ends with .pub"
        raise SignatureError("this is a SECRET key", place=place, remedy=remedy)
    try:
        lines = [line.strip() for line in content.decode("utf-8").splitlines()]
        keys = [
            sshsig.ssh_public_key.PublicKey.from_openssh_str(line)
            for line in lines
            if line and not line.startswith("#")
        ]
    except (ValueError, NotImplementedError, EOFError):
        raise SignatureError("it is no OpenSSH key that is read here", place=place, remedy=_KINDS) from None
    if not keys:
        raise SignatureError("it holds no OpenSSH key", place=place, remedy=_KINDS)
    return keys


def _read_signature(content: bytes) -> Any:
    try:
        return _sshsig().sshsig.SshsigSignature.from_armored(content.decode("ascii"))
    except (ValueError, NotImplementedError, EOFError):
        raise SignatureError("it is no SSH signature", remedy=_SIGN) from None


def _is_exact(signed: Any, signature: bytes, key: Any) -> bool:
    """Whether every length in a signature is that of what follows: the library reads on where one is too large."""
    import base64

    whole = _sshsig().sshsig.ssh_dearmor_sshsig(signature)
    encoded_key = base64.b64decode(key.openssh_str().split()[1])
    inner: bytes = signed.signature
    kind_end = 4 + int.from_bytes(inner[:4], "big")
    raw_end = kind_end + 4 + int.from_bytes(inner[kind_end : kind_end + 4], "big")
    return bytes(signed) == whole and encoded_key == signed.public_key and raw_end == len(inner)


def _sshsig() -> Any:
    try:
        import sshsig
        import sshsig.ssh_public_key
    except ModuleNotFoundError as error:
        raise missing_extra("verify", "checking a publisher's SSH signature") from error
    return sshsig


_SIGN = f"make it with: ssh-keygen -Y sign -n {NAMESPACE} -f KEY"
_KINDS = "use an Ed25519 key (ssh-keygen -t ed25519), or an RSA one: one line, as in id_ed25519.pub"
