"""A large index answers as a small one: the same rows in the same order, from three files at most."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import pytest

from molthub.documents import search_directory_from_json, search_from_json
from molthub.errors import FormatError
from molthub.index.search_cut.bounds import USUAL
from molthub.index.search_cut.search_files import Files
from molthub.model import IndexRoot, SearchRow
from molthub.search_lists import DIRECTORY, ONE_LIST, all_rows, search
from molthub.search_text import Filters, Found, find_in, rank, terms_of
from tests.search.made_rows import COMMON, rows, written

MADE = rows()
NAMES = {row.name for row in MADE}


@pytest.fixture(scope="module")
def large() -> tuple[IndexRoot, Files]:
    return written(MADE)


@pytest.fixture
def ask(large: tuple[IndexRoot, Files]) -> Callable[..., Found]:
    """Search in the large index, and see that it reads no more than it may."""
    root, files = large

    def asked(query: str, filters: Filters | None = None) -> Found:
        read: list[str] = []

        def blob(name: str) -> tuple[str, bytes]:
            read.append(name)
            return name, gzip.decompress(files[f"search/{name}.json.gz"])

        found = search(root, blob, query, filters)
        assert len(read) <= 3, (query, len(read))
        assert len(set(read)) == len(read)
        return found

    return asked


def queries() -> list[str]:
    """Words, beginnings of words and several words of rows, each as somebody may type them."""
    rng = random.Random(7)  # noqa: S311 (cases, no secrets)
    asked: list[str] = []
    for row in rng.sample(MADE, 60):
        words = [*row.description.strip(".").split(), *row.name.split("-"), *row.tags]
        asked += [
            rng.choice(words),
            rng.choice(words)[:3],
            " ".join(rng.sample(words, 2)),
            " ".join(rng.sample(words, 3)),
        ]
    return asked


def test_what_is_complete_is_what_all_rows_say(ask: Callable[..., Found]) -> None:
    complete = 0
    for query in queries():
        found = ask(query)
        whole = find_in(MADE, query)
        if found.complete:
            complete += 1
            assert found == whole, query
        else:
            assert set(found.rows) <= set(whole.rows), query
            assert found.total <= whole.total, query
    assert complete > 120


@pytest.mark.parametrize("query", ["", "c", "co", "cod", "code", "d", "da", "data", "datab", "revi", "analysis"])
def test_of_a_common_word_the_best_come_in_their_order_and_all_are_counted(
    query: str, ask: Callable[..., Found]
) -> None:
    found, whole = ask(query), find_in(MADE, query)
    assert not found.complete
    assert found.total == whole.total
    assert found.rows[:50] == whole.rows[:50]


@pytest.mark.parametrize("pair", [(a, b) for a in COMMON for b in COMMON if a < b])
def test_two_common_words_find_what_has_both_in_its_name(pair: tuple[str, str], ask: Callable[..., Found]) -> None:
    both = [row for row in rank(MADE, " ".join(pair)) if set(pair) <= set(row.name.split("-"))]
    assert both
    assert [row for row in ask(" ".join(pair)).rows if row in both][: USUAL.best] == both[: USUAL.best]


@pytest.mark.parametrize(
    ("query", "name"),
    [("deploy analysis", "deploy-analysis"), ("analysis deploy", "deploy-analysis"), ("data zoo", "zoo-review-data")],
)
def test_a_name_made_of_common_words_is_found_by_them(query: str, name: str, ask: Callable[..., Found]) -> None:
    assert name in [row.name for row in ask(query).rows]
    assert ask("deploy analysis").rows[0].name == "deploy-analysis"


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("kubernets", "kubernetes"),
        ("kuberentes", "kubernetes"),
        ("kubernettes", "kubernetes"),
        ("kubernetis", "kubernetes"),
        ("kubre", "kubernetes"),
        ("anlysis", "analysis"),
        ("reviews", "review"),
    ],
)
def test_a_misspelled_word_is_taken_for_the_nearest(query: str, word: str, ask: Callable[..., Found]) -> None:
    found = ask(query)
    assert found.mended == {query: word} == find_in(MADE, query).mended
    assert found.rows == ask(word).rows
    assert found.rows


@pytest.mark.parametrize("query", ["qqqqqq", "jubernetes", "kub9rnetes", "zzz", "xy", ".*", "kubernetes qqqqqq"])
def test_what_nothing_is_near_to_finds_nothing(query: str, ask: Callable[..., Found]) -> None:
    assert ask(query).rows == ()
    assert find_in(MADE, query).rows == ()


@pytest.mark.parametrize(
    "query", ["翻訳", "日本", "訳す", "über", "ärger", "c++", "node.js", "翻訳する", "git", "@acme/kubernetes"]
)
def test_any_script_and_any_sign_is_found(query: str, ask: Callable[..., Found]) -> None:
    assert ask(query) == find_in(MADE, query)
    assert ask(query).rows


@pytest.mark.parametrize(
    "filters",
    [
        Filters(mcp_servers=("kube",)),
        Filters(owners=("team-7",)),
        Filters(owners=("acme",), statuses=("deprecated",)),
        Filters(statuses=("deprecated",)),
        Filters(tags=("ops",)),
        Filters(tags=("日本語",)),
        Filters(owners=("nobody",)),
    ],
)
def test_filters_find_alone(filters: Filters, ask: Callable[..., Found]) -> None:
    found = ask("", filters)
    assert found.complete
    assert found == find_in(MADE, "", filters)


def test_filters_and_words_meet(ask: Callable[..., Found]) -> None:
    filters = Filters(owners=("team-7",))
    assert ask("code data", filters) == find_in(MADE, "code data", filters)
    assert ask("code", Filters(platforms=("openclaw",))).rows


def test_lists_are_small_and_every_row_is_reached(large: tuple[IndexRoot, Files]) -> None:
    root, files = large
    content = gzip.decompress(files[f"search/{root.search[DIRECTORY]}.json.gz"])
    directory = search_directory_from_json(content, "directory")
    reached: set[SearchRow] = set()
    for name in directory.lists:
        listed = search_from_json(gzip.decompress(files[f"search/{name}.json.gz"]), name)
        assert len(listed) <= USUAL.rows
        reached.update(listed)
    assert reached == set(MADE)
    assert set(files) == {f"search/{name}.json.gz" for name in (*directory.lists, root.search[DIRECTORY])}


def test_the_order_of_rows_changes_nothing(large: tuple[IndexRoot, Files]) -> None:
    shuffled = sorted(MADE, key=lambda row: row.description)
    assert written(shuffled) == large


def test_a_small_index_has_one_list() -> None:
    root, files = written(MADE[: USUAL.small])
    assert list(root.search) == [ONE_LIST]
    read = lambda name: (name, gzip.decompress(files[f"search/{name}.json.gz"]))  # noqa: E731
    assert set(all_rows(root, read)) == set(MADE[: USUAL.small])
    assert search(root, read, "kubernets").mended == find_in(MADE[: USUAL.small], "kubernets").mended


def test_a_directory_that_leads_nowhere_is_refused() -> None:
    root = IndexRoot("acme", "", "", "", "", shards={}, search={DIRECTORY: "0" * 64})
    broken = b'{"format":"molthub.search-directory/1","rows":1,"lists":[],"whole":{"a":0},"best":{},"words":{}}'
    with pytest.raises(FormatError):
        search(root, lambda name: (name, broken), "a")


def test_terms_that_mean_the_same_are_one() -> None:
    assert terms_of("Code CODE code") == ("code",)
