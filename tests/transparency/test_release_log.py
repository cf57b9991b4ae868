"""The log as files: it grows from what is published alone, and damaged or other files are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import LogDamagedError, LogForkError
from molthub.index.release_log import empty_log, extend_log, log_origin, outgrown, whole_log
from molthub.transparency.checkpoint import Checkpoint
from molthub.transparency.entries import LoggedRelease, places_from_json, places_path
from molthub.transparency.published_log import PublishedLog

WHERE = "https://skills.example.com/"


def releases(first: int, last: int, digest: str = "ab") -> list[LoggedRelease]:
    return [LoggedRelease("skill", "git", f"1.{number}.0", f"sha256:{digest * 32}") for number in range(first, last)]


class Log:
    """A log that is published in memory, one step after the other."""

    def __init__(self, *sizes: int) -> None:
        self.files: dict[str, bytes] = {}
        self.checkpoint = empty_log("skills.example.com/log")
        self.history = [self.checkpoint]
        for size in sizes:
            self.add(releases(self.checkpoint.size, size))

    def add(self, new: list[LoggedRelease]) -> dict[str, bytes]:
        update = extend_log(self.checkpoint, self.files.get, new, WHERE)
        self.files |= update.files
        self.checkpoint = update.checkpoint
        self.history.append(self.checkpoint)
        return update.files

    @property
    def read(self) -> PublishedLog:
        return PublishedLog(self.checkpoint, self.files.get, WHERE)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=5).map(sorted))
def test_whatever_is_published_is_shown_to_be_there_and_to_follow(sizes: list[int]) -> None:
    log = Log(*sizes)
    assert log.checkpoint.size == sizes[-1]
    for before in log.history:
        log.read.check_follows(before.size, before.root)
    for index in {0, sizes[0], sizes[-1] - 1} & set(range(sizes[-1])):
        leaf = releases(index, index + 1)[0].leaf()
        assert places_from_json(log.files[f"log/{places_path(leaf)}"], "places")[leaf.hex()] == index
        assert log.read.holds(leaf, index)
        assert not log.read.holds(releases(index, index + 1, "cd")[0].leaf(), index)
        assert not log.read.holds(leaf, index + 1)
    assert whole_log(log.checkpoint, log.files.get, WHERE).items() <= log.files.items()


@settings(max_examples=60)
@given(st.integers(1, 600), st.integers(0, 5), st.data())
def test_any_changed_byte_that_is_read_is_refused(size: int, more: int, data: st.DataObject) -> None:
    """Of a tile that a proof reads, or of the entries that are added to; whatever is not read changes nothing."""
    log = Log(size)
    index = data.draw(st.integers(0, size - 1))
    old = Log(data.draw(st.integers(0, size))).checkpoint
    path = data.draw(st.sampled_from(sorted(path for path in log.files if "/tile/" in path)))
    at = data.draw(st.integers(0, len(log.files[path]) - 1))
    good = log.files[path]
    log.files[path] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
    leaf = releases(index, index + 1)[0].leaf()
    try:
        assert log.read.holds(leaf, index)
        log.read.check_follows(old.size, old.root)
        added = extend_log(log.checkpoint, log.files.get, releases(size, size + more + 1), WHERE)
    except LogDamagedError:
        return
    assert added.checkpoint == Log(size, size + more + 1).checkpoint


def test_a_shrunk_and_a_forked_log_are_told_from_a_damaged_one() -> None:
    log, other = Log(300), Log()
    other.add([*releases(0, 100), *releases(100, 101, "cd"), *releases(101, 310)])
    with pytest.raises(LogForkError, match="had 310 entries and now has 300"):
        log.read.check_follows(other.checkpoint.size, other.checkpoint.root)
    with pytest.raises(LogForkError, match="first 300 entries"):
        other.read.check_follows(log.checkpoint.size, log.checkpoint.root)
    with pytest.raises(LogForkError):
        PublishedLog(log.checkpoint, log.files.get, WHERE).check_follows(300, other.checkpoint.root)
    mixed = PublishedLog(other.checkpoint, {**other.files, "log/tile/0/000": log.files["log/tile/0/000"]}.get, WHERE)
    with pytest.raises(LogDamagedError, match="do not lead"):
        mixed.check_follows(120, Log(120).checkpoint.root)


@pytest.mark.parametrize("lost", ["log/tile/0/001.p/44", "log/tile/entries/001.p/44", "log/tile/1/000.p/1"])
def test_a_missing_file_is_named(lost: str) -> None:
    log = Log(300)
    del log.files[lost]
    with pytest.raises(LogDamagedError, match=lost.replace(".", r"\.")):
        log.add(releases(300, 301))
    log.files[lost] = b"x"
    with pytest.raises(LogDamagedError):
        log.add(releases(300, 301))


def test_one_more_version_costs_three_small_files() -> None:
    log = Log(25_000)
    read: list[str] = []

    def reading(path: str) -> bytes | None:
        read.append(path)
        return log.files.get(path)

    update = extend_log(log.checkpoint, reading, releases(50_000, 50_001), WHERE)
    assert len(update.files) == 3
    assert sum(map(len, update.files.values())) < 50_000
    assert len(read) <= 4


def test_what_is_logged_already_is_not_logged_again() -> None:
    log = Log(40)
    before = dict(log.files)
    assert log.add(releases(10, 20)) == {}
    assert log.add(releases(39, 41))
    assert log.checkpoint.size == 41
    leaf = releases(5, 6)[0].leaf()
    log.files[f"log/{places_path(leaf)}"] = b"what is this?"
    log.add(releases(5, 6))
    assert log.checkpoint.size == 42, "places are hints: without them a version stands there twice, and both count"
    assert before.keys() <= log.files.keys()


def test_partial_files_go_when_the_full_one_is_there_for_long() -> None:
    log = Log(*range(1, 260))
    partial = [path for path in log.files if "/000.p/" in path and "tile/1" not in path]
    gone = tuple(f"{folder}/" for folder in outgrown(log.checkpoint))
    assert partial
    assert all(path.startswith(gone) for path in partial)
    log.files = {path: content for path, content in log.files.items() if not path.startswith(gone)}
    for before in log.history:
        log.read.check_follows(before.size, before.root)
        old = PublishedLog(before, log.files.get, WHERE)
        if before.size:
            assert old.holds(releases(0, 1)[0].leaf(), 0)


def test_a_whole_log_that_does_not_lead_to_its_root_is_refused() -> None:
    log = Log(10)
    wrong = Checkpoint(log.checkpoint.origin, 10, Log(11).checkpoint.root)
    with pytest.raises(LogDamagedError, match="signed root"):
        whole_log(wrong, log.files.get, WHERE)


def test_a_log_is_called_by_its_address() -> None:
    assert log_origin("https://skills.example.com/", "acme") == "skills.example.com/log"
    assert log_origin("", "acme") == "acme/log"
