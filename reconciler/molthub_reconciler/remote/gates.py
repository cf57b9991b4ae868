"""The gates of rollouts for bots on other machines: asked by their assignments, answered by their agents' reports.

An answer that passed counts as long as the report is about what the bot was given; one that failed counts once, and the
agent tries again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from molthub.model.rollouts import Gate
from molthub_reconciler.remote.questions import MOST, Question
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.rollout.gates import BotPlace
from molthub_reconciler.rollout.records import Answer, Ask


class RemoteGates:
    """Asks agents. Nothing waits for them: what they answer counts at a later look."""

    def __init__(self, store: AgentStore) -> None:
        self._store = store
        self._bots = store.bots()
        self._asked: dict[str, list[Question]] = {}

    def lives_elsewhere(self, bot: str) -> bool:
        """Whether ``bot`` (``<fleet>/<bot>``) lives on another machine."""
        return bot in self._bots

    def ask(self, bot: str, ask: Ask, gate: Gate, step: str, place: BotPlace | None) -> Answer | None:
        """Return what a bot's agent says to a gate; None: nothing yet."""
        given = self._store.assignment(bot)
        if given is None or given.document is None:
            return None
        skills = tuple(sorted(PurePosixPath(name).name for name in place.skills)) if place is not None else ()
        about = f"{given.document} {given.generation}"
        question = Question(gate.name, gate.kind, gate.command, gate.timeout, ask.wave, ask.stage, step, skills, about)
        self._asked.setdefault(bot, []).append(question)
        told = self._store.report(bot)
        if told is None or (told.document, told.generation) != (given.document, given.generation):
            return None
        found = told.answers.get(question.name)
        if found is None or (not found.passed and not self._store.is_first(bot, question.name, found.at)):
            return None
        return Answer(found.passed, found.detail)

    def settle(self, bots: Iterable[str], *, is_over: bool) -> None:
        """Let the agents of ``bots`` know what they are asked now (nothing, where it ``is_over``), and nothing else."""
        concerned = self._asked.keys() | self._store.asked
        for bot in bots if concerned else ():
            if bot in concerned:
                given = self._store.assignment(bot)
                asks = () if is_over else tuple(self._asked.pop(bot, ()))[:MOST]
                if given is not None and given.asks != asks:
                    self._store.assign(replace(given, asks=asks), at_once=False)
        self._store.settle()
