"""Gates of rollouts, asked where the bot lives: its agent runs their commands, if whoever started it allows that.

With the registry's root of trust, only commands that the signed index names for the fleet are run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from molthub.client.index_cache import timestamp
from molthub.documents.rollouts import rollout_from_json
from molthub.errors import MolthubError
from molthub.model import DesiredState
from molthub.model.rollouts import Gate, Hook
from molthub.platforms import platform
from molthub_reconciler.remote.questions import Answered, Question
from molthub_reconciler.rollout.gates import GateRunner, placed
from molthub_reconciler.rollout.records import Ask

if TYPE_CHECKING:
    from molthub.client.index import Index

AGAIN = 10.0
"""Seconds until a command is run again for the same question."""
_NOT_ALLOWED = "its agent runs no commands of gates; start it with --run-gates"
_NOT_SIGNED = "the signed index names no such gate, so its agent runs no such command"


@dataclass
class AgentGates:
    """The gates of one bot, whose home is below ``target``. ``may_run``: commands are allowed here."""

    index: Index
    target: Path
    may_run: bool
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Answered]] = field(default_factory=dict)

    def answers(self, asks: Sequence[Question], document: DesiredState) -> Mapping[str, Answered]:
        """Return what gates say of a bot that has just been found as ``document`` wants it."""
        names = {ask.name for ask in asks}
        self._known = {name: kept for name, kept in self._known.items() if name in names}
        for ask in asks:
            at, known = self._known.get(ask.name, (0.0, None))
            is_settled = known is not None and known.passed and ask.kind == "scenarios"
            if is_settled or (known is not None and self.clock() - at < AGAIN):
                continue
            try:
                passed, detail = self._asked(ask, document)
            except MolthubError:
                continue  # the index cannot be read: whether the command is allowed is not known
            if known is None or not passed or not known.passed:
                known = Answered(passed, detail, timestamp())
            self._known[ask.name] = (self.clock(), known)
        return {name: known for name, (_, known) in self._known.items()}

    def _asked(self, ask: Question, document: DesiredState) -> tuple[bool, str]:
        if not self.may_run:
            return False, _NOT_ALLOWED
        gate = Gate(ask.gate, cast("Literal['probe', 'scenarios']", ask.kind), ask.command, timeout=ask.timeout)
        if self.index.trust.root is not None and not self._is_signed(gate, document.fleet):
            return False, _NOT_SIGNED
        root = platform(document.platform).skills_root(document.agent)
        place = placed(self.target, document.fleet, document.home, root, ask.skills)
        runner = GateRunner(document.fleet, ask.step, "Progressing", may_run=True)
        answer = runner.ask(Ask(ask.gate, ask.wave, cast("Hook", ask.stage), document.bot), gate, place)
        return answer.passed, answer.detail

    def _is_signed(self, gate: Gate, fleet: str) -> bool:
        """Whether the registry's own document of the fleet has such a gate. Raises :class:`MolthubError`."""
        signed = rollout_from_json(self.index.fleet(fleet).rollout or {}, f"fleet {fleet}").gates
        return any((one.name, one.kind, one.command) == (gate.name, gate.kind, gate.command) for one in signed)
