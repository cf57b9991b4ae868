"""The laws of rollouts, under failures and clocks that anybody may think of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from molthub.model.rollouts import Gate, Rollout, Share, Wave
from molthub_reconciler.rollout.documents import state_from_json, state_to_json
from molthub_reconciler.rollout.records import Answer, Document, RolloutState, Step, Told, Wished
from molthub_reconciler.rollout.step import Inputs, step
from tests.rollout.fleets import NAMES, RELEASES, Fleet, documents, running

BOTS = NAMES[:12]
DEADLINE = 600
WAVES = st.sampled_from(
    [
        Rollout().waves,
        (Wave("canary", count=1, soak=120), Wave("half", percent=50, soak=30), Wave("all")),
        (Wave("first", {"tier": "x"}), Wave("all", percent=100)),
    ]
)
GATES = st.sampled_from([(), (Gate("g", "http", url="https://g.example/", attempts=2), Gate("p", "probe", ("p",)))])
POLICIES = st.builds(
    Rollout,
    waves=WAVES,
    gates=GATES,
    max_unavailable=st.sampled_from([Share(1), Share(3), Share(25, is_percent=True), Share(100, is_percent=True)]),
    max_failed=st.sampled_from([Share(0), Share(1), Share(20, is_percent=True)]),
    on_failure=st.sampled_from(["rollback", "rollback", "pause"]),
    deadline=st.just(DEADLINE),
)


def works(state: RolloutState, bot: str, document: Document | None = None) -> bool:
    """Whether a bot told that it is well with what it was given, and was given that (or ``document``)."""
    told, given = state.told.get(bot), state.assigned.get(bot)
    if told is None or given is None or (document is not None and given.document != document):
        return False
    return (told.health, told.observed) == ("healthy", given.document.digest) and told.generation >= given.generation


def is_there(state: RolloutState, bot: str) -> bool:
    return bot in state.told and state.told[bot].health != "apart"


class Laws:
    """What must be so in every turn of ``fleet``, told by what happens to it alone."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.asked: dict[str, set[Document]] = {bot: {found} for bot, found in fleet.desired.items()}
        self.promoted: set[str] = set()
        self.well_since: dict[tuple[str, int], int] = {}
        self.late: set[tuple[str, str]] = set()
        """Who was off when its turn came, by change, and was not well with it since."""

    def turn(self, told: dict[str, Told], seconds: int, *wishes: Wished) -> None:
        """Make a turn, and see that every law holds in it."""
        fleet, before = self.fleet, self.fleet.state
        for bot, found in fleet.desired.items():
            self.asked.setdefault(bot, set()).add(found)
        if before.step is not None and Wished("promote") in wishes:
            self.promoted.add(before.step.id)
        inputs = Inputs(fleet.desired, fleet.policy, fleet.now + seconds, fleet.labels, told=told, wishes=wishes)
        first, again = step(before, inputs), step(before, inputs)
        assert first == again, "same inputs, same outputs"
        assert step(state_from_json(state_to_json(before), "kept"), inputs) == first, "a restart changes nothing"
        fleet.turn(*wishes, seconds=seconds, told=told)
        self.few_are_away(before)
        self.what_failed_is_not_given_again(before)
        self.everybody_has_what_git_asked_for_once()
        self.what_is_bad_stays_with_the_canary()
        if fleet.state.step is not None and not fleet.state.step.reverting:
            self._note_who_is_late(fleet.state, fleet.state.step)
            self._note_how_well(fleet.state, fleet.state.step)
        if not wishes:
            self.nobody_is_changed_while_it_is_held(before)
            self.waves_are_over_by_fresh_reports(before)

    def few_are_away(self, before: RolloutState) -> None:
        """See that a working bot was changed only if few are away now, or if it is the only one on its way."""
        after, policy = self.fleet.state, self.fleet.policy
        heard = replace(before, told=after.told)
        changed = {
            bot
            for bot, given in after.assigned.items()
            if bot in before.assigned and before.assigned[bot].document != given.document
        }
        disturbed = {bot for bot in changed if works(heard, bot) and not after.told[bot].why}
        if not disturbed:
            return
        there = [bot for bot in after.told if is_there(after, bot)]
        away = {bot for bot in there if not works(after, bot) and not after.told[bot].why}
        if len(away) > max(1, policy.max_unavailable.of(len(there))):
            on_way = {
                bot
                for bot in away - disturbed
                if before.assigned.get(bot) == after.assigned.get(bot)  # who did not work before has lost nothing now
                and bot in before.assigned
                and after.assigned[bot].generation > 0
                and after.clock - after.assigned[bot].at <= DEADLINE
                and (after.told[bot].health != "failed" or after.told[bot].generation < after.assigned[bot].generation)
            }
            assert (len(disturbed), on_way) == (1, set())

    def waves_are_over_by_fresh_reports(self, before: RolloutState) -> None:
        """Whoever can be reached told, of what it was given in this change, that it is well, and long enough so."""
        after, going = self.fleet.state, before.step
        if going is None or going.reverting or going.why:
            return
        now, is_over = _same_step(going, after)
        if now is None:
            return
        for wave in range(going.wave, len(now.waves) if is_over else now.wave):
            bots, ill = self._reached(after, now, wave)
            assert len(ill) <= (self.fleet.policy.max_failed.of(len(bots)) if wave else 0), (wave, ill)
            assert not self._are_too_few(after, now, wave), "more are missing than are well"
            assert wave or any(works(after, bot, now.target[bot]) for bot in bots), "somebody tried it"
            soak = next((one.soak for one in self.fleet.policy.waves if one.name == now.waves[wave].wave), 0)
            assert after.clock - self.well_since.get((now.id, wave), after.clock) >= soak

    def _note_how_well(self, after: RolloutState, now: Step) -> None:
        for wave in range(len(now.waves)):
            bots, ill = self._reached(after, now, wave)
            has_it = any(works(after, bot, now.target[bot]) for bot in bots)
            is_open = not self._are_too_few(after, now, wave)
            if is_open and has_it and len(ill) <= (self.fleet.policy.max_failed.of(len(bots)) if wave else 0):
                self.well_since.setdefault((now.id, wave), after.clock)
            else:
                self.well_since.pop((now.id, wave), None)

    def _note_who_is_late(self, after: RolloutState, now: Step) -> None:
        for bot in (bot for _, bots in now.waves[: now.wave + now.opened] for bot in bots if bot in after.told):
            if works(after, bot, now.target[bot]):
                self.late.discard((now.id, bot))
            elif after.told[bot].why == "offline" and _document(after, bot) != now.target[bot]:
                self.late.add((now.id, bot))

    def _reached(self, state: RolloutState, now: Step, wave: int) -> tuple[list[str], list[str]]:
        """Return the declared bots of a wave and those before it; and who of them is there, in time, and not well."""
        bots = [bot for _, found in now.waves[: wave + 1] for bot in found if bot in state.assigned]
        is_waited_for = [bot for bot in bots if is_there(state, bot) and state.told[bot].why != "window"]
        ill = [bot for bot in is_waited_for if not works(state, bot, now.target[bot])]
        return bots, [bot for bot in ill if (now.id, bot) not in self.late or _has_failed(state, bot, now)]

    def _are_too_few(self, state: RolloutState, now: Step, wave: int) -> bool:
        """Whether more of a wave came late, or wait for their window, than are well."""
        bots = [bot for bot in now.waves[wave].bots if bot in state.assigned]
        well = {bot for bot in bots if works(state, bot, now.target[bot])}
        is_closed = {bot for bot in bots if bot in state.told and state.told[bot].why == "window"}
        late = {bot for bot in bots if (now.id, bot) in self.late and is_there(state, bot)}
        failed = {bot for bot in bots if _has_failed(state, bot, now)}
        return len((is_closed | late) - well - failed) > len(well)

    def what_failed_is_not_given_again(self, before: RolloutState) -> None:
        after = self.fleet.state
        for bot, (digest, _) in before.bad.items():
            given, had = after.assigned.get(bot), before.assigned.get(bot)
            if bot in after.bad and given is not None and (had is None or had.document != given.document):
                assert given.document.digest != digest

    def everybody_has_what_git_asked_for_once(self) -> None:
        for bot, given in self.fleet.state.assigned.items():
            assert given.document in self.asked[bot]

    def nobody_is_changed_while_it_is_held(self, before: RolloutState) -> None:
        after = self.fleet.state
        if before.held:
            assert all(after.assigned[bot] == before.assigned.get(bot) for bot in after.assigned)

    def what_is_bad_stays_with_the_canary(self) -> None:
        """See that a change of which every part is bad is in no hands but those of its first wave."""
        now = self.fleet.state.step
        if now is None or now.reverting or not now.target or now.id in self.promoted:
            return
        if {RELEASES[found.file] for found in now.target.values()} <= self.fleet.bad.keys():
            state = self.fleet.state
            has_it = {bot for bot, found in now.target.items() if _document(state, bot) == found}
            assert (now.wave, has_it - set(now.waves[0].bots)) == (0, set())


