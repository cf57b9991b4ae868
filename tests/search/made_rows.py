"""Rows of a made-up registry that is too large for one search list: a few words are common, most are rare."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache

from molthub.documents import canonical, search_row_to_json
from molthub.index.search_cut.bounds import USUAL
from molthub.index.search_cut.search_files import Files, write_search
from molthub.model import IndexRoot, SearchRow

SYLLABLES = ("ba", "co", "da", "fe", "gi", "ko", "lu", "ma", "ne", "po", "ri", "sa", "te", "vu", "za")
COMMON = ("code", "data", "review", "analysis", "deploy", "database")
COUNT = USUAL.small + 500


@cache
def rows() -> list[SearchRow]:
    """Return the rows, the same each time."""
    rng = random.Random(4711)  # noqa: S311 (no secrets)
    lexicon = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(3000)]
    weights = [1 / (place + 5) for place in range(len(lexicon))]
    made = [_row(number, rng, lexicon, weights) for number in range(COUNT)]
    made.append(SearchRow("skill", "kubernetes", "Runs what is contained.", "1.0.0", ("ops",), mcp_servers=("kube",)))
    made.append(SearchRow("skill", "@acme/kubernetes", "Theirs.", "1.0.0", status="deprecated", owners=("acme",)))
    made.append(SearchRow("skill", "zoo-review-data", "Only its name says so.", "1.0.0"))
    made.append(SearchRow("skill", "deploy-analysis", "Only its name says so.", "1.0.0"))
    made.append(SearchRow("pack", "kubernetes", "Servers and skills.", "3", words=("kubernetes",)))
    made.append(
        SearchRow("skill", "honyaku", "文章をgitで翻訳する c++ node.js", "1.0.0", ("日本語", "Über"), words=("ärger",))
    )
    return made


def _row(number: int, rng: random.Random, lexicon: list[str], weights: list[float]) -> SearchRow:
    words = rng.choices(lexicon, weights, k=24) + rng.choices(COMMON, k=2)
    rng.shuffle(words)
    name = "-".join([*rng.choices([*COMMON, *lexicon[:40]], k=2), str(number)])
    return SearchRow(
        "skill",
        name,
        " ".join(words).capitalize() + ".",
        "1.0.0",
        (rng.choice(COMMON), rng.choice(lexicon)),
        owners=(f"team-{number % 40}",),
        words=tuple(rng.choices(lexicon, k=5)),
    )


def written(made: list[SearchRow]) -> tuple[IndexRoot, Files]:
    """Return the search files of an index with these rows, and its root."""
    files: Files = {}
    search = write_search(_encoded(made, "skill"), _encoded(made, "pack"), files)
    return IndexRoot("acme", "", "", "", "", shards={}, search=search), files


def _encoded(made: list[SearchRow], kind: str) -> Mapping[str, bytes]:
    ordered = sorted(made, key=lambda row: row.name)
    return {row.name: canonical(search_row_to_json(row)) for row in ordered if row.kind == kind}
