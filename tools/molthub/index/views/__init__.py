"""Views: the index in the forms that other clients, web servers and people know.

Nothing here is verified by our own client, which reads ``registry.json`` and what it names. A view holds no fact of its
own: everything in it stands in the shards, the manifests or the fleets' documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from molthub.documents import canonical, canonical_plain
from molthub.model import Json

Files = dict[str, bytes]
Rows = dict[str, bytes]
"""Rows of a list by the names of what they stand for, each as canonical JSON."""


class Views(StrEnum):
    """How much an index holds beside what molthub's own client reads: nothing, what other clients read, or pages too.

    Rules for hosts are written with any of them.
    """

    NONE = "none"
    CLIENTS = "clients"
    ALL = "all"

    @property
    def for_clients(self) -> bool:
        """Whether other clients find their forms."""
        return self is not Views.NONE

    @property
    def for_people(self) -> bool:
        """Whether there are pages."""
        return self is Views.ALL


def as_json(value: Json) -> bytes:
    """Return a view's document as bytes."""
    return canonical(value)


def as_plain_json(value: Json) -> bytes:
    """Return the document of a skill as bytes: its keys are ASCII and it holds no floats, as its schema demands."""
    return canonical_plain(value)


def archive_url(page: str, archive: str) -> str:
    """Return the relative URL of an archive, as seen from the page at ``page``."""
    return f"{'../' * page.count('/')}archives/{archive}.tar.gz"


def with_rows(document: Mapping[str, Json], rows: Mapping[str, Iterable[bytes]]) -> bytes:
    """Return a document as canonical JSON, with lists at its top whose rows are canonical already.

    Lists of a large registry are put together from rows that nobody has to write, or even read, again.
    """
    members = {key: canonical(value) for key, value in document.items()}
    members |= {key: b"[" + b",".join(items) + b"]" for key, items in rows.items()}
    return b"{" + b",".join(canonical(key) + b":" + members[key] for key in sorted(members)) + b"}"