class Rollouts(RuleBasedStateMachine):
    """A fleet whose bots fail, vanish, come back and tell late, while git, gates, people and clocks do as they like."""

    @initialize(policy=POLICIES, tiers=st.sets(st.sampled_from(BOTS), max_size=3), is_new=st.booleans())
    def begin(self, policy: Rollout, tiers: set[str], is_new: bool) -> None:
        labels = {bot: {"tier": "x"} for bot in tiers}
        made = Fleet if is_new else running
        self.fleet = made(policy=policy, desired=documents("a", BOTS), labels=labels)
        self.laws = Laws(self.fleet)
        self.late: list[dict[str, Told]] = []
        self.passes = True
        self.fleet.gate = lambda _ask: Answer(passed=self.passes)

    @rule(release=st.sampled_from("abcdefgh"), bots=st.sets(st.sampled_from(BOTS), min_size=1))
    def git_asks(self, release: str, bots: set[str]) -> None:
        self.fleet.desired = self.fleet.desired | documents(release, bots)

    @rule(bot=st.sampled_from(BOTS))
    def git_forgets(self, bot: str) -> None:
        self.fleet.desired = {name: found for name, found in self.fleet.desired.items() if name != bot}

    @rule(release=st.sampled_from("bcdefgh"), effect=st.sampled_from(["failed", "stuck", "other", "off", "conflict"]))
    def a_release_is_bad(self, release: str, effect: Any) -> None:
        if not any(self.fleet.release_of(bot) == release for bot in self.fleet.desired):
            self.fleet.bad[release] = effect

    @rule(bot=st.sampled_from(BOTS), why=st.sampled_from(["offline", "suspended", "conflict", "rolled-back", "window"]))
    def a_bot_goes_or_comes(self, bot: str, why: Any) -> None:
        self.fleet.apart ^= {bot}
        self.fleet.whys[bot] = why

    @rule(bots=st.sets(st.sampled_from(BOTS), min_size=1), why=st.sampled_from(["", "window", "detect"]))
    def windows_close_and_open(self, bots: set[str], why: Any) -> None:
        self.fleet.kept |= dict.fromkeys(bots, why)

    @rule(bots=st.sets(st.sampled_from(BOTS), min_size=1, max_size=4))
    def bots_fail_or_heal(self, bots: set[str]) -> None:
        self.fleet.failing ^= bots

    @rule()
    def gates_change_their_mind(self) -> None:
        self.passes = not self.passes

    @rule()
    def reports_are_late(self) -> None:
        self.late.append(self.fleet.tell())

    @rule(seconds=st.sampled_from([-5000, 0, 1, 60, 60, 700, 90_000]), turns=st.integers(1, 8))
    def turns(self, seconds: int, turns: int) -> None:
        for _ in range(turns):
            self.laws.turn(self.fleet.tell(), seconds)

    @rule(wish=st.sampled_from(["pause", "resume", "abort", "undo", "promote"]))
    def a_person_says(self, wish: Any) -> None:
        self.laws.turn(self.fleet.tell(), 60, Wished(wish))

    @precondition(lambda self: self.late)
    @rule(seconds=st.sampled_from([0, 60]))
    def a_turn_with_old_reports(self, seconds: int) -> None:
        self.laws.turn(self.late.pop(), seconds)

    def teardown(self) -> None:
        """Let nothing fail any more: it ends, and every bot has what git asks for, or what it had before."""
        if not hasattr(self, "fleet"):
            return
        fleet = self.fleet
        fleet.apart, fleet.failing, fleet.kept, fleet.bad, self.passes = set(), set(), {}, {}, True
        fleet.now = 1000  # whatever the clock was, it is set right
        fleet.turn("resume")
        for _ in range(60):
            fleet.turn(seconds=700)
        assert fleet.state.step is None
        for bot, found in fleet.desired.items():
            assert _document(fleet.state, bot) == found or fleet.state.bad, bot


