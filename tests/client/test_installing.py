"""Install, update, uninstall and verify on a real folder from a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molthub.client.cache import Store, read_tree
from molthub.client.skill_manager import SkillManager
from molthub.client.steps import Report
from molthub.documents import tree_digest
from molthub.errors import (
    IntegrityError,
    ManifestError,
    MolthubError,
    NotFoundError,
    UnreachableError,
    UsageError,
)
from tests.index_fixture import IndexBuilder, IndexServer, serve, skill_files, tampered, unavailable


def did(report: Report) -> dict[str, str]:
    return {str(step.entry): step.action for step in report.steps}


def installed(manager: SkillManager) -> dict[str, str | None]:
    return {str(entry): entry.requested for entry in manager.list()}


def publish(index: IndexBuilder, server: IndexServer) -> None:
    server.files |= index.files()


def skill_file(manager: SkillManager, name: str, version: str, file: str = "SKILL.md") -> Path:
    return manager.folder.place(name, version) / file


def test_install_puts_every_byte_in_place(manager: SkillManager, index: IndexBuilder, server: IndexServer) -> None:
    report = manager.install("git")
    assert did(report) == {"git@1.2.0": "added", "shell-safety@1.0.3": "added"}
    assert all(found.state == "intact" for found in manager.verify())
    for entry in manager.list():
        folder = manager.folder.place(entry.name, entry.version)
        assert tree_digest(read_tree(folder)) == entry.digest
        assert entry.digest == index.skills[entry.name].releases[entry.version].artifact.digest
        assert entry.registry == server.url
        assert entry.installed is not None
        assert entry.installed.endswith("Z")
    note = json.loads((manager.folder.path / ".cache" / "registry-metadata.json").read_bytes())
    assert (note["name"], note["url"], note["revision"]) == ("acme", server.url, index.revision)


def test_installing_again_does_nothing_and_asks_once(
    manager: SkillManager, server: IndexServer, project: Path, store: Store
) -> None:
    manager.install("git")
    before = {path: path.stat().st_mtime_ns for path in manager.folder.path.rglob("*") if path.name != ".lock"}
    asked = len(server.paths)
    with SkillManager(server.url, project / ".skills", store=store) as again:
        assert set(did(again.install("git")).values()) == {"kept"}
    assert server.paths[asked:] == ["registry.json"]
    assert {path: path.stat().st_mtime_ns for path in manager.folder.path.rglob("*") if path.name != ".lock"} == before


def test_a_pack_brings_its_skills(manager: SkillManager) -> None:
    manager.install("pack/dev@1")
    expected = dict.fromkeys(["docker@2.0.0", "git@1.2.0", "shell-safety@1.0.2"], "pack/dev@1")
    assert installed(manager) == expected


def test_versions_stand_side_by_side(manager: SkillManager) -> None:
    manager.install("docker@2.0.0")
    assert did(manager.install("docker")) == {"docker@2.0.1": "added"}
    assert installed(manager) == {"docker@2.0.0": "docker@2.0.0", "docker@2.0.1": "docker"}


def test_a_request_by_name_stays_on_record_beside_a_pack(manager: SkillManager) -> None:
    manager.install("git@^1")
    manager.install("pack/dev")
    assert installed(manager)["git@1.2.0"] == "git@^1"
    assert installed(manager)["shell-safety@1.0.3"] == "pack/dev"
    manager.install("shell-safety@1.0.3")
    assert installed(manager)["shell-safety@1.0.3"] == "shell-safety@1.0.3"


def test_a_dry_run_changes_nothing(manager: SkillManager, project: Path) -> None:
    assert did(manager.install("git", dry_run=True)) == {"git@1.2.0": "added", "shell-safety@1.0.3": "added"}
    assert list((project / ".skills").iterdir()) == []
    manager.install("docker@2.0.0")
    before = manager.list()
    assert did(manager.update(dry_run=True)) == {"docker@2.0.0": "kept"}
    assert did(manager.uninstall("docker", dry_run=True)) == {"docker@2.0.0": "removed"}
    assert manager.list() == before


def test_damaged_files_are_repaired_and_named(manager: SkillManager) -> None:
    manager.install("git")
    skill_file(manager, "git", "1.2.0").write_text("edited")
    skill_file(manager, "git", "1.2.0", "docs/usage.md").unlink()
    skill_file(manager, "git", "1.2.0", "extra.txt").write_text("extra")
    skill_file(manager, "git", "1.2.0", "scripts/run.sh").chmod(0o644)
    found = {str(found.entry): (found.state, [str(each) for each in found.differences]) for found in manager.verify()}
    expected = ["modified SKILL.md", "missing docs/usage.md", "extra extra.txt", "modified scripts/run.sh"]
    assert found == {"git@1.2.0": ("modified", expected), "shell-safety@1.0.3": ("intact", [])}
    report = manager.install("git")
    assert did(report) == {"git@1.2.0": "repaired", "shell-safety@1.0.3": "kept"}
    assert [str(each) for each in report.of("repaired")[0].differences] == expected
    assert all(found.state == "intact" for found in manager.verify())


def test_a_deleted_skill_is_found_and_repaired(manager: SkillManager) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1", "").rename(manager.folder.path.parent / "gone")
    assert [found.state for found in manager.verify("docker")] == ["missing"]
    assert did(manager.install("docker")) == {"docker@2.0.1": "repaired"}


def test_damage_shows_even_when_the_store_is_gone(manager: SkillManager) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1").write_text("edited")
    manager.store.drop(manager.list()[0].digest)
    assert [(found.state, found.differences) for found in manager.verify()] == [("modified", ())]
    assert did(manager.install("docker")) == {"docker@2.0.1": "repaired"}


def test_a_torn_store_is_mended_on_the_way(manager: SkillManager, index: IndexBuilder, server: IndexServer) -> None:
    digest = index.skills["docker"].releases["2.0.1"].artifact.digest
    manager.install("docker")
    manager.uninstall("docker")
    manager.store.path(digest).write_bytes(b"torn")
    with SkillManager(server.url, manager.folder.path, store=Store(manager.store.root)) as again:
        again.install("docker")
    assert [found.state for found in manager.verify()] == ["intact"]


def test_all_or_nothing(manager: SkillManager, index: IndexBuilder, server: IndexServer) -> None:
    manager.install("docker@2.0.0")
    broken = index.skills["shell-safety"].releases["1.0.3"].artifact
    server.faults[f"archives/{broken.archive}.tar.gz"] = tampered
    before = sorted(path for path in manager.folder.path.rglob("*"))
    with pytest.raises(IntegrityError):
        manager.install("git", "docker", "@acme/deploy")
    assert sorted(path for path in manager.folder.path.rglob("*")) == before
    assert installed(manager) == {"docker@2.0.0": "docker@2.0.0"}


def test_another_content_under_an_installed_number_is_refused(manager: SkillManager) -> None:
    manager.install("docker")
    other = IndexBuilder()
    other.skill("docker", "2.0.1", files={"SKILL.md": b"other"})
    with serve(other.files()) as server:
        elsewhere = SkillManager(server.url, manager.folder.path, store=manager.store)
        with pytest.raises(IntegrityError, match="other content") as error:
            elsewhere.install("docker")
        elsewhere.close()
    assert "uninstall" in error.value.remedy
    assert "# docker" in skill_file(manager, "docker", "2.0.1").read_text()


def test_offline_installs_from_the_store(manager: SkillManager, server: IndexServer, tmp_path: Path) -> None:
    manager.install("pack/dev")
    server.faults["registry.json"] = unavailable(1000)
    asked = len(server.paths)
    elsewhere = tmp_path / "elsewhere" / ".skills"
    with SkillManager(server.url, elsewhere, store=manager.store, offline=True) as offline:
        assert set(did(offline.install("pack/dev")).values()) == {"added"}
        assert [found.state for found in offline.verify()] == ["intact"] * 3
        with pytest.raises(UnreachableError) as error:
            offline.install("pack/dev@1")
        assert all("offline" in problem.message for problem in error.value.problems)
    assert len(server.paths) == asked


# --- update --------------------------------------------------------------------------------------------------------


def test_update_stays_within_what_was_asked_for(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    manager.install("docker@~2.0", "git@1.2.0", "@acme/deploy")
    for name, version in (("docker", "2.0.9"), ("docker", "2.1.0"), ("git", "1.3.0"), ("@acme/deploy", "0.2.0")):
        index.skill(name, version)
    publish(index, server)
    manager.index.refresh()
    assert did(manager.update()) == {
        "docker@2.0.9": "added",
        "docker@2.0.1": "removed",
        "@acme/deploy@0.2.0": "added",
        "@acme/deploy@0.1.0": "removed",
        "git@1.2.0": "kept",
        "shell-safety@1.0.3": "kept",
    }
    expected = {"docker@2.0.9", "@acme/deploy@0.2.0", "git@1.2.0", "shell-safety@1.0.3"}
    assert set(installed(manager)) == expected
    assert installed(manager)["docker@2.0.9"] == "docker@~2.0"
    assert set(did(manager.update()).values()) == {"kept"}


def test_update_moves_dependencies_and_drops_old_ones(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    manager.install("git")
    index.skill("shell-safety", "1.1.0")
    publish(index, server)
    manager.index.refresh()
    assert did(manager.update("git")) == {
        "git@1.2.0": "kept",
        "shell-safety@1.1.0": "added",
        "shell-safety@1.0.3": "removed",
    }


def test_update_of_a_pack_follows_its_newest_number(manager: SkillManager) -> None:
    manager.install("pack/dev@1", "@acme/deploy")
    assert set(did(manager.update("pack/dev")).values()) == {"kept"}, "a number is a pin"
    manager.uninstall("pack/dev")
    manager.install("pack/dev")
    assert "docker@2.0.1" in installed(manager)


def test_update_takes_away_what_a_pack_dropped(manager: SkillManager, index: IndexBuilder, server: IndexServer) -> None:
    manager.install("pack/dev")
    index.pack("dev", 3, ["git@1.2.0", "shell-safety@1.0.3"])
    publish(index, server)
    manager.index.refresh()
    assert did(manager.update())["docker@2.0.1"] == "removed"


def test_update_keeps_what_was_edited_and_says_so(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1").write_text("mine")
    index.skill("docker", "2.1.0")
    publish(index, server)
    manager.index.refresh()
    report = manager.update()
    assert did(report) == {"docker@2.1.0": "added"}
    assert any("docker@2.0.1 stays, because its files were edited" in warning.message for warning in report.warnings)
    assert skill_file(manager, "docker", "2.0.1").read_text() == "mine"


def test_update_keeps_what_others_need_and_says_so(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    manager.install("git@1.2.0", "shell-safety@>=1.0.3")
    assert "shell-safety@1.0.3" in installed(manager)
    index.change_release("shell-safety", "1.0.3", yanked="Old.")
    publish(index, server)
    manager.index.refresh()
    report = manager.update("shell-safety")
    assert did(report) == {"shell-safety@2.0.0": "added"}
    assert any("git@1.2.0 needs it" in warning.message for warning in report.warnings)


def test_update_goes_on_past_what_can_no_longer_be_had(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    manager.install("docker", "@acme/deploy")
    index.change_skill("docker", status="quarantined", reason="It steals tokens.")
    index.skill("@acme/deploy", "0.2.0")
    publish(index, server)
    manager.index.refresh()
    report = manager.update()
    assert did(report) == {"@acme/deploy@0.2.0": "added", "@acme/deploy@0.1.0": "removed"}
    assert [problem.message for problem in report.refused] == ["docker: docker is quarantined: It steals tokens."]
    assert "docker@2.0.1" in installed(manager)


def test_update_leaves_what_came_from_elsewhere(manager: SkillManager, project: Path) -> None:
    other = IndexBuilder()
    other.skill("tool", "1.0.0")
    with (
        serve(other.files()) as server,
        SkillManager(server.url, project / ".skills", store=manager.store) as elsewhere,
    ):
        elsewhere.install("tool")
        report = manager.update()
        assert report.steps == ()
        assert server.url in report.warnings[0].remedy


def test_update_of_what_is_not_installed_is_refused(manager: SkillManager) -> None:
    manager.install("git")
    with pytest.raises(NotFoundError, match=r"docker, pack/dev"):
        manager.update("docker", "pack/dev")


# --- uninstall -----------------------------------------------------------------------------------------------------


def test_uninstall_takes_all_versions_or_one(manager: SkillManager) -> None:
    manager.install("docker@2.0.0", "docker@2.0.1")
    assert did(manager.uninstall("docker@2.0.0")) == {"docker@2.0.0": "removed"}
    manager.install("docker@2.0.0")
    assert set(did(manager.uninstall("docker"))) == {"docker@2.0.0", "docker@2.0.1"}
    assert not (manager.folder.path / "docker").exists()


def test_uninstall_of_a_pack_takes_what_it_brought(manager: SkillManager) -> None:
    manager.install("git@^1")
    manager.install("pack/dev")
    with pytest.raises(MolthubError) as error:
        manager.uninstall("pack/dev")
    assert [problem.message for problem in error.value.problems] == ["shell-safety@1.0.3 is needed by git@1.2.0"]
    manager.uninstall("pack/dev", "git")
    assert installed(manager) == {}


def test_uninstall_is_refused_when_somebody_needs_it(manager: SkillManager) -> None:
    manager.install("git")
    with pytest.raises(MolthubError, match="nothing was uninstalled") as error:
        manager.uninstall("shell-safety")
    assert [problem.message for problem in error.value.problems] == ["shell-safety@1.0.3 is needed by git@1.2.0"]
    assert "--force" in error.value.remedy
    manager.uninstall("shell-safety", force=True)
    assert set(installed(manager)) == {"git@1.2.0"}


def test_uninstall_is_fine_when_another_version_fits(manager: SkillManager) -> None:
    manager.install("git")
    manager.install("shell-safety@1.0.2")
    manager.uninstall("shell-safety@1.0.2")
    assert set(installed(manager)) == {"git@1.2.0", "shell-safety@1.0.3"}


def test_uninstall_of_edited_files_needs_force(manager: SkillManager) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1").write_text("mine")
    with pytest.raises(MolthubError) as error:
        manager.uninstall("docker")
    assert [problem.message for problem in error.value.problems] == ["docker@2.0.1 was edited: modified SKILL.md"]
    assert skill_file(manager, "docker", "2.0.1").read_text() == "mine"
    manager.uninstall("docker", force=True)
    assert installed(manager) == {}


def test_uninstall_leaves_the_owners_files_beside(manager: SkillManager) -> None:
    manager.install("docker")
    (manager.folder.path / "docker" / "notes.txt").write_text("mine")
    manager.uninstall("docker")
    assert [path.name for path in (manager.folder.path / "docker").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("text", ["git", "docker@9.9.9", "pack/dev"])
def test_uninstall_of_what_is_not_installed_is_refused(manager: SkillManager, text: str) -> None:
    manager.install("docker")
    with pytest.raises(NotFoundError, match="is not installed"):
        manager.uninstall(text)


# --- finding and loading -------------------------------------------------------------------------------------------


def test_search_finds_by_words_and_tags(manager: SkillManager, index: IndexBuilder, server: IndexServer) -> None:
    index.change_skill("git", tags=("vcs", "workflow"), description="Branch and commit.")
    server.files = index.files()
    assert [row.name for row in manager.search("commit")] == ["git"]
    assert [row.name for row in manager.search(tags=("VCS",))] == ["git"]
    assert [row.name for row in manager.search("shell")] == ["shell-safety"]
    assert manager.search("nothing like it") == ()
    assert len(manager.search(limit=2)) == 2


def test_info_is_what_the_index_says(manager: SkillManager, index: IndexBuilder) -> None:
    assert manager.info("git@^1") == index.skills["git"]
    assert manager.info("pack/dev") == index.packs["dev"]


def test_a_skill_is_loaded_with_its_instructions(manager: SkillManager) -> None:
    manager.install("docker@2.0.0", "docker@2.0.1")
    skill = manager.load("docker")
    assert (skill.name, skill.version, skill.description) == ("docker", "2.0.1", "Does docker.")
    assert skill.instructions() == "# docker 2.0.1\n\nDo it.\n"
    assert (skill.path / "scripts" / "run.sh").exists()
    assert skill.manifest["version"] == "2.0.1"
    assert manager.load("docker", "2.0.0", verified=True).version == "2.0.0"


def test_a_changed_skill_is_not_loaded_as_verified(manager: SkillManager) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1").write_text("---\nname: docker\n---\nDo evil.\n")
    assert manager.load("docker").instructions() == "Do evil.\n"
    with pytest.raises(IntegrityError, match="changed"):
        manager.load("docker", verified=True)


def test_one_skill_that_does_not_load_never_stops_the_others(manager: SkillManager) -> None:
    manager.install("docker", "git", "@acme/deploy", "early@1.0.0-rc.1")
    skill_file(manager, "docker", "2.0.1").write_text("---\nname: [\n---\n")
    skill_file(manager, "git", "1.2.0").unlink()
    skill_file(manager, "early", "1.0.0-rc.1").write_bytes(b"\xff\xfe")
    loaded = manager.load_all()
    assert set(loaded.skills) == {"@acme/deploy", "shell-safety"}
    assert [(warning.id, warning.severity) for warning in loaded.warnings] == [("MH301", "warning")] * 3
    assert all(name in str(loaded.warnings) for name in ("docker@2.0.1", "git@1.2.0", "early@1.0.0-rc.1"))
    with pytest.raises(ManifestError):
        manager.load("docker")


@pytest.mark.parametrize("text", ["no frontmatter at all\n", "---\nname: x\nno end\n", ""])
def test_a_skill_without_frontmatter_is_all_instructions(manager: SkillManager, text: str) -> None:
    manager.install("docker")
    skill_file(manager, "docker", "2.0.1").write_text(text)
    skill_file(manager, "docker", "2.0.1", "skill.yaml").unlink()
    skill = manager.load("docker")
    assert skill.instructions() == text
    assert skill.description == ""


def test_what_is_not_installed_cannot_be_loaded(manager: SkillManager) -> None:
    with pytest.raises(NotFoundError, match="git is not installed"):
        manager.load("git")


def test_without_any_registry_the_error_names_the_ways_to_name_one(project: Path) -> None:
    manager = SkillManager(cache_dir=project / ".skills")
    with pytest.raises(UsageError, match="no registry is configured") as error:
        manager.install("git")
    assert all(way in error.value.remedy for way in ("skills registry add", "--registry", "MOLTHUB_REGISTRY"))


def test_hosts_come_from_the_configuration_and_are_overridden(
    server: IndexServer, index: IndexBuilder, project: Path, store: Store
) -> None:
    index.skill("table", "1.0.0", dependencies={"roundtable": ">=2.0.0"})
    server.files = index.files()
    config = {"registries": [{"name": "main", "url": server.url}], "hosts": {"roundtable": "1.0.0"}}
    (project / ".skills" / "config.json").write_text(json.dumps(config))
    with SkillManager(hosts={"roundtable": "2.1.0"}, store=store) as manager:
        assert did(manager.install("table")) == {"table@1.0.0": "added"}
    with SkillManager(store=store) as manager, pytest.raises(MolthubError):
        manager.install("table")


def test_dependencies_in_either_form_are_understood(
    manager: SkillManager, index: IndexBuilder, server: IndexServer
) -> None:
    files = skill_files("mapped", "1.0.0")
    files["skill.yaml"] = b'name: mapped\nversion: 1.0.0\ndependencies:\n  docker: "^2"\n'
    index.skill("mapped", "1.0.0", files=files, dependencies={"docker": "^2"})
    server.files = index.files()
    manager.install("mapped")
    with pytest.raises(MolthubError) as error:
        manager.uninstall("docker")
    assert "needed by mapped@1.0.0" in error.value.problems[0].message
