"""The root of an index: the document that names everything else by its hash."""

from __future__ import annotations

from collections.abc import Mapping

from molthub import __version__
from molthub.documents import canonical, hex_of, index_root_to_json
from molthub.index.folder import ROOT_DOCUMENT
from molthub.model import IndexRoot, Registry
from molthub.publisher_signatures import demanded_by

GENERATOR = f"molthub {__version__}"


def root_documents(
    registry: Registry,
    revision: str,
    shards: Mapping[str, str],
    search: Mapping[str, str],
    fleets: Mapping[str, str],
    *,
    publishers: str,
) -> dict[str, bytes]:
    """Return the root that names everything else, under its own name and under its hex name."""
    root = IndexRoot(
        name=registry.name,
        url=registry.url,
        repository=registry.repository,
        revision=revision,
        generator=GENERATOR,
        shards=shards,
        search=search,
        fleets=fleets,
        publishers=publishers,
        demand=demanded_by(registry.policy),
    )
    content = canonical(index_root_to_json(root))
    return {ROOT_DOCUMENT: content, f"{hex_of(content)}.{ROOT_DOCUMENT}": content}
