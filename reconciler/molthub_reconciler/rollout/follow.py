"""Following rollouts on one target: their state is kept beside the receipts, their steps are made around each pass.

Before a pass, :meth:`Rollouts.follow` says which document each bot of a fleet is kept at; after it, what the bots told
is taken in, gates are asked, and the next step is made. Every step is on disk before anybody acts upon it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from molthub.documents.rollouts import rollout_from_json
from molthub.errors import FormatError, Problem
from molthub.model import FleetState, bare_name
from molthub.model.rollouts import Gate, Rollout
from molthub.platforms import platform
from molthub_reconciler.problems import problem_of
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport, Report, RolloutReport
from molthub_reconciler.rollout.gates import BotPlace, GateRunner, placed
from molthub_reconciler.rollout.kept import forget_wishes, keep_state, read_state, state_file, wishes_of
from molthub_reconciler.rollout.records import Answer, Ask, Document, RolloutState, Told, Wished
from molthub_reconciler.rollout.step import Inputs, Stepped, step
from molthub_reconciler.rollout.told import phase_of, report_of, said_of, told_of


@dataclass
class Followed:
    """One fleet's rollout during a pass. Where it cannot be followed, ``problem`` says why, and nobody is changed."""

    fleet: FleetState
    state: RolloutState
    policy: Rollout = field(default_factory=Rollout)
    problem: Problem | None = None

    def document(self, bot: str) -> Document | None:
        """Return the document that a bot is kept at; None: its turn has not come."""
        given = self.state.assigned.get(bot)
        return None if given is None or self.problem is not None else given.document


class Elsewhere(Protocol):
    """Bots that live on other machines, where a gate's command cannot be run from here."""

    def lives_elsewhere(self, bot: str) -> bool:
        """Whether ``bot`` (``<fleet>/<bot>``) is one of them."""
        ...

    def ask(self, bot: str, ask: Ask, gate: Gate, step: str, place: BotPlace | None) -> Answer | None:
        """Return what was said there to a gate; None: nothing yet, it comes at a later look."""
        ...

    def settle(self, bots: Iterable[str], *, is_over: bool) -> None:
        """Let ``bots`` know what they are asked at this look (nothing, where it ``is_over``), and nothing else."""
        ...


