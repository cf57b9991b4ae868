"""From a loose folder to a version: skill.yaml from frontmatter, versions as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub.errors import ManifestError
from molthub.registry.authoring.loose_skills import LooseSkill
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.package import Package, digest_of_files, package
from molthub.registry.manifest import read_manifest
from tests.builders import skill_md


def _package(skill_text: str, name: str | None = None, **files: str) -> Package:
    given = {path.replace("_", "."): NewFile(text.encode()) for path, text in files.items()}
    loose = LooseSkill(Path("folder"), "folder", {"SKILL.md": NewFile(skill_text.encode()), **given})
    return package(loose, name=name)


def _skill_yaml(made: Package, number: str = "1.0.0") -> Any:
    content = made.at_version(number)["skill.yaml"].content
    manifest, problems = read_manifest("skill", content, "skill.yaml")
    assert manifest is not None, problems
    assert problems == []
    return {key: value for key, value in manifest.value.items() if key not in ("name", "version", "description")}


def test_the_smallest_skill_becomes_a_whole_version() -> None:
    made = _package(skill_md("git", "Commits."))
    files = made.at_version("1.0.0")
    assert list(files) == ["SKILL.md", "skill.yaml"]
    assert files["skill.yaml"].content.decode() == (
        "# yaml-language-server: $schema=https://molthub.dev/schemas/skill.schema.json\n"
        "name: git\nversion: 1.0.0\ndescription: Commits.\n"
    )
    assert made.declared is None
    assert made.notes == ()
    assert digest_of_files(files) == digest_of_files(_package(skill_md("git", "Commits.")).at_version("1.0.0"))


def test_needs_declared_the_way_of_openclaw_are_taken_over() -> None:
    openclaw = {
        "requires": {"bins": ["git", "bad name"], "env": ["GITHUB_TOKEN", "LOG_LEVEL", "1X"]},
        "primaryEnv": "API_SETTING",
    }
    made = _package(
        skill_md(
            "git",
            metadata={"openclaw": openclaw, "mcp-servers": "github, jira"},
            tags="vcs, work",
            author="Ada",
            license="MIT License",
            homepage="https://example.com/",
        )
    )
    assert _skill_yaml(made) == {
        "tags": ["vcs", "work"],
        "author": "Ada",
        "license": "MIT",
        "homepage": "https://example.com/",
        "mcp-servers": ["github", "jira"],
        "env": [
            {"name": "GITHUB_TOKEN", "secret": True, "required": True},
            {"name": "LOG_LEVEL", "required": True},
            {"name": "API_SETTING", "secret": True, "required": True},
        ],
        "bins": ["git"],
    }


@pytest.mark.parametrize(
    ("said", "license_"),
    [
        ("MIT", "MIT"), ("apache-2.0", "Apache-2.0"), ("BSD-3-Clause license", "BSD-3-Clause"),
        ("CC-BY-4.0 AND Apache-2.0", "CC-BY-4.0 AND Apache-2.0"), ("LICENSE", None), ("Unknown", None),
        ("Complete terms in LICENSE.txt", None), ("MIT AND", None), ("MIT Apache-2.0", None),
    ],
)  # fmt: skip
def test_licences_that_are_no_spdx_expression_stay_in_skill_md_alone(said: str, license_: str | None) -> None:
    made = _package(skill_md("git", license=said))
    assert _skill_yaml(made).get("license") == license_
    assert [note.id for note in made.notes] == ([] if license_ else ["MH502"])
    assert made.files["SKILL.md"].content == skill_md("git", license=said).encode()


@pytest.mark.parametrize(
    ("head", "declared", "notes"),
    [
        ({"version": "1.2.3"}, "1.2.3", 0),
        ({"metadata": {"version": "2.0.0-rc.1"}}, "2.0.0-rc.1", 0),
        ({"version": 1.0}, "1.0.0", 1),
        ({"version": "v2"}, "2.0.0", 1),
        ({"version": "latest"}, None, 1),
        ({"version": [1]}, None, 0),
        ({}, None, 0),
    ],
)
def test_versions_as_people_write_them(head: dict[str, Any], declared: str | None, notes: int) -> None:
    made = _package(skill_md("git", **head))
    assert made.declared == declared
    assert [note.id for note in made.notes] == ["MH502"] * notes


def test_a_folders_own_skill_yaml_is_kept_but_for_the_number() -> None:
    own = "# ours\nname: git\nversion: 1.1.0  # bump me\ndescription: Commits.\nlicense: MIT\n"
    made = _package(skill_md("git"), skill_yaml=own)
    assert made.declared == "1.1.0"
    assert made.at_version("1.1.0")["skill.yaml"].content.decode() == own
    assert made.at_version("1.2.0")["skill.yaml"].content.decode() == own.replace("1.1.0", "1.2.0")


def test_a_wanted_name_goes_into_both_files() -> None:
    own = "name: git\nversion: 1.1.0\ndescription: Commits.\n"
    made = _package(skill_md("git"), name="@acme/vcs", skill_yaml=own)
    files = made.at_version("1.1.0")
    assert made.name == "@acme/vcs"
    assert yaml.safe_load(files["skill.yaml"].content)["name"] == "@acme/vcs"
    assert b"name: vcs\n" in files["SKILL.md"].content
    assert [note.file for note in made.notes] == ["SKILL.md", "skill.yaml"]


def test_a_skill_yaml_of_another_program_is_refused() -> None:
    with pytest.raises(ManifestError, match="none of molthub's") as caught:
        _package(skill_md("git"), skill_yaml="title: Git\n")
    assert caught.value.problems


def test_a_long_description_stays_in_skill_md_and_is_cut_in_skill_yaml() -> None:
    long = "word " * 300
    made = _package(skill_md("git", long))
    manifest = yaml.safe_load(made.at_version("1.0.0")["skill.yaml"].content)
    assert len(manifest["description"]) <= 1024
    assert [note.place for note in made.notes] == ["SKILL.md:3"]
    assert [problem.id for problem in made.warnings] == ["MH302"]
    assert made.files["SKILL.md"].content == skill_md("git", long).encode()


def test_odd_frontmatter_values_do_no_harm() -> None:
    head: dict[str, Any] = {
        "tags": [1, "a" * 65, "ok", None],
        "author": {"name": "x"},
        "homepage": "ftp://x",
        "requires": ["rube"],
    }
    assert _skill_yaml(_package(skill_md("git", metadata=None, **head))) == {"tags": ["1", "ok"]}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("---\nname: git\ndescription: d\nversion: 1.0\nlicense: Ask me\n---\n", ["SKILL.md:4", "SKILL.md:5"]),
        ("---\nname: git\ndescription: d\nmetadata:\n  version: v2\n---\n", ["SKILL.md:5"]),
        ("---\nversion: soon\nname: git\ndescription: d\n---\n", ["SKILL.md:2"]),
        ("\n\n---\r\nversion: 1.0\r\n---\r\n\r\nversion: 1.0\r\n", ["SKILL.md:4"]),
    ],
)
def test_what_is_taken_from_frontmatter_is_named_where_it_was_typed(text: str, places: list[str]) -> None:
    loose = LooseSkill(Path("git"), "git", {"SKILL.md": NewFile(text.encode())})
    said = [note for note in package(loose).notes if "version" in note.message or "licence" in note.message]
    assert [note.place for note in said] == places
