"""One edit of a file that its owner and the program edit too: whole, with its rights, and never over another's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from molthub.errors import PlatformFileError
from molthub_reconciler.plan import Place
from molthub_reconciler.targets.file_edit import Edit, FileEdit

LEVEL = Place("settings.json", ("env", "LEVEL"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    file.write_text('{"theme": "dark", "env": {"LEVEL": "info"}}')
    return file


def edit(file: Path, edits: list[Edit]) -> dict[str, object]:
    found = FileEdit(str(file), "settings.json", "json", edits, f"{file}.staged")
    found.stage()
    return dict(found.put())


class Busy(list[Edit]):
    """Edits during which another program writes the file, ``times`` times."""

    def __init__(self, file: Path, times: int, *edits: Edit) -> None:
        super().__init__(edits)
        self.file, self.times = file, times

    def __iter__(self) -> Iterator[Edit]:
        if self.times > 0:
            self.times -= 1
            document = json.loads(self.file.read_text())
            self.file.write_text(json.dumps({**document, "written": self.times}))
        return super().__iter__()


def test_what_another_program_writes_meanwhile_is_kept(file: Path) -> None:
    assert edit(file, Busy(file, 2, Edit("env/LEVEL", LEVEL, "debug"))) == {}

    assert json.loads(file.read_text()) == {"theme": "dark", "env": {"LEVEL": "debug"}, "written": 0}
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_a_file_that_is_written_again_and_again_is_left_to_the_next_pass(file: Path) -> None:
    with pytest.raises(PlatformFileError, match="another program keeps writing this file"):
        edit(file, Busy(file, 99, Edit("env/LEVEL", LEVEL, "debug")))

    assert json.loads(file.read_text())["env"] == {"LEVEL": "info"}


def test_whoever_reads_the_file_meanwhile_reads_the_old_one_whole(file: Path) -> None:
    before = file.read_text()
    with file.open() as reading:
        edit(file, [Edit("env/LEVEL", LEVEL, "a longer value than there was")])
        assert reading.read() == before


def test_an_item_is_taken_out_of_a_list_that_others_use(file: Path) -> None:
    file.write_text('{"include": ["ours.json", "mine.json"]}')
    edit(file, [Edit("mcp/a", Place("settings.json", ("include",), "ours.json"))])
    assert json.loads(file.read_text()) == {"include": ["mine.json"]}
    edit(file, [Edit("mcp/a", Place("settings.json", ("include",), "mine.json"))])
    assert json.loads(file.read_text()) == {}


def test_the_file_keeps_its_rights_and_its_owner(file: Path) -> None:
    file.chmod(0o640)
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(file, owner, -1)

    edit(file, [Edit("env/LEVEL", LEVEL, "debug")])

    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o640, owner)


def test_an_edit_that_changes_nothing_writes_nothing(file: Path) -> None:
    before = file.stat()
    edit(file, [Edit("env/LEVEL", LEVEL, "info")])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
