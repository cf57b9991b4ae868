"""``signers.json``: by which keys the skills of one ``.skills`` folder were signed so far.

The first signature that is good is remembered: from then on a skill comes from that publisher, and the publisher's
skills are signed by these keys, until a person accepts another one. So whoever gets hold of an index cannot put a key
of his own in the place of one that was seen before. The file may be shared in a repository, as ``config.json`` is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molthub.atomic import write_atomically
from molthub.documents import readable
from molthub.documents.names import FINGERPRINT
from molthub.documents.reading import as_text, checked, load_document
from molthub.errors import FormatError

FILE = "signers.json"


@dataclass(frozen=True)
class Signers:
    """What is known of one index: the publisher of each name (packs as ``pack/dev``), and each publisher's keys."""

    publishers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: Signers) -> Signers:
        """Return what both know; where they differ on a name's publisher, this one is right."""
        publishers = {
            name: self.publishers.get(name, frozenset()) | other.publishers.get(name, frozenset())
            for name in self.publishers.keys() | other.publishers.keys()
        }
        return Signers(publishers, {**other.names, **self.names})

    def without(self, names: Iterable[str]) -> Signers:
        """Return it without what is known of some names."""
        gone = set(names)
        return Signers(self.publishers, {name: owner for name, owner in self.names.items() if name not in gone})


def read_signers(folders: Iterable[Path], where: str) -> Signers:
    """Return what ``signers.json`` of some folders know of the index at ``where``. Raises :class:`FormatError`."""
    found = Signers()
    for folder in folders:
        found = found.joined(_read(folder / FILE).get(_address(where), Signers()))
    return found


def remember_signers(folder: Path, where: str, signers: Signers) -> None:
    """Write what is known of the index at ``where`` into a folder's ``signers.json``; of other indexes it stays."""
    path = folder / FILE
    known = _read(path)
    if known.get(_address(where), Signers()) == signers:
        return
    shown = {
        address: {
            "publishers": {name: sorted(keys) for name, keys in sorted(found.publishers.items())},
            "names": dict(sorted(found.names.items())),
        }
        for address, found in sorted({**known, _address(where): signers}.items())
    }
    document = {"format": "molthub.signers/1", "registries": shown}
    write_atomically(path, readable(document))


def _read(path: Path) -> dict[str, Signers]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        document = load_document(content, "signers", str(path))
        return {str(where): _signers(found) for where, found in document["registries"].items()}
    except (FormatError, KeyError, TypeError, ValueError, AttributeError) as error:
        # It is not passed over: whoever can damage it could otherwise bring in a key of his own.
        raise FormatError(
            f"the file of known signers cannot be read ({error})", place=str(path), remedy=_MEND
        ) from None


def _signers(value: dict[str, Any]) -> Signers:
    keys = {
        as_text(name): frozenset(checked(FINGERPRINT, key, "a fingerprint") for key in found)
        for name, found in value["publishers"].items()
    }
    return Signers(keys, {as_text(name): as_text(owner) for name, owner in value["names"].items()})


def _address(where: str) -> str:
    """Return an index's address without credentials, and with one spelling."""
    from molthub.client.addresses import without_credentials

    return without_credentials(where).rstrip("/")


_MEND = "mend it, or take it from where it is kept; if you remove it, whatever signs next is believed"
