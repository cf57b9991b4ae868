"""Checkpoints: what a log says it is now, as C2SP tlog-checkpoint and signed-note say. Ed25519 keys only.

A note has a line each for the *origin* (which log it is), the *size* (how many entries it has) and the base64 of the
*root* of the tree over them. Below an empty line stand signatures of that text, one a line: an em dash, the key's name,
and the base64 of the key's id (4 bytes) with the signature.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple

from molthub.transparency.merkle import HASH_BYTES

_ED25519 = b"\x01"
_ID_BYTES = 4
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_NAME = re.compile(r"[^\s+]+\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\N{EM DASH}"

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, message) -> whether the Ed25519 signature is good."""


class Checkpoint(NamedTuple):
    """The head of a log's tree. ``root`` is the hash over its first ``size`` entries."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def signed_checkpoint(checkpoint: Checkpoint, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return the note: the checkpoint's text with one signature, by a key that is named after the origin."""
    signature = b64encode(key_id(checkpoint.origin, public) + sign(checkpoint.text.encode())).decode()
    return f"{checkpoint.text}\n{_DASH} {checkpoint.origin} {signature}\n"


def read_checkpoint(note: str) -> Checkpoint:
    """Read the text of a note, whoever has signed it. Raises ValueError."""
    text, found, _signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not found or len(lines) < 3 or not all(lines):  # noqa: PLR2004 (origin, size, root)
        raise ValueError("no checkpoint")
    origin, size, root = lines[:3]
    if not _NAME.match(origin) or not _SIZE.match(size):
        raise ValueError("no checkpoint")
    content = b64decode(root, validate=True)
    if len(content) != HASH_BYTES or b64encode(content).decode() != root:
        raise ValueError("no root")
    return Checkpoint(origin, int(size), content)


def open_checkpoint(note: str, keys: Iterable[bytes], verify: Verify) -> Checkpoint:
    """Read a note that one of ``keys`` (public, 32 bytes) has signed under its origin's name. Raises ValueError.

    Signatures of other keys count for nothing; a bad one of these keys spoils the note.
    """
    checkpoint = read_checkpoint(note)
    text, _, lines = note.rpartition("\n\n")
    if not lines.endswith("\n") or _CONTROL.search(note):
        raise ValueError("no signed note")
    ids = {key_id(checkpoint.origin, key): key for key in keys}
    good = False
    for line in lines.removesuffix("\n").split("\n"):
        dash, name, signature = line.split(" ")
        content = b64decode(signature, validate=True)
        key = ids.get(content[:_ID_BYTES])
        if dash != _DASH or b64encode(content).decode() != signature:
            raise ValueError("no signature")
        if name != checkpoint.origin or key is None:
            continue
        if not verify(key, content[_ID_BYTES:], f"{text}\n".encode()):
            raise ValueError("a signature that is not good")
        good = True
    if not good:
        raise ValueError("signed by none of the keys")
    return checkpoint


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that say which key has signed."""
    return sha256(f"{name}\n".encode() + _ED25519 + public).digest()[:_ID_BYTES]


def verifier_key(name: str, public: bytes) -> str:
    """Return the public key as programs that read signed notes take it: ``name+id+base64``."""
    return f"{name}+{key_id(name, public).hex()}+{b64encode(_ED25519 + public).decode()}"
