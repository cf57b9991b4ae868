"""A rollout on a real target folder: what each bot gets from pass to pass, and what people say to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from molthub import schema_files
from molthub.client.index import Index
from molthub.documents import hex_of
from molthub.errors import FormatError
from molthub.model.rollouts import Rollout
from molthub_reconciler.commands.rollout import status as status_command
from molthub_reconciler.notify.news import slack
from molthub_reconciler.notify.outbox import FILE as OUTBOX
from molthub_reconciler.notify.outbox import Outbox
from molthub_reconciler.notify.settings import Channel
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import Report, RolloutReport
from molthub_reconciler.rollout.documents import state_from_json, state_to_json
from molthub_reconciler.rollout.follow import Rollouts
from molthub_reconciler.rollout.step import Inputs, step
from tests.reconciler.site import GIT
from tests.reconciler.world import Outcome, World, run_molthub, state_of

BOTS = ("ada", "bob", "cyd", "dan", "eve", "fay")
SKILL = ".agents/skills/git/notes.md"
WAVES = {"waves": [{"name": "canary", "count": 1}, {"name": "half", "percent": 50}, {"name": "all"}],
         "maxUnavailable": "100%"}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    made = World(tmp_path)
    ask_for(made, "1.0.0")
    return made


def ask_for(world: World, version: str, *, rollout: Any = WAVES, broken: bool = False) -> None:
    """Let git ask for a version of the skill; a broken one has an archive that is not there."""
    digest = world.site.skill("git", version, {**GIT, "notes.md": version})
    for bot in BOTS:
        world.site.bot(f"prod/{bot}", {"skill/git": digest})
    world.site.fleet("prod", rollout=rollout)
    world.site.publish()
    if broken:
        world.site.archive_of(digest).write_bytes(b"not this")


def versions(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for bot in BOTS:
        place = world.home(f"prod/{bot}") / SKILL
        text = place.read_text() if place.exists() else ""
        found[text] = found.get(text, 0) + 1
    return found


def passes(world: World, count: int, *options: str) -> dict[str, Any]:
    for _ in range(count):
        outcome = world.molthub("reconcile", "--json", *options)
        assert outcome.status in (0, 4), outcome
    report: dict[str, Any] = json.loads(outcome.stdout)
    return report


def rollout(world: World, *arguments: str) -> Outcome:
    return run_molthub("rollout", *arguments, "--target", str(world.target), "--state", str(world.state))


def status(world: World) -> Any:
    found = json.loads(rollout(world, "status", "prod", "--json").stdout)
    return found["rollouts"][0]


def test_a_new_fleet_and_then_a_change_go_in_waves(world: World) -> None:
    report = world.report("reconcile", status=0)
    assert versions(world) == {"1.0.0": 1, "": 5}
    assert [problem["id"] for problem in report["problems"]] == ["MH725"]
    assert sorted(row["state"] for row in report["bots"]) == ["in-sync", *["suspended"] * 5]
    passes(world, 1)
    assert versions(world) == {"1.0.0": 3, "": 3}
    passes(world, 3)
    assert versions(world) == {"1.0.0": 6}
    assert status(world)["history"][-1]["outcome"] == "done"
    ask_for(world, "1.1.0")
    seen = []
    for _ in range(6):
        passes(world, 1)
        seen.append(versions(world).get("1.1.0", 0))
    assert list(dict.fromkeys(seen)) == [1, 3, 6]
    assert rollout(world, "status").status == 0


def test_a_fleet_that_ran_before_keeps_what_it_has(world: World) -> None:
    ask_for(world, "1.0.0", rollout=None)
    passes(world, 1)
    assert versions(world) == {"1.0.0": 6}
    ask_for(world, "1.1.0")
    passes(world, 1)
    assert versions(world) == {"1.0.0": 5, "1.1.0": 1}


def test_what_breaks_the_canary_reaches_nobody_else_and_is_not_tried_again(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0", broken=True)
    report = passes(world, 1)
    assert [row["state"] for row in report["bots"]].count("failed") == 1
    report = passes(world, 3)
    assert versions(world) == {"1.0.0": 6}
    assert {row["state"] for row in report["bots"]} == {"in-sync"}
    found = status(world)
    assert found["history"][-1]["outcome"] == "rolled-back"
    assert rollout(world, "status", "prod").status == 4
    assert [problem["id"] for problem in report["problems"]] == ["MH726"]
    ask_for(world, "1.2.0")
    passes(world, 6)
    assert versions(world) == {"1.2.0": 6}


def test_people_pause_resume_promote_abort_and_undo(world: World) -> None:
    passes(world, 6)
    ask_for(
        world, "1.1.0", rollout={**WAVES, "waves": [{"name": "canary", "count": 1, "soak": "24h"}, {"name": "all"}]}
    )
    passes(world, 3)
    assert versions(world) == {"1.0.0": 5, "1.1.0": 1}
    assert rollout(world, "status").status == 3
    for wish, after in (("pause", 1), ("promote", 6), ("undo", 0)):
        asked = rollout(world, wish, "prod")
        assert asked.status == 0, asked
        assert status(world)["asked"] == [wish]
        passes(world, 3)
        assert versions(world).get("1.1.0", 0) == after, wish
    assert rollout(world, "resume", "test").status == 1
    ask_for(world, "1.2.0")
    passes(world, 1)
    rollout(world, "abort", "prod")
    passes(world, 2)
    assert versions(world) == {"1.0.0": 6}


def test_what_is_remembered_is_as_its_schema_says(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0", rollout={**WAVES, "gates": [{"name": "g", "probe": {"command": ["false"]}, "attempts": 9}]})
    for _ in range(3):
        passes(world, 1, "--run-gates")
        kinds = [schema_files.load(kind) for kind in schema_files.names()]
        registry: Registry[Any] = Registry().with_resources(
            [(one["$id"], DRAFT202012.create_resource(one)) for one in kinds]
        )
        schema = Draft202012Validator(schema_files.load("rollout-state"), registry=registry)
        assert [error.message for error in schema.iter_errors(status(world))] == []
    assert status(world)["step"]["failures"][0]["count"] == 3


def test_a_plan_makes_no_step(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    report = world.report("plan", status=3)
    assert sum(row["state"] == "pending" for row in report["bots"]) == 1
    assert status(world)["step"] is None
    passes(world, 6)
    assert versions(world) == {"1.1.0": 6}


def test_a_state_that_cannot_be_read_changes_nobody(world: World) -> None:
    passes(world, 6)
    place = world.state / "targets" / hex_of(str(world.target).encode())[:12] / "rollout-prod.json"
    kept = place.read_bytes()
    place.write_bytes(b"{")
    ask_for(world, "1.1.0")
    report = world.report("reconcile", status=1)
    assert {row["state"] for row in report["bots"]} == {"suspended"}
    assert versions(world) == {"1.0.0": 6}
    assert rollout(world, "status").status == 1
    place.write_bytes(kept)
    passes(world, 1)
    assert versions(world)["1.1.0"] == 1


def test_a_probe_that_fails_takes_a_change_back(world: World) -> None:
    gated = {**WAVES, "gates": [{"name": "alive", "probe": {"command": ["test", "-e", "well"]}}]}
    passes(world, 6)
    ask_for(world, "1.1.0", rollout=gated)
    passes(world, 3)
    assert "runs no commands" in status(world)["history"][-1]["why"]
    ask_for(world, "1.2.0", rollout=gated)
    passes(world, 3, "--run-gates")
    assert "ended with status 1" in status(world)["history"][-1]["why"]
    for bot in BOTS:
        (world.home(f"prod/{bot}") / "well").touch()
    ask_for(world, "1.3.0", rollout=gated)
    passes(world, 6, "--run-gates")
    assert versions(world) == {"1.3.0": 6}


def test_a_pinned_bot_holds_nothing_up(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    passes(world, 6)
    world.molthub("rollback", "prod/ada", "--to", hex_of(b""))
    assert world.molthub("rollback", "prod/ada").status == 0
    ask_for(world, "1.2.0")
    passes(world, 8)
    assert status(world)["step"] is None
    assert versions(world)["1.2.0"] >= 5
    shutil.rmtree(world.target)
    report = passes(world, 1)
    assert state_of(report, "prod/eve") == "in-sync"


def test_who_works_on_one_bot_makes_no_step(world: World) -> None:
    report = world.report("reconcile", "--bot", "prod/ada", status=1)
    assert [problem["id"] for problem in report["bots"][0]["problems"]] == ["MH710"]
    assert versions(world) == {"": 6}
    passes(world, 6)
    ask_for(world, "1.1.0")
    for bot in BOTS:
        assert state_of(passes(world, 1, "--bot", f"prod/{bot}"), f"prod/{bot}") == "in-sync"
    assert versions(world) == {"1.0.0": 6}


def test_people_are_refused_what_there_is_not(world: World) -> None:
    passes(world, 6)
    for wish in ("promote", "abort"):
        refused = rollout(world, wish, "prod")
        assert (refused.status, "no change is on its way" in refused.stderr) == (1, True)
    assert "no change to take back" in rollout(world, "undo", "prod").stderr
    assert rollout(world, "resume", "prod").status == 0


def test_where_is_said_by_a_context_and_fleets_are_offered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passes(world, 1)
    file = world.target.parent / "contexts.yaml"
    file.write_text(f"current: here\ncontexts:\n  here: {{index: {world.site.folder}, target: {world.target}, "
                    f"state: {world.state}}}\n")  # fmt: skip
    monkeypatch.setenv("MOLTHUB_CONTEXTS", str(file))
    assert run_molthub("rollout", "status", "prod").status == 3
    assert run_molthub("rollout", "history", "prod", "--context", "here").status == 0
    assert run_molthub("rollout", "simulate", "prod").status == 0
    (argument,) = [one for one in status_command.params if one.name == "fleet"]
    offered = argument.shell_complete(click.Context(status_command, info_name="status"), "p")
    assert [one.value for one in offered] == ["prod"]


def test_watching_tells_each_step_until_nothing_goes_on(world: World) -> None:
    passes(world, 1)
    program = Path(sys.executable).parent / "molthub"
    where = ("--target", str(world.target), "--state", str(world.state), "--interval", "0.1", "--json")
    watching = subprocess.Popen([program, "rollout", "status", "prod", "--watch", *where], stdout=subprocess.PIPE)
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert first["step"]["wave"] == 1
    passes(world, 6)
    lines = [json.loads(line) for line in watching.communicate(timeout=60)[0].splitlines()]
    assert watching.returncode == 0
    assert lines[-1]["step"] is None
    assert lines[-1]["history"][-1]["outcome"] == "done"


def test_how_a_change_went_is_exported_and_simulated(world: World) -> None:
    passes(world, 6)
    file = world.target.parent / "last-night.jsonl"
    again = ("simulate", "prod", "--registry", str(world.site.folder), "--json", "--history", str(file))
    file.write_text(rollout(world, "history", "prod", "--export").stdout)
    assert json.loads(run_molthub("rollout", *again).stdout)["outcome"] == "done"
    ask_for(world, "1.1.0", broken=True)
    passes(world, 1)
    (canary,) = [bot for bot, shown in status(world)["bots"].items() if shown.get("told", {}).get("health") == "failed"]
    passes(world, 4)
    told = json.loads(rollout(world, "history", "prod", "--json").stdout)["history"]
    assert [one["outcome"] for one in told] == ["rolled-back", "done"]
    lines = rollout(world, "history", "prod", "--export").stdout
    assert json.loads(lines.splitlines()[0])["bot"] == canary
    file.write_text(lines)
    found = json.loads(run_molthub("rollout", *again).stdout)
    assert (found["outcome"], max(one["new"] for one in found["steps"])) == ("rolled-back", 1)
    assert rollout(world, "history", "prod", "--export", "--change", told[0]["id"][7:15]).stdout == lines
    assert rollout(world, "history", "prod", "--export", "--change", "none").status == 1


def test_bots_that_take_no_part_are_named(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    passes(world, 6)
    assert world.molthub("rollback", "prod/ada", "prod/bob").status == 0
    passes(world, 1)
    lines = rollout(world, "status", "prod").stdout.splitlines()
    assert "  does not wait for ada, bob: rolled back by a person" in lines


def test_each_step_is_told_once(world: World) -> None:
    outbox = Outbox(TargetState(world.state, str(world.target)), (Channel("hook", "webhook", "http://127.0.0.1:9/"),))
    told: list[tuple[str, str]] = []

    def after_a_pass() -> None:
        passes(world, 1)
        with Index.open(str(world.site.folder)) as index:
            rollouts = Rollouts(TargetState(world.state, str(world.target)), world.target)
            rollouts.follow(index.fleet("prod"))
        outbox.add(Report("reconcile", "2026-03-01T00:00:00Z", None, rollouts=rollouts.reports()))
        waiting = json.loads(outbox.state.note("", OUTBOX))["waiting"] if outbox.next_due() else []
        said = [one for message in waiting for one in json.loads(message["body"])["rollouts"]]
        told[:] = [(one["state"], one["wave"]) for one in said]

    for _ in range(6):
        after_a_pass()
    assert told == [("in-wave", "half"), ("in-wave", "all"), ("done", "")]
    ask_for(world, "1.1.0", broken=True)
    for _ in range(4):
        after_a_pass()
    assert told[-1] == ("rolled-back", "")
    assert len(set(told)) == len(told)


def test_a_message_to_people_says_what_a_rollout_did() -> None:
    said = RolloutReport("prod", "rolled-back", "sha256:0", "", "taken back <because>")
    message = slack(Report("reconcile", "2026-03-01T00:00:00Z", None), (), (said,))
    assert message["text"] == "rollout of prod: rolled-back"
    assert "taken back &lt;because&gt;" in json.dumps(message)


# --- what is kept -------------------------------------------------------------------------------------------------


def state_path(world: World) -> Path:
    return world.state / "targets" / hex_of(str(world.target).encode())[:12] / "rollout-prod.json"


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"format": "molthub.rollout/2"}', "fleet", "folder"])
def test_what_is_damaged_holds_everybody_and_says_where(world: World, damage: str) -> None:
    passes(world, 6)
    place = state_path(world)
    kept = place.read_bytes()
    if damage == "folder":
        place.unlink()
        place.mkdir()
    else:
        place.write_bytes(kept.replace(b'"prod"', b'"test"') if damage == "fleet" else damage.encode())
    ask_for(world, "1.1.0")
    report = world.report("reconcile", status=1)
    (problem,) = report["problems"]
    assert (problem["id"], problem["file"]) == ("MH727", str(place))
    assert versions(world) == {"1.0.0": 6}
    assert place.is_dir() or place.read_bytes() != kept, "it is left as it is"
    if damage == "folder":
        place.rmdir()
    place.write_bytes(kept)
    passes(world, 6)
    assert versions(world) == {"1.1.0": 6}


def test_what_a_person_said_is_done_once_whenever_the_controller_dies(world: World) -> None:
    waves = [{"name": name, "count": 1, "soak": "24h"} for name in ("one", "two", "three")]
    passes(world, 6)
    ask_for(world, "1.1.0", rollout={**WAVES, "waves": waves})
    passes(world, 2)
    assert rollout(world, "promote", "prod").status == 0
    (word,) = state_path(world).parent.glob("rollout-prod.wish-*")
    said = word.read_bytes()
    passes(world, 1)
    assert not word.exists()
    word.write_bytes(said)  # as if it had died after it kept its step, and before it dropped the word
    state = json.loads(state_path(world).read_bytes())
    state_path(world).write_text(json.dumps({**state, "heard": [word.name]}))
    passes(world, 2)
    assert (status(world)["step"]["wave"], word.exists()) == (1, False)


class FullDisk(TargetState):
    """A state folder on a disk that is full."""

    def keep_note(self, *_arguments: object, **_options: object) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def test_a_step_that_cannot_be_kept_is_not_taken(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    with Index.open(str(world.site.folder)) as index:
        rollouts = Rollouts(FullDisk(world.state, str(world.target)), world.target, act=True)
        followed = rollouts.follow(index.fleet("prod"))
    assert followed is not None
    assert {followed.document(bot) for bot in BOTS} == {None}
    assert [(problem.id, "No space left" in problem.message) for problem in rollouts.problems()] == [("MH727", True)]


def test_a_fleet_whose_rollout_was_gone_for_a_while_does_not_go_back_in_time(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0", rollout=None)
    passes(world, 1)
    assert versions(world) == {"1.1.0": 6}
    ask_for(world, "1.2.0")
    seen = []
    for _ in range(6):
        passes(world, 1)
        seen.append(versions(world))
    assert seen[0] == {"1.1.0": 5, "1.2.0": 1}
    assert seen[-1] == {"1.2.0": 6}
    assert len(json.loads(rollout(world, "history", "prod", "--json").stdout)["history"]) == 2


SOUND = Path(__file__).parent.parent / "schemas/valid/rollout-state/on-its-way.json"


@examples(st.data())
def test_a_state_that_somebody_changed_is_refused_or_means_what_it_says(data: st.DataObject) -> None:
    document = json.loads(SOUND.read_bytes())
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(st.sampled_from([None, True, 1, -2, "x", "", [], {}, [1], {"x": 1}, 10**30]))
    try:
        state = state_from_json(document, "kept")
    except FormatError:
        return
    assert state_from_json(state_to_json(state), "kept") == state
    desired = {bot: given.document for bot, given in state.assigned.items()}
    step(state, Inputs(desired, Rollout(), 2000, told=state.told))


def test_who_was_rolled_back_alone_stays_where_it_was_put_when_the_fleet_is_undone(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    passes(world, 6)
    assert world.molthub("rollback", "prod/ada").status == 0
    world.site.revision = "2" * 40
    ask_for(world, "1.2.0")
    passes(world, 8)
    assert versions(world) == {"1.2.0": 6}, "git asks for something newer: that ends a pin"
    assert world.molthub("rollback", "prod/ada", "--to", digest_had(world, "prod/ada", "1.0.0")).status == 0
    rollout(world, "undo", "prod")
    passes(world, 4)
    assert versions(world) == {"1.1.0": 5, "1.0.0": 1}
    assert world.molthub("rollback", "--release", "prod/ada").status == 0
    passes(world, 2)
    assert versions(world) == {"1.1.0": 6}, "what was undone is not given to it either"
    world.site.revision = "3" * 40
    ask_for(world, "1.3.0")
    passes(world, 6)
    assert versions(world) == {"1.3.0": 6}


def digest_had(world: World, bot: str, version: str) -> str:
    """Return the document of a bot's in which it had a version."""
    state = TargetState(world.state, str(world.target))
    for line in state.passes(bot):
        if version in json.dumps(line["changes"]) and line["document"]:
            return str(line["document"])
    raise AssertionError(version)


