"""A receipt says what we wrote, what we were about to write, and is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.errors import FormatError
from molthub.model import FileEntry
from molthub_reconciler.plan import Place, Wanted, Written
from molthub_reconciler.records.receipt import Receipt, receipt_from_bytes, receipt_to_bytes

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
places = st.builds(Place, texts, st.lists(texts, max_size=3).map(tuple), st.just("") | texts)
standings = st.dictionaries(places, texts, max_size=3)
files = st.builds(FileEntry, texts, texts, st.integers(0, 9), st.booleans())
receipts = st.builds(
    Receipt,
    bot=texts,
    home=texts,
    platform=texts,
    document=st.none() | texts,
    keys=st.dictionaries(texts, st.builds(Written, standings, st.none() | standings), max_size=3),
    files=st.dictionaries(texts, st.lists(files, max_size=2).map(tuple), max_size=2),
)

HERE, THERE = Place("a", ("k",)), Place("b", ("k",))


@given(receipts)
def test_a_receipt_is_read_back_as_it_was(receipt: Receipt) -> None:
    assert receipt_from_bytes(receipt_to_bytes(receipt), "receipt.json") == receipt


@given(receipts)
def test_a_receipt_cut_short_is_refused(receipt: Receipt) -> None:
    content = receipt_to_bytes(receipt)
    with pytest.raises(FormatError):
        receipt_from_bytes(content[:-1], "receipt.json")


def test_while_writing_it_says_both_the_old_and_the_new() -> None:
    receipt = Receipt("prod/ada", keys={"env/A": Written({HERE: "old"})})
    writing = receipt.about_to_write({"env/A": Wanted({HERE: "new"}), "env/B": Wanted({THERE: "first"})}, {})
    assert writing.keys == {"env/A": Written({HERE: "old"}, {HERE: "new"}), "env/B": Written({}, {THERE: "first"})}
    assert [writing.keys["env/A"].left(HERE, what) for what in ("old", "new", None, "else")] == [
        True,
        True,
        True,
        False,
    ]


def test_settled_it_says_what_is_there() -> None:
    receipt = Receipt("prod/ada", keys={"env/A": Written({HERE: "old"}, {HERE: "new"}), "env/B": Written({THERE: "x"})})
    assert receipt.settled({"env/A": {HERE: "new"}}, ["env/B"]).keys == {"env/A": Written({HERE: "new"})}


def test_file_lists_are_kept_for_what_it_names() -> None:
    entry = FileEntry("SKILL.md", "0" * 64, 1)
    receipt = Receipt("prod/ada", keys={"skill/a": Written({Place("a"): "sha256:1"})}, files={"sha256:0": (entry,)})
    assert receipt.with_files({"sha256:1": (entry,), "sha256:2": (entry,)}).files == {"sha256:1": (entry,)}