@dataclass
class Rollouts:
    """The rollouts of a target's fleets. ``target`` is the folder of the bots' homes.

    Unless ``act``, nothing is remembered and no gate is asked. ``run_gates``: gates may run commands. Who works on some
    bots only, and not on the ``whole`` of a fleet, makes no step: it would never hear the others. ``elsewhere`` asks
    gates of bots on other machines.
    """

    state: TargetState
    target: Path
    act: bool = False
    run_gates: bool = False
    whole: bool = True
    elsewhere: Elsewhere | None = None
    clock: Callable[[], float] = time.time
    fleets: dict[str, Followed] = field(default_factory=dict)
    at_rest: dict[str, Followed] = field(default_factory=dict)
    """Fleets of which nothing goes on, as the last pass of this process left them; nobody else writes their state."""

    def follow(self, fleet: FleetState) -> Followed | None:
        """Take in what git asks for now and what people asked for; return what each bot is kept at in this pass.

        None: a rollout of which nothing is known here, to somebody who may not begin one.
        """
        name = fleet.fleet
        resting = self.at_rest.get(name)
        if resting is not None and resting.fleet is fleet and self.whole:
            self.fleets[name] = resting
            return resting
        if not self.whole and not (self.state.folder / state_file(name)).exists():
            return None
        try:
            policy = rollout_from_json(fleet.rollout or {}, f"fleet {name}")
            before = read_state(self.state, name)
        except FormatError as error:
            problem = problem_of(error)
            if problem.id != "MH727":
                problem = Problem("MH727", f"the rollout of {name} cannot be followed: {error}", _MEND)
            followed = self.fleets[name] = Followed(fleet, RolloutState(name), problem=problem)
            return followed
        if not self.whole:
            return Followed(fleet, before, policy)
        followed = self.fleets[name] = Followed(fleet, before, policy)
        self._begin(followed)
        return followed

    def _begin(self, followed: Followed) -> None:
        """Make the step that what git asks for and what people said calls for."""
        before, found = followed.state, wishes_of(self.state, followed.fleet.fleet)
        fresh = tuple(wished for name, wished in found.items() if name not in before.heard)
        known = replace(before, heard=tuple(found))
        done = step(known, self._inputs(followed, wishes=fresh)._replace(look=False))
        self._keep(followed, done.state)
        if self.act and followed.problem is None:
            forget_wishes(self.state, tuple(found))

    def forget(self, fleet: str) -> None:
        """Let go of what bots of a fleet were kept at that has no rollout any more; its history stays.

        Were it to have one again, its bots would else go back to what they had in the days of the first.
        """
        if not (self.act and self.whole and (self.state.folder / state_file(fleet)).exists()):
            return
        with contextlib.suppress(FormatError):  # it is told once it matters again
            known = read_state(self.state, fleet)
            left = RolloutState(fleet, known.generation, known.clock, known.ahead, history=known.history)
            if known != left:
                keep_state(self.state, left)

    def hear(self, report: Report) -> bool:
        """Take in what bots told, ask gates, make the next step. Return whether another pass has something to do."""
        is_moving, moved = False, report.moved
        for name, followed in self.fleets.items():
            if followed.problem is not None:
                continue
            if name not in self.at_rest or any(bot.fleet == name for bot in moved):
                told = {bot.bot.partition("/")[2]: bot for bot in report.bots if bot.fleet == name}
                is_moving |= self._heard(followed, told)
            self._note_rest(name, followed)
        return is_moving and self.act

    def _note_rest(self, name: str, followed: Followed) -> None:
        """Remember a fleet of which nothing goes on: until git asks for something else, its steps change nothing."""
        is_well = followed.problem is None and followed.state.step is None
        if self.act and self.whole and is_well and not self._is_new(followed):
            self.at_rest[name] = followed
        else:
            self.at_rest.pop(name, None)

    def problems(self) -> list[Problem]:
        """Say in a line for each fleet how far its rollout is, or why it stopped."""
        found = (said_of(one.state, one.problem) for one in self.fleets.values())
        return [problem for problem in found if problem is not None]

    def reports(self) -> tuple[RolloutReport, ...]:
        """Return how far each fleet is that can be followed."""
        found = (report_of(one.state) for _, one in sorted(self.fleets.items()) if one.problem is None)
        return tuple(one for one in found if one is not None)

    def _heard(self, followed: Followed, bots: Mapping[str, BotReport]) -> bool:
        before = followed.state
        told = {bot: told_of(one, before.assigned.get(bot)) for bot, one in bots.items() if bot in followed.fleet.bots}
        if not self.act:
            return False
        is_quiet = before.step is None and not self._is_new(followed)
        if is_quiet and all(before.told.get(bot) == one for bot, one in told.items()):
            self._settle(followed)
            return False  # nobody waits for what they say again: nothing to write in a pass over many bots
        done = self._asked(followed, step(before, self._inputs(followed, told=told)))
        self._keep(followed, done.state)
        self._settle(followed)
        return done.state.assigned != before.assigned or (done.state.step is None) != (before.step is None)

    def _settle(self, followed: Followed) -> None:
        if self.elsewhere is not None:
            bots = (f"{followed.fleet.fleet}/{bot}" for bot in followed.fleet.bots)
            self.elsewhere.settle(bots, is_over=followed.state.step is None)

    def _is_new(self, followed: Followed) -> bool:
        return any(bot not in followed.state.good for bot, ref in followed.fleet.bots.items() if not ref.template)

    def _asked(self, followed: Followed, done: Stepped) -> Stepped:
        """Ask what a step wants to know, each gate once, until it wants to know no more."""
        known: set[Ask] = set()
        while fresh := [ask for ask in done.ask if ask not in known]:
            known.update(fresh)
            self._keep(followed, done.state)  # a gate may take long, and the process may be killed meanwhile
            if followed.problem is not None:
                return done
            said = {ask: self._answer(followed, done.state, ask) for ask in fresh}
            answers = {ask: answer for ask, answer in said.items() if answer is not None}
            done = step(done.state, self._inputs(followed, answers=answers)._replace(look=False))
        return done

    def _answer(self, followed: Followed, state: RolloutState, ask: Ask) -> Answer | None:
        """Return what a gate says; None: nothing yet."""
        gate = next(gate for gate in followed.policy.gates if gate.name == ask.gate)
        last = state.history[-1].id if state.history else ""
        named = last if ask.stage == "post-rollout" or state.step is None else state.step.id
        checksum = named.removeprefix("sha256:")[:10]
        bot = f"{followed.fleet.fleet}/{ask.bot}"
        if ask.bot and self.elsewhere is not None and self.elsewhere.lives_elsewhere(bot):
            return self.elsewhere.ask(bot, ask, gate, checksum, self._place(followed, ask))
        runner = GateRunner(followed.fleet.fleet, checksum, phase_of(state, ask), may_run=self.run_gates)
        return runner.ask(ask, gate, self._place(followed, ask) if ask.bot else None)

    def _place(self, followed: Followed, ask: Ask) -> BotPlace | None:
        """Return where a bot lives, and which of its skills the change brings."""
        name, state = f"{followed.fleet.fleet}/{ask.bot}", followed.state
        given, good = state.assigned.get(ask.bot), state.good.get(ask.bot)
        document = self.state.document(name, given.document.file if given else None)
        if document is None:
            return None
        earlier = self.state.document(name, good.file if good else None)
        known = earlier.skills.keys() if earlier is not None else frozenset()
        changed = [bare_name(one.name) for digest, one in document.skills.items() if digest not in known]
        root = platform(document.platform).skills_root(document.agent)
        return placed(self.target, document.fleet, document.home, root, changed)

    def _inputs(
        self,
        followed: Followed,
        *,
        told: Mapping[str, Told] | None = None,
        answers: Mapping[Ask, Answer] | None = None,
        wishes: tuple[Wished, ...] = (),
    ) -> Inputs:
        bots = {name: ref for name, ref in followed.fleet.bots.items() if not ref.template}
        desired = {name: Document(ref.file, ref.digest) for name, ref in bots.items() if ref.digest is not None}
        going = followed.state.step
        on_way = going.target if going is not None else {}
        asked = {**followed.state.good, **on_way}
        # One that does not resolve just now is not gone, and asks for nothing else.
        desired |= {name: asked[name] for name, ref in bots.items() if ref.digest is None and name in asked}
        labels = {name: ref.labels for name, ref in bots.items()}
        standing = self._standing(followed, desired) if told is None and answers is None else {}
        return Inputs(desired, followed.policy, int(self.clock()), labels, standing, told or {}, answers or {}, wishes)

    def _standing(self, followed: Followed, bots: Iterable[str]) -> dict[str, Document]:
        """Return what bots have that were kept in sync before there was a rollout."""
        found = {}
        for bot in bots:
            if bot not in followed.state.assigned:
                name = f"{followed.fleet.fleet}/{bot}"
                receipt, _ = self.state.receipt(name)
                document = self.state.document(name, receipt.document)
                if document is not None and document.digest is not None and receipt.document is not None:
                    found[bot] = Document(receipt.document, document.digest)
        return found

    def _keep(self, followed: Followed, state: RolloutState) -> None:
        """Remember a step, if it says anything new; that time went by says nothing while nothing goes on.

        What cannot be kept is not acted upon: after a restart, nobody would know of it.
        """
        is_new = replace(state, clock=0) != replace(followed.state, clock=0)
        if self.act and is_new:
            try:
                keep_state(self.state, state)
            except OSError as error:
                message = f"a step of the rollout of {state.fleet} cannot be kept: {error.strerror or error}"
                followed.problem = Problem("MH727", message, _ROOM, file=str(self.state.folder))
                return
        followed.state = state


_MEND = "mend `rollout` in fleet.yaml; until then nobody is changed"
_ROOM = "see that the state folder can be written; until then nobody is changed"
