"""Writing leaves the old or the new, and two processes keep out of each other's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from molthub.atomic import FileLock, remove_tree, replace_folder, write_atomically, write_new
from molthub.errors import MolthubError


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize(("executable", "mode"), [(False, 0o644), (True, 0o755)])
def test_a_new_file_has_its_mode_whatever_the_umask(tmp_path: Path, umask: int, executable: bool, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_new(tmp_path / "file", b"content", executable=executable)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_new_file_never_replaces_anything(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "link", b"content")
    assert not (tmp_path / "elsewhere").exists()


def test_replacing_keeps_the_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_a_link_leaves_its_target_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"owner's")
    (tmp_path / "link").symlink_to(target)
    write_atomically(tmp_path / "link", b"ours", durable=False)
    assert target.read_bytes() == b"owner's"
    assert (tmp_path / "link").read_bytes() == b"ours"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_bytes(b"kept")
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "kept").read_bytes() == b"kept"


def _folder(path: Path, content: str) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text(content)
    return path


def test_a_folder_is_put_where_nothing_was(tmp_path: Path) -> None:
    replace_folder(_folder(tmp_path / "staged", "new"), tmp_path / "place")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize("there", ["empty", "file", "link", "full"])
def test_a_folder_takes_the_place_of_whatever_stands_there(tmp_path: Path, there: str) -> None:
    place, staged = tmp_path / "place", tmp_path / "staged"
    (tmp_path / "owners").mkdir()
    (tmp_path / "owners/thesis.md").write_text("years of work")
    if there == "file":
        place.write_text("old")
    elif there == "link":
        place.symlink_to(tmp_path / "owners")
    else:
        place.mkdir()
        if there == "full":
            (place / "old").write_text("old")
    staged.mkdir()
    (staged / "new").write_text("new")

    replace_folder(staged, place)

    assert (not place.is_symlink(), [path.name for path in place.iterdir()]) == (True, ["new"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["owners", "place"]
    assert (tmp_path / "owners/thesis.md").read_text() == "years of work"


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    place = _folder(tmp_path / "skills" / "git", "old")
    replace_folder(_folder(tmp_path / "staging" / "git", "new"), place)
    assert (place / "file").read_text() == "new"
    assert list((tmp_path / "skills").iterdir()) == [place]
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_swap_that_fails_puts_the_old_folder_back(tmp_path: Path) -> None:
    place = _folder(tmp_path / "place", "old")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "missing", place)
    assert (place / "file").read_text() == "old"


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    target = _folder(tmp_path / "target", "kept")
    (tmp_path / "link").symlink_to(target)
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "never")
    assert (target / "file").read_text() == "kept"


_HOLDER = """
import sys, pathlib
from molthub.atomic import FileLock
with FileLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _held_elsewhere(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_held_by_another_process_is_waited_for(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path / "lock") as process:
        waited = []

        def let_go() -> None:
            waited.append(True)
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

        # The other process lets go only once this one says that it waits.
        with FileLock(tmp_path / "lock", on_wait=let_go):
            assert waited == [True]


def test_waiting_for_a_lock_ends(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path / "lock") as process:
        with pytest.raises(MolthubError, match="another molthub"), FileLock(tmp_path / "lock", timeout=0.05):
            pass
        process.communicate("\n")


def test_a_killed_holder_frees_the_lock(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path / "lock") as process:
        process.kill()
        process.communicate()
    with FileLock(tmp_path / "lock", timeout=0.0):
        pass
