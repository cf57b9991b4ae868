"""The page's search, run by Node.js, answers as the client's: the same rows in the same order."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import canonical, index_root_to_json
from molthub.index.pages.render import assets
from molthub.index.search_cut.bounds import USUAL
from molthub.model import IndexRoot, SearchRow
from molthub.search_lists import search
from molthub.search_text import Filters
from tests.search.made_rows import COMMON, rows, written

HERE = Path(__file__).parent
MADE = rows()
WORDS = [
    *("", "c", "cod", "code", "kubernetes", "kubernets", "kubrenetes", "kubre", "qqqqqq", "xy", "zz top"),
    *("翻訳", "日本", "über", "Über", "ärger", "c++", "node.js", "@acme/kubernetes", "GIT", ".*", "constructor"),
    *(f"{first} {second}" for first in COMMON for second in COMMON),
    *("code anlysis", "anlysis code data", "review kubernets", "__proto__", "hasOwnProperty code"),
]
SAMPLED = [
    word for row in MADE[::60] for word in (row.name, row.description[:20], " ".join(row.tags), row.words[0][:4])
]
FILTERS: list[list[tuple[str, str]]] = [
    [("owner", "team-7")],
    [("mcp", "kube")],
    [("status", "deprecated")],
    [("status", "active"), ("owner", "acme")],
    [("status", "active"), ("status", "deprecated"), ("owner", "acme")],
    [("tag", "code"), ("owner", "team-7"), ("owner", "team-8")],
    [("tag", "ops"), ("tag", "code")],
    [("platform", "openclaw"), ("mcp", "kube")],
]
FIELDS = {"tag": "tags", "mcp": "mcp_servers", "owner": "owners", "platform": "platforms", "status": "statuses"}


def asked() -> list[dict[str, Any]]:
    plain = [{"query": query, "filters": []} for query in [*WORDS, *SAMPLED]]
    filtered = [{"query": query, "filters": chosen} for chosen in FILTERS for query in ("", "code", "kubernets")]
    return plain + filtered


@pytest.mark.parametrize("count", [600, len(MADE)], ids=["one-list", "many-lists"])
def test_the_page_finds_what_the_client_finds(count: int, tmp_path: Path) -> None:
    root, files = written(MADE[-count:])
    _write(tmp_path, root, files)
    queries = tmp_path / "queries.json"
    queries.write_text(json.dumps(asked()))
    command = ["node", str(HERE / "ask_search.mjs"), str(tmp_path), str(queries)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for question, answer in zip(asked(), json.loads(done.stdout), strict=True):
        assert answer == _by_client(root, files, question), question


def _write(folder: Path, root: IndexRoot, files: Mapping[str, bytes]) -> None:
    content = canonical(index_root_to_json(root))
    for path, text in {**files, **assets(), "registry.json": content}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(text)


def _by_client(root: IndexRoot, files: Mapping[str, bytes], question: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, tuple[str, ...]] = {}
    for key, value in question["filters"]:
        chosen[FIELDS[key]] = (*chosen.get(FIELDS[key], ()), value)
    read = lambda name: (name, gzip.decompress(files[f"search/{name}.json.gz"]))  # noqa: E731 (one line, used once)
    found = search(root, read, question["query"], Filters(**chosen))
    names = [f"{row.kind}/{row.name}" for row in found.rows]
    return {"rows": names, "total": found.total, "complete": found.complete, "mended": dict(found.mended or {})}


def test_the_made_up_rows_need_many_lists() -> None:
    assert len(MADE) > USUAL.small
    assert all(isinstance(row, SearchRow) for row in MADE)
