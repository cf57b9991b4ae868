"""Who may change what: `tests/cases/ownership/*.yaml` hold changes of one small registry, and what is refused of each.

Of an expectation, `ID FILE part of the message`, the findings on ownership and new names are whole: no other is made.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import Problem, UsageError
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.changes import Change, changed_paths
from molthub.registry.check import check
from molthub.registry.near_names import distance, is_slip, skeleton
from molthub.registry.ownership import Actor, owners_of, parse_actor, subject_of
from molthub.registry.rules.ownership import check_ownership
from tests.builders import (
    Tree,
    TreeSource,
    as_yaml,
    bot,
    commit,
    fleet,
    overlay,
    pack,
    profile,
    registry,
    skill,
    with_locks,
)
from tests.registry.command import run_molthub

FOLDER = Path(__file__).parents[1] / "cases" / "ownership"
CASES = [case for path in sorted(FOLDER.glob("*.yaml")) for case in yaml.safe_load(path.read_text())]
IDS = ("MH411", "MH412", "MH413", "MH414", "MH415", "MH416")


def _publisher(name: str, **fields: Any) -> Tree:
    return {f"publishers/{name}/publisher.yaml": as_yaml({"name": name, **fields})}


@cache
def _base() -> Tree:
    """Return a registry of three owners: hub, whose it is, acme and zoe."""
    return registry(
        _publisher("hub", github=["olga"]),
        _publisher("acme", github=["ada", "Ben"], scopes=["acme", "labs"]),
        _publisher("zoe", github=["zoe", "ada"]),
        skill("git"),
        skill("docker", project={"owners": ["zoe"]}),
        skill("docker-compose", project={"owners": ["zoe"]}),
        skill("shared", project={"owners": ["acme", "zoe"]}),
        skill("@acme/notes"),
        pack("dev", {"skills": ["git"]}),
        profile("backend", skills=["git"]),
        overlay("prod", envVars={"LOG_LEVEL": "error"}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada", profile="backend"),
        name="hub",
        owner="hub",
    )


@cache
def _known() -> Catalog:
    """Return the base as it is read."""
    return read_catalog(TreeSource(_base()))


def _changed(base: Tree, case: dict[str, Any]) -> Tree:
    tree = dict(base)
    for name, wanted in case.get("skills", {}).items():
        project = {"owners": wanted["owners"]} if "owners" in wanted else None
        tree |= skill(name, *wanted.get("versions", ["1.0.0"]), project=project)
    for name, wanted in case.get("packs", {}).items():
        specs = [{"displayName": f"Number {number}"} for number in range(1, wanted.get("numbers", 1) + 1)]
        made = pack(name, *specs, project={"owners": wanted["owners"]})
        merged = {path: text for path, text in tree.items() if path not in made or path == f"packs/{name}/1.yaml"}
        tree = with_locks(made | merged)
    for name, fields in case.get("publishers", {}).items():
        tree |= _publisher(name, **fields)
    for path, keys in case.get("set", {}).items():
        tree[path] = _with_keys(tree[path], keys)
    tree |= case.get("write", {})
    gone = tuple(case.get("delete", ()))
    return {path: text for path, text in tree.items() if not (gone and path.startswith(gone))}


def _with_keys(text: str | bytes, keys: dict[str, Any]) -> str:
    document = yaml.safe_load(text)
    for pointer, value in keys.items():
        *way, last = pointer.split("/")
        holder = document
        for step in way:
            holder = holder[step]
        holder[last] = value
    return as_yaml(document)


def _found(case: dict[str, Any]) -> list[Problem]:
    base = _base() | case.get("base", {})
    actors = [parse_actor(actor) for actor in case.get("actors", [case["actor"]] if "actor" in case else [])]
    result = check(TreeSource(_changed(base, case)), TreeSource(base), actors=actors)
    return [problem for problem in result.problems if problem.id in IDS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["law"])
def test_who_may_change_what(case: dict[str, Any]) -> None:
    found = _found(case)
    assert all(problem.remedy for problem in found)
    texts = [f"{problem.id} {problem.file} {problem.message}" for problem in found]
    for expected in case.get("expect", []):
        id_file, words = " ".join(expected.split(" ")[:2]), " ".join(expected.split(" ")[2:])
        fitting = [text for text in texts if text.startswith(f"{id_file} ") and words in text]
        assert fitting, f"{expected} is not among {texts}"
        texts.remove(fitting[0])
    assert texts == []


def test_a_base_with_itself_has_no_findings() -> None:
    source = TreeSource(_base())
    assert check(source, source, actors=[Actor("github", "eve")]).problems == ()


def test_places_have_lines() -> None:
    case = {"actor": "github:zoe", "set": {"skills/git/project.yaml": {"owners": ["acme", "zoe"]}},
            "write": {"skills/git/1.0.0/SKILL.md": "x"}}  # fmt: skip
    assert [(p.id, p.place) for p in _found(case)] == [
        ("MH411", "skills/git/1.0.0/SKILL.md:1"), ("MH414", "skills/git/project.yaml:1"),
    ]  # fmt: skip


# --- the law ---------------------------------------------------------------------------------------------------------

PATHS = sorted(_base())
NEW = ["skills/git/9.0.0/SKILL.md", "skills/@acme/new/project.yaml", "packs/dev/2.yaml", "publishers/acme/key.asc",
       "fleets/new/fleet.yaml", "profiles/x.yaml", "skills/kettle/project.yaml", "publishers/eve/publisher.yaml",
       "skills/x", "packs/x", "odd"]  # fmt: skip
TEXTS = [
    "", "x: [", "owners: [eve]\nversions: {}\n", "owners: [zoe]\nversions: {}\n", "name: hub\nowner: eve\n",
    "name: eve\ngithub: [eve]\nscopes: [acme]\n", "name: acme\ngithub: [eve]\nscopes: [acme]\n",
]  # fmt: skip
ACTORS = ["github:eve", "github:zoe", "github:ben", "github:hub", "github:acme", "zoe", "eve"]
CHANGES = st.dictionaries(st.sampled_from([*PATHS, *NEW]), st.sampled_from([*TEXTS, None]), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(CHANGES, st.sampled_from(ACTORS))
def test_what_is_owned_by_others_is_never_changed(changes: dict[str, str | None], who: str) -> None:
    """Whatever else a change holds: one owned path, and the actor is no owner, and it is refused."""
    tree = {path: text for path, text in _base().items() if path not in changes}
    tree |= {path: text for path, text in changes.items() if text is not None}
    if "registry.yaml" in changes:  # where it cannot be read, nothing is judged, and the check fails as a whole
        tree["registry.yaml"] = "name: hub\nowner: eve\n"
    before, source = TreeSource(_base()), TreeSource(tree)
    known, actor = _known(), parse_actor(who)
    mine = {one.name for one in known.publishers.values() if actor.acts_for(one)}
    changed = changed_paths(source, before)
    refused = {
        subject_of(problem.file or "")
        for problem in check_ownership(Change(known, read_catalog(source), before, source), [actor])
        if problem.severity == "error"
    }
    for path in changed:
        owners = owners_of(known, subject_of(path))
        if owners and not mine.intersection(owners):
            assert subject_of(path) in refused, path


# --- actors and names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "github:", "github:-x", "github:a b", "Acme", "gitlab:ada", "@env", "a/b", "github:x\n"]
)
def test_an_actor_is_a_publisher_or_an_account(text: str) -> None:
    with pytest.raises(UsageError):
        parse_actor(text)


@pytest.mark.parametrize("text", ["acme", "github:octocat", "github:Octo-Cat_acme", "github:dependabot[bot]"])
def test_an_actor_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_actor(text)) == text


def _plain_distance(one: str, other: str) -> int:
    """Return the distance by the definition (optimal string alignment), whole table."""
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


WORDS = st.text("abc", max_size=8)


@settings(max_examples=500)
@given(WORDS, WORDS, st.integers(0, 3))
def test_the_distance_is_that_of_the_definition_up_to_its_limit(one: str, other: str, limit: int) -> None:
    assert distance(one, other, limit) == min(_plain_distance(one, other), limit + 1)


@given(st.text("ab01li-", max_size=9), st.text("ab01li-", max_size=9))
def test_nearness_goes_both_ways(one: str, other: str) -> None:
    assert is_slip(one, other) == is_slip(other, one)
    assert skeleton(skeleton(one)) == skeleton(one)


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_judges_actors_only_where_it_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "eve")
    commit(_base(), tmp_path)
    commit(_base() | skill("git", "1.0.0", "1.1.0"), tmp_path)
    arguments = ("check", "--registry", tmp_path, "--base", "HEAD~1")
    silent = run_molthub(capsys, *arguments)
    assert (silent.status, "who owns what was not judged; pass --actor" in silent.err) == (0, True)
    fine = run_molthub(capsys, *arguments, "--actor", "github:ben", "--json")
    assert (fine.status, fine.json["actors"], "not judged" in fine.err) == (0, ["github:ben"], False)
    ran = run_molthub(capsys, *arguments, "--actor", "github:ben", "--actor", "github:eve")
    assert ran.status == 1
    assert "skills/git/1.1.0/SKILL.md:1: error MH411: the skill git belongs to acme, for whom github:eve" in ran.out
    alone = run_molthub(capsys, "check", "--registry", tmp_path, "--actor", "acme")
    assert (alone.status, "--base origin/main" in alone.err) == (2, True)
