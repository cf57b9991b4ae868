"""Views: the index in the forms that other clients, web servers and people know.

Nothing here is verified by our own client, which reads ``registry.json`` and what it names. A view holds no fact of its
own: everything in it stands in the shards, the manifests or the fleets' documents.
"""

from __future__ import annotations

from molthub.documents import canonical
from molthub.model import Json

Files = dict[str, bytes]


def as_json(value: Json) -> bytes:
    """Return a view's document as bytes."""
    return canonical(value)


def archive_url(page: str, archive: str) -> str:
    """Return the relative URL of an archive, as seen from the page at ``page``."""
    return f"{'../' * page.count('/')}archives/{archive}.tar.gz"
