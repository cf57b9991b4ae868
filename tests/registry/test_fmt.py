"""`molthub fmt`: one style, versions made by hand completed, merged ones untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from molthub.registry.authoring.yaml_style import in_style
from molthub.registry.check import check
from molthub.registry.edit import comments
from molthub.registry.source import open_source
from molthub.yaml_text import parse
from tests.builders import as_yaml, commit, fleet, pack, registry, skill, skill_md, write_tree
from tests.registry.command import Ran, assert_document, run_molthub
from tests.registry.test_edit import _documents

MESSY = """\
# Why this fleet
apiVersion:   molthub.dev/v1alpha1
kind: Fleet
metadata:
     name: prod   # the one
     labels: {version: 1.20, plain: no}
spec:
     packs:
     - name: dev

     # last words
"""
TIDY = """\
# Why this fleet
apiVersion: molthub.dev/v1alpha1
kind: Fleet
metadata:
  name: prod      # the one
  labels: {version: "1.20", plain: no}
spec:
  packs:
    - name: dev

     # last words
"""


@pytest.fixture
def place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """Commit a registry in style."""
    tree = registry(skill("git", "1.0.0"), pack("dev", {"skills": ["git"]}), fleet("prod", packs=["dev"]))
    commit(tree, tmp_path)
    _fmt(capsys, tmp_path)
    commit({path: (tmp_path / path).read_bytes() for path in tree}, tmp_path)
    return tmp_path


def _fmt(capsys: pytest.CaptureFixture[str], place: Path, *arguments: object) -> Ran:
    return run_molthub(capsys, "fmt", *arguments, "--registry", place)


def test_manifests_get_one_style_and_keep_comments_and_values(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    file = place / "fleets/prod/fleet.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + MESSY.replace("\n", "\r\n").encode())
    pending = _fmt(capsys, place, "--check")
    assert (pending.status, "1 file would change" in pending.err) == (3, True)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    ran = _fmt(capsys, place)
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "fleets/prod/fleet.yaml: formatted",
        "fleets/prod/fleet.yaml: quoted metadata/labels/version",
    ]
    assert file.read_text() == TIDY
    assert comments(MESSY) == comments(TIDY)
    again = _fmt(capsys, place, "--check")
    assert (again.status, again.out) == (0, "")
    assert "everything is in style and complete" in again.err


def test_a_version_made_by_hand_is_completed(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    document = {"apiVersion": "molthub.dev/v1alpha1", "kind": "SkillPack", "metadata": {"name": "ops"}}
    write_tree(
        {
            "skills/notes/1.0.0/SKILL.md": skill_md("notes", license="MIT"),
            "skills/git/1.1.0/SKILL.md": skill_md("git"),
            "packs/ops/1.yaml": as_yaml({**document, "spec": {"version": 1, "skills": ["notes"], "extends": ["dev"]}}),
            "packs/dev/2.yaml": as_yaml(
                {**document, "metadata": {"name": "dev"}, "spec": {"version": 2, "skills": ["git"]}}
            ),
        },
        place,
    )
    before = check(open_source(place, worktree=True), open_source(place))
    assert {problem.id for problem in before.problems} >= {"MH104", "MH405"}
    assert any("molthub fmt" in problem.remedy for problem in before.problems)
    ran = _fmt(capsys, place)
    assert ran.status == 0, ran
    assert set(ran.out.splitlines()) >= {
        "skills/notes/1.0.0/skill.yaml: made from SKILL.md's frontmatter",
        "skills/notes/project.yaml: recorded 1.0.0",
        "skills/git/project.yaml: recorded 1.1.0",
        "packs/dev/2.yaml: locked its skills",
        "packs/ops/1.yaml: locked its skills",
        "packs/dev/project.yaml: recorded 2",
        "packs/ops/project.yaml: recorded 1",
    }
    after = check(open_source(place, worktree=True), open_source(place), strict_spec=True)
    assert after.problems == ()
    resolved = yaml.safe_load((place / "packs/ops/1.yaml").read_text())["spec"]["resolved"]
    assert {name: lock["version"] for name, lock in resolved.items()} == {
        "git": "1.1.0",
        "notes": "1.0.0",
        "pack/dev": 2,
    }
    assert _fmt(capsys, place, "--check").status == 0


def test_a_new_version_that_is_edited_again_is_recorded_anew(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write_tree({"skills/notes/1.0.0/SKILL.md": skill_md("notes")}, place)
    _fmt(capsys, place)
    published = yaml.safe_load((place / "skills/notes/project.yaml").read_text())["versions"]["1.0.0"]["published"]
    write_tree({"skills/notes/1.0.0/more.md": "more"}, place)
    assert _fmt(capsys, place).out == "skills/notes/project.yaml: recorded 1.0.0 anew\n"
    project = yaml.safe_load((place / "skills/notes/project.yaml").read_text())
    assert project["versions"]["1.0.0"]["published"] == published
    assert check(open_source(place, worktree=True)).problems == ()


def test_a_merged_version_is_never_touched(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write_tree(
        {
            "skills/git/1.0.0/new.md": "x",
            "skills/git/1.0.0/skill.yaml": "name:   git\nversion: 1.0.0\ndescription: d\n",
        },
        place,
    )
    (place / "packs/dev/1.yaml").write_text((place / "packs/dev/1.yaml").read_text() + "# note\n")
    assert (_fmt(capsys, place).status, _fmt(capsys, place, "--check").out) == (0, "")
    assert {p.id for p in check(open_source(place, worktree=True)).problems} == {"MH404"}


def test_only_given_paths_are_written(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write_tree({"fleets/prod/fleet.yaml": MESSY, "registry.yaml": "name:  acme\nowner: acme\n"}, place)
    ran = _fmt(capsys, place, place / "registry.yaml", "--json")
    assert_document("fmt-result", ran.json)
    assert ran.json["changes"] == [{"file": "registry.yaml", "what": "formatted"}]
    assert (place / "fleets/prod/fleet.yaml").read_text() == MESSY
    assert _fmt(capsys, place, place / "missing").status == 1


def test_a_pack_that_does_not_resolve_is_reported_and_the_rest_is_done(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    broken = pack("ops", {"skills": [{"name": "git", "version": "^9"}]})["packs/ops/1.yaml"]
    write_tree(
        {"packs/ops/1.yaml": broken, "registry.yaml": "name:  acme\nowner: acme\n", "profiles/x.yaml": "a: ["}, place
    )
    ran = _fmt(capsys, place)
    assert ran.status == 1
    assert "registry.yaml: formatted" in ran.out
    assert "git" in ran.err


def test_outside_git_nothing_is_merged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_tree({**registry(), "skills/notes/1.0.0/SKILL.md": skill_md("notes")}, tmp_path)
    assert _fmt(capsys, tmp_path).status == 0
    assert check(open_source(tmp_path)).problems == ()
    assert _fmt(capsys, tmp_path, "--base", "HEAD").status == 1


def test_skill_md_that_cannot_be_read_is_said(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    write_tree({"skills/notes/1.0.0/SKILL.md": "no frontmatter\n"}, place)
    ran = _fmt(capsys, place)
    assert (ran.status, "MH301" in ran.err) == (1, True)


def test_a_file_that_another_style_would_harm_is_left(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    text = "name: acme\nowner: acme\nhosts: [roundtable, # why\n  other]\n"
    (place / "registry.yaml").write_text(text)
    ran = _fmt(capsys, place)
    assert ran.status == 0
    styled = (place / "registry.yaml").read_text()
    assert comments(styled) == ["# why"]
    assert parse(styled, "f").value == parse(text, "f").value


@given(_documents)
@settings(max_examples=150, deadline=None)
def test_style_is_stable_and_changes_no_value(value: dict[str, Any]) -> None:
    from molthub.registry.authoring.yaml_write import document

    text = document(value)
    styled = in_style(text, "f")
    if styled is not None:
        assert parse(styled, "f").value == value
        assert in_style(styled, "f") == styled


def test_what_was_done_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    base = registry(skill("git"))
    commit(base, tmp_path)
    packs = registry(pack("zbase", {"skills": ["git"]}), pack("app", {"extends": ["zbase"]}), locked=False)
    write_tree({path: text for path, text in packs.items() if path.startswith("packs/")}, tmp_path)
    ran = _fmt(capsys, tmp_path)
    assert ran.status == 0, ran
    said = [line for line in ran.out.splitlines() if line.endswith(": locked its skills")]
    assert sorted(said) == [f"packs/{name}/1.yaml: locked its skills" for name in ("app", "zbase")]
