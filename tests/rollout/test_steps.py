"""How a change goes through a fleet, told step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from molthub.documents import hex_of
from molthub.errors import Problem
from molthub.model.rollouts import Gate, Hook, Rollout, Share, Wave
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.moving import is_available as works
from molthub_reconciler.rollout.records import Answer, Ask, Assigned, Told, Wish, Wished
from molthub_reconciler.rollout.step import Inputs, step
from molthub_reconciler.rollout.told import told_of, whom_it_waits_for
from tests.rollout.fleets import NAMES, Effect, Fleet, documents, in_other_lines, running


def outcomes(fleet: Fleet) -> list[str]:
    return [one.outcome for one in fleet.state.history]


def test_a_fleet_that_runs_is_adopted_as_it_is() -> None:
    fleet = running()
    assert (fleet.releases(), fleet.state.step, fleet.state.history) == ({"a": 20}, None, ())


def test_a_change_goes_from_one_bot_to_all_in_waves() -> None:
    fleet = running()
    fleet.desired = documents("b")
    seen = []
    for _ in range(12):
        fleet.turn()
        seen.append(fleet.releases().get("b", 0))
    assert list(dict.fromkeys(seen)) == [1, 2, 7, 10, 15, 20]  # waves of 1, 2, 10, 20; at most 5 at a time
    assert outcomes(fleet) == ["done"]
    assert fleet.state.good == documents("b")


def test_a_bad_change_stops_at_the_canary_and_is_not_tried_again() -> None:
    fleet = running(bad={"b": "failed"})
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.releases() == {"a": 19, "b": 1}
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])
    assert "failed" in fleet.state.history[0].why
    before = fleet.state
    fleet.turn()
    assert replace(fleet.state, clock=0, told={}) == replace(before, clock=0, told={})
    fleet.desired = documents("c")
    fleet.settle()
    assert (fleet.releases(), fleet.state.bad) == ({"c": 20}, {})


def test_another_bot_changing_does_not_bring_back_what_failed() -> None:
    fleet = running(bad={"b": "failed"})
    fleet.desired = documents("b")
    fleet.settle()
    fleet.desired = documents("b") | documents("c", NAMES[:1])
    fleet.settle()
    assert fleet.releases() == {"a": 19, "c": 1}


def test_a_report_on_an_older_assignment_promotes_nothing() -> None:
    fleet = running()
    fleet.turn()
    old = fleet.tell()
    fleet.desired = documents("b")
    for _ in range(5):
        fleet.turn(told=old)
    assert fleet.releases() == {"a": 19, "b": 1}
    digest = {bot: Told("healthy", fleet.desired[bot].digest, told.generation) for bot, told in old.items()}
    for _ in range(5):
        fleet.turn(told=digest)
    assert fleet.releases() == {"a": 19, "b": 1}, "the right digest, told before it was given"
    fleet.turn()
    assert fleet.releases()["b"] > 1


def test_a_newer_change_takes_the_place_of_one_on_its_way() -> None:
    fleet = running(bad={"b": "failed"}, policy=Rollout(on_failure="pause"))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert fleet.state.step is not None
    assert fleet.state.step.why.startswith("wave canary:")
    fleet.desired = documents("c")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"c": 20}, ["superseded", "done"])


def test_what_is_on_trial_goes_back_before_a_newer_change_begins() -> None:
    fleet = running(policy=Rollout(max_unavailable=Share(100, is_percent=True)))
    fleet.desired = documents("b")
    while fleet.releases().get("b", 0) < 10:
        fleet.turn()
    fleet.desired = documents("c")
    fleet.turn()
    assert fleet.releases() == {"a": 18, "b": 1, "c": 1}, "one of the first two tries it, the other proved itself"


def test_what_git_takes_back_while_it_is_on_its_way_is_taken_back() -> None:
    fleet = running()
    fleet.desired = documents("b")
    for _ in range(4):
        fleet.turn()
    fleet.desired = documents("a")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["superseded"])


def test_bots_that_are_off_hold_nothing_up_and_catch_up() -> None:
    fleet = running(apart=set(NAMES[:5]))
    fleet.desired = documents("b")
    fleet.settle()
    assert (outcomes(fleet), fleet.state.step) == (["done"], None)
    assert {fleet.release_of(bot) for bot in NAMES[:5]} == {"a"}, "they are not there to take it"
    fleet.apart = set(NAMES[:1])
    fleet.turn()
    fleet.turn()
    assert fleet.releases() == {"a": 1, "b": 19}


def test_where_the_first_wave_is_off_another_bot_tries() -> None:
    fleet = running(bad={"b": "failed"})
    fleet.desired = documents("b")
    fleet.turn()
    (canary,) = [bot for bot in NAMES if fleet.release_of(bot) == "b"]
    fleet = running(bad={"b": "failed"}, apart={canary})
    fleet.desired = documents("b")
    fleet.turn()
    tried = {bot for bot in NAMES if fleet.release_of(bot) == "b"}
    assert len(tried - {canary}) == 1
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])


def test_nobody_stands_in_for_a_first_wave_that_is_over() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("some", count=3, soak=600), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert fleet.state.step is not None
    waves = fleet.state.step.waves
    fleet.apart = set(waves[0].bots)
    for _ in range(4):
        fleet.turn()
    assert (fleet.state.step.wave, fleet.state.step.waves) == (1, waves)


def test_where_everybody_is_off_it_waits() -> None:
    fleet = running(apart=set(NAMES))
    fleet.desired = documents("b")
    for _ in range(50):
        fleet.turn(seconds=3600)
    assert fleet.state.step is not None
    assert fleet.state.step.wave == 0
    fleet.apart.clear()
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_a_new_fleet_begins_with_its_first_wave() -> None:
    fleet = Fleet(bad={"a": "failed"})
    fleet.turn()
    assert fleet.releases() == {"": 19, "a": 1}
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"": 19, "a": 1}, ["rolled-back"])
    fleet.desired = documents("b")
    fleet.settle()
    assert fleet.releases() == {"b": 20}


def test_a_new_bot_of_a_fleet_that_runs_well_is_served_at_once() -> None:
    fleet = running()
    fleet.desired = documents("a", (*NAMES, "new"))
    fleet.turn()
    assert (fleet.releases(), fleet.state.step) == ({"a": 21}, None)


def test_a_new_bot_waits_while_what_it_came_with_has_failed() -> None:
    fleet = running(bad={"b": "failed"})
    fleet.desired = documents("b")
    fleet.settle()
    fleet.desired = documents("b", (*NAMES, "new"))
    fleet.settle()
    assert fleet.releases() == {"a": 20, "": 1}
    fleet.desired = documents("c", (*NAMES, "new"))
    fleet.settle()
    assert fleet.releases() == {"c": 21}


def test_where_nobody_has_anything_good_those_of_whom_git_asks_anew_do_not_wait() -> None:
    fleet = Fleet(bad={"a": "failed"})
    fleet.settle()
    fleet.desired |= documents("b", NAMES[:5])
    fleet.settle()
    assert fleet.releases()["b"] == 5


def test_a_new_bot_on_which_something_was_tried_is_not_served_past_the_waves() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", {"tier": "x"}), Wave("all")), deadline=60))
    fleet.labels = {"new": {"tier": "x"}}
    fleet.desired = documents("b", (*NAMES, "new"))
    fleet.turn()
    assert fleet.release_of("new") == "b"
    fleet.desired = documents("a") | documents("c", ["new"])
    fleet.turn()
    assert fleet.state.step is not None
    assert fleet.state.step.target.keys() == {"new"}


def test_so_many_changes_are_remembered_as_anybody_looks_at() -> None:
    fleet = running(policy=Rollout(waves=(Wave("all"),), max_unavailable=Share(20)))
    for release in "bcdefghijklmnopqrstuvwxyz":
        fleet.desired = documents(release)
        fleet.settle()
    assert len(outcomes(fleet)) == 20


def test_a_wave_soaks_without_a_break() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1, soak=300), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    for _ in range(4):
        fleet.turn()
    assert fleet.releases()["b"] == 1
    ill = {bot: told._replace(health="waiting") for bot, told in fleet.tell().items()}
    fleet.turn(told=ill)
    for _ in range(5):
        fleet.turn()
    assert fleet.releases()["b"] == 1, "it began anew"
    fleet.turn()
    assert fleet.releases()["b"] > 1


def test_each_wave_soaks_for_itself() -> None:
    waves = (Wave("canary", count=1, soak=300), Wave("all", soak=900))
    fleet = running(policy=Rollout(waves=waves))
    fleet.desired = documents("b")
    fleet.turn()
    canary = next(bot for bot in NAMES if fleet.release_of(bot) == "b")
    fleet.apart = set(NAMES) - {canary}
    fleet.whys = dict.fromkeys(NAMES, "suspended")
    fleet.settle()
    assert fleet.state.history[0].ended - fleet.state.history[0].began >= 1200


def test_who_is_not_healthy_in_time_has_failed() -> None:
    fleet = running(policy=Rollout(deadline=600))
    fleet.desired = documents("b")
    fleet.turn()
    slow = {bot: told._replace(health="waiting") for bot, told in fleet.tell().items()}
    for _ in range(12):
        fleet.turn(told={bot: told for bot, told in slow.items() if fleet.release_of(bot) == "b"})
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])
    assert "not healthy in time" in fleet.state.history[0].why


@pytest.mark.parametrize(("seconds", "ended"), [(599, []), (600, []), (601, ["rolled-back"])])
def test_a_bot_may_take_all_of_the_time_that_it_is_given(seconds: int, ended: list[str]) -> None:
    fleet = running(policy=Rollout(deadline=600), bad={"b": "stuck"})
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn(seconds=seconds)
    assert outcomes(fleet) == ended


def test_a_queue_that_moves_on_is_waited_for() -> None:
    fleet = running(policy=Rollout(max_unavailable=Share(1), deadline=120))
    fleet.desired = documents("b")
    fleet.settle()
    assert outcomes(fleet) == ["done"]
    assert fleet.state.history[0].ended - fleet.state.history[0].began >= 5 * 120


def test_some_may_fail_after_the_first_wave_where_the_policy_says_so() -> None:
    fleet = running(policy=Rollout(max_failed=Share(10, is_percent=True)))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    fleet.failing = {next(bot for bot in NAMES if fleet.release_of(bot) == "a")}
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_nobody_else_is_given_what_is_found_to_have_failed() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("all")), max_unavailable=Share(2)))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    has_it = {bot for bot in NAMES if fleet.release_of(bot) == "b"}
    before, fleet.failing = fleet.state.assigned, has_it
    fleet.turn()
    assert {bot for bot in NAMES if fleet.state.assigned[bot] != before[bot]} <= has_it


def test_labels_choose_the_canary() -> None:
    labels = {bot: {"tier": "canary"} if bot in NAMES[:3] else {} for bot in NAMES}
    waves = (Wave("canary", {"tier": "canary"}), Wave("all", percent=100))
    fleet = running(policy=Rollout(waves=waves, max_unavailable=Share(100, is_percent=True)), labels=labels)
    fleet.desired = documents("b")
    fleet.turn()
    assert {bot for bot in NAMES if fleet.release_of(bot) == "b"} == set(NAMES[:3])


# --- what people ask for -------------------------------------------------------------------------------------------


def test_a_person_pauses_and_resumes() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn("pause")
    for _ in range(5):
        fleet.turn()
    assert fleet.releases()["b"] == 1
    fleet.turn("resume")
    fleet.settle()
    assert fleet.releases() == {"b": 20}


def test_a_person_lets_go_on_what_stopped_itself() -> None:
    fleet = running(policy=Rollout(on_failure="pause"))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.failing = {next(bot for bot in NAMES if fleet.release_of(bot) == "b")}
    for _ in range(5):
        fleet.turn()
    assert fleet.releases()["b"] == 1
    fleet.failing = set()
    for _ in range(5):
        fleet.turn()
    assert fleet.releases()["b"] == 1, "it stays where it is"
    fleet.turn("resume")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"b": 20}, ["done"])


def test_a_person_promotes_a_wave_that_would_soak_for_long() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1, soak=86400), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn("promote")
    assert fleet.releases()["b"] > 1
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_a_person_aborts_and_what_was_aborted_stays_away() -> None:
    fleet = running()
    fleet.desired = documents("b")
    for _ in range(3):
        fleet.turn()
    fleet.turn("abort")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])


def test_a_person_undoes_what_went_through() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.settle()
    fleet.turn("undo")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["done", "undone"])
    fleet.desired = documents("c")
    fleet.settle()
    assert fleet.releases() == {"c": 20}


def test_what_is_undone_is_the_last_change_alone() -> None:
    fleet = running()
    for release, bots in (("b", NAMES[:5]), ("c", NAMES[10:15])):
        fleet.desired = fleet.desired | documents(release, bots)
        fleet.settle()
    fleet.turn("undo")
    fleet.settle()
    assert fleet.releases() == {"a": 15, "b": 5}


def test_what_was_undone_is_not_undone_again_for_its_lines() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.settle()
    fleet.turn("undo")
    fleet.desired = in_other_lines("a")
    fleet.settle()
    fleet.turn("undo")
    fleet.settle()
    assert (outcomes(fleet), fleet.state.bad) == (["done", "undone"], {})


def test_what_is_undone_after_git_asked_for_something_else_is_no_failure_of_that() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.settle()
    fleet.turn("pause")
    fleet.desired = documents("c")
    fleet.turn("undo")
    assert fleet.state.bad == {}
    fleet.settle()
    assert fleet.releases() == {"c": 20}


@pytest.mark.parametrize("wish", ["abort", "promote", "undo"])
def test_nothing_can_be_said_to_a_change_that_is_taken_back_already(wish: Wish) -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("all")), max_unavailable=Share(2)))
    fleet.desired = documents("b")
    for _ in range(4):
        fleet.turn()
    fleet.desired = documents("a")
    fleet.turn()
    assert fleet.state.step is not None
    fleet.turn(wish)
    fleet.settle()
    assert (outcomes(fleet), fleet.state.bad) == (["superseded"], {})


def test_who_goes_on_with_what_stopped_has_all_attempts_and_all_the_time_again() -> None:
    fleet = running(policy=replace(gated(attempts=2), on_failure="pause", deadline=600),
                    gate=lambda _ask: Answer(passed=False))  # fmt: skip
    fleet.desired = documents("b")
    for _ in range(6):
        fleet.turn()
    assert fleet.state.step is not None
    assert fleet.state.step.why
    fleet.turn("resume")
    assert not fleet.state.step.why, "the first of two attempts"


def test_who_goes_on_with_what_was_too_slow_waits_for_it_anew() -> None:
    fleet = running(policy=Rollout(on_failure="pause", deadline=600), bad={"b": "stuck"})
    fleet.desired = documents("b")
    for _ in range(15):
        fleet.turn()
    assert fleet.state.step is not None
    assert "not healthy in time" in fleet.state.step.why
    fleet.turn("resume")
    for _ in range(9):
        fleet.turn()
    assert not fleet.state.step.why
    fleet.turn(seconds=120)
    assert fleet.state.step.why


def test_who_holds_a_fleet_still_follows_lines_that_say_the_same_and_changes_nobody() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    fleet.turn("pause")
    fleet.desired = {bot: found._replace(file=hex_of(bot.encode())) for bot, found in documents("a").items()}
    before = fleet.state.assigned[canary]
    fleet.turn()
    assert fleet.state.assigned[canary] == before
    other = next(bot for bot in NAMES if bot != canary)
    assert fleet.state.assigned[other].document == fleet.desired[other]


# --- gates ---------------------------------------------------------------------------------------------------------


def gated(hook: Hook = "rollout", **fields: object) -> Rollout:
    return Rollout(gates=(Gate("gate", "http", url="https://gates.example.com/", hook=hook, **fields),))  # type: ignore[arg-type] # the fields of a gate


@pytest.mark.parametrize("hook", ["pre-rollout", "rollout"])
def test_a_gate_that_fails_stops_the_change(hook: Hook) -> None:
    fleet = running(policy=gated(hook), gate=lambda _ask: Answer(passed=False, detail="status 500"))
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])
    assert fleet.state.history[0].why == "wave canary: the gate gate failed: status 500"


@pytest.mark.parametrize(("hook", "changed"), [("confirm-rollout", 0), ("confirm-promotion", 1)])
def test_a_gate_that_confirms_is_waited_for(hook: Hook, changed: int) -> None:
    fleet = running(policy=gated(hook, waves=("canary",)), gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    for _ in range(30):
        fleet.turn(seconds=600)
    assert fleet.releases().get("b", 0) == changed
    fleet.gate = lambda _ask: Answer(passed=True)
    fleet.settle()
    assert fleet.releases() == {"b": 20}


def test_a_gate_is_asked_at_each_look_while_a_wave_soaks() -> None:
    waves = (Wave("canary", count=1, soak=600), Wave("all"))
    fleet = running(policy=replace(gated(), waves=waves))
    fleet.desired = documents("b")
    for _ in range(5):
        fleet.turn()
    assert len(fleet.asked) == 4
    fleet.gate = lambda _ask: Answer(passed=False)
    fleet.settle()
    assert outcomes(fleet) == ["rolled-back"]


def test_attempts_count_in_a_row() -> None:
    waves = (Wave("canary", count=1, soak=600), Wave("all"))
    fleet = running(policy=replace(gated(attempts=2), waves=waves))
    fleet.gate = lambda _ask: Answer(passed=len(fleet.asked) % 2 == 0)
    fleet.desired = documents("b")
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_an_answer_for_an_earlier_wave_counts_no_more() -> None:
    fleet = running(policy=gated())
    fleet.desired = documents("b")
    while fleet.state.step is None or fleet.state.step.wave == 0:
        fleet.turn()
    late = {Ask("gate", "canary", "rollout"): Answer(passed=False)}
    inputs = Inputs(fleet.desired, fleet.policy, fleet.now, answers=late, look=False)
    assert step(fleet.state, inputs).state == fleet.state


def test_scenarios_are_asked_once_for_a_wave() -> None:
    waves = (Wave("canary", count=1, soak=600), Wave("all"))
    fleet = running(policy=Rollout(waves=waves, gates=(Gate("cases", "scenarios", command=("true",)),)))
    fleet.desired = documents("b")
    fleet.settle()
    assert [ask.wave for ask in fleet.asked] == ["canary", "all"]


def test_a_gate_may_be_tried_as_often_as_it_says() -> None:
    fleet = running(policy=gated(attempts=3), gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    for _ in range(3):
        fleet.turn()
    assert fleet.state.step is not None
    fleet.settle()
    assert [ask.wave for ask in fleet.asked] == ["canary"] * 3


def test_a_gate_that_no_agent_answers_fails_in_the_end() -> None:
    fleet = running(policy=Rollout(gates=(Gate("alive", "probe", command=("true",)),)))
    fleet.desired = documents("b")
    for _ in range(40):
        fleet.now += 60
        fleet.state = step(
            fleet.state, Inputs(fleet.desired, fleet.policy, fleet.now, fleet.labels, told=fleet.tell())
        ).state
    assert outcomes(fleet) == ["rolled-back"]
    assert "alive was not answered for bot" in fleet.state.history[0].why


def test_who_goes_on_with_a_gate_that_nobody_answered_waits_for_it_anew() -> None:
    gates = (Gate("alive", "probe", command=("true",)),)
    fleet = running(policy=Rollout(gates=gates, on_failure="pause"))
    fleet.desired = documents("b")

    def unanswered(*said: Wished) -> None:
        fleet.now += 60
        inputs = Inputs(fleet.desired, fleet.policy, fleet.now, fleet.labels, told=fleet.tell(), wishes=said)
        fleet.state = step(fleet.state, inputs).state

    for _ in range(40):
        unanswered()
    assert fleet.state.step is not None
    assert "alive was not answered" in fleet.state.step.why
    unanswered(Wished("resume"))
    assert not fleet.state.step.why


@pytest.mark.parametrize("looks", [1, 2])  # at the second one the other gate fails for good
def test_a_gate_that_asks_for_going_back_is_heard_whatever_else_failed(looks: int) -> None:
    load = Gate("load", "http", url="https://g.example/", attempts=2)
    alarm = Gate("alarm", "http", url="https://g.example/", hook="rollback")
    fleet = running(policy=Rollout(gates=(load, alarm), on_failure="pause"))
    began = fleet.now + 60
    fleet.gate = lambda ask: Answer(passed=ask.gate == "alarm" and fleet.now >= began + looks * 60)
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])


def test_where_nobody_of_a_wave_can_be_asked_others_that_have_the_change_are() -> None:
    waves = (Wave("canary", count=1), Wave("second", count=1), Wave("all"))
    fleet = running(policy=Rollout(waves=waves, gates=(Gate("gate", "probe", command=("x",), waves=("second",)),)))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    canary, second = fleet.state.step.waves[0].bots[0], fleet.state.step.waves[1].bots[0]
    fleet.apart = {second}
    fleet.settle()
    assert {(ask.wave, ask.bot) for ask in fleet.asked} == {("second", canary)}


def test_a_gate_for_going_back_goes_back_when_it_passes() -> None:
    fleet = running(policy=gated("rollback"), gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.gate = lambda _ask: Answer(passed=True, detail="errors rise")
    fleet.settle()
    assert fleet.state.history[0].why == "the gate gate asked for it: errors rise"


def test_a_command_is_run_for_bots_that_are_ready() -> None:
    gates = (Gate("alive", "probe", command=("true",), bots=2), Gate("cases", "scenarios", command=("true",)))
    fleet = running(policy=Rollout(gates=gates))
    fleet.desired = documents("b")
    fleet.settle()
    assert outcomes(fleet) == ["done"]
    asked = {(ask.gate, ask.wave): ask.bot for ask in fleet.asked}
    assert asked.keys() >= {(gate, wave) for gate in ("alive", "cases") for wave in ("canary", "tenth", "half", "all")}
    assert all(ask.bot in NAMES for ask in fleet.asked)


@pytest.mark.parametrize("bad", [{}, {"b": "failed"}])
def test_a_gate_for_afterwards_is_asked_once_however_it_ended(bad: dict[str, Effect]) -> None:
    fleet = running(policy=gated("post-rollout"), bad=bad, gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    fleet.settle()
    assert [(ask.gate, ask.stage) for ask in fleet.asked] == [("gate", "post-rollout")]
    assert outcomes(fleet) == ["rolled-back" if bad else "done"]


# --- who is changed, and who is waited for ------------------------------------------------------------------------


def canary_of(fleet: Fleet) -> str:
    """Return the one bot that has what git asks for."""
    (canary,) = [bot for bot in fleet.desired if fleet.release_of(bot) == "b"]
    return canary


def test_a_first_rollout_that_git_overtakes_goes_on() -> None:
    fleet = Fleet()
    fleet.turn()
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"b": 20}, ["superseded", "done"])


def test_what_mends_most_of_a_fleet_is_not_held_up_by_what_it_mends() -> None:
    fleet = running(bad={"a": "failed"})
    fleet.failing = set()
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"b": 20}, ["done"])


@pytest.mark.parametrize("effect", ["stuck", "other"])
def test_whoever_says_it_is_well_with_something_else_is_not(effect: Effect) -> None:
    fleet = running(bad={"b": effect}, policy=Rollout(deadline=300))
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])


def test_who_would_not_be_changed_now_takes_nobodys_place() -> None:
    waves = (Wave("canary", count=1), Wave("all"))
    fleet = running(policy=Rollout(waves=waves, max_unavailable=Share(1)), kept=dict.fromkeys(NAMES[:10], "detect"))
    fleet.turn()
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert {bot for bot in NAMES[:10] if fleet.release_of(bot) == "b"} == set(NAMES[:10]), "all at once"
    assert fleet.releases()["b"] == 12


def test_while_ill_bots_are_changed_those_that_work_wait() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("all")), max_unavailable=Share(1)))
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    fleet.failing = {bot for bot in NAMES[:12] if bot != canary}
    fleet.turn()
    assert {bot for bot in NAMES if fleet.release_of(bot) == "b"} == {canary, *fleet.failing}


def test_as_many_may_be_away_as_is_said_of_those_that_can_be_reached() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    fleet.apart = set([bot for bot in NAMES if bot != canary][:8])
    fleet.turn()
    assert fleet.releases()["b"] == 1 + 3, "a quarter of the twelve that are there, not of twenty"


def test_who_was_well_with_a_change_and_goes_off_later_is_not_waited_for() -> None:
    fleet = running(policy=Rollout(waves=(Wave("two", count=2, soak=120), Wave("all")), deadline=86400))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    fleet.apart = {next(bot for bot in NAMES if fleet.release_of(bot) == "b")}
    for _ in range(4):
        fleet.turn()
    assert fleet.state.step is not None
    assert fleet.state.step.wave == 1


def test_bots_that_do_not_work_wait_for_nobody() -> None:
    policy = Rollout(waves=(Wave("canary", count=1), Wave("all")), max_unavailable=Share(1))
    fleet = running(policy=policy, bad={"a": "failed"})
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert fleet.releases() == {"b": 20}


def test_bots_that_are_ill_whatever_they_get_let_the_others_be_changed_one_by_one() -> None:
    policy = Rollout(max_unavailable=Share(2), max_failed=Share(50, is_percent=True))
    fleet = running(policy=policy, failing=set(NAMES[10:]))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.failing -= {canary_of(fleet)}
    for _ in range(80):
        before = {bot for bot in NAMES[:10] if fleet.release_of(bot) == "b"}
        fleet.turn()
        assert len({bot for bot in NAMES[:10] if fleet.release_of(bot) == "b"} - before) <= 1
    assert (fleet.releases(), outcomes(fleet)) == ({"b": 20}, ["done"])


def test_what_turns_bots_off_does_not_go_through_them_all() -> None:
    fleet = running(bad={"b": "off"})
    fleet.desired = documents("b")
    given = set()
    for _ in range(200):
        fleet.turn()
        given |= {bot for bot in NAMES if fleet.release_of(bot) == "b"}
    assert (len(given), outcomes(fleet)) == (2, ["rolled-back"])
    assert fleet.state.history[0].why.count("went off with it") == 2


def test_what_nobody_takes_does_not_go_through_them_all() -> None:
    fleet = running(bad={"b": "suspended"})
    fleet.desired = documents("b")
    fleet.settle()
    assert fleet.releases() == {"a": 18, "b": 2}
    fleet.bad = {}
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_who_goes_off_with_a_change_counts_as_away() -> None:
    waves = (Wave("canary", count=1), Wave("all"))
    fleet = running(policy=Rollout(waves=waves, max_unavailable=Share(3)))
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert fleet.releases() == {"a": 16, "b": 4}
    fleet.apart = {bot for bot in NAMES if fleet.release_of(bot) == "b" and not works(fleet.state, bot)}
    for _ in range(20):
        fleet.turn()
    assert fleet.releases() == {"a": 16, "b": 4}


def test_who_went_off_with_a_change_counts_as_away_on_the_way_back_too() -> None:
    waves = (Wave("canary", count=1), Wave("all"))
    fleet = running(policy=Rollout(waves=waves, max_unavailable=Share(3)))
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    fleet.turn()
    fleet.apart = {bot for bot in NAMES if fleet.release_of(bot) == "b"} - {canary}
    fleet.turn("abort")
    for _ in range(20):
        fleet.turn()
    assert fleet.releases() == {"a": 19, "b": 1}, "they are given theirs at once, and leave no room for one that works"
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])


def test_who_goes_off_with_what_was_good_holds_nobody_up_on_the_way_back() -> None:
    waves = (Wave("canary", count=1), Wave("all", soak=3600))
    fleet = running(policy=Rollout(waves=waves, max_unavailable=Share(3)))
    fleet.desired = documents("b")
    for _ in range(10):
        fleet.turn()
    fleet.turn("abort")
    assert fleet.releases() == {"a": 3, "b": 17}
    fleet.apart = {bot for bot in NAMES if fleet.release_of(bot) == "a"}
    fleet.turn()
    assert fleet.releases() == {"a": 6, "b": 14}


def test_who_never_had_a_change_is_none_of_those_that_go_back() -> None:
    fleet = running(apart={NAMES[0]}, bad={"c": "failed"})
    fleet.desired = documents("b")
    fleet.settle()
    fleet.desired = in_other_lines("a")
    fleet.settle()
    assert fleet.state.assigned[NAMES[0]].document == documents("a")[NAMES[0]], "it has the same in older lines"
    fleet.desired = documents("c")
    fleet.settle()
    assert [(one.outcome, one.bots) for one in fleet.state.history] == [("done", 20), ("done", 20), ("rolled-back", 1)]


def test_a_canary_that_goes_off_by_chance_is_waited_for_and_then_replaced() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    fleet.apart = {canary}
    for _ in range(29):
        fleet.turn()
    assert fleet.releases() == {"a": 19, "b": 1}
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_most_of_a_later_wave_that_go_off_with_a_change_stop_it() -> None:
    fleet = running(policy=Rollout(max_unavailable=Share(100, is_percent=True)))
    fleet.desired = documents("b")
    while fleet.releases().get("b", 0) <= 2:
        fleet.turn()
    assert fleet.state.step is not None
    fleet.apart = set(fleet.state.step.waves[2].bots[:5])
    fleet.turn()
    assert fleet.releases()["b"] == 10
    for _ in range(40):
        fleet.turn()
    assert outcomes(fleet) == ["rolled-back"]


def test_what_one_bots_owner_has_in_the_way_is_not_the_changes_fault() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.turn()
    fleet.apart = {canary_of(fleet)}
    fleet.whys = dict.fromkeys(fleet.apart, "conflict")
    fleet.turn()
    assert fleet.releases() == {"a": 18, "b": 2}, "another one tries at once"
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def test_what_nobody_can_take_is_the_changes_fault() -> None:
    fleet = running(bad={"b": "conflict"})
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"])
    assert "owner" in fleet.state.history[0].why


def test_nobody_is_given_what_it_would_take_when_its_window_opens() -> None:
    fleet = running(kept=dict.fromkeys(NAMES, "window"))
    fleet.desired = documents("b")
    for _ in range(30):
        fleet.turn(seconds=3600)
    assert fleet.releases() == {"a": 20}
    fleet.kept = {}
    fleet.turn()
    assert fleet.releases() == {"a": 19, "b": 1}, "and then in waves"
    fleet.settle()
    assert outcomes(fleet) == ["done"]


def windowed(*closed: int) -> Fleet:
    """Return a fleet to which ``b`` comes while the windows of some bots are closed that are not the canary."""
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    rest = fleet.state.step.waves[1].bots
    fleet.kept = {rest[number]: "window" for number in closed}
    return fleet


def test_a_wave_waits_for_its_window_and_is_not_over_unseen() -> None:
    fleet = windowed(*range(19))
    for _ in range(10):
        fleet.turn(seconds=3600)
    assert fleet.releases() == {"a": 19, "b": 1}
    assert "waits for 19 bots: outside of their window" in whom_it_waits_for(fleet.state)
    fleet.kept, fleet.failing = {}, {NAMES[3]}
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 20}, ["rolled-back"]), "they are judged as any others"


def test_a_wave_that_a_person_promotes_waits_for_no_window() -> None:
    fleet = windowed(*range(19))
    fleet.turn(seconds=3600)
    fleet.turn("promote")
    assert outcomes(fleet) == ["done"]


@pytest.mark.parametrize(("closed", "ends"), [(9, True), (10, False)])
def test_a_few_windows_hold_nobody_up(closed: int, ends: bool) -> None:
    fleet = windowed(*range(closed))
    for _ in range(10):
        fleet.turn()
    assert (fleet.releases()["b"], outcomes(fleet) == ["done"]) == (20 - closed, ends)


def test_who_comes_back_late_is_given_the_change_and_not_waited_for() -> None:
    """In a large fleet somebody comes back at every look: were each waited for, no wave would ever be over."""
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("half", percent=50, soak=180), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    late = list(fleet.state.step.waves[1].bots[:4])
    fleet.apart = set(late)
    fleet.turn()
    fleet.turn()
    for bot in late:
        assert fleet.state.step is not None
        assert fleet.state.step.wave == 1
        fleet.apart.discard(bot)
        fleet.turn()
        assert fleet.release_of(bot) == "b"
    assert fleet.state.step.wave == 2, "the soak time went on, though one of them was on its way at each look"


def test_who_comes_back_late_and_fails_stops_the_change_all_the_same() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("half", percent=50, soak=600), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    late = fleet.state.step.waves[1].bots[0]
    fleet.apart = {late}
    for _ in range(3):
        fleet.turn()
    fleet.apart, fleet.failing = set(), {late}
    fleet.settle()
    assert outcomes(fleet) == ["rolled-back"]


def test_where_most_come_back_late_they_are_waited_for() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1), Wave("half", percent=50), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    late = fleet.state.step.waves[1].bots[:8]
    fleet.apart = set(late)
    fleet.turn()
    fleet.apart = set()
    fleet.bad = {"b": "stuck"}
    fleet.turn()
    assert fleet.state.step.wave == 1


def test_bots_that_are_only_watched_have_the_change_waiting_and_try_nothing() -> None:
    fleet = running(kept=dict.fromkeys(NAMES[:10], "detect"))
    fleet.turn()
    fleet.desired = documents("b")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"b": 20}, ["done"])


def test_a_bot_that_flaps_fails_in_the_end() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1, soak=300), Wave("all"))))
    fleet.desired = documents("b")
    fleet.turn()
    canary = canary_of(fleet)
    for _ in range(80):
        fleet.failing = set()
        told = fleet.tell()
        if fleet.now // 60 % 2:
            told[canary] = told[canary]._replace(health="waiting")
        fleet.turn(told=told)
    assert outcomes(fleet) == ["rolled-back"]


def test_a_step_ends_whose_bots_are_all_taken_out_of_git() -> None:
    fleet = running()
    fleet.desired = documents("a") | documents("b", NAMES[:3])
    fleet.turn()
    fleet.desired = documents("a", NAMES[3:])
    fleet.turn()
    assert (fleet.state.step, outcomes(fleet)) == (None, ["superseded"])


def test_while_a_wave_waits_for_a_person_those_before_it_are_watched() -> None:
    fleet = running(policy=gated("confirm-rollout", waves=("half",)), gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    for _ in range(10):
        fleet.turn()
    assert fleet.releases() == {"a": 18, "b": 2}
    fleet.failing = {next(bot for bot in NAMES if fleet.release_of(bot) == "b")}
    fleet.settle()
    assert outcomes(fleet) == ["rolled-back"]


def test_whoever_confirms_is_asked_before_anything_is_tried_out() -> None:
    hooks: tuple[Hook, ...] = ("pre-rollout", "confirm-rollout")
    gates = tuple(Gate(hook, "http", url="https://gates.example.com/", hook=hook) for hook in hooks)
    fleet = running(policy=Rollout(gates=gates), gate=lambda _ask: Answer(passed=False))
    fleet.desired = documents("b")
    for _ in range(5):
        fleet.turn()
    assert {ask.stage for ask in fleet.asked} == {"confirm-rollout"}
    fleet.gate = lambda ask: Answer(passed=ask.stage == "confirm-rollout")
    fleet.settle()
    assert outcomes(fleet) == ["rolled-back"]


def test_nobody_is_changed_while_a_person_holds_it() -> None:
    fleet = running()
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn("pause")
    held = fleet.state.assigned
    fleet.failing = {canary_of(fleet)}
    fleet.turn()
    fleet.desired = documents("c", (*NAMES, "new"))
    fleet.turn()
    assert fleet.state.assigned == held
    fleet.failing = set()
    fleet.turn("resume")
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"c": 21}, ["superseded", "done"])


def test_what_a_person_said_of_one_wave_or_change_is_not_done_to_another() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1, soak=600), Wave("half", percent=50, soak=600))))
    fleet.desired = documents("b")
    fleet.turn()
    assert fleet.state.step is not None
    seen = fleet.state.step.id
    fleet.turn(Wished("promote", seen, 0), Wished("promote", seen, 0))
    assert fleet.state.step.wave == 1
    fleet.desired = documents("c")
    fleet.turn()
    fleet.turn()
    fleet.turn(Wished("abort", seen))
    assert fleet.state.step.why == ""
    fleet.turn(Wished("undo", seen))
    fleet.settle()
    assert outcomes(fleet) == ["superseded", "done"]
    fleet.turn(Wished("undo", fleet.state.history[-1].id))
    assert fleet.releases()["a"] > 0


# --- what else git may do ------------------------------------------------------------------------------------------


def test_bots_that_are_taken_out_of_git_on_the_way_are_forgotten() -> None:
    fleet = running(bad={"b": "failed"})
    fleet.desired = documents("b")
    fleet.turn()
    (canary,) = [bot for bot in NAMES if fleet.release_of(bot) == "b"]
    fleet.desired = {bot: found for bot, found in fleet.desired.items() if bot != canary}
    fleet.turn()
    assert fleet.releases() == {"a": 18, "b": 1}, "another one tries"
    fleet.settle()
    assert (fleet.releases(), outcomes(fleet)) == ({"a": 19}, ["rolled-back"])
    assert canary not in fleet.state.assigned


def test_a_document_that_says_the_same_in_other_lines_is_followed_without_a_rollout() -> None:
    fleet = running()
    newer = {bot: found._replace(file=hex_of(found.file.encode())) for bot, found in fleet.desired.items()}
    fleet.desired = newer
    fleet.turn()
    assert {bot: given.document for bot, given in fleet.state.assigned.items()} == newer
    assert (fleet.state.step, fleet.state.history, fleet.state.good) == (None, (), newer)


@pytest.mark.parametrize(
    ("report", "health"),
    [
        (BotReport("prod/ada", "in-sync"), "healthy"),
        (BotReport("prod/ada", "in-sync", kept="detect"), "healthy detect"),
        (BotReport("prod/ada", "in-sync", kept="window"), "healthy window"),
        (BotReport("prod/ada", "revoked"), "healthy"),
        (BotReport("prod/ada", "pending", held="detect", kept="detect"), "apart detect"),
        (BotReport("prod/ada", "rolled-back"), "apart rolled-back"),
        (BotReport("prod/ada", "suspended"), "apart suspended"),
        (BotReport("prod/ada", "offline"), "apart offline"),
        (BotReport("prod/ada", "unresolved"), "apart unresolved"),
        (BotReport("prod/ada", "pending", held="window"), "apart window"),
        (BotReport("prod/ada", "failed", problems=(Problem("MH601", "x"), Problem("MH701", "y"))), "failed"),
        (BotReport("prod/ada", "drifted", held="fight"), "apart fight"),
        (BotReport("prod/ada", "failed", held="policy"), "failed"),
        (BotReport("prod/ada", "pending"), "waiting"),
        (BotReport("prod/ada", "failed", problems=(Problem("MH603", "other bytes"),)), "failed"),
        (BotReport("prod/ada", "failed", problems=(Problem("MH601", "nobody answers"),)), "waiting"),
        (BotReport("prod/ada", "conflict"), "apart conflict"),
    ],
)
def test_what_a_report_means(report: BotReport, health: str) -> None:
    given = Assigned(documents("a")[NAMES[0]], 7)
    health, _, why = health.partition(" ")
    assert told_of(report, given) == Told(health, None, 7, why)  # type: ignore[arg-type] # literals
    assert told_of(report, None).generation == 0


def test_a_clock_that_ran_ahead_and_is_set_right_holds_nothing_up() -> None:
    fleet = running(policy=Rollout(waves=(Wave("canary", count=1, soak=300), Wave("all"))))
    fleet.now += 10 * 365 * 86400
    fleet.turn()
    fleet.now = 2000
    fleet.desired = documents("b")
    fleet.turn()
    fleet.turn()
    assert fleet.releases() == {"a": 19, "b": 1}
    fleet.turn(seconds=200)
    assert fleet.releases() == {"a": 19, "b": 1}
    fleet.now = 1000  # and back once more, by less than it has soaked
    for _ in range(4):
        fleet.turn(seconds=60)
    assert fleet.releases() != {"a": 19, "b": 1}
    fleet.settle()
    assert outcomes(fleet) == ["done"]
