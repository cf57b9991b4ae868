"""`molthub rollout status --watch` through a controller: it goes on telling, and lives through a restart of that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from molthub.console import Console
from molthub.errors import DeniedError, FormatError, MolthubError, UnreachableError
from molthub_reconciler.rollout.documents import state_to_json
from molthub_reconciler.rollout.records import RolloutState
from molthub_reconciler.rollout.watched import looking_there, watched

GONE = UnreachableError("the controller does not answer", place="https://fleet.example.com/")
IDLE = RolloutState("prod")


class Far:
    """A controller that gives one answer after the other: a state, what is asked of it, or an error."""

    def __init__(self, *answers: tuple[RolloutState, list[str]] | MolthubError | str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def asked_there(self, command: str, options: Mapping[str, Any]) -> tuple[int, str]:
        self.asked.append((command, options))
        answer = self.answers.pop(0)
        if isinstance(answer, MolthubError):
            raise answer
        if isinstance(answer, str):
            return 0, answer
        return 0, json.dumps({"rollouts": [{**state_to_json(answer[0]), "asked": answer[1]}]})

    def run_there(self) -> NoReturn:
        raise AssertionError


def test_it_is_told_when_something_changes_and_when_nothing_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    far, warned, pauses = Far((IDLE, ["pause"]), GONE, GONE, (replace(IDLE, held=True), [])), list[str](), list[float]()
    look = looking_there(far, "prod", warned.append, pauses.append)
    assert watched(Console(as_json=True), look, 7.0, pauses.append) == [replace(IDLE, held=True)]
    assert [json.loads(line)["held"] for line in capsys.readouterr().out.splitlines()] == [False, True]
    assert far.asked == [("rollout status", {"as_json": True, "fleet": "prod"})] * 4
    assert (len(warned), pauses) == (1, [7.0, 2.0, 2.0])


@pytest.mark.parametrize("error", [GONE, DeniedError("the controller knows no such token")])
def test_a_controller_that_stays_away_or_refuses_ends_it(error: MolthubError) -> None:
    far = Far(*[error] * 99)
    with pytest.raises(type(error)):
        looking_there(far, None, lambda _text: None, lambda _seconds: None)()
    assert len(far.asked) == (15 if error is GONE else 1)


@pytest.mark.parametrize("printed", ["", "[]", '{"rollouts": [{}]}', '{"rollouts": 1}', "rubbish"])
def test_an_answer_of_another_kind_is_said(printed: str) -> None:
    with pytest.raises(FormatError):
        looking_there(Far(printed), None, lambda _text: None)()
