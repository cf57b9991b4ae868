"""Search for those who ask a server: as clients do, in the lists of a folder."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from molthub.documents import index_root_from_json, search_from_json
from molthub.errors import FormatError
from molthub.index.folder import ROOT_DOCUMENT
from molthub.model import Json, SearchRow
from molthub.search_lists import ONE_LIST, search
from molthub.search_text import Filters, find_in

FILTERS = {"tag": "tags", "mcp": "mcp_servers", "owner": "owners", "platform": "platforms", "status": "statuses"}
"""The parameters that filter, each of which may be repeated, and the fields of :class:`Filters` they are."""


def search_index(folder: Path, said: Mapping[str, list[str]], limit: int) -> Json:
    """Return the answer to ``/api/v1/search`` with these parameters.

    Raises OSError or :class:`FormatError` for an index that is broken.
    """
    root = index_root_from_json((folder / ROOT_DOCUMENT).read_bytes(), ROOT_DOCUMENT)
    query = said.get("q", [""])[-1]
    filters = Filters(**{field: tuple(said.get(name, ())) for name, field in FILTERS.items()})
    if ONE_LIST in root.search:
        found = find_in(_rows(folder, root.search[ONE_LIST]), query, filters)
    else:
        found = search(root, lambda name: _read(folder, name), query, filters)
    answer = {"query": query, "total": found.total, "results": [_shown(row) for row in found.rows[:limit]]}
    return answer | {"complete": found.complete, "mended": dict(found.mended or {})}


def _shown(row: SearchRow) -> Json:
    shown = {"kind": row.kind, "name": row.name, "description": row.description, "tags": list(row.tags)}
    shown |= {"status": row.status, "owners": list(row.owners), "mcpServers": list(row.mcp_servers)}
    return shown | {"latest": row.latest or None}


@lru_cache(maxsize=2)
def _rows(folder: Path, name: str) -> tuple[SearchRow, ...]:
    """Read the one list. Its name is the hash of its bytes, so the rows never change."""
    place, content = _read(folder, name)
    return search_from_json(content, place)


def _read(folder: Path, name: str) -> tuple[str, bytes]:
    path = f"search/{name}.json.gz"
    try:
        return path, gzip.decompress((folder / path).read_bytes())
    except (EOFError, zlib.error) as error:
        raise FormatError(f"the search list does not unpack ({error})", place=path) from None