def _same_step(going: Step, after: RolloutState) -> tuple[Step | None, bool]:
    """Return a step as it is now, and whether it went through; None where it was stopped."""
    if after.step is not None and (after.step.id, after.step.began) == (going.id, going.began):
        return (None if after.step.reverting or after.step.why else after.step), False
    ended = [one for one in after.history if (one.id, one.began) == (going.id, going.began)]
    is_done = bool(ended) and ended[-1].outcome == "done"
    return (going if is_done else None), is_done


def _has_failed(state: RolloutState, bot: str, now: Step) -> bool:
    told, given = state.told.get(bot), state.assigned[bot]
    has_it = given.document == now.target[bot] and told is not None and told.generation >= given.generation
    return told is not None and told.health == "failed" and has_it


def _document(state: RolloutState, bot: str) -> Document | None:
    return state.assigned[bot].document if bot in state.assigned else None


Rollouts.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
test_rollouts = Rollouts.TestCase

BEHAVIOURS = st.sampled_from(
    ["well", "well", "well", "well", "fails", "stuck", "flaps", "limps", "off", "goes", "conflict", "closed"]
)


@settings(max_examples=80, deadline=None, derandomize=True)
@examples(st.lists(BEHAVIOURS, min_size=len(BOTS), max_size=len(BOTS)), POLICIES, st.integers(40, 700), st.booleans())
def test_it_ends_whatever_bots_do(does: list[str], policy: Rollout, seconds: int, is_new: bool) -> None:
    """Every change ends, as long as one bot is there that can be changed; and soon, where seconds are long."""
    fleet = (Fleet if is_new else running)(
        policy=replace(policy, on_failure="rollback", gates=()), desired=documents("a", BOTS)
    )
    behaviour = dict(zip(BOTS, does, strict=True))
    laws = Laws(fleet)
    laws.turn({} if is_new else fleet.tell(), 0)
    fleet.desired = documents("b", BOTS)
    for turn in range(40 * (DEADLINE // seconds + 2)):
        laws.turn({bot: _behaved(fleet, bot, behaviour[bot], turn) for bot in BOTS}, seconds)
        if turn and fleet.state.step is None:
            return
    assert not any(_takes_part(behaviour[bot]) for bot in BOTS), fleet.state.step


def _behaved(fleet: Fleet, bot: str, does: str, turn: int) -> Told:
    told = fleet.tell()[bot]
    is_new = fleet.release_of(bot) == "b"
    if does == "off" or (does == "goes" and is_new):
        return Told("apart", why="offline")
    if does == "conflict" and is_new:
        return told._replace(health="apart", why="conflict")
    if told.health == "healthy" and does == "closed" and turn % 50 < 40:
        return told._replace(why="window")
    if is_new and (does in ("fails", "stuck") or (does == "flaps" and turn % 2) or (does == "limps" and turn % 5 == 0)):
        return told._replace(health="failed" if does == "fails" else "waiting")
    return told


def _takes_part(does: str) -> bool:
    return does in ("well", "fails", "stuck", "flaps", "limps")
