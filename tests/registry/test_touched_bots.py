"""The check of a change of bots reads these and their neighbours, and finds what it finds where it reads everything."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from molthub.registry.check import CheckResult, check
from molthub.registry.review.bot_changes import BotChange, bot_changes
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, TreeSource, bot, commit, fleet, overlay, pack, profile, registry, skill

BROKEN = "kind: [\n"
AROUND = registry(
    skill("git", "1.0.0", "1.1.0", records={"1.1.0": {"yanked": "Bad."}}),
    skill("notes", env=[{"name": "TOKEN", "required": True}]),
    pack("dev", {"skills": ["git"], "envVars": {"A": "1"}}),
    pack("night", {"envVars": {"A": "2"}}),
    profile("plain", skills=["notes"]),
    overlay("edge", envVars={"A": "edge"}),
    fleet(
        "prod",
        packs=["dev"],
        rollout={"waves": [{"name": "canary", "matchLabels": {"ring": "canary"}}, {"name": "all"}]},
        sync={"keys": [{"match": "env/B", "mode": "detect"}]},
    ),
    fleet("lab", profile="plain", overlays=["edge"]),
)
ONE_OF: tuple[dict[str, Any], ...] = (
    {"home": "den"},
    {"home": "den", "platform": "openclaw"},
    {"home": "den", "platform": "openclaw", "envVars": {"B": "2"}},
    {"home": "ada", "platform": "codex"},
    {"labels": {"ring": "canary"}},
    {"skills": [{"name": "git", "version": "1.1.0"}]},
    {"skills": ["gitt"], "packs": ["lost"]},
    {"packs": ["night"]},
    {"profile": "plain", "envVars": {"A": "3"}},
    {"overlays": ["lost"]},
    {"template": True, "home": "den"},
    {},
)
PLACES = [("prod", "ada"), ("prod", "bob"), ("prod", "den"), ("prod", "eve"), ("lab", "ada"), ("lab", "fay")]


def any_bot(place: tuple[str, str], chance: random.Random) -> Tree:
    if chance.random() < 0.2:
        return {f"fleets/{place[0]}/bots/{place[1]}.yaml": BROKEN} if chance.random() < 0.3 else {}
    return bot(*place, **chance.choice(ONE_OF))


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 10**9))
def test_a_change_of_bots_is_judged_as_if_all_were_read(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (cases, no secrets)
    bots = {place: any_bot(place, chance) for place in PLACES}
    before = AROUND | {path: text for one in bots.values() for path, text in one.items()}
    bots |= {place: any_bot(place, chance) for place in chance.sample(PLACES, chance.choice((1, 1, 2)))}
    after = AROUND | {path: text for one in bots.values() for path, text in one.items()}
    touched, told = of_commits(before, after)
    whole = check(TreeSource(after), TreeSource(before))
    known = found(check(TreeSource(before), TreeSource(before)))
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert found(touched) <= found(whole)
    for problem in found(whole) - found(touched):
        file = problem.partition(": ")[0].partition(":")[0]
        assert problem in known or (" warning " in problem and file not in changed), problem
    assert told == changes_of(whole)


def of_commits(before: Tree, after: Tree) -> tuple[CheckResult, Sequence[BotChange]]:
    """Return what a check says of two commits, and which bots get something else."""
    with tempfile.TemporaryDirectory() as place:
        repository = Path(place) / "registry.git"
        commit(before, repository, bare=True)
        base = GitSource(repository).revision
        commit(after, repository, bare=True)
        result = check(GitSource(repository), GitSource(repository, base))
        return result, changes_of(result)


def changes_of(result: CheckResult) -> Sequence[BotChange]:
    assert result.change is not None
    return bot_changes(result.change.before, result.change.after)


def found(result: CheckResult) -> set[str]:
    """Return what was found, without the bots that have what was withdrawn: those are told of that were read."""
    return {str(problem).partition("; bot")[0] for problem in result.problems}


def many(count: int = 8) -> Tree:
    tree = dict(AROUND)
    for number in range(count):
        tree |= bot("prod", f"bot-{number}") | bot("lab", f"bot-{number}", home=f"home-{number}")
    return tree


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (bot("prod", "bot-3", envVars={"A": "4"}), 1),
        (bot("prod", "bot-3", home="bot-4"), 2),
        (bot("lab", "bot-3", home="home-5"), 2),
        (bot("lab", "new"), 1),
        (bot("prod", "bot-3") | bot("lab", "bot-3", home="home-3", envVars={"A": "4"}), 1),
        ({"fleets/prod/bots/bot-2.yaml": BROKEN}, 1),
        ({"fleets/prod/bots/README.md": "no bot"}, 16),
        (fleet("prod"), 16),
        (overlay("edge", envVars={"A": "other"}), 16),
        (bot("prod", "bot-3", envVars={"A": "4"}) | skill("other"), 16),
    ],
)
def test_bots_that_a_change_does_not_touch_are_not_read(change: Tree, read: int) -> None:
    before = many()
    assert of_commits(before, before | change)[0].counts["bots"] == read
