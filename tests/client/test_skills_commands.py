"""The commands as a person types them: what is printed where, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from molthub.cli.main import skills_group
from molthub.console import run
from molthub.model import Needs
from tests.index_fixture import IndexBuilder, IndexServer, env_need, html, serve, tampered, unavailable


class Said(NamedTuple):
    """What a command left: exit status, stdout, stderr."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Skills = Callable[..., Said]


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], project: Path) -> Skills:
    """Run ``skills`` in an empty project, without any registry."""
    assert project.is_dir()

    def skills(*arguments: str) -> Said:
        capsys.readouterr()
        status = run(skills_group, arguments)
        return Said(status, *capsys.readouterr())

    return skills


@pytest.fixture
def skills(bare: Skills, server: IndexServer, monkeypatch: pytest.MonkeyPatch) -> Skills:
    """Run ``skills`` in an empty project, with the served index as registry."""
    monkeypatch.setenv("MOLTHUB_REGISTRY", server.url)
    return bare


def test_install_says_what_it_did_and_where(skills: Skills) -> None:
    said = skills("install", "git", "docker@2.0.0")
    assert said.status == 0
    assert said.out.splitlines() == ["+ docker 2.0.0", "+ git 1.2.0", "+ shell-safety 1.0.3 (a dependency)"]
    assert said.err == "3 added in ./.skills\n"
    again = skills("install", "git")
    assert again.out.splitlines()[0] == "= git 1.2.0 (already installed)"
    assert again.err == "2 already installed in ./.skills\n"


def test_install_in_json_is_one_document(skills: Skills, project: Path) -> None:
    said = skills("install", "git@1.1.0", "--json", "--quiet")
    assert said.err == ""
    assert said.json["folder"] == str(project / ".skills")
    assert [(step["action"], step["name"], step["version"]) for step in said.json["steps"]] == [
        ("added", "git", "1.1.0")
    ]
    assert said.json["steps"][0]["requested"] == "git@1.1.0"
    assert [warning["id"] for warning in said.json["warnings"]] == ["MH607"]


def test_a_warning_about_a_yanked_version_is_shown(skills: Skills) -> None:
    said = skills("install", "git@1.1.0")
    assert said.status == 0
    assert "warning MH607: git@1.1.0 was yanked" in said.err


def test_a_dry_run_says_so(skills: Skills, project: Path) -> None:
    said = skills("install", "pack/dev", "--dry-run")
    assert said.out.count("+") == 3
    assert said.err == "would be: 3 added in ./.skills\n"
    assert not list((project / ".skills").iterdir())


def test_global_and_project_choose_the_folder(skills: Skills, home: Path, project: Path) -> None:
    assert skills("install", "docker", "--global").status == 0
    assert (home / ".skills" / "docker" / "2.0.1" / "SKILL.md").exists()
    (project / ".skills").rmdir()
    assert skills("install", "docker", "--project").status == 0
    assert (project / ".skills" / "docker" / "2.0.1" / "SKILL.md").exists()
    assert skills("install", "docker", "--project", "--global").status == 2


def test_repairs_are_named(skills: Skills, project: Path) -> None:
    skills("install", "docker")
    (project / ".skills" / "docker" / "2.0.1" / "SKILL.md").write_text("edited")
    said = skills("verify")
    assert said.status == 3
    assert said.out.splitlines() == ["docker@2.0.1 modified", "  modified SKILL.md"]
    assert "repair with: skills install docker@2.0.1" in said.err
    assert skills("verify", "--json").json["skills"][0]["differences"] == [{"path": "SKILL.md", "kind": "modified"}]
    repaired = skills("install", "docker@2.0.1")
    assert repaired.out == "~ docker 2.0.1 (repaired: modified SKILL.md)\n"
    assert skills("verify").status == 0


def test_verify_says_when_it_cannot_name_the_files(skills: Skills, project: Path, home: Path) -> None:
    from molthub.atomic import remove_tree

    skills("install", "docker")
    (project / ".skills" / "docker" / "2.0.1" / "SKILL.md").write_text("edited")
    remove_tree(home / ".cache")
    assert "which files is not known" in skills("verify").out