def test_a_gate_that_kills_the_controller_finds_the_step_on_disk(world: World) -> None:
    """What a gate judges is on disk before it is asked: whoever dies meanwhile asks it again, and nothing else."""
    copy = ["cp", str(state_path(world)), "seen.json"]
    passes(world, 6)
    ask_for(world, "1.1.0", rollout={**WAVES, "gates": [{"name": "look", "probe": {"command": copy}}]})
    passes(world, 1, "--run-gates")
    (seen,) = world.target.rglob("seen.json")
    found = json.loads(seen.read_bytes())
    bot = found["bots"][seen.parent.name]
    assert bot["told"]["generation"] == bot["assigned"]["generation"] > 0


def test_scenarios_are_those_of_what_the_change_brings(world: World) -> None:
    other = world.site.skill("other", "1.0.0", {"SKILL.md": "---\nname: other\n---\n", "scenarios/a.yaml": "{name: O}"})
    code = "import sys,json; open('ran','a').write(json.load(sys.stdin)['skill'] + ' ')"
    gate = {"name": "try", "scenarios": {"command": [sys.executable, "-c", code]}}
    for version in ("1.0.0", "1.1.0"):
        files = {**GIT, "notes.md": version, "scenarios/a.yaml": "{name: G}"}
        digest = world.site.skill("git", version, files)
        for bot in BOTS:
            world.site.bot(f"prod/{bot}", {"skill/git": digest, "skill/other": other})
        world.site.fleet("prod", rollout={**WAVES, "gates": [gate] if version == "1.1.0" else []})
        world.site.publish()
        passes(world, 6, "--run-gates")
    assert {place.read_text() for place in world.target.rglob("ran")} == {"git "}


