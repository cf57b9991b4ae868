"""The documents a client searches in: lists of rows, and the directory that says which list holds what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from molthub.documents.names import DNS_LABEL
from molthub.documents.reading import (
    as_hex,
    as_size,
    as_skill_name,
    as_text,
    as_texts,
    checked,
    load_document,
    reading,
    without_empty,
)
from molthub.model import Json, SearchDirectory, SearchRow


def search_to_json(rows: Iterable[SearchRow]) -> dict[str, Json]:
    """Return a search list: ``skills`` and ``packs``, each sorted by name."""
    lists: dict[str, list[Json]] = {"skill": [], "pack": []}
    for row in sorted(rows, key=lambda row: row.name):
        lists[row.kind].append(search_row_to_json(row))
    return {"format": "molthub.search/1", "skills": lists["skill"], "packs": lists["pack"]}


def search_row_to_json(row: SearchRow) -> dict[str, Json]:
    """Return one row. Its kind is said by the list it stands in."""
    shown = {
        "name": row.name,
        "description": row.description,
        "tags": list(row.tags),
        "latest": row.latest,
        "status": "" if row.status == "active" else row.status,
        "owners": list(row.owners),
        "mcpServers": list(row.mcp_servers),
        "platforms": list(row.platforms),
        "words": list(row.words),
    }
    return without_empty(shown)


def search_from_json(content: bytes, where: str) -> tuple[SearchRow, ...]:
    """Read a search list. Raises :class:`FormatError`."""
    return reading(_search, load_document(content, "search", where), where)


def _search(document: dict[str, Any]) -> tuple[SearchRow, ...]:
    skills = [_search_row("skill", as_skill_name(row["name"]), row) for row in document.get("skills") or ()]
    packs = [_search_row("pack", checked(DNS_LABEL, row["name"], "a pack name"), row)
             for row in document.get("packs") or ()]  # fmt: skip
    return (*skills, *packs)


def _search_row(kind: Any, name: str, row: dict[str, Any]) -> SearchRow:
    status: Any = as_text(row.get("status", "active"))
    return SearchRow(
        kind=kind,
        name=name,
        description=as_text(row.get("description", "")),
        latest=as_text(row.get("latest", "")),
        tags=as_texts(row.get("tags")),
        status=status,
        owners=as_texts(row.get("owners")),
        mcp_servers=as_texts(row.get("mcpServers")),
        platforms=as_texts(row.get("platforms")),
        words=as_texts(row.get("words")),
    )


def search_directory_to_json(directory: SearchDirectory) -> dict[str, Json]:
    """Return the directory of many search lists."""
    return {
        "format": "molthub.search-directory/1",
        "rows": directory.rows,
        "lists": list(directory.lists),
        "whole": dict(directory.whole),
        "best": {key: list(place) for key, place in directory.best.items()},
        "words": dict(directory.words),
    }


def search_directory_from_json(content: bytes, where: str) -> SearchDirectory:
    """Read the directory of many search lists. Raises :class:`FormatError`."""
    return reading(_directory, load_document(content, "search-directory", where), where)


def _directory(document: dict[str, Any]) -> SearchDirectory:
    lists = tuple(as_hex(name) for name in document["lists"])
    whole: dict[str, int] = document["whole"]
    words: dict[str, int] = document["words"]
    best = {key: (number, count) for key, (number, count) in document["best"].items()}
    # Tens of thousands of numbers, most of them alike: each is looked at once.
    numbers = {*whole.values(), *(number for number, _count in best.values())}
    counts = {*words.values(), *(count for _number, count in best.values())}
    if any(as_size(number) >= len(lists) for number in numbers):
        raise ValueError("a key leads to a list that is not there")
    for count in counts:
        as_size(count)
    return SearchDirectory(as_size(document["rows"]), lists, whole, best, words)