def test_update_shows_old_and_new(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    skills("install", "docker", "@acme/deploy")
    index.skill("docker", "2.1.0")
    server.files |= index.files()
    outdated = skills("list", "--outdated")
    assert outdated.out.splitlines() == ["NAME    INSTALLED  UPDATE TO  LATEST", "docker  2.0.1      2.1.0      2.1.0"]
    said = skills("update")
    assert "+ docker 2.0.1 -> 2.1.0" in said.out.splitlines()
    assert said.status == 0
    assert "everything is up to date" in skills("list", "--outdated").err


def test_update_that_leaves_something_out_exits_4(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    skills("install", "docker", "@acme/deploy")
    index.change_skill("docker", status="removed", reason="Gone.")
    server.files |= index.files()
    said = skills("update")
    assert said.status == 4
    assert "docker is removed: Gone." in said.err
    assert skills("update", "docker").status == 1


def test_uninstall_says_what_it_took(skills: Skills) -> None:
    skills("install", "git")
    refused = skills("uninstall", "shell-safety")
    assert refused.status == 1
    assert "shell-safety@1.0.3 is needed by git@1.2.0" in refused.err
    assert "add --force" in refused.err
    said = skills("uninstall", "git", "shell-safety")
    assert said.out.splitlines() == ["- git 1.2.0", "- shell-safety 1.0.3"]
    assert "nothing is installed" in skills("list").err


def test_list_shows_what_is_installed_without_asking_anybody(skills: Skills, server: IndexServer) -> None:
    skills("install", "git")
    asked = len(server.paths)
    said = skills("list")
    assert said.out.splitlines() == [
        "NAME          VERSION  REQUESTED     REGISTRY",
        f"git           1.2.0    git           {server.url}",
        f"shell-safety  1.0.3    (dependency)  {server.url}",
    ]
    assert [entry["name"] for entry in skills("list", "--json").json["skills"]] == ["git", "shell-safety"]
    assert len(server.paths) == asked


def test_list_names_registries_as_this_user_knows_them(
    bare: Skills, server: IndexServer, index: IndexBuilder, project: Path
) -> None:
    for path, content in index.files().items():
        place = project / "site" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    bare("install", "git", "--registry", "site", "--project")
    assert bare("list").out.splitlines()[1].split()[-1] == "./site"
    assert bare("list", "--json").json["skills"][0]["registry"] == str(project / "site")

    bare("registry", "add", "here", "site")
    assert bare("list").out.splitlines()[1].split()[-1] == "here"

    bare("registry", "add", "main", server.url)
    bare("install", "docker@2.0.0", "--registry", "main")
    assert bare("list").out.splitlines()[1].split()[-1] == "main"


def test_search_marks_what_is_not_to_be_used_any_more(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    index.skill("old-git", "1.0.0")
    index.skills["old-git"] = replace(index.skills["old-git"], status="deprecated")
    server.files |= index.files()
    assert "old-git  1.0.0    (deprecated) Does old-git." in skills("search", "old-git").out.splitlines()


def test_outdated_follows_packs_and_leaves_pins(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    skills("install", "pack/dev@latest")
    skills("install", "docker@2.0.0")
    index.skill("docker", "2.1.0")
    index.pack("dev", 3, ["docker@2.1.0", "git@1.2.0", "shell-safety@1.0.3"])
    server.files |= index.files()
    rows = {(row["name"], row["version"]): row for row in skills("list", "--outdated", "--json").json}
    assert rows["docker", "2.0.1"]["wanted"] == "2.1.0"
    assert rows["docker", "2.0.0"]["wanted"] is None
    assert rows["docker", "2.0.0"]["latest"] == "2.1.0"
    assert rows["shell-safety", "1.0.3"]["latest"] == "2.0.0"


def test_outdated_passes_over_what_the_index_no_longer_has(
    skills: Skills, index: IndexBuilder, server: IndexServer
) -> None:
    skills("install", "@acme/deploy", "pack/dev")
    del index.skills["@acme/deploy"]
    del index.packs["dev"]
    server.files |= index.files()
    assert [row["name"] for row in skills("list", "--outdated", "--json").json] == ["shell-safety"]


def test_many_skills_that_are_there_are_counted_not_listed(
    skills: Skills, index: IndexBuilder, server: IndexServer
) -> None:
    for number in range(30):
        index.skill(f"skill-{number}", "1.0.0")
    index.pack("many", 1, [f"skill-{number}@1.0.0" for number in range(30)])
    server.files = index.files()
    assert len(skills("install", "pack/many").out.splitlines()) == 30
    again = skills("install", "pack/many")
    assert again.out == ""
    assert again.err == "30 already installed in ./.skills\n"


def test_search_shows_names_and_descriptions(skills: Skills) -> None:
    said = skills("search", "git")
    assert said.out.splitlines() == ["NAME  VERSION  DESCRIPTION", "git   1.2.0    Does git."]
    assert [row["name"] for row in skills("search", "--json").json][:2] == ["@acme/deploy", "dev"]
    assert "nothing found" in skills("search", "no such thing").err
    assert "1 of 6 shown" in skills("search", "--limit", "1").err
    assert "pack/dev" in skills("search", "dev").out


def test_info_shows_all_that_matters(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    variables = (env_need("DB", secret=True, required=True), env_need("LOG"))
    needs = Needs(("postgres",), variables, ("psql",))
    index.skill("postgres", "1.4.0", needs=needs, dependencies={"docker": "^2"})
    index.change_skill("postgres", status="deprecated", reason="Use sql.")
    server.files = index.files()
    out = skills("info", "postgres").out
    for text in ("postgres 1.4.0", "deprecated: Use sql.", "docker ^2", "DB (secret, required), LOG", "psql", "1.4.0",
                 "install: skills install postgres"):  # fmt: skip
        assert text in out
    yanked = skills("info", "git@1.1.0")
    assert "yanked: Its commit script skipped the repository's hooks." in yanked.out
    assert "install: skills install git@1.1.0" in yanked.out
    shown = skills("info", "git", "--json").json
    assert (shown["version"], shown["latest"], shown["dependencies"]) == ("1.2.0", "1.2.0", {"shell-safety": "^1.0"})
    assert [version["version"] for version in shown["versions"]] == ["1.2.0", "1.1.0"]


def test_info_shows_a_pack(skills: Skills, index: IndexBuilder, server: IndexServer) -> None:
    out = skills("info", "pack/dev").out
    assert "docker 2.0.1, git 1.2.0, shell-safety 1.0.3" in out
    assert "github" in out
    assert skills("info", "pack/dev@1", "--json").json["skills"]["docker"] == "2.0.0"
    assert "install: skills install pack/dev@1" in skills("info", "pack/dev@1").out
    index.packs["dev"] = replace(index.packs["dev"], status="deprecated", reason="Use ops.")
    server.files = index.files()
    assert "deprecated: Use ops." in skills("info", "pack/dev").out


# --- registries ----------------------------------------------------------------------------------------------------


def test_registries_are_added_listed_and_removed(bare: Skills, server: IndexServer, project: Path) -> None:
    assert "no registry is configured" in bare("registry", "list").err
    assert bare("registry", "add", server.url).status == 0
    assert bare("registry", "add", "team", "https://skills.example.org/team/").status == 0
    listed = bare("registry", "list")
    assert [line.split() for line in listed.out.splitlines()[1:]] == [
        ["127.0.0.1", "./.skills/config.json", server.url],
        ["team", "./.skills/config.json", "https://skills.example.org/team/"],
    ]
    assert [entry["default"] for entry in bare("registry", "list", "--json").json] == [True, False]
    assert (project / ".skills" / "config.json").stat().st_mode & 0o777 == 0o600
    assert bare("install", "docker").status == 0, "the first one is used"
    assert bare("registry", "remove", "team").status == 0
    missing = bare("registry", "remove", "team")
    assert missing.status == 1
    assert "there are: 127.0.0.1" in missing.err


def test_a_configured_name_can_be_given(bare: Skills, server: IndexServer) -> None:
    bare("registry", "add", "other", "https://skills.example.org/")
    bare("registry", "add", "here", server.url)
    assert bare("search", "git", "--registry", "here").status == 0


def test_the_users_registries_come_after_the_projects(bare: Skills, server: IndexServer) -> None:
    bare("registry", "add", "home", server.url, "--global")
    assert bare("install", "docker").status == 0
    bare("registry", "add", "mine", "http://127.0.0.1:9/")
    assert [entry["name"] for entry in bare("registry", "list", "--json").json] == ["mine", "home"]


def test_a_folder_can_be_a_registry(bare: Skills, index: IndexBuilder, project: Path) -> None:
    index.write(project / "site")
    assert bare("registry", "add", ".skills/../site").out == f"site  {project / 'site'}\n"
    assert bare("install", "docker").status == 0
    assert bare("install", "git", "--registry", "site").status == 0
    assert bare("install", "git", "--registry", "site", "--offline").status == 0


def test_the_owners_keys_in_the_configuration_stay(bare: Skills, server: IndexServer, project: Path) -> None:
    path = project / ".skills" / "config.json"
    path.write_text(json.dumps({"hosts": {"roundtable": "2.1.0"}, "mine": [1, 2]}))
    bare("registry", "add", server.url)
    value = json.loads(path.read_text())
    assert value["mine"] == [1, 2]
    assert value["hosts"] == {"roundtable": "2.1.0"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["registry", "add"], 2, "Missing argument"),
        (["registry", "add", "a", "b", "c"], 2, "give a URL"),
        (["registry", "add", "ftp://skills.example.com/"], 2, "https"),
        (["registry", "add", "skills.example.com"], 1, "https://skills.example.com"),
        (["registry", "add", "https://"], 2, "not the address"),
        (["install"], 2, "Missing argument"),
        (["install", "Git"], 2, "is not a skill name"),
        (["install", "git"], 2, "no registry is configured"),
        (["install", "git", "--host", "x"], 2, "--host roundtable=2.1.0"),
        (["install", "git", "--registry", "http://127.0.0.1:9/"], 1, "refused"),
        (["search", "--limit", "0"], 2, "limit"),
        (["load"], 2, "No such command"),
    ],
)
def test_a_wrong_call_is_answered(bare: Skills, arguments: list[str], status: int, message: str) -> None:
    said = bare(*arguments)
    assert said.status == status
    assert message in said.err
    assert "Traceback" not in said.err


def test_two_registries_of_one_name_are_refused(bare: Skills) -> None:
    bare("registry", "add", "a", "https://one.example.com/")
    said = bare("registry", "add", "a", "https://two.example.com/")
    assert said.status == 2
    assert "another name" in said.err


def test_an_address_that_is_not_https_is_warned_about(bare: Skills) -> None:
    assert "not https" in bare("registry", "add", "http://skills.example.com/").err
    assert "not https" not in bare("registry", "add", "http://localhost:8000/").err


@pytest.mark.parametrize("content", ["", "[]", '{"registries": [1]}', '{"hosts": []}', "{"])
def test_a_configuration_that_is_none_is_said(bare: Skills, project: Path, content: str) -> None:
    (project / ".skills" / "config.json").write_text(content)
    said = bare("search")
    assert said.status == 1
    assert "config.json" in said.err
    assert "it should look like" in said.err


def test_an_index_file_that_is_none_is_said(skills: Skills, project: Path) -> None:
    (project / ".skills" / "index.json").write_text("{")
    for command in (["list"], ["verify"], ["install", "git"], ["uninstall", "git"]):
        said = skills(*command)
        assert said.status == 1
        assert "index.json" in said.err


# --- an index that misbehaves --------------------------------------------------------------------------------------


def test_a_registry_that_was_not_built_is_said(bare: Skills, project: Path) -> None:
    (project / "registry.yaml").write_text("name: acme\n")
    said = bare("install", "git", "--registry", str(project))
    assert said.status == 1
    assert "build it first: molthub build" in said.err


def test_a_page_instead_of_an_index_is_said(skills: Skills, server: IndexServer, project: Path) -> None:
    server.faults["registry.json"] = html
    said = skills("install", "git")
    assert said.status == 1
    assert f"{server.url}registry.json: a web page came in the place of a file of the index" in said.err
    assert list((project / ".skills").iterdir()) == []


def test_a_tampered_archive_is_said_and_nothing_is_installed(
    skills: Skills, server: IndexServer, project: Path
) -> None:
    server.faults["archives/"] = tampered
    said = skills("install", "git", "--json")
    assert said.status == 1
    assert [problem["id"] for problem in said.json["problems"]] == ["MH603", "MH603"]
    assert "git@1.2.0" in said.err
    assert not (project / ".skills" / "git").exists()


def test_when_nobody_answers_what_is_kept_can_be_used(skills: Skills, server: IndexServer) -> None:
    skills("install", "docker")
    skills("search")
    server.faults["registry.json"] = unavailable(1000)
    refused = skills("search", "docker")
    assert refused.status == 1
    assert "add --offline" in refused.err
    assert skills("search", "docker", "--offline").status == 0
    assert skills("info", "docker", "--offline").status == 0
    assert skills("install", "docker", "--offline").status == 0


def test_a_server_that_stumbles_once_is_not_noticed(skills: Skills, server: IndexServer) -> None:
    server.faults["shards/"] = unavailable(1)
    assert skills("install", "git").status == 0


def test_the_same_number_from_another_index_is_refused(skills: Skills) -> None:
    skills("install", "docker")
    other = IndexBuilder()
    other.skill("docker", "2.0.1", files={"SKILL.md": b"other"})
    with serve(other.files()) as server:
        said = skills("install", "docker", "--registry", server.url)
    assert said.status == 1
    assert "other content" in said.err
