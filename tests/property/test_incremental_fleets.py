"""Whatever is edited around bots, building over an index gives what building the commit from nothing gives."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from molthub.errors import MolthubError
from molthub.index.build import build_index
from molthub.index.folder import BLOB, MARKER, STATE
from molthub.index.update import Updated, Wanted, update
from molthub.index.views import Views
from molthub.registry.catalog import read_catalog
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, bot, commit, fleet, overlay, pack, profile, registry, skill, skill_version
from tests.index import walk

WAVES = {"waves": [{"name": "canary", "matchLabels": {"ring": "canary"}}, {"name": "all"}]}
TIERS = {"waves": [{"name": "first", "matchLabels": {"tier": "one", "ring": "canary"}}, {"name": "all"}]}
BROKEN = "kind: [\n"
WHEN = {"name": "night", "when": {"matchLabels": {"ring": "canary"}}}

WAYS: Mapping[str, Sequence[Tree]] = {
    "git": (
        skill("git", "1.0.0"),
        skill("git", "1.0.0", "1.1.0"),
        skill("git", "1.0.0", "1.1.0", records={"1.1.0": {"yanked": "Bad."}}),
        skill("git", "1.0.0", "1.1.0", records={"1.0.0": {"removed": "It leaks."}}),
        skill("git", "1.0.0", "1.1.0", project={"status": "quarantined", "reason": "Watched."}),
        skill("git", versions={"1.0.0": skill_version("git", "1.0.0", dependencies={"notes": "^1"})}),
        {"skills/git/project.yaml": BROKEN},
        {},
    ),
    "notes": (
        skill("notes", env=[{"name": "TOKEN", "required": True}]),
        skill("notes", env=[{"name": "TOKEN", "secret": True}]),
        skill("notes", "1.0.0", "2.0.0"),
        skill("notes") | {"skills/notes/1.0.0/SKILL.md": "not what was recorded"},
        {},
    ),
    "@acme/git": (skill("@acme/git"), {}),
    "base": (
        pack("base", {"envVars": {"A": "1"}}),
        pack("base", {"envVars": {"A": "1"}}, {"envVars": {"A": "2"}}),
        pack("base", {"mcps": [{"name": "github", "command": "npx github"}]}),
        {},
    ),
    "dev": (
        pack("dev", {"skills": ["git"], "extends": ["base"]}),
        pack("dev", {"skills": ["git"]}, {"skills": ["git", "notes"], "envVars": {"A": "3"}}),
        pack("dev", {"skills": ["git"]}, {"skills": ["notes"]}, records={2: {"yanked": "Too new."}}),
        pack("dev", {"skills": ["git"]}, project={"status": "archived"}),
        pack("dev", {"skills": [{"name": "git", "version": "^1.1"}]}),
        {},
    ),
    "night": (
        pack("night", {"envVars": {"A": "night"}, "skills": ["notes"]}),
        pack("night", {"envVars": {"A": "night"}}, {"envVars": {"B": "night"}}),
        {},
    ),
    "plain": (
        profile("plain", skills=["notes"]),
        profile("plain", skills=[{"name": "git", "version": "~1.0"}], packs=["dev"]),
        profile("plain", hosts={"roundtable": "2.0.0"}),
        {"profiles/plain.yaml": BROKEN},
        {},
    ),
    "edge": (
        overlay("edge", envVars={"A": "edge"}),
        overlay("edge", envVars={"B": "${secrets.b}"}, packs=[WHEN]),
        {"overlays/edge.yaml": BROKEN},
        {},
    ),
    "day": (overlay("day", envVars={"A": "day"}), overlay("day", skills=[{"name": "git", "enabled": False}]), {}),
    "prod": (
        fleet("prod", {"env": "prod"}, packs=["dev"], profile="plain"),
        fleet("prod", packs=["dev", WHEN], overlays=["edge"], rollout=WAVES),
        fleet("prod", packs=["dev", WHEN], overlays=["edge"], rollout=TIERS),
        fleet("prod", {"tier": "one"}, packs=["dev"], rollout=WAVES, sync={"mode": "detect"}),
        fleet("prod", packs=[{"name": "dev", "version": 1}], overlays=["day", "edge"]),
        fleet("prod", packs=["dev", "lost"]),
        {"fleets/prod/fleet.yaml": BROKEN},
        {},
    ),
    "lab": (fleet("lab", overlays=["day"]), fleet("lab", profile="plain", packs=["night"]), {}),
    "ada": (
        bot("prod", "ada"),
        bot("prod", "ada", labels={"ring": "canary"}),
        bot("prod", "ada", labels={"ring": "canary", "tier": "two"}, envVars={"A": "5"}),
        bot("prod", "ada", profile="plain", skills=["@acme/git"]),
        bot("prod", "ada", packs=[{"name": "dev", "version": 1, "envOverrides": {"A": "6"}}]),
        {"fleets/prod/bots/ada.yaml": BROKEN},
        {},
    ),
    "bob": (
        bot("prod", "bob", home="ada", platform="openclaw"),
        bot("prod", "bob", home="ada", platform="openclaw", envVars={"A": "5"}),
        bot("prod", "bob", home="den", platform="openclaw", overlays=["edge"]),
        bot("prod", "bob", packs=[{"name": "night", "attachedAt": "2026-11-19T10:00:00Z"}]),
        {},
    ),
    "eve": (
        bot("prod", "eve", home="den", overlays=[]),
        bot("prod", "eve", template=True, labels={"ring": "canary"}),
        bot("prod", "eve", skills=[{"name": "git", "version": "1.1.0"}]),
        bot("prod", "eve", skills=["gitt"], packs=["dve"], profile="plane"),
        {"fleets/prod/bots/eve.yaml": BROKEN, "fleets/prod/bots/EVE.yaml": BROKEN},
        {},
    ),
    "fay": (bot("prod", "fay"), bot("lab", "fay"), bot("lab", "fay", home="ada"), bot("prod", "fei"), {}),
    "lab's": (bot("lab", "ada", packs=["dev"]), bot("lab", "ada", overlays=["edge"]), bot("lab2", "ada"), {}),
    "odd": (
        {},
        {},
        {"fleets/prod/bots/README.md": "stray"},
        {"fleets/Prod/fleet.yaml": "clashes with prod"},
        {"fleets/lab/bots/more/eve.yaml": "too deep"},
        {"fleets/prod/bots/.gitattributes": "* text=auto\n"},
        {"CHANGES.md": "nothing that is declared"},
    ),
    "odd pack": ({}, {}, {"packs/base/1.yaml": BROKEN}, {"packs/dev/2.yaml": BROKEN}, {"packs/Dev/1.yaml": "clashes"}),
}
"""Every way in which each part of a registry may be declared: an edit is another way."""

ODD = ("odd", "odd pack")
"""What is laid over a registry whose packs are locked."""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Tree, bool]]:
    """Return registries after one another, each a few edits from the one before, and whether each is built."""
    chance = draw(st.randoms(use_true_random=False))
    ways = {part: chance.choice(list(enumerate(WAYS[part])))[0] if chance.random() < 0.3 else 0 for part in WAYS}
    history = []
    for _step in range(7):
        tree = registry(*(WAYS[part][way] for part, way in ways.items() if part not in ODD), hosts=["roundtable"])
        for part in ODD:
            tree |= WAYS[part][ways[part]]
        history.append((tree, chance.random() < 0.75))
        for part in chance.sample(list(WAYS), chance.choice((1, 1, 1, 2, 4))):
            ways[part] = chance.randrange(len(WAYS[part]))
    return history


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(histories())
def test_fleets_built_over_others_are_fleets_built_from_nothing(history: list[tuple[Tree, bool]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        repository, over = Path(place) / "registry.git", Path(place) / "over"
        for number, (tree, is_built) in enumerate(history):
            commit(tree, repository, bare=True)
            if is_built or number == len(history) - 1:
                done = build(repository, over)
                walk.verify(over)
                assert_whole(repository, over, done)
        assert done.problems == build(repository, Path(place) / "anew").problems


def build(repository: Path, out: Path) -> Updated:
    return update(GitSource(repository), out, Wanted(fleets=True, views=Views.CLIENTS))


def assert_whole(repository: Path, out: Path, done: Updated) -> None:
    """Assert that an index is the one that is made in memory from its commit, and that as much is told of it."""
    source = GitSource(repository)
    whole = build_index(read_catalog(source), source, fleets=True, views=Views.CLIENTS)
    now = {path: content for path, content in walk.contents(out).items() if path != MARKER}
    old = {path for path in now.keys() - whole.files.keys() if BLOB.match(path)}
    assert {path: now[path] for path in now.keys() - old} == whole.files
    assert (done.counts, done.unresolved) == (whole.counts, whole.unresolved)
    assert set(done.problems) == set(whole.problems)


def many(count: int = 30) -> Tree:
    """Return a fleet of ``count`` bots of which every third has the label of a canary."""
    bots = [
        bot("prod", f"bot-{number:02}", labels={"ring": "canary"} if number % 3 == 0 else None)
        for number in range(count)
    ]
    waves = fleet("prod", packs=["dev", WHEN], overlays=["edge"], rollout=WAVES)
    parts = skill("git", "1.0.0"), pack("dev", {"skills": ["git"]}), pack("night", {"envVars": {"B": "1"}})
    return registry(*parts, overlay("edge", envVars={"A": "edge"}), overlay("day"), waves, *bots)


def made_again(repository: Path, out: Path, tree: Tree) -> set[str]:
    """Return the bots whose documents another commit writes again."""
    commit(tree, repository, bare=True)
    before = walk.contents(out)
    done = build(repository, out)
    assert_whole(repository, out, done)
    now = walk.contents(out)
    changed = {path for path in now if path.startswith("bots/prod/") and now[path] != before.get(path)}
    assert done.unchanged < 20, "what was made and came out alike is views of packs and lists, and no 10 bots"
    return {path.removeprefix("bots/prod/").removesuffix(".json") for path in changed}


def test_only_bots_that_a_change_concerns_are_made_again(tmp_path: Path) -> None:
    repository, out, tree = tmp_path / "registry.git", tmp_path / "out", many()
    commit(tree, repository, bare=True)
    build(repository, out)
    every = {f"bot-{number:02}" for number in range(30)}
    canaries = {f"bot-{number:02}" for number in range(0, 30, 3)}
    tree |= bot("prod", "bot-07", envVars={"A": "1"})
    assert made_again(repository, out, tree) == {"bot-07"}
    tree |= bot("prod", "bot-07", home="bot-08", platform="openclaw")
    assert made_again(repository, out, tree) == {"bot-07"}
    tree |= bot("prod", "bot-08", envVars={"A": "2"})  # its neighbour disagrees now
    assert made_again(repository, out, tree) == {"bot-07", "bot-08"}
    tree |= overlay("day", envVars={"A": "day"})
    assert made_again(repository, out, tree) == set()
    tree |= fleet("prod", packs=["dev", WHEN], overlays=["edge"], rollout=TIERS)
    assert made_again(repository, out, tree) == set()
    tree = registry(tree, pack("night", {"envVars": {"B": "1"}}, {"envVars": {"B": "2"}}))
    assert made_again(repository, out, tree) == canaries
    tree |= skill("notes")
    assert made_again(repository, out, tree) == set()
    tree |= overlay("edge", envVars={"A": "other"})
    assert made_again(repository, out, tree) == every - {"bot-07", "bot-08"}  # they say no more than that
    del tree["fleets/prod/bots/bot-08.yaml"]
    assert made_again(repository, out, tree) == {"bot-07"}


def test_several_commits_at_once_are_one_change(tmp_path: Path) -> None:
    repository, out, tree = tmp_path / "registry.git", tmp_path / "out", many(12)
    commit(tree, repository, bare=True)
    build(repository, out)
    commit(tree | bot("prod", "bot-01", envVars={"A": "1"}), repository, bare=True)
    moved = {f"{path[:-7]}new.yaml" if path.endswith("bot-03.yaml") else path: text for path, text in tree.items()}
    commit(moved, repository, bare=True)
    assert made_again(repository, out, tree | bot("prod", "bot-02", envVars={"A": "1"})) == {"bot-02"}


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_most_bots_go_only_when_that_is_meant(tmp_path: Path, state: str) -> None:
    repository, out, tree = tmp_path / "registry.git", tmp_path / "out", many(14)
    commit(tree, repository, bare=True)
    build(repository, out)
    before = walk.contents(out)
    if state == "lost":
        (out / STATE).unlink()
    left = pack("dev", {"skills": ["git"], "envVars": {"A": "9"}})
    left |= {path: text for path, text in tree.items() if "/bots/" not in path or path.endswith("bot-03.yaml")}
    commit(registry(left), repository, bare=True)
    with pytest.raises(MolthubError, match="13 of 14 bots would be taken away"):
        update(GitSource(repository), out, Wanted(fleets=True, views=Views.CLIENTS, max_delete=0.5))
    assert walk.contents(out) == before
    meant = update(GitSource(repository), out, Wanted(fleets=True, views=Views.CLIENTS, max_delete=0.93))
    assert meant.counts["bots"] == 1
    assert_whole(repository, out, meant)
