"""Search for those who ask a server: the search list of a folder, read once for as long as it stays the same."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from pathlib import Path

from molthub.documents import index_root_from_json, search_from_json
from molthub.errors import FormatError
from molthub.index.folder import ROOT_DOCUMENT
from molthub.model import Json, SearchRow
from molthub.search_text import rank


def search_index(folder: Path, query: str, limit: int) -> Json:
    """Return the answer to ``/api/v1/search``. Raises OSError or :class:`FormatError` for an index that is broken."""
    root = index_root_from_json((folder / ROOT_DOCUMENT).read_bytes(), ROOT_DOCUMENT)
    found = rank(_rows(folder, tuple(root.search.values())), query)
    return {"query": query, "total": len(found), "results": [_shown(row) for row in found[:limit]]}


def _shown(row: SearchRow) -> Json:
    shown = {"kind": row.kind, "name": row.name, "description": row.description, "tags": list(row.tags)}
    return shown | {"latest": row.latest or None}


@lru_cache(maxsize=2)
def _rows(folder: Path, names: tuple[str, ...]) -> tuple[SearchRow, ...]:
    """Read the search lists. Their names are the hashes of their bytes, so the rows never change."""
    rows: list[SearchRow] = []
    for name in names:
        path = f"search/{name}.json.gz"
        try:
            content = gzip.decompress((folder / path).read_bytes())
        except (EOFError, zlib.error) as error:
            raise FormatError(f"the search list does not unpack ({error})", place=path) from None
        rows += search_from_json(content, path)
    return tuple(rows)
