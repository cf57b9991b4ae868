"""What is offered of a catalog: versions as recorded; what is not is left out and named, and the rest goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Tree, pack, registry, skill, skill_version
from tests.index import walk
from tests.index.made import TWO_VERSIONS, build, document, entry, locks, problem_ids


def changed(tree: Tree, path: str, old: str, new: str) -> Tree:
    text = str(tree[path])
    assert old in text
    return tree | {path: text.replace(old, new)}


def offered(tree: Tree) -> list[str]:
    return sorted(entry(build(tree), "skill", "git")["versions"])


def test_every_version_is_an_archive_of_its_files() -> None:
    index = build(TWO_VERSIONS)
    release = entry(index, "skill", "git")["versions"]["1.2.0"]
    archive = index.files[f"archives/{release['archive']}.tar.gz"]
    prefix = "skills/git/1.2.0/"
    declared = {
        path.removeprefix(prefix): str(text).encode() for path, text in TWO_VERSIONS.items() if path.startswith(prefix)
    }
    assert walk.unpack(archive) == declared
    assert walk.tree_digest(archive) == release["digest"]
    assert (release["size"], release["unpacked"]) == (len(archive), sum(map(len, declared.values())))


def test_the_exec_bit_is_part_of_what_a_version_is() -> None:
    script = {"scripts/run.sh": "#!/bin/sh\n"}
    tree = registry(skill("git", versions={"1.0.0": skill_version("git", "1.0.0", script)}), locked=False)
    assert problem_ids(build(tree)) == []
    assert problem_ids(build(tree, executable={"skills/git/1.0.0/scripts/run.sh"})) == ["MH404"]


def test_a_shard_holds_what_choosing_a_version_needs() -> None:
    fields: dict[str, Any] = {
        "tags": ["vcs"],
        "dependencies": [{"docker": "^1.0"}],
        "mcp_servers": ["github"],
        "env": [{"name": "TOKEN", "secret": True, "description": "Pushes."}],
        "bins": ["git"],
    }
    found = entry(build(registry(skill("git", **fields), skill("docker"), locked=False)), "skill", "git")
    release = found["versions"]["1.0.0"]
    assert found["tags"] == ["vcs"]
    assert found["owners"] == ["acme"]
    assert release["dependencies"] == {"docker": "^1.0"}
    assert release["mcpServers"] == ["github"]
    assert release["env"] == [{"name": "TOKEN", "secret": True, "required": False}]
    assert release["bins"] == ["git"]


def test_the_newest_available_version_speaks_for_the_skill() -> None:
    versions = {number: skill_version("git", number, description=f"Text of {number}.") for number in ("1.0.0", "2.0.0")}
    versions["3.0.0-rc.1"] = skill_version("git", "3.0.0-rc.1", description="Text of the candidate.")
    tree = registry(skill("git", versions=versions), locked=False)
    assert entry(build(tree), "skill", "git")["description"] == "Text of 2.0.0."
    yanked = registry(skill("git", versions=versions, records={"2.0.0": {"yanked": "Bad."}}), locked=False)
    assert entry(build(yanked), "skill", "git")["description"] == "Text of 1.0.0."


# --- left out ------------------------------------------------------------------------------------------------------


def test_content_that_differs_from_its_record_is_left_out_and_named() -> None:
    tree = changed(TWO_VERSIONS, "skills/git/1.2.0/SKILL.md", "# git", "# changed")
    index = build(tree)
    (problem,) = index.problems
    assert problem.id == "MH404"
    assert (problem.file, problem.line is not None) == ("skills/git/project.yaml", True)
    assert "git 1.2.0" in problem.message
    assert offered(tree) == ["1.1.0"]
    assert not index.complete
    assert index.holds_anything


def test_a_version_without_a_record_is_left_out_and_named() -> None:
    new = {f"skills/git/1.3.0/{path}": text for path, text in skill_version("git", "1.3.0").items()}
    index = build(TWO_VERSIONS | new)
    assert "MH405" in problem_ids(index)
    assert offered(TWO_VERSIONS | new) == ["1.1.0", "1.2.0"]


def test_a_record_without_a_version_is_named() -> None:
    tree = {path: text for path, text in TWO_VERSIONS.items() if not path.startswith("skills/git/1.1.0/")}
    assert "MH406" in problem_ids(build(tree))
    assert offered(tree) == ["1.2.0"]


@pytest.mark.parametrize("file", ["SKILL.md", "skill.yaml"])
@pytest.mark.parametrize("content", ["name: [", None], ids=["broken", "missing"])
def test_a_version_that_cannot_be_read_is_named_once(file: str, content: str | None) -> None:
    path = f"skills/git/1.1.0/{file}"
    tree = TWO_VERSIONS | ({path: content} if content else {})
    if content is None:
        del tree[path]
    index = build(tree)
    assert not index.complete
    assert "MH406" not in problem_ids(index)
    assert len({problem.file for problem in index.problems if problem.severity == "error"}) == 1
    assert offered(tree) == ["1.2.0"]


def test_a_path_that_no_archive_holds_leaves_its_version_out() -> None:
    version = skill_version("git", "2.0.0", {"docs/" + "n" * 120 + ".md": "long"})
    tree = registry(skill("git", versions={"1.0.0": skill_version("git", "1.0.0"), "2.0.0": version}), locked=False)
    index = build(tree)
    assert problem_ids(index) == ["MH011"]
    assert offered(tree) == ["1.0.0"]


def test_a_skill_of_which_nothing_is_left_has_no_entry() -> None:
    tree = changed(TWO_VERSIONS, "skills/docker/1.0.0/SKILL.md", "# docker", "# changed")
    with pytest.raises(KeyError):
        entry(build(tree), "skill", "docker")
    assert "api/v1/skills/docker.json" not in build(tree).files


def test_nothing_at_all_left_is_told_apart_from_an_empty_registry() -> None:
    broken = changed(registry(skill("git"), locked=False), "skills/git/1.0.0/SKILL.md", "# git", "# changed")
    assert (build(broken).complete, build(broken).holds_anything) == (False, False)
    assert (build(registry()).complete, build(registry()).holds_anything) == (True, False)


# --- withdrawn -----------------------------------------------------------------------------------------------------


def withdrawn(word: str) -> Tree:
    return registry(skill("git", "1.1.0", "1.2.0", records={"1.2.0": {word: "It leaks."}}), locked=False)


def test_a_yanked_version_stays_with_its_reason() -> None:
    release = entry(build(withdrawn("yanked")), "skill", "git")["versions"]["1.2.0"]
    assert release["yanked"] == "It leaks."
    assert document(build(withdrawn("yanked")), "api/v1/skills/git.json")["latest"] == "1.1.0"


def test_a_quarantined_version_stays_in_its_shard_with_its_reason() -> None:
    index = build(withdrawn("quarantined"))
    release = entry(index, "skill", "git")["versions"]["1.2.0"]
    assert release["quarantined"] == "It leaks."
    assert f"archives/{release['archive']}.tar.gz" in index.files


def test_a_removed_version_leaves_its_digest_and_no_archive() -> None:
    whole = entry(build(TWO_VERSIONS), "skill", "git")["versions"]["1.2.0"]
    index = build(withdrawn("removed"))
    release = entry(index, "skill", "git")["versions"]["1.2.0"]
    assert release == {"digest": whole["digest"], "published": whole["published"], "removed": "It leaks."}
    assert f"archives/{whole['archive']}.tar.gz" not in index.files
    assert index.removed == {whole["digest"]}
    assert index.complete


def test_a_removed_version_needs_no_folder() -> None:
    tree = {path: text for path, text in withdrawn("removed").items() if not path.startswith("skills/git/1.2.0/")}
    index = build(tree)
    assert "MH406" not in problem_ids(index)
    assert entry(index, "skill", "git")["versions"]["1.2.0"]["removed"] == "It leaks."


def test_a_removed_project_is_all_tombstones() -> None:
    tree = registry(skill("git", "1.1.0", project={"status": "removed", "reason": "Gone."}), locked=False)
    found = entry(build(tree), "skill", "git")
    assert (found["status"], found["reason"]) == ("removed", "Gone.")
    assert found["versions"]["1.1.0"]["removed"] == "Gone."
    assert not [path for path in build(tree).files if path.startswith("archives/")]


# --- packs ---------------------------------------------------------------------------------------------------------


def dev_pack(tree: Tree, **spec: Any) -> Tree:
    """Return the tree with a pack of git and docker, locked to git 1.2.0 and docker 1.0.0."""
    whole = {"skills": ["git", "docker"], "resolved": locks(tree, git="1.2.0", docker="1.0.0"), **spec}
    return tree | pack("dev", whole)


def test_a_pack_version_carries_its_locked_skills_with_their_archives() -> None:
    tree = dev_pack(
        TWO_VERSIONS,
        displayName="Dev",
        mcps=[{"name": "github", "command": "npx github"}],
        envVars={"LOG_LEVEL": "info", "TOKEN": "${secrets.token}"},
    )
    index = build(tree)
    found = entry(index, "pack", "dev")
    release = found["versions"]["1"]
    git = entry(index, "skill", "git")["versions"]["1.2.0"]
    assert found["displayName"] == "Dev"
    assert (release["mcps"], release["envVars"]) == (["github"], ["LOG_LEVEL", "TOKEN"])
    assert sorted(release["skills"]) == ["docker", "git"]
    wanted = {key: git[key] for key in ("digest", "archive", "size", "unpacked")}
    assert release["skills"]["git"] == {"version": "1.2.0", **wanted}
    assert walk.unpack(index.files[f"archives/{release['archive']}.tar.gz"]) == {
        "1.yaml": str(tree["packs/dev/1.yaml"]).encode()
    }
    assert index.complete


def test_a_pack_brings_what_its_bases_bring() -> None:
    base = pack("base", {"mcps": [{"name": "a", "command": "a"}, {"name": "b", "command": "b"}], "envVars": {"A": "1"}})
    tree = registry(base, locked=False)
    project = build(tree)
    digest = entry(project, "pack", "base")["versions"]["1"]["digest"]
    spec = {
        "extends": ["base"],
        "mcps": [{"name": "b", "enabled": False}, {"name": "c", "command": "c"}],
        "envVars": {"B": "2"},
        "resolved": {"pack/base": {"version": 1, "digest": digest}},
    }
    release = entry(build(tree | pack("dev", spec)), "pack", "dev")["versions"]["1"]
    assert (release["mcps"], release["envVars"], release["skills"]) == (["a", "c"], ["A", "B"], {})


@pytest.mark.parametrize(
    ("path", "old", "new", "id_"),
    [
        ("packs/dev/1.yaml", "skills:", "description: changed\n  skills:", "MH404"),
        ("skills/git/1.2.0/SKILL.md", "# git", "# changed", "MH206"),
    ],
    ids=["its own file changed", "a locked skill is left out"],
)
def test_a_pack_version_that_cannot_be_offered_whole_is_left_out(path: str, old: str, new: str, id_: str) -> None:
    index = build(changed(dev_pack(TWO_VERSIONS), path, old, new))
    assert id_ in problem_ids(index)
    with pytest.raises(KeyError):
        entry(index, "pack", "dev")
    assert "skills/git" in " ".join(index.files)


def test_a_pack_that_is_not_locked_to_all_of_its_skills_is_left_out() -> None:
    tree = TWO_VERSIONS | pack("dev", {"skills": ["git", "docker"], "resolved": locks(TWO_VERSIONS, git="1.2.0")})
    assert "MH206" in problem_ids(build(tree))
    assert "api/v1/skill-packs/dev.json" not in build(tree).files


def test_a_pack_version_without_a_record_is_left_out() -> None:
    tree = dev_pack(TWO_VERSIONS)
    tree["packs/dev/2.yaml"] = str(tree["packs/dev/1.yaml"]).replace("version: 1\n", "version: 2\n", 1)
    index = build(tree)
    assert "MH405" in problem_ids(index)
    assert sorted(entry(index, "pack", "dev")["versions"]) == ["1"]


@pytest.mark.parametrize(
    "withdrawn_by",
    [
        {"records": {"1.2.0": {"removed": "It leaks."}}},
        {"records": {"1.2.0": {"quarantined": "It leaks."}}},
        {"project": {"status": "quarantined"}},
    ],
)
def test_a_pack_locked_to_a_withdrawn_skill_is_quarantined(withdrawn_by: dict[str, Any]) -> None:
    tree = registry(skill("git", "1.1.0", "1.2.0", **withdrawn_by), skill("docker"), locked=False)
    index = build(dev_pack(tree))
    release = entry(index, "pack", "dev")["versions"]["1"]
    assert "git 1.2.0" in release["quarantined"]
    assert sorted(release["skills"]) == ["docker"]
    assert index.complete
    assert document(index, "api/v1/skill-packs/dev.json")["latest"] is None


def test_a_removed_pack_version_is_a_tombstone() -> None:
    spec = {"skills": ["git"], "resolved": locks(TWO_VERSIONS, git="1.2.0")}
    index = build(TWO_VERSIONS | pack("dev", spec, spec, records={1: {"removed": "A mistake."}}))
    found = entry(index, "pack", "dev")["versions"]
    assert found["1"]["removed"] == "A mistake."
    assert "archive" not in found["1"]
    assert document(index, "api/v1/skill-packs/dev.json")["latest"] == 2
