"""The laws of rollouts, under failures and clocks that anybody may think of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from molthub.model.rollouts import Gate, Rollout, Share, Wave
from molthub_reconciler.rollout.documents import state_from_json, state_to_json
from molthub_reconciler.rollout.records import Answer, RolloutState, Told
from molthub_reconciler.rollout.step import Inputs, step
from molthub_reconciler.rollout.waves import is_available
from tests.rollout.fleets import NAMES, Fleet, documents, running
from tests.rollout.fleets import RELEASES as MADE

BOTS = NAMES[:12]
RELEASES = "bcdefgh"
POLICIES = st.builds(
    Rollout,
    waves=st.sampled_from(
        [
            Rollout().waves,
            (Wave("canary", count=1, soak=120), Wave("half", percent=50, soak=30), Wave("all")),
            (Wave("first", {"tier": "x"}), Wave("all", percent=100)),
        ]
    ),
    gates=st.sampled_from([(), (Gate("g", "http", url="https://g.example/", attempts=2), Gate("p", "probe", ("p",)))]),
    max_unavailable=st.sampled_from([Share(1), Share(3), Share(25, is_percent=True), Share(100, is_percent=True)]),
    max_failed=st.sampled_from([Share(0), Share(1), Share(20, is_percent=True)]),
    deadline=st.just(600),
)


class Rollouts(RuleBasedStateMachine):
    """A fleet whose bots fail, vanish, come back and tell late, while git, gates and clocks do what they like."""

    @initialize(policy=POLICIES, tiers=st.sets(st.sampled_from(BOTS), max_size=3), is_new=st.booleans())
    def begin(self, policy: Rollout, tiers: set[str], is_new: bool) -> None:
        labels = {bot: {"tier": "x"} for bot in tiers}
        made = Fleet if is_new else running
        self.fleet = made(policy=policy, desired=documents("a", BOTS), labels=labels)
        self.late: list[dict[str, Told]] = []
        self.given: dict[str, set[str]] = {}
        self.passes = True
        self.fleet.gate = lambda _ask: Answer(passed=self.passes)

    @rule(release=st.sampled_from(RELEASES), bots=st.sets(st.sampled_from(BOTS), min_size=1))
    def git_asks(self, release: str, bots: set[str]) -> None:
        self.fleet.desired = self.fleet.desired | documents(release, bots)

    @rule(release=st.sampled_from(RELEASES))
    def a_release_is_bad(self, release: str) -> None:
        if not any(self.fleet.release_of(bot) == release for bot in BOTS):
            self.fleet.bad.add(release)

    @rule(bot=st.sampled_from(BOTS))
    def a_bot_goes_or_comes(self, bot: str) -> None:
        self.fleet.apart ^= {bot}

    @rule(bot=st.sampled_from(BOTS))
    def a_bot_fails_or_heals(self, bot: str) -> None:
        self.fleet.failing ^= {bot}

    @rule()
    def gates_change_their_mind(self) -> None:
        self.passes = not self.passes

    @rule()
    def reports_are_late(self) -> None:
        self.late.append(self.fleet.tell())

    @rule(
        seconds=st.sampled_from([-5000, 0, 1, 60, 700, 90_000]),
        wish=st.sampled_from([(), (), (), ("abort",), ("undo",)]),
    )
    def a_turn(self, seconds: int, wish: tuple[str, ...]) -> None:
        self.checked(self.fleet.tell(), seconds, wish)

    @precondition(lambda self: self.late)
    @rule(seconds=st.sampled_from([0, 60]))
    def a_turn_with_old_reports(self, seconds: int) -> None:
        self.checked(self.late.pop(), seconds, ())

    def checked(self, told: dict[str, Told], seconds: int, wishes: tuple[str, ...]) -> None:
        fleet, before = self.fleet, self.fleet.state
        inputs = Inputs(fleet.desired, fleet.policy, fleet.now + seconds, fleet.labels, told=told, wishes=wishes)  # type: ignore[arg-type] # wishes are literals
        first, again = step(before, inputs), step(before, inputs)
        assert first == again, "same inputs, same outputs"
        assert step(state_from_json(state_to_json(before), "kept"), inputs) == first, "a restart changes nothing"
        fleet.turn(*wishes, seconds=seconds, told=told)  # type: ignore[arg-type] # wishes are literals
        self.few_are_unavailable(before)
        self.waves_begin_by_fresh_reports(before)

    def few_are_unavailable(self, before: RolloutState) -> None:
        """No healthy bot was changed for which too many were away."""
        after, policy = self.fleet.state, self.fleet.policy
        heard = replace(before, told=after.told)
        moved = {bot for bot, given in after.assigned.items() if before.assigned.get(bot) != given}
        reachable = {bot for bot, told in after.told.items() if told.health != "apart"}
        healthy_moved = {bot for bot in moved & reachable if is_available(heard, bot)}
        if healthy_moved and not (before.step and before.step.reverting) and not (after.step and after.step.reverting):
            away = {bot for bot in reachable if not is_available(after, bot)}
            ended = len(after.history) - len(before.history)
            is_first = not before.good
            if not is_first and not ended:
                assert len(away) <= max(1, policy.max_unavailable.of(len(reachable)))

    def waves_begin_by_fresh_reports(self, before: RolloutState) -> None:
        """Where a wave began, some bot of the first one told, of what it was given, that it is healthy."""
        after = self.fleet.state
        if after.step and after.step.wave > 0 and not after.step.reverting:
            first = after.step.waves[0].bots
            if before.step and before.step.id == after.step.id and before.step.wave == 0:
                assert any(
                    after.told[bot].observed == after.step.target[bot].digest
                    and after.told[bot].generation >= before.assigned[bot].generation > 0
                    for bot in first
                    if bot in before.assigned and bot in after.told
                )

    @invariant()
    def a_bad_release_never_passes_the_canary(self) -> None:
        step_now = self.fleet.state.step
        if step_now is None or step_now.reverting:
            return
        releases = {MADE[found.file] for found in step_now.target.values()}
        if releases <= self.fleet.bad:
            assert step_now.wave == 0

    def teardown(self) -> None:
        """Let nothing fail any more: it ends, and every bot has what git asks for, or what it had before."""
        if not hasattr(self, "fleet"):
            return
        fleet = self.fleet
        fleet.apart, fleet.failing, self.passes = set(), set(), True
        for _ in range(80):
            fleet.turn(seconds=700)
        assert fleet.state.step is None
        for bot in BOTS:
            given, bad = fleet.state.assigned.get(bot), fleet.state.bad
            if given is None or given.document != fleet.desired[bot]:
                assert bad, bot


Rollouts.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_rollouts = Rollouts.TestCase
