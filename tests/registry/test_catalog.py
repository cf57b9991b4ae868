"""The catalog: the path is the truth, every problem is named, and what is broken stops nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.errors import RegistryError
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import resolve_bots
from molthub.registry.source import open_source
from tests.builders import (
    Tree,
    TreeSource,
    bot,
    fleet,
    overlay,
    pack,
    profile,
    registry,
    skill,
    skill_md,
    skill_version,
    write_tree,
)


def whole() -> Tree:
    return registry(
        skill("git", "1.0.0", "1.1.0"),
        skill("@acme/git", "1.0.0"),
        pack("dev", {"skills": ["git"]}),
        profile("p", skills=["git"]),
        overlay("o", envVars={"A": "x"}),
        fleet("lab", packs=["dev"]),
        bot("lab", "ada", profile="p", overlays=["o"]),
        hosts=["roundtable"],
    )


def read(tree: Tree) -> Catalog:
    return read_catalog(TreeSource(tree))


def ids(catalog: Catalog) -> list[tuple[str, str | None]]:
    return [(problem.id, problem.file) for problem in catalog.problems]


def test_a_valid_registry_is_read_whole() -> None:
    catalog = read(whole())
    assert catalog.problems == ()
    assert catalog.broken == {}
    assert list(catalog.skills) == ["@acme/git", "git"]
    assert list(catalog.skills["git"].versions) == ["1.0.0", "1.1.0"]
    version = catalog.skills["git"].versions["1.1.0"]
    assert version.folder == "skills/git/1.1.0"
    assert version.files == ("SKILL.md", "skill.yaml")
    assert version.record is not None
    assert version.record.at == "skills/git/project.yaml:8"
    assert catalog.skills["@acme/git"].bare_name == "git"
    assert catalog.packs["dev"].versions[1].record is not None
    assert catalog.packs["dev"].versions[1].layer.name == "pack/dev@1"
    assert list(catalog.bots) == ["lab/ada"]
    assert catalog.publishers["acme"].scopes == ("acme",)
    assert catalog.registry.hosts == ("roundtable",)


@pytest.mark.parametrize("text", [None, "name: [", "name: acme\n", "nmae: acme\nowner: acme\n"])
def test_only_the_root_file_stops_the_reading(text: str | None) -> None:
    tree = whole()
    del tree["registry.yaml"]
    if text is not None:
        tree["registry.yaml"] = text
    with pytest.raises(RegistryError, match=r"registry\.yaml cannot be read") as caught:
        read(tree)
    assert caught.value.problems


def test_one_broken_manifest_stops_no_other() -> None:
    tree = whole()
    for path in tree:
        if path == "registry.yaml" or not path.endswith(".yaml"):
            continue
        catalog = read(tree | {path: "a: [\n"})
        assert ("MH002", path) in ids(catalog)
        others = [problem for problem in catalog.problems if problem.id == "MH002" and problem.file != path]
        assert others == []
        assert path in catalog.broken.values()


@pytest.mark.parametrize(
    ("path", "old", "new", "key"),
    [
        ("skills/git/1.0.0/skill.yaml", "name: git", "name: gti", "skill/git@1.0.0"),
        ("skills/git/1.0.0/skill.yaml", "version: 1.0.0", "version: 1.0.1", "skill/git@1.0.0"),
        ("skills/@acme/git/1.0.0/skill.yaml", "'@acme/git'", "git", "skill/@acme/git@1.0.0"),
        ("packs/dev/1.yaml", "name: dev", "name: ved", "pack/dev@1"),
        ("packs/dev/1.yaml", "version: 1\n", "version: 2\n", "pack/dev@1"),
        ("profiles/p.yaml", "name: p", "name: q", "profile/p"),
        ("overlays/o.yaml", "name: o", "name: q", "overlay/o"),
        ("fleets/lab/fleet.yaml", "name: lab", "name: bal", "fleet/lab"),
        ("fleets/lab/bots/ada.yaml", "name: ada", "name: ad", "bot/lab/ada"),
        ("publishers/acme/publisher.yaml", "name: acme", "name: emca", "publisher/acme"),
    ],
)
def test_the_path_is_the_truth_for_names_and_numbers(path: str, old: str, new: str, key: str) -> None:
    tree = whole()
    text = tree[path]
    assert isinstance(text, str)
    assert old in text
    catalog = read(tree | {path: text.replace(old, new, 1)})
    assert ("MH103", path) in ids(catalog)
    assert catalog.broken[key] == path


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("skills/git/1.0.0/SKILL.md", "skill/git@1.0.0"),
        ("skills/git/1.0.0/skill.yaml", "skill/git@1.0.0"),
        ("fleets/lab/fleet.yaml", "fleet/lab"),
    ],
)
def test_missing_files_are_named(path: str, key: str) -> None:
    tree = whole()
    del tree[path]
    catalog = read(tree)
    assert ("MH104", path) in ids(catalog)
    assert catalog.broken[key] == path


@pytest.mark.parametrize("path", ["skills/git/project.yaml", "packs/dev/project.yaml"])
def test_a_project_that_is_yet_to_be_written_leaves_the_rest_readable(path: str) -> None:
    tree = whole()
    del tree[path]
    catalog = read(tree)
    assert ("MH104", path) in ids(catalog)
    assert "molthub fmt" in next(problem for problem in catalog.problems if problem.file == path).remedy
    kind, name = path.split("/")[:2]
    found = catalog.skills[name] if kind == "skills" else catalog.packs[name]
    assert found.project.versions == {}
    assert found.versions
    assert all(version.record is None for version in found.versions.values())


@pytest.mark.parametrize(
    ("path", "problem_id"),
    [
        ("skills/README.md", "MH014"),
        ("skills/git/NOTES.md", "MH014"),
        ("skills/git/latest/SKILL.md", "MH103"),
        ("skills/Git_Tool/1.0.0/SKILL.md", "MH103"),
        ("packs/dev/README.md", "MH014"),
        ("packs/dev/01.yaml", "MH014"),
        ("packs/dev/v2.yaml", "MH014"),
        ("packs/dev/sub/1.yaml", "MH014"),
        ("packs/Dev/1.yaml", "MH103"),
        ("profiles/p.yml", "MH014"),
        ("profiles/sub/q.yaml", "MH014"),
        ("profiles/Q.yaml", "MH103"),
        ("overlays/README.md", "MH014"),
        ("fleets/lab/README.md", "MH014"),
        ("fleets/lab/bots/ada/x.yaml", "MH014"),
        ("fleets/Lab/fleet.yaml", "MH103"),
        ("fleets/lab/bots/Ada.yaml", "MH103"),
        ("publishers/acme/notes.txt", "MH014"),
    ],
)
def test_what_belongs_to_nothing_is_named_once(path: str, problem_id: str) -> None:
    found = [problem.id for problem in read(whole() | {path: "x"}).problems]
    assert found[0] == problem_id
    assert set(found) == {problem_id}


@pytest.mark.parametrize(
    "path", ["README.md", "LICENSE", ".gitattributes", "skills/git/1.0.0.sig", "publishers/acme/key.asc"]
)
def test_what_has_its_place_is_fine(path: str) -> None:
    assert read(whole() | {path: "x"}).problems == ()


def test_a_folder_with_a_name_like_ours_is_asked_about(tmp_path: Path) -> None:
    write_tree(whole() | {"skill/git/SKILL.md": "x", "docs/a.md": "x"}, tmp_path)
    catalog = read_catalog(open_source(tmp_path))
    assert [(problem.id, problem.severity, problem.file) for problem in catalog.problems] == [
        ("MH014", "warning", "skill")
    ]
    assert catalog.problems[0].remedy == "did you mean skills?"


def test_a_refused_path_makes_only_its_version_unusable(tmp_path: Path) -> None:
    write_tree(whole(), tmp_path)
    (tmp_path / "skills" / "git" / "1.1.0" / "link").symlink_to("SKILL.md")
    catalog = read_catalog(open_source(tmp_path))
    assert ids(catalog) == [("MH010", "skills/git/1.1.0/link")]
    assert catalog.broken == {"skill/git@1.1.0": "skills/git/1.1.0/link"}
    assert list(catalog.skills["git"].versions) == ["1.0.0"]


@pytest.mark.parametrize("path", ["fleets/lab/bots/ada.yaml", "fleets/lab/fleet.yaml"])
def test_a_bot_that_is_refused_is_never_taken_for_removed(tmp_path: Path, path: str) -> None:
    write_tree(whole(), tmp_path)
    (tmp_path / path).rename(tmp_path / "elsewhere.yaml")
    (tmp_path / path).symlink_to(tmp_path / "elsewhere.yaml")
    catalog = read_catalog(open_source(tmp_path))
    assert list(catalog.bots) == ["lab/ada"]
    assert not resolve_bots(catalog)["lab/ada"].resolved


def test_a_broken_bot_stays_in_the_catalog() -> None:
    catalog = read(whole() | {"fleets/lab/bots/ada.yaml": "kind: ["})
    assert (catalog.bots["lab/ada"].name, catalog.bots["lab/ada"].home) == ("ada", "ada")
    assert catalog.broken == {"bot/lab/ada": "fleets/lab/bots/ada.yaml"}


# --- what skills say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [{"b": "^1.0", "roundtable": ">=2"}, [{"b": "^1.0"}, {"roundtable": ">=2"}]])
def test_dependencies_are_a_map_or_a_list(declared: object) -> None:
    catalog = read(registry(skill("a", dependencies=declared), skill("b"), hosts=["roundtable"]))
    assert catalog.problems == ()
    assert catalog.skills["a"].versions["1.0.0"].manifest.dependencies == {"b": "^1.0", "roundtable": ">=2"}


@pytest.mark.parametrize(
    ("declared", "problem_id", "line"),
    [
        ([{"b": "^1.0"}, {"b": "^2.0"}], "MH003", 7),
        ({"b": "not a range"}, "MH101", 6),
        ({"missing": "^1.0"}, "MH203", 6),
        ({"b": "^9.0"}, "MH201", 6),
    ],
)
def test_dependencies_that_cannot_be_meant(declared: object, problem_id: str, line: int) -> None:
    catalog = read(registry(skill("a", dependencies=declared), skill("b")))
    assert [(problem.id, problem.line) for problem in catalog.problems] == [(problem_id, line)]


def test_needs_come_from_skill_yaml_and_else_from_the_frontmatter() -> None:
    own = skill_version("a", "1.0.0", mcp_servers=["x"], env=[{"name": "A", "secret": True}])
    head = skill_version("b", "1.0.0", {"SKILL.md": skill_md("b", mcp_servers=["y"], env="B, C")})
    meta = skill_version("c", "1.0.0", {"SKILL.md": skill_md("c", metadata={"mcp-servers": "z w"})})
    faulty = skill_version("d", "1.0.0", {"SKILL.md": "---\nmcp-servers: [\n---\n"})
    trees = [
        skill(name, versions={"1.0.0": part}) for name, part in zip("abcd", (own, head, meta, faulty), strict=True)
    ]
    skills = read(registry(*trees)).skills
    found = {name: skills[name].versions["1.0.0"].manifest for name in skills}
    assert found["a"].needs.mcp_servers == ("x",)
    assert [(need.name, need.secret) for need in found["a"].needs.env] == [("A", True)]
    assert found["b"].needs.mcp_servers == ("y",)
    assert [need.name for need in found["b"].needs.env] == ["B", "C"]
    assert found["c"].needs.mcp_servers == ("z", "w")
    assert found["d"].needs.mcp_servers == ()


def test_versions_that_differ_only_in_build_metadata_are_refused() -> None:
    catalog = read(registry(skill("a", "1.0.0+one", "1.0.0+two", "1.1.0")))
    assert [(problem.id, problem.file, problem.line) for problem in catalog.problems] == [
        ("MH103", "skills/a/project.yaml", 8)
    ]


# --- references ----------------------------------------------------------------------------------------------------


def test_a_reference_to_nothing_names_its_place_and_the_nearest_name() -> None:
    tree = registry(skill("code-review"))
    tree["profiles/backend.yaml"] = (
        "apiVersion: molthub.dev/v1alpha1\nkind: Profile\nmetadata: {name: backend}\n"
        "spec:\n  skills: [code-reveiw]\n  envVars: {LOG_LEVEL: warning}\n"
    )
    (problem,) = read(tree).problems
    assert problem.to_json() == {
        "id": "MH203",
        "severity": "error",
        "file": "profiles/backend.yaml",
        "line": 5,
        "column": 12,
        "at": "/spec/skills/0",
        "message": "skill code-reveiw is not in this registry",
        "remedy": "did you mean code-review?",
    }


@pytest.mark.parametrize(
    ("tree", "problem_id", "message"),
    [
        (profile("q", skills=[{"name": "git", "version": "^9.0"}]), "MH201", "skill git has no version ^9.0"),
        (profile("q", packs=[{"name": "dev", "version": 9}]), "MH201", "pack dev has no version 9"),
        (profile("q", packs=[{"name": "nothing"}]), "MH203", "pack nothing is not in this registry"),
        (fleet("more", profile="nothing"), "MH203", "profile nothing is not in this registry"),
        (fleet("more", overlays=["nothing"]), "MH203", "overlay nothing is not in this registry"),
        (bot("lab", "ben", profile="nothing"), "MH203", "profile nothing is not in this registry"),
        (pack("up", {"extends": ["nothing"], "resolved": {}}), "MH203", "pack nothing is not in this registry"),
        (profile("q", skills=["git", {"name": "git"}]), "MH003", "git stands here a second time"),
        (profile("q", skills=[{"name": "git", "version": "1.2.3.4"}]), "MH101", "this is no version range"),
    ],
)
def test_references_are_judged_wherever_they_stand(tree: Tree, problem_id: str, message: str) -> None:
    assert [(problem.id, problem.message) for problem in read(whole() | tree).problems] == [(problem_id, message)]


@pytest.mark.parametrize(
    "tree",
    [
        profile("q", skills=[{"name": "nothing", "enabled": False}]),
        profile("q", skills=[{"name": "git", "version": "latest"}]),
        profile("q", packs=[{"name": "nothing", "enabled": False}]),
    ],
)
def test_what_is_taken_away_need_not_exist(tree: Tree) -> None:
    assert read(whole() | tree).problems == ()


def test_a_reference_to_what_is_broken_is_no_second_finding() -> None:
    catalog = read(whole() | {"packs/dev/project.yaml": "a: [", "skills/git/project.yaml": "a: ["})
    assert {problem.id for problem in catalog.problems} == {"MH002"}


def test_a_file_that_cannot_be_read_is_one_more_finding(tmp_path: Path) -> None:
    write_tree(whole(), tmp_path)
    source = open_source(tmp_path)
    (tmp_path / "profiles" / "p.yaml").unlink()
    catalog = read_catalog(source)
    assert ids(catalog) == [("MH001", "profiles/p.yaml")]
    assert catalog.broken == {"profile/p": "profiles/p.yaml"}
