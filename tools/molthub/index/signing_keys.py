"""The folder of signing keys: private keys in PEM files, and every root that was ever made.

``root-<8 hex>.pem`` is kept offline and signs roots only; ``online-<8 hex>.pem`` signs each publication. The hex begins
the key's id, so that a rotation adds files and never replaces one. ``<N>.root.json`` are public: whoever signs needs
them and one online key, nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.errors import MolthubError, TrustError, missing_extra

try:
    from securesystemslib.signer import CryptoSigner
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root
    from tuf.api.serialization import DeserializationError
except ModuleNotFoundError as error:
    raise missing_extra("sign", "molthub sign") from error

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

ONLINE_ROLES = ("timestamp", "snapshot", "targets")
PRIVATE_MODE = 0o600
_BINARY = getattr(os, "O_BINARY", 0)
_ROOT_FILE = re.compile(r"([1-9][0-9]*)\.root\.json\Z")


class SigningKeys:
    """One folder of keys. Raises :class:`MolthubError` for files that are no keys or no roots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def init(self, now: datetime, lifetime: timedelta) -> Metadata[Root]:
        """Make a root key, an online key and the first root, for ``lifetime``. Raises :class:`MolthubError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.root_files() or [*self.folder.glob("*.pem")]:
            message = "this folder holds keys already"
            raise MolthubError(message, place=str(self.folder), remedy="give another folder, or: molthub sign rotate")
        signer, online = self._new("root"), self._new("online")
        root = Root(version=1, expires=now + lifetime, consistent_snapshot=True)
        root.add_key(signer.public_key, "root")
        for role in ONLINE_ROLES:
            root.add_key(online.public_key, role)
        metadata = Metadata(root)
        metadata.sign(signer)
        self._write("1.root.json", metadata.to_bytes(), 0o644)
        return metadata

    def rotate(self, now: datetime, lifetime: timedelta, *, root_key: bool, online_key: bool) -> Metadata[Root]:
        """Make the next root, with new keys where they are asked for; without, only its time is new.

        It is signed by the root key before it and by its own. Raises :class:`MolthubError`.
        """
        before = self.newest_root()
        signers = self.signers()
        old = _signers_of(before.signed, "root", signers)
        if len(old) < before.signed.roles["root"].threshold:
            remedy = "bring the root key (root-*.pem) from where it is kept; it is needed for this and nothing else"
            raise MolthubError("the root key is not here", place=str(self.folder), remedy=remedy)
        root = Root.from_dict(before.signed.to_dict())
        root.version, root.expires = before.signed.version + 1, now + lifetime
        if root_key:
            _replace(root, ("root",), self._new("root"))
        if online_key:
            _replace(root, ONLINE_ROLES, self._new("online"))
        metadata = Metadata(root)
        for signer in (*old, *(_signers_of(root, "root", self.signers()))):
            metadata.sign(signer, append=True)
        self._write(f"{root.version}.root.json", metadata.to_bytes(), 0o644)
        return metadata

    def signers(self) -> Mapping[str, Signer]:
        """Return the private keys that are here, by key id. Raises :class:`MolthubError`."""
        found: dict[str, Signer] = {}
        for path in sorted(self.folder.glob("*.pem")):
            signer = _read_key(path)
            found[signer.public_key.keyid] = signer
        return found

    def online(self, root: Root) -> Signer:
        """Return the key that signs publications under ``root``. Raises :class:`MolthubError`."""
        found = _signers_of(root, "timestamp", self.signers())
        if not found:
            names = ", ".join(f"online-{keyid[:8]}.pem" for keyid in root.roles["timestamp"].keyids)
            raise MolthubError(f"there is no {names}", place=str(self.folder), remedy=_LOST)
        return found[0]

    def root_files(self) -> dict[int, bytes]:
        """Return every root by version, oldest first."""
        if not self.folder.is_dir():
            raise MolthubError("there is no such folder", place=str(self.folder), remedy=_MAKE)
        matches = [(match, path) for path in self.folder.iterdir() if (match := _ROOT_FILE.match(path.name))]
        return {int(match[1]): path.read_bytes() for match, path in sorted(matches, key=lambda pair: int(pair[0][1]))}

    def roots(self) -> list[Metadata[Root]]:
        """Return every root, oldest first, each verified by the one before it. Raises :class:`MolthubError`."""
        found: list[Metadata[Root]] = []
        for version, content in self.root_files().items():
            place = str(self.folder / f"{version}.root.json")
            try:
                root: Metadata[Root] = Metadata.from_bytes(content)
                for judge in (*found[-1:], root):
                    judge.signed.verify_delegate("root", root.signed_bytes, root.signatures)
            except (DeserializationError, RepositoryError, ValueError) as error:
                raise TrustError(f"no root that follows from the one before it ({error})", place=place) from None
            if root.signed.version != (found[-1].signed.version + 1 if found else version):
                raise TrustError("a root before this one is missing", place=place, remedy="bring all *.root.json")
            found.append(root)
        if not found:
            raise MolthubError("there is no root here (1.root.json)", place=str(self.folder), remedy=_MAKE)
        return found

    def newest_root(self) -> Metadata[Root]:
        """Return the root that counts. Raises :class:`MolthubError`."""
        return self.roots()[-1]

    def _new(self, role: str) -> Signer:
        signer = CryptoSigner.generate_ed25519()
        self._write(f"{role}-{signer.public_key.keyid[:8]}.pem", signer.private_bytes, PRIVATE_MODE)
        return signer

    def _write(self, name: str, content: bytes, mode: int) -> None:
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


_MAKE = "make keys first: molthub sign init --keys DIR"
_LOST = "if it is lost, make another with the root key: molthub sign rotate --online"


def days_left(expires: datetime, now: datetime) -> int:
    """Return the whole days until ``expires``."""
    return (expires.astimezone(UTC) - now).days


def _read_key(path: Path) -> CryptoSigner:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise MolthubError("this is no private key in PEM, or it has a password", place=str(path)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise MolthubError("this is no ed25519 key", place=str(path), remedy="make keys with: molthub sign init")
    return CryptoSigner(key)


def _replace(root: Root, roles: tuple[str, ...], signer: Signer) -> None:
    for role in roles:
        for keyid in [*root.roles[role].keyids]:
            root.revoke_key(keyid, role)
        root.add_key(signer.public_key, role)


def _signers_of(root: Root, role: str, signers: Mapping[str, Signer]) -> list[Signer]:
    return [signers[keyid] for keyid in root.roles[role].keyids if keyid in signers]
