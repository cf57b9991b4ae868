"""The check: one wrong thing at a time gives its finding, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.errors import Problem
from molthub.platforms import platform, platforms
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.registry.check import check
from molthub.registry.rules.cycles import cycles
from tests.builders import (
    Tree,
    TreeSource,
    bot,
    commit,
    fleet,
    one_of_everything,
    pack,
    profile,
    registry,
    skill,
    skill_md,
    skill_version,
    write_tree,
)
from tests.registry.command import assert_document, run_molthub


def _found(tree: Tree, base: Tree | None = None, *, strict: bool = False) -> list[Problem]:
    return list(check(TreeSource(tree), TreeSource(base) if base is not None else None, strict_spec=strict).problems)


def _ids(tree: Tree, base: Tree | None = None, **settings: Any) -> set[tuple[str, str | None]]:
    problems = _found(tree, base, **settings)
    assert all(problem.remedy for problem in problems), problems
    return {(problem.id, problem.file) for problem in problems}


def _without(tree: Tree, *prefixes: str) -> Tree:
    return {path: content for path, content in tree.items() if not path.startswith(prefixes)}


def _changed(tree: Tree, path: str, **keys: Any) -> Tree:
    """Change keys of a YAML file; None takes one away."""
    document = yaml.safe_load(tree[path])
    for dotted, value in keys.items():
        *way, last = dotted.split("__")
        holder = document
        for step in way:
            holder = holder[step]
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return tree | {path: yaml.safe_dump(document, sort_keys=False)}


def test_a_valid_registry_has_no_findings() -> None:
    assert _found(one_of_everything(), strict=True) == []
    assert _found(one_of_everything(), one_of_everything(), strict=True) == []


GIT = "skills/git/1.1.0"
PROJECT = "skills/git/project.yaml"
NO_DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({f"{GIT}/.DS_Store": "x"}, ("MH013", f"{GIT}/.DS_Store")),
        ({f"{GIT}/x/__pycache__/y.pyc": "x", f"{GIT}/x/__pycache__/z.pyc": ""}, ("MH013", f"{GIT}/x/__pycache__")),
        ({f"{GIT}/node_modules/x.js": "x"}, ("MH013", f"{GIT}/node_modules")),
        ({f"{GIT}/.env": "x"}, ("MH013", f"{GIT}/.env")),
        ({f"{GIT}/new.md": "x"}, ("MH404", "skills/git/project.yaml")),
        ({f"{GIT}/SKILL.md": skill_md("git", "Changed.")}, ("MH404", "skills/git/project.yaml")),
        ({f"{GIT}/{n}": "" for n in range(1000)}, ("MH005", GIT)),
        ({f"skills/git/1.2.0/{p}": c for p, c in skill_version("git", "1.2.0").items()}, ("MH405", "skills/git/1.2.0")),
        ({"packs/dev/1.yaml": "x: ["}, ("MH002", "packs/dev/1.yaml")),
        ({"profiles/backend.yaml": profile("backend", skills=["gti"])["profiles/backend.yaml"]},
         ("MH203", "profiles/backend.yaml")),
        ({"profiles/backend.yaml": profile("backend", hosts={"roundtabel": "2.1.0"})["profiles/backend.yaml"]},
         ("MH203", "profiles/backend.yaml")),
        ({"publishers/zoe/publisher.yaml": "name: zoe\nscopes: [acme]\n"}, ("MH108", "publishers/zoe/publisher.yaml")),
        ({"publishers/acme/publisher.yaml": "name: acme\n"}, ("MH108", "skills/@acme/notes/project.yaml")),
        ({"registry.yaml": "name: acme\nowner: nobody\nhosts: [roundtable]\n"}, ("MH108", "registry.yaml")),
        (skill("roundtable"), ("MH214", "registry.yaml")),
        (skill("shell", "1.0.0", dependencies={"git": "^1.0"}), ("MH205", "skills/git/1.1.0/skill.yaml")),
        (skill("@other/x"), ("MH108", "skills/@other/x/project.yaml")),
        (skill("free", project={"owners": ["zoe"]}), ("MH108", "skills/free/project.yaml")),
    ],
)  # fmt: skip
def test_one_wrong_thing(extra: Tree, expected: tuple[str, str]) -> None:
    assert expected in _ids(one_of_everything() | extra)


@pytest.mark.parametrize(
    ("path", "keys", "expected"),
    [
        ("skills/git/project.yaml", {"versions__9.0.0": {"published": "2026-01-01T00:00:00Z", "digest": NO_DIGEST}},
         ("MH406", "skills/git/project.yaml")),
        ("skills/git/project.yaml", {"owners": None}, ("MH108", "skills/git/project.yaml")),
        ("skills/@acme/notes/project.yaml", {"owners": ["acme"]}, ("MH108", "skills/@acme/notes/project.yaml")),
        ("packs/dev/project.yaml", {"owners": ["zoe"]}, ("MH108", "packs/dev/project.yaml")),
        ("packs/dev/2.yaml", {"spec__resolved": {}}, ("MH206", "packs/dev/2.yaml")),
        ("packs/dev/2.yaml", {"spec__resolved__git__version": "1.0.0"}, ("MH206", "packs/dev/2.yaml")),
        ("packs/dev/2.yaml", {"spec__resolved__git__version": "9.9.9"}, ("MH206", "packs/dev/2.yaml")),
        ("packs/dev/2.yaml", {"spec__resolved__shell": None}, ("MH206", "packs/dev/2.yaml")),
        ("packs/dev/1.yaml", {"spec__resolved__pack/base": None}, ("MH206", "packs/dev/1.yaml")),
        ("packs/dev/2.yaml", {"spec__displayName": "Changed"}, ("MH404", "packs/dev/project.yaml")),
    ],
)  # fmt: skip
def test_one_changed_key(path: str, keys: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in _ids(_changed(one_of_everything(), path, **keys))


def test_pack_numbers_have_no_gaps() -> None:
    tree = one_of_everything()
    moved = _changed({"packs/dev/4.yaml": tree["packs/dev/2.yaml"]}, "packs/dev/4.yaml", spec__version=4)
    problems = [p for p in _found(_without(tree, "packs/dev/2.yaml") | moved) if p.id == "MH403"]
    assert [(problem.file, "3 would be next" in problem.message) for problem in problems] == [
        ("packs/dev/4.yaml", True)
    ]


def test_a_new_pack_version_is_locked_to_what_resolves_now_and_a_merged_one_keeps_its_lock() -> None:
    base = one_of_everything()
    newer = skill("git", "1.0.0", "1.1.0", "1.2.0", dependencies={"shell": "^1.0"})
    assert _ids(base | newer, base) == set()
    stale = _changed({"packs/dev/3.yaml": base["packs/dev/2.yaml"]}, "packs/dev/3.yaml", spec__version=3)
    assert ("MH206", "packs/dev/3.yaml") in _ids(base | newer | stale, base)
    (moved,) = [p for p in _found(base | newer | stale, base) if p.id == "MH206"]
    assert "git 1.1.0 -> 1.2.0" in moved.message
    assert "molthub fmt" in moved.remedy


def test_packs_that_extend_themselves_are_named_with_the_chain() -> None:
    tree = registry(pack("a", {"extends": ["b"]}), pack("b", {"extends": ["a"]}), locked=False)
    assert "a@1 -> b@1 -> a@1" in "".join(p.message for p in _found(tree) if p.id == "MH205")


def test_one_cycle_is_told_once() -> None:
    graph = {"a": ["b"], "b": ["c", "x"], "c": ["a"], "x": ["x"], "y": ["a"], "z": []}
    assert sorted(cycles(graph)) == [("a", "b", "c", "a"), ("x", "x")]


def test_one_broken_manifest_hides_no_other_finding() -> None:
    tree = one_of_everything() | {
        "skills/shell/1.0.0/skill.yaml": "name: [",
        "fleets/prod/bots/eve.yaml": "kind: Bot\n",
        f"{GIT}/.env": "x",
        "overlays/prod.yaml": "- a\n",
    }
    found = _ids(tree)
    assert {"skills/shell/1.0.0/skill.yaml", "fleets/prod/bots/eve.yaml", f"{GIT}/.env", "overlays/prod.yaml"} <= {
        file for _, file in found
    }


def test_skill_md_is_held_against_the_specification() -> None:
    text = skill_md("git", body="[x](gone.md)", risk="low", version="2.0", metadata={"env": "A"})
    version = skill_version("git", "1.0.0", {"SKILL.md": text}, env=[{"name": "B"}])
    tree = registry(skill("git", versions={"1.0.0": version}))
    mild, strict = _found(tree), _found(tree, strict=True)
    assert sorted(p.id for p in mild) == ["MH103", "MH303", "MH303", "MH305", "MH306"]
    assert {p.severity for p in mild} == {"warning"}
    assert [p.id for p in strict if p.severity == "error"] == ["MH302", "MH302"]


def test_the_policy_is_that_of_the_base() -> None:
    base = registry(skill("free"), policy={"licenses": ["MIT"], "reservedNames": ["admin"]})
    assert {p.id for p in _found(base)} == {"MH107"}
    loosened = base | {"registry.yaml": "name: acme\nowner: acme\n"} | skill("free", "1.0.0", "2.0.0")
    assert ("MH107", "skills/free/2.0.0/skill.yaml") in _ids(loosened, base)
    zoe = {"publishers/zoe/publisher.yaml": "name: zoe\n"} | skill("admin", license="MIT", project={"owners": ["zoe"]})
    assert ("MH107", "skills/admin/project.yaml") in _ids(base | zoe)


def test_the_skills_that_agents_bring_themselves_are_those_of_the_platforms() -> None:
    known = {name: platform(name).bundled_skills for name in platforms()}
    assert {name: skills for name, skills in known.items() if skills} == BUNDLED_SKILLS


def test_a_skill_that_an_agent_brings_itself_is_a_warning() -> None:
    tree = registry(skill("code-review"), fleet("f"), bot("f", "a", platform="claude-code", skills=["code-review"]))
    (warning,) = _found(tree)
    assert (warning.id, warning.severity, warning.file) == ("MH213", "warning", "fleets/f/bots/a.yaml")


FOUND_TOO = [
    ("cursor", "claude-code", "cursor finds docker too, in .claude/skills"),
    ("qwen-code", "codex", "qwen-code finds docker too, in .agents/skills"),
    ("gemini-cli", "goose", "gemini-cli finds docker too, in .agents/skills"),
    ("claude-code", "cursor", ""),
    ("gemini-cli", "claude-code", ""),
]


@pytest.mark.parametrize(("one", "other", "said"), FOUND_TOO)
def test_what_a_bot_finds_of_another_bot_of_its_home_is_a_warning(one: str, other: str, said: str) -> None:
    bots = bot("f", "a", platform=one, home="h", skills=["git"])
    bots |= bot("f", "b", platform=other, home="h", skills=["docker", "git"])
    found = _found(registry(skill("git"), skill("docker"), fleet("f"), bots))
    assert [(problem.id, problem.severity) for problem in found] == [("MH223", "warning")] * bool(said)
    for problem in found:
        assert problem.message == f"f/a and f/b share the home f/h, where {said}"
        assert problem.file == "fleets/f/bots/a.yaml"


def test_a_host_that_has_the_name_of_a_used_skill_is_a_finding_and_no_crash() -> None:
    tree = registry(skill("git"), fleet("f"), bot("f", "a", skills=["git"]), hosts=["git"])
    assert ("MH214", "registry.yaml") in _ids(tree)


def test_imported_and_removed_versions_need_not_have_all_their_content() -> None:
    upstream = {"git": "https://x.y/z.git", "commit": "0" * 40}
    imported: dict[str, Any] = {"upstream": upstream, "digest": NO_DIGEST}
    records = {"1.0.0": imported, "1.1.0": {"removed": "It leaked a key."}}
    tree = registry(skill("git", "1.0.0", "1.1.0", records=records))
    assert _found(_without(tree, "skills/git/1.1.0/")) == []


# --- history -------------------------------------------------------------------------------------------------------


def _git_only(**records: dict[str, Any]) -> Tree:
    return registry(skill("git", "1.0.0", "1.1.0", records=records or None), pack("dev", {"skills": ["git"]}))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda tree: tree | {"skills/git/1.0.0/SKILL.md": skill_md("git", "Other.")}, "MH401"),
        (lambda tree: tree | {"skills/git/1.0.0/new.md": "x"}, "MH401"),
        (lambda tree: _without(tree, "skills/git/1.0.0/skill.yaml"), "MH401"),
        (lambda tree: tree | {"packs/dev/1.yaml": f"{tree['packs/dev/1.yaml']}# note\n"}, "MH401"),
        (lambda tree: _without(tree, "skills/git/1.0.0/"), "MH402"),
        (lambda tree: _without(tree, "skills/git/"), "MH402"),
        (lambda tree: _without(tree, "packs/dev/"), "MH402"),
        (lambda tree: _changed(tree, PROJECT, **{"versions__1.0.0": None}), "MH402"),
        (lambda tree: _changed(tree, PROJECT, **{"versions__1.0.0__published": "2026-01-01T00:00:00Z"}), "MH407"),
        (lambda tree: _changed(tree, PROJECT, **{"versions__1.0.0__digest": NO_DIGEST}), "MH407"),
    ],
)  # fmt: skip
def test_a_merged_version_never_changes(change: Any, expected: str) -> None:
    base = _git_only()
    assert expected in {problem.id for problem in _found(change(base), base)}


def test_an_executable_bit_is_part_of_a_version() -> None:
    tree = _git_only()
    result = check(TreeSource(tree, ["skills/git/1.0.0/SKILL.md"]), TreeSource(tree))
    assert "MH401" in {problem.id for problem in result.problems}


@pytest.mark.parametrize("word", ["yanked", "quarantined", "removed"])
def test_a_merged_version_may_be_withdrawn(word: str) -> None:
    after = _git_only(**{"1.0.0": {word: "It was wrong."}})
    if word == "removed":
        assert [(p.id, p.file) for p in _found(after, _git_only())] == [("MH408", "skills/git/1.0.0")]
        assert _found(_without(after, "skills/git/1.0.0/"), _git_only()) == []
        assert {p.id for p in _found(_git_only(), after)} == {"MH407"}
    else:
        assert _found(after, _git_only()) == []
        assert _found(_git_only(), after) == []


def test_nothing_is_left_of_a_removed_pack_version() -> None:
    specs = ({"skills": ["git"]}, {"skills": ["git"], "displayName": "Two"})
    tree = registry(skill("git"), pack("dev", *specs, records={1: {"removed": "A mistake."}}))
    assert _ids(tree) == {("MH408", "packs/dev/1.yaml")}
    assert _found(_without(tree, "packs/dev/1.yaml")) == []


def _withdrawn(project: dict[str, Any] | None = None, **record: str) -> Tree:
    """Return a registry with git 1.1.0 withdrawn after a pack has locked it, for two bots and a pack without any."""
    settings: dict[str, Any] = {"dependencies": {"git": "^1"}}
    parts = [skill("tool", **settings), pack("dev", {"skills": ["git"]}), pack("kit", {"skills": ["tool"]}),
             fleet("f", packs=["dev"]), bot("f", "ada"), bot("f", "ben"),
             fleet("g"), bot("g", "cy", skills=[{"name": "git", "version": "1.1.0"}])]  # fmt: skip
    tree = registry(skill("git", "1.0.0", "1.1.0"), *parts)
    return tree | skill("git", "1.0.0", "1.1.0", project=project, records={"1.1.0": record})


def test_what_is_withdrawn_names_the_packs_and_bots_that_have_it() -> None:
    found = [p for p in _found(_withdrawn(quarantined="Phones home?")) if p.id == "MH211"]
    assert {(p.severity, p.file, p.message) for p in found} == {
        ("warning", "packs/dev/1.yaml", "pack/dev@1 locks git 1.1.0, which is quarantined: Phones home?"),
        ("warning", "packs/kit/1.yaml", "pack/kit@1 locks git 1.1.0, which is quarantined: Phones home?"),
        ("error", "packs/dev/1.yaml",
         "skill/git@1.1.0 is quarantined: Phones home?; bots f/ada, f/ben cannot get it"),
        ("error", "fleets/g/bots/cy.yaml", "skill/git@1.1.0 is quarantined: Phones home?; bot g/cy cannot get it"),
    }  # fmt: skip
    remedies = {p.remedy for p in found if p.file == "packs/dev/1.yaml"}
    assert all(remedy.startswith("molthub skill-packs update dev") for remedy in remedies)


def test_a_yank_warns_packs_and_bots() -> None:
    found = _found(_withdrawn(yanked="It skips hooks."))
    assert {p.severity for p in found} == {"warning"}
    assert "skill/git@1.1.0 is yanked: It skips hooks.; bot g/cy has it" in [p.message for p in found]
    assert "skill/git@1.1.0 is yanked: It skips hooks.; bots f/ada, f/ben have it" in [p.message for p in found]


def test_a_quarantined_project_reaches_every_pack_that_locks_it() -> None:
    found = _found(_withdrawn({"status": "quarantined", "reason": "Under review."}))
    packs = [p.message for p in found if p.severity == "warning"]
    assert "pack/kit@1 locks git 1.1.0, which is quarantined: Under review." in packs


def test_a_broken_project_is_not_taken_for_a_removed_one() -> None:
    base = _git_only()
    found = {p.id for p in _found(base | {"skills/git/project.yaml": "versions: ["}, base)}
    assert "MH002" in found
    assert "MH402" not in found


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    commit(one_of_everything(), tmp_path)
    return tmp_path


def test_a_clean_registry_exits_with_0_and_says_what_was_not_done(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    ran = run_molthub(capsys, "check", "--registry", place)
    assert ran.status == 0
    assert "0 errors, 0 warnings in 4 versions of 3 skills, 2 packs, 1 bot in 1 fleet" in ran.out
    assert "not compared with history; pass --base origin/main" in ran.err


def test_uncommitted_files_are_counted_and_checked_on_demand(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    (place / "profiles/backend.yaml").write_text("x: 1\n")
    ran = run_molthub(capsys, "check", "--registry", place)
    assert (ran.status, "1 file not committed" in ran.err) == (0, True)
    ran = run_molthub(capsys, "check", "--registry", place, "--worktree")
    assert (ran.status, "profiles/backend.yaml:1" in ran.out) == (1, True)
    assert ran.out.endswith(" 1 bot in 1 fleet in the work tree\n")
    both = run_molthub(capsys, "check", "--registry", place, "--worktree", "--rev", "HEAD")
    assert both.status == 2


def test_a_folder_outside_git_has_no_revision_to_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ran = run_molthub(capsys, "check", "--registry", write_tree(one_of_everything(), tmp_path))
    assert ran.out.endswith(" 1 bot in 1 fleet in the folder\n")


def test_history_in_git_is_compared_by_blobs(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    commit({**one_of_everything(), "skills/git/1.0.0/SKILL.md": skill_md("git", "Other.")}, place)
    ran = run_molthub(capsys, "check", "--registry", place, "--base", "HEAD~1", "--json")
    assert ran.status == 1
    assert {problem["id"] for problem in ran.json["problems"]} == {"MH401", "MH404"}
    assert len(ran.json["comparedWith"]) == 40
    assert "not compared" not in ran.err


def test_json_is_the_published_document(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write_tree({"profiles/backend.yaml": "x: 1\n"}, place)
    ran = run_molthub(capsys, "check", "--registry", place, "--worktree", "--format", "json")
    assert_document("check-result", ran.json)
    assert ran.json["summary"]["errors"] > 0
    severities = [problem["severity"] for problem in ran.json["problems"]]
    assert severities == sorted(severities)


def test_github_and_sarif(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = {f"registry-index/{path}": text for path, text in one_of_everything().items()}
    commit(tree | {"registry-index/profiles/backend.yaml": "x: 1\n"}, tmp_path)
    ran = run_molthub(capsys, "check", "--registry", tmp_path, "--format", "github")
    assert ran.out.startswith("::error file=registry-index/")
    ran = run_molthub(capsys, "check", "--registry", tmp_path, "--format", "sarif")
    log = json.loads(ran.out)
    assert log["version"] == "2.1.0"
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in log["runs"][0]["results"]}
    assert "registry-index/profiles/backend.yaml" in uris


def test_strict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = {"SKILL.md": skill_md("git", risk="low")}
    commit(registry(skill("git", versions={"1.0.0": skill_version("git", "1.0.0", files)})), tmp_path)
    assert run_molthub(capsys, "check", "--registry", tmp_path).status == 0
    assert run_molthub(capsys, "check", "--registry", tmp_path, "--strict").status == 1
