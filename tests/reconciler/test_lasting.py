"""Files of a group appear together, each whole; what cannot be written is named, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.documents import digest_of
from molthub.errors import Problem
from molthub.model import DesiredState, Json, SyncPolicy
from molthub_reconciler.reconcile import Rules, run_pass
from molthub_reconciler.records.lasting import GROUP, LastingFiles
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.targets.base import Home, Step
from tests.fakes import FakeTarget


def test_until_it_is_settled_the_old_file_is_there(tmp_path: Path) -> None:
    place = tmp_path / "receipt.json"
    place.write_bytes(b"old")
    files = LastingFiles(0o600)

    assert not files.write(str(tmp_path), "receipt.json", b"new")
    assert place.read_bytes() == b"old"

    assert files.settle() == {}
    assert place.read_bytes() == b"new"
    assert place.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["receipt.json"]


def test_a_full_group_is_settled_by_itself(tmp_path: Path) -> None:
    files = LastingFiles(0o600)
    settled = [files.write(str(tmp_path), f"{number}.json", b"new") for number in range(GROUP)]
    assert settled == [False] * (GROUP - 1) + [True]
    assert len(list(tmp_path.glob("*.json"))) == GROUP


def test_of_one_file_the_last_content_counts(tmp_path: Path) -> None:
    (tmp_path / ".receipt.json.staged").write_bytes(b"left by a killed process, and longer")
    files = LastingFiles(0o600)
    files.write(str(tmp_path), "receipt.json", b"first")
    files.write(str(tmp_path), "receipt.json", b"last")
    files.settle()
    assert (tmp_path / "receipt.json").read_bytes() == b"last"


def test_what_is_dropped_never_appears(tmp_path: Path) -> None:
    files = LastingFiles(0o600)
    files.write(str(tmp_path), "receipt.json", b"new")
    files.drop(f"{tmp_path}/receipt.json")
    assert files.settle() == {}
    assert not list(tmp_path.iterdir())


def test_what_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    files = LastingFiles(0o600)
    files.write(str(tmp_path), "taken", b"new")
    files.write(str(tmp_path), "free", b"new")

    assert list(files.settle()) == [f"{tmp_path}/taken"]
    assert files.settle() == {}
    assert (tmp_path / "free").read_bytes() == b"new"


def test_what_could_not_be_written_whole_never_appears(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_bytes(b"old")
    files = LastingFiles(0o600)
    files.write(str(tmp_path), "receipt.json", b"first")
    (tmp_path / ".receipt.json.staged").unlink()
    (tmp_path / ".receipt.json.staged").mkdir()

    with pytest.raises(OSError, match="staged"):
        files.write(str(tmp_path), "receipt.json", b"second")

    assert files.settle() == {}
    assert (tmp_path / "receipt.json").read_bytes() == b"old"


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LastingFiles(0o600).write(str(tmp_path / "missing"), "receipt.json", b"new")


class Meddled(FakeTarget):
    """A target during whose work something takes the place of a receipt."""

    receipt = Path()

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> Sequence[Mapping[str, Problem]]:
        """Put a folder where the receipt was announced."""
        self.receipt.unlink()
        (self.receipt / "inside").mkdir(parents=True)
        return super().apply(work)


def test_a_bot_whose_receipt_cannot_be_kept_has_failed(tmp_path: Path) -> None:
    state = TargetState(tmp_path / "state", "memory")
    desired: dict[str, Json] = {"env/LEVEL": "info"}
    bot = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy("correct"),
                       digest=digest_of(desired), desired=desired)  # fmt: skip
    target = Meddled()
    target.receipt = state.folder / "bots/prod/ada/receipt.json"

    supply = Supply(Store(tmp_path / "store"), None)
    report = run_pass("reconcile", [Subject("prod/ada", bot)], target, state, supply, rules=Rules(act=True))

    assert [(told.bot, told.state) for told in report.bots] == [("prod/ada", "failed")]
    assert [problem.id for problem in report.bots[0].problems] == ["MH702"]


def test_a_damaged_line_of_the_revisions_is_left_out(tmp_path: Path) -> None:
    state = TargetState(tmp_path / "state", "memory")
    state.see_revision("a" * 40, "2026-11-02T09:00:00Z")
    state.keep_note("", "revisions.jsonl", state.note("", "revisions.jsonl") + b'{"rev\n{}\n[]\n')

    state.see_revision("b" * 40, "2026-11-02T10:00:00Z")

    assert state.revisions() == ("a" * 40, "b" * 40)
