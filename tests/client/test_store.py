"""The store holds verified versions by digest, and what it hands out is hashed again."""

from __future__ import annotations

import contextlib
import gzip
import os
import time
from pathlib import Path

import pytest

from molthub.client.cache import NOT_A_FILE, Store, default_store, read_tree
from molthub.documents import tree_digest
from molthub.errors import IntegrityError, NotFoundError
from tests.index_fixture import Files, archive_of, artifact_of, entries_of, skill_files

FILES = skill_files("hello", "1.0.0")
ARCHIVE = archive_of(FILES)
ARTIFACT = artifact_of(FILES)
DIGEST = ARTIFACT.digest


@pytest.fixture
def filled(store: Store) -> Store:
    store.add(ARTIFACT, ARCHIVE)
    return store


def test_what_was_added_is_there_file_by_file(store: Store) -> None:
    assert not store.has(DIGEST)
    store.add(ARTIFACT, ARCHIVE)
    assert store.has(DIGEST)
    assert store.path(DIGEST).read_bytes() == ARCHIVE
    assert list(store.files(DIGEST)) == [entry for entry, _ in entries_of(FILES)]
    assert list(Store(store.root).files(DIGEST)) == list(store.files(DIGEST))


def test_adding_twice_is_harmless(filled: Store) -> None:
    filled.add(ARTIFACT, ARCHIVE)
    assert sorted(path.name for path in filled.root.iterdir()) == sorted([".adding", filled.path(DIGEST).name])
    assert not list((filled.root / ".adding").iterdir())


def test_another_compression_of_the_same_files_is_the_same_version(filled: Store) -> None:
    filled.path(DIGEST).write_bytes(gzip.compress(gzip.decompress(ARCHIVE), compresslevel=1))
    assert Store(filled.root).files(DIGEST) == filled.files(DIGEST)


def test_nothing_of_a_refused_archive_is_kept(store: Store) -> None:
    with pytest.raises(IntegrityError):
        store.add(ARTIFACT, ARCHIVE[:-1] + b"?")
    assert not store.has(DIGEST)
    assert not list(store.root.rglob("*")) or not any(path.is_file() for path in store.root.rglob("*"))


def test_a_copy_is_byte_for_byte_and_mode_for_mode(filled: Store, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        filled.copy(DIGEST, tmp_path / "copy")
    finally:
        os.umask(before)
    assert tree_digest(read_tree(tmp_path / "copy")) == DIGEST
    assert (tmp_path / "copy" / "scripts" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy" / "SKILL.md").stat().st_mode & 0o777 == 0o644


def test_a_copy_never_writes_into_what_is_there(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "owner").write_text("kept")
    with pytest.raises(FileExistsError):
        filled.copy(DIGEST, tmp_path / "copy")
    assert (tmp_path / "copy" / "owner").read_text() == "kept"
    assert filled.has(DIGEST)


@pytest.mark.parametrize("damage", [b"", ARCHIVE[:-20], b"torn" + ARCHIVE, archive_of({"SKILL.md": b"other"})])
def test_a_torn_entry_is_dropped_and_nothing_is_copied(filled: Store, tmp_path: Path, damage: bytes) -> None:
    filled.path(DIGEST).write_bytes(damage)
    store = Store(filled.root)
    with pytest.raises(IntegrityError) as error:
        store.copy(DIGEST, tmp_path / "copy")
    assert "fetched anew" in error.value.remedy
    assert not (tmp_path / "copy").exists()
    assert not store.has(DIGEST)
    store.add(ARTIFACT, ARCHIVE)
    store.copy(DIGEST, tmp_path / "copy")


def test_what_is_remembered_is_limited(store: Store) -> None:
    artifacts = []
    for number in range(5):
        files = {"SKILL.md": bytes([number]) * 5_000_000}
        archive = archive_of(files)
        artifacts.append(artifact_of(files, archive=archive))
        store.add(artifacts[-1], archive)
    for artifact in artifacts:
        store.path(artifact.digest).unlink()
    remembered = []
    for artifact in artifacts:
        with contextlib.suppress(NotFoundError):
            remembered.append(store.files(artifact.digest))
    assert len(remembered) == 3


def test_a_missing_parent_is_no_damage(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        filled.copy(DIGEST, tmp_path / "no" / "copy")
    assert filled.has(DIGEST)


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.files(DIGEST)
    store.drop(DIGEST)


def test_leftovers_of_killed_processes_go_after_a_day(store: Store) -> None:
    old, young = store.root / ".adding" / "old", store.root / ".adding" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (yesterday, yesterday))
    store.add(ARTIFACT, ARCHIVE)
    assert [path.name for path in (store.root / ".adding").iterdir()] == ["young"]


def test_something_in_the_way_is_said_and_left_alone(store: Store) -> None:
    (store.path(DIGEST) / "kept").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        store.add(ARTIFACT, ARCHIVE)
    assert (store.path(DIGEST) / "kept").is_dir()
    assert not list((store.root / ".adding").iterdir())


def test_the_default_store_is_in_the_users_cache(home: Path) -> None:
    assert default_store().root == home / ".cache" / "molthub" / "store"


def _tree(folder: Path) -> Path:
    folder.mkdir()
    (folder / "SKILL.md").write_text("one")
    (folder / "sub").mkdir()
    (folder / "sub" / "run.sh").write_text("two")
    (folder / "sub" / "run.sh").chmod(0o755)
    return folder


def test_a_tree_is_read_in_order_with_modes(tmp_path: Path) -> None:
    entries = read_tree(_tree(tmp_path / "tree"))
    assert [(entry.path, entry.size, entry.executable) for entry in entries] == [
        ("SKILL.md", 3, False),
        ("sub/run.sh", 3, True),
    ]


def test_a_link_never_equals_the_file_it_stands_for(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    before = {entry.path: entry for entry in read_tree(tree)}["SKILL.md"]
    (tree / "SKILL.md").rename(tmp_path / "elsewhere")
    (tree / "SKILL.md").symlink_to("one")
    after = {entry.path: entry for entry in read_tree(tree)}["SKILL.md"]
    assert after.sha256 == before.sha256, "the target's text is the file's content on purpose"
    assert after.size == NOT_A_FILE
    assert after != before


def test_links_to_folders_and_pipes_are_listed_and_not_followed(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    odd = {entry.path: entry.size for entry in read_tree(tree) if entry.size == NOT_A_FILE}
    assert odd == {"loop": NOT_A_FILE, "pipe": NOT_A_FILE}


def test_a_folder_that_is_a_link_or_a_file_is_different(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    (tmp_path / "link").symlink_to(tree)
    assert [(entry.path, entry.size) for entry in read_tree(tmp_path / "link")] == [(".", NOT_A_FILE)]
    assert [(entry.path, entry.size) for entry in read_tree(tree / "SKILL.md")] == [(".", NOT_A_FILE)]


def test_a_name_that_is_not_utf8_can_still_be_hashed(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    os.close(os.open(os.fsencode(tree) + b"/bad\xff", os.O_CREAT | os.O_WRONLY))
    assert "bad\\xff" in [entry.path for entry in read_tree(tree)]
    assert tree_digest(read_tree(tree))


def test_a_large_file_is_hashed_whole(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    content = bytes(range(256)) * 8192
    (tree / "large.bin").write_bytes(content)
    files: Files = {"SKILL.md": b"one", "sub/run.sh": (b"two", True), "large.bin": content}
    assert list(read_tree(tree)) == [entry for entry, _ in sorted(entries_of(files), key=lambda e: e[0].path.encode())]