def unresolved(world: World, bot: str) -> None:
    """Let git ask for something of a bot that does not resolve."""
    why = {"id": "MH203", "severity": "error", "file": "profiles/a.yaml", "line": 5, "message": "no such skill"}
    world.site.bots[bot] = replace(
        world.site.bots[bot], resolved=False, digest=None, problems=(why,), desired={}, skills={}
    )
    world.site.publish()


def test_a_bot_that_does_not_resolve_for_a_while_neither_stops_a_change_nor_is_left_out_of_it(world: World) -> None:
    passes(world, 6)
    ask_for(world, "1.1.0")
    passes(world, 1)
    assert versions(world) == {"1.0.0": 5, "1.1.0": 1}
    bot = next(bot for bot in BOTS if "1.0.0" in (world.home(f"prod/{bot}") / SKILL).read_text())
    unresolved(world, f"prod/{bot}")
    passes(world, 6)
    assert versions(world) == {"1.0.0": 1, "1.1.0": 5}, "it keeps what it has, the others go on"
    ask_for(world, "1.1.0")
    passes(world, 2)
    assert versions(world) == {"1.1.0": 6}
    assert [one["outcome"] for one in status(world)["history"]] == ["done", "done"]


def test_numbers_of_assignments_go_on_where_a_rollout_was_gone(world: World) -> None:
    passes(world, 6)
    before = json.loads(state_path(world).read_bytes())["generation"]
    ask_for(world, "1.1.0", rollout=None)
    passes(world, 1)
    assert json.loads(state_path(world).read_bytes())["generation"] == before > 0


