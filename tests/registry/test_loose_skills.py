"""Skill folders as people have them: found, read, and what is left out or refused on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from molthub.errors import ManifestError
from molthub.registry.authoring.loose_skills import find_skills, read_skill
from tests.builders import skill_md, write_tree


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    return write_tree(
        {"SKILL.md": skill_md("git"), "scripts/run.sh": "#!/bin/sh\n"}, tmp_path / "git", ["scripts/run.sh"]
    )


def _refusals(path: Path) -> list[tuple[str | None, str]]:
    with pytest.raises(ManifestError) as caught:
        read_skill(path, str(path))
    assert all(problem.id == "MH501" and problem.remedy for problem in caught.value.problems)
    return [(problem.file, problem.message) for problem in caught.value.problems]


def test_one_folder_a_folder_of_folders_and_a_repository(tmp_path: Path) -> None:
    one = {"SKILL.md": "x"}
    for name in ("shelf/a", "shelf/b", "shelf/deep/c", "repo/skills/d", "repo/docs", "repo/skills/none"):
        write_tree(one if name[-1] in "abcd" else {"x.md": ""}, tmp_path / name)
    write_tree({"SKILL.md": "", "inner/SKILL.md": "", "references/x.md": ""}, tmp_path / "shelf/outer")
    found = find_skills([tmp_path / "shelf/a", tmp_path / "shelf", tmp_path / "repo", tmp_path / "shelf/b/SKILL.md"])
    names = [path.name for path, _ in found.folders]
    assert names == ["a", "b", "c", "outer", "d"]
    assert found.refused == ()
    assert [Path(str(problem.file)).name for problem in found.left_out] == ["none"]


def test_paths_without_a_skill_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = find_skills([tmp_path / "empty", tmp_path / "missing"])
    assert found.folders == ()
    assert [(Path(shown).name, problem.id) for shown, problem in found.refused] == [
        ("empty", "MH501"),
        ("missing", "MH501"),
    ]


def test_linked_skill_folders_are_named_and_not_followed(tmp_path: Path, skill: Path) -> None:
    (tmp_path / "shelf/skills/own").mkdir(parents=True)
    (tmp_path / "shelf/skills/own/SKILL.md").write_text("x")
    (tmp_path / "shelf/skills/linked").symlink_to(skill)
    found = find_skills([tmp_path / "shelf"])
    assert [path.name for path, _ in found.folders] == ["own"]
    assert [(problem.id, "link" in problem.message) for problem in found.left_out] == [("MH503", True)]


def test_files_come_with_their_bits(skill: Path) -> None:
    read = read_skill(skill, "git")
    assert {path: file.executable for path, file in read.files.items()} == {"SKILL.md": False, "scripts/run.sh": True}
    assert read.notes == []


def test_junk_is_left_out_and_named(skill: Path) -> None:
    junk = {
        ".git/config": "", ".DS_Store": "", "scripts/__pycache__/x.pyc": "", "node_modules/x/y.js": "",
        ".env": "TOKEN=1", ".env.example": "TOKEN=", "src/.env/x": "",
    }  # fmt: skip
    write_tree(junk, skill)
    read = read_skill(skill, "git")
    assert set(read.files) == {"SKILL.md", "scripts/run.sh", ".env.example"}
    left_out = [".DS_Store", ".env", ".git", "node_modules", "scripts/__pycache__", "src/.env"]
    assert [(problem.id, problem.file) for problem in read.notes] == [("MH503", path) for path in left_out]


def test_a_link_inside_becomes_a_copy_that_is_reported(skill: Path) -> None:
    (skill / "run").symlink_to("scripts/run.sh")
    read = read_skill(skill, "git")
    assert read.files["run"] == read.files["scripts/run.sh"]
    assert [(problem.id, problem.file) for problem in read.notes] == [("MH502", "run")]
    assert "scripts/run.sh" in read.notes[0].message


def test_links_that_lead_out_or_nowhere_or_to_folders_are_refused(skill: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for name, target in (
        ("absolute", "/etc/hostname"), ("climbs", "../secret"), ("dangling", "nothing"),
        ("folder", "scripts"), ("loop", "loop"),
    ):  # fmt: skip
        (skill / name).symlink_to(target)
    assert [(file, message.rpartition("leads ")[2]) for file, message in _refusals(skill)] == [
        ("absolute", "out of the skill's folder"),
        ("climbs", "out of the skill's folder"),
        ("dangling", "nowhere"),
        ("folder", "to a folder"),
        ("loop", "nowhere"),
    ]


def test_a_linked_skill_md_out_of_the_folder_is_refused(skill: Path, tmp_path: Path) -> None:
    (skill / "SKILL.md").replace(tmp_path / "shared.md")
    (skill / "SKILL.md").symlink_to(tmp_path / "shared.md")
    assert _refusals(skill) == [("SKILL.md", "the link leads out of the skill's folder")]


def test_another_spelling_of_skill_md_is_mended(skill: Path) -> None:
    (skill / "SKILL.md").rename(skill / "Skill.md")
    read = read_skill(skill, "git")
    assert "SKILL.md" in read.files
    assert [(problem.id, problem.file) for problem in read.notes] == [("MH502", "Skill.md")]


def test_names_that_some_systems_cannot_hold_are_all_refused(skill: Path) -> None:
    write_tree({"aux.md": "", "a:b": "", "x/Read.md": "", "x/read.md": ""}, skill)
    (skill / os.fsdecode(b"caf\xe9")).write_text("")
    assert {file for file, _ in _refusals(skill)} == {"a:b", "aux.md", "x/Read.md", "caf\\xe9"}


def test_attributes_that_change_bytes_are_refused(skill: Path) -> None:
    write_tree({".gitattributes": "*.md text\n"}, skill)
    assert [file for file, _ in _refusals(skill)] == [".gitattributes"]


def test_pipes_are_left_out(skill: Path) -> None:
    os.mkfifo(skill / "pipe")
    assert [(problem.id, problem.file) for problem in read_skill(skill, "git").notes] == [("MH503", "pipe")]


def test_too_many_files_are_refused(skill: Path) -> None:
    write_tree({f"many/{number}.md": "" for number in range(1000)}, skill)
    ((_, message),) = _refusals(skill)
    assert "1002 files" in message


def test_too_much_is_refused(skill: Path) -> None:
    with (skill / "huge.bin").open("wb") as file:
        file.truncate(50 * 1024 * 1024 + 1)
    assert [file for file, _ in _refusals(skill)] == ["huge.bin"]


def test_paths_that_are_too_deep_are_refused(skill: Path) -> None:
    write_tree({"/".join(["deep"] * 40): ""}, skill)
    assert "too deep" in _refusals(skill)[0][1]
