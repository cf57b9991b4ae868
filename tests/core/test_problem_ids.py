"""What every kind of finding is called."""

from __future__ import annotations

from pathlib import Path

from molthub.problem_ids import PROBLEMS

ROOT = Path(__file__).parents[2]


def test_what_has_an_id_is_found_somewhere() -> None:
    modules = [path for part in ("tools/molthub", "reconciler") for path in (ROOT / part).rglob("*.py")]
    text = "".join(path.read_text() for path in modules if path.name != "problem_ids.py")

    assert [one for one in PROBLEMS if one not in text] == []