def test_a_word_that_could_not_be_dropped_is_not_done_again(world: World) -> None:
    passes(world, 6)
    assert rollout(world, "pause", "prod").status == 0
    (word,) = state_path(world).parent.glob("rollout-prod.wish-*")
    said = word.read_bytes()
    passes(world, 1)
    word.write_bytes(said)
    assert rollout(world, "resume", "prod").status == 0
    passes(world, 1)
    word.write_bytes(said)
    passes(world, 1)
    assert status(world)["held"] is False


def test_a_wave_of_bots_for_which_there_is_nothing_is_refused() -> None:
    document = json.loads(SOUND.read_bytes())
    document["step"]["waves"][-1]["bots"].append("nobody")
    with pytest.raises(FormatError):
        state_from_json(document, "kept")


def test_a_fleet_at_rest_is_followed_anew_when_git_asks_for_something_else(world: World) -> None:
    passes(world, 6)
    rollouts = Rollouts(TargetState(world.state, str(world.target)), world.target, act=True)
    for version, is_going in (("1.0.0", False), ("1.1.0", True)):
        ask_for(world, version)
        with Index.open(str(world.site.folder)) as index:
            followed = rollouts.follow(index.fleet("prod"))
        assert followed is not None
        assert (followed.state.step is not None) is is_going
        rollouts.hear(Report("reconcile", "2026-11-21T12:00:00Z", None))
