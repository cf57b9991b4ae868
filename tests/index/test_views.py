"""The views hold no fact of their own, and lead to the archives that the shards name."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest

from molthub import schema_files
from molthub.index.build import BuiltIndex
from tests.builders import Tree, pack, registry, skill, skill_version
from tests.index import walk
from tests.index.made import TWO_VERSIONS, build, document, entry, locks, many_skills

BASE = "https://skills.example.com/"


def fetched(index: BuiltIndex, page: str, url: str) -> bytes:
    """Return what a browser at ``page`` gets for ``url``."""
    return index.files[urljoin(BASE + page, url).removeprefix(BASE).partition("#")[0]]


class Page(HTMLParser):
    """The links and meta tags of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.meta: dict[str | None, str | None] = {}
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found)
        if tag == "meta" and "name" in found:
            self.meta[found["name"]] = found["content"]


def with_pack(tree: Tree, **versions: str) -> Tree:
    return tree | pack("dev", {"skills": list(versions), "resolved": locks(tree, **versions)})


# --- simple --------------------------------------------------------------------------------------------------------


def test_the_simple_list_leads_to_each_project_in_both_forms() -> None:
    index = build(registry(skill("git"), skill("@acme/tool"), locked=False))
    listed = document(index, "simple/index.json")
    assert listed == {"meta": {"api-version": "1.4"}, "projects": [{"name": "@acme/tool"}, {"name": "git"}]}
    page = Page(index.files["simple/index.html"])
    assert [link["href"] for link in page.links] == ["@acme/tool/", "git/"]
    assert page.meta["pypi:repository-version"] == "1.4"
    for link in page.links:
        assert f"simple/{link['href']}index.html" in index.files


@pytest.mark.parametrize("name", ["git", "@acme/tool"])
def test_a_project_lists_its_files_with_hash_size_time_and_url(name: str) -> None:
    index = build(registry(skill(name), locked=False))
    page = f"simple/{name}/index.json"
    project = document(index, page)
    (file,) = project["files"]
    content = fetched(index, page, file["url"])
    assert project["versions"] == ["1.0.0"]
    assert project["project-status"] == {"status": "active"}
    assert file["hashes"] == {"sha256": walk.sha256(content)}
    assert (file["size"], file["upload-time"], file["yanked"]) == (len(content), "2026-11-02T09:00:00Z", False)
    (link,) = Page(index.files[f"simple/{name}/index.html"]).links
    assert str(link["href"]).endswith(f"#sha256={walk.sha256(content)}")
    assert fetched(index, f"simple/{name}/", str(link["href"])) == content


def test_versions_are_listed_in_their_order() -> None:
    index = build(registry(skill("git", "1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0"), locked=False))
    assert document(index, "simple/git/index.json")["versions"] == ["1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0"]


def test_a_yank_stands_with_its_reason_in_both_forms() -> None:
    index = build(registry(skill("git", records={"1.0.0": {"yanked": 'Its "hooks" <b>'}}), locked=False))
    assert document(index, "simple/git/index.json")["files"][0]["yanked"] == 'Its "hooks" <b>'
    assert Page(index.files["simple/git/index.html"]).links[0]["data-yanked"] == 'Its "hooks" <b>'


def test_a_quarantined_project_has_a_page_and_no_links() -> None:
    project = {"status": "quarantined", "reason": "It phones home."}
    index = build(registry(skill("git", project=project), locked=False))
    assert document(index, "simple/git/index.json")["project-status"] == project
    assert document(index, "simple/git/index.json")["files"] == []
    page = Page(index.files["simple/git/index.html"])
    assert page.links == []
    assert page.meta["pypi:project-status"] == "quarantined"
    assert page.meta["pypi:project-status-reason"] == "It phones home."


@pytest.mark.parametrize("word", ["quarantined", "removed"])
def test_a_withdrawn_version_has_no_link_anywhere(word: str) -> None:
    index = build(registry(skill("git", "1.0.0", "1.1.0", records={"1.1.0": {word: "It leaks."}}), locked=False))
    files = document(index, "simple/git/index.json")["files"]
    assert [file["filename"] for file in files] == ["git-1.0.0.tar.gz"]
    assert "s/git/1.1.0/.well-known/agent-skills/index.json" not in index.files
    shown = document(index, "api/v1/skills/git/1.1.0.json")
    assert shown[word] == "It leaks."
    assert "url" not in shown


def test_a_removed_project_has_no_page() -> None:
    index = build(registry(skill("git", project={"status": "removed", "reason": "Gone."}), locked=False))
    assert document(index, "simple/index.json")["projects"] == []
    assert "simple/git/index.json" not in index.files


# --- api -----------------------------------------------------------------------------------------------------------


def test_routes_are_json_files_and_all_but_those_of_versions_pages_that_answer_the_bare_route() -> None:
    index = build(with_pack(TWO_VERSIONS, git="1.2.0"))
    routes = [path.removesuffix(".json") for path in index.files if path.startswith("api/") and path.endswith(".json")]
    assert {
        "api/v1/health",
        "api/v1/tags",
        "api/v1/skills",
        "api/v1/skills/git",
        "api/v1/skills/git/1.2.0",
        "api/v1/skill-packs",
        "api/v1/skill-packs/dev",
    } <= set(routes)
    for route in routes:
        # Nobody asks for the first without its suffix, and of versions there are too many for copies.
        if route == "api/v1/openapi" or re.search(r"/\d+\.\d+\.\d+$", route):
            assert f"{route}/index.html" not in index.files
        else:
            assert index.files[f"{route}/index.html"] == index.files[f"{route}.json"]


def test_the_lists_say_what_there_is() -> None:
    tree = registry(skill("git", "1.1.0", "1.2.0", tags=["vcs"]), skill("docker", tags=["vcs", "build"]), locked=False)
    index = build(with_pack(tree, git="1.2.0"))
    skills = document(index, "api/v1/skills.json")["skills"]
    assert [(row["name"], row["latest"], row["status"]) for row in skills] == [
        ("docker", "1.0.0", "active"),
        ("git", "1.2.0", "active"),
    ]
    assert document(index, "api/v1/tags.json") == {"tags": {"vcs": ["docker", "git"], "build": ["docker"]}}
    assert [(row["name"], row["latest"]) for row in document(index, "api/v1/skill-packs.json")["skillPacks"]] == [
        ("dev", 1)
    ]
    assert document(index, "api/v1/health.json") == {
        "status": "ok",
        "registry": "acme",
        "skills": 2,
        "skillPacks": 1,
    }


def test_a_skill_is_shown_as_its_shard_says() -> None:
    index = build(TWO_VERSIONS)
    shown = document(index, "api/v1/skills/git.json")
    assert shown == {"name": "git", "latest": "1.2.0", **entry(index, "skill", "git")}


def test_a_version_is_shown_with_its_manifest_its_files_and_its_archive() -> None:
    fields: dict[str, Any] = {
        "author": "Ada",
        "homepage": "https://example.com/",
        "env": [{"name": "TOKEN", "secret": True, "description": "Pushes."}],
        "scripts": [{"path": "scripts/run.py", "description": "Runs."}],
    }
    version = skill_version("@acme/git", "1.0.0", {"scripts/run.py": "print()\n"}, **fields)
    index = build(registry(skill("@acme/git", versions={"1.0.0": version}), locked=False))
    page = "api/v1/skills/@acme/git/1.0.0.json"
    shown = document(index, page)
    archive = fetched(index, page, shown["url"])
    assert (shown["name"], shown["version"], shown["author"]) == ("@acme/git", "1.0.0", "Ada")
    assert shown["env"] == [{"name": "TOKEN", "secret": True, "required": False, "description": "Pushes."}]
    assert shown["scripts"] == [{"path": "scripts/run.py", "description": "Runs."}]
    assert {file["path"]: file["sha256"] for file in shown["files"]} == {
        path: walk.sha256(content) for path, content in walk.unpack(archive).items()
    }


# --- discovery -----------------------------------------------------------------------------------------------------

INDEX = ".well-known/agent-skills/index.json"


def discovered(index: BuiltIndex, base: str) -> list[dict[str, Any]]:
    """Return an index's entries after checking each against the convention."""
    page = f"{base}{INDEX}"
    found = document(index, page)
    assert found["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    for one in found["skills"]:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one["name"])
        assert one["type"] == "archive"
        assert 0 < len(one["description"]) <= 1024
        content = fetched(index, page, one["url"])
        assert one["digest"] == f"sha256:{walk.sha256(content)}"
        files = walk.unpack(content)
        assert "SKILL.md" in files
        for path in one.get("files", ()):
            assert index.files[posixpath.join(base, ".well-known/agent-skills", one["name"], path)] == files[path]
    skills: list[dict[str, Any]] = found["skills"]
    return skills


def test_each_skill_and_each_version_has_an_index_of_its_own() -> None:
    index = build(TWO_VERSIONS)
    assert [(one["name"], one["version"]) for one in discovered(index, "s/git/")] == [("git", "1.2.0")]
    assert [(one["name"], one["version"]) for one in discovered(index, "s/git/1.1.0/")] == [("git", "1.1.0")]
    assert sorted(discovered(index, "s/git/")[0]["files"]) == ["SKILL.md", "skill.yaml"]
    assert "files" not in discovered(index, "s/git/1.1.0/")[0]


def test_a_scope_is_in_the_path_and_never_in_the_name() -> None:
    (one,) = discovered(build(registry(skill("@acme/tool"), locked=False)), "s/@acme/tool/")
    assert (one["name"], one["molthub"]["name"]) == ("tool", "@acme/tool")


def test_a_pack_lists_all_of_its_locked_skills() -> None:
    index = build(with_pack(TWO_VERSIONS, git="1.1.0", docker="1.0.0"))
    for base in ("p/dev/", "p/dev/1/"):
        assert [(one["name"], one["version"]) for one in discovered(index, base)] == [
            ("docker", "1.0.0"),
            ("git", "1.1.0"),
        ]


def test_the_root_lists_every_skill_up_to_a_hundred() -> None:
    assert len(discovered(build(many_skills(100)), "")) == 100
    assert INDEX not in build(many_skills(101)).files


def test_of_two_skills_with_one_bare_name_a_shared_index_lists_none() -> None:
    index = build(registry(skill("git"), skill("@acme/git"), skill("docker"), locked=False))
    assert [one["name"] for one in discovered(index, "")] == ["docker"]
    assert [one["molthub"]["name"] for one in discovered(index, "s/@acme/git/")] == ["@acme/git"]


def test_without_a_latest_version_only_the_versions_have_indexes() -> None:
    index = build(registry(skill("git", "1.0.0-rc.1"), locked=False))
    assert f"s/git/{INDEX}" not in index.files
    assert len(discovered(index, "s/git/1.0.0-rc.1/")) == 1


def test_a_skills_own_list_of_files_is_not_replaced() -> None:
    version = skill_version("git", "1.0.0", {"index.json": "{}", "assets/a.txt": "a", "scripts/deep/b.sh": "b"})
    index = build(registry(skill("git", versions={"1.0.0": version}), skill("docker"), locked=False))
    assert index.files["s/git/.well-known/agent-skills/git/index.json"] == b"{}"
    listed = document(index, "s/docker/.well-known/agent-skills/docker/index.json")
    assert listed == {"files": ["SKILL.md", "skill.yaml"], "references": [], "scripts": [], "assets": []}


def test_clawhub_is_offered_the_files_of_the_latest_version_as_they_are() -> None:
    files: Tree = {"scripts/run.sh": "#!/bin/sh\n", "data.bin": b"\0\xff"}
    index = build(registry(skill("@acme/git", versions={"1.0.0": skill_version("@acme/git", "1.0.0", files)})))
    shown = document(index, "s/@acme/git/api/v1/skills/git/index.html")
    assert (shown["skill"]["slug"], shown["latestVersion"]["version"]) == ("git", "1.0.0")
    assert shown["skill"]["createdAt"] == 1793610000000
    with zipfile.ZipFile(io.BytesIO(index.files["s/@acme/git/api/v1/download"])) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
        times = {member.date_time for member in archive.infolist()}
    path = "api/v1/skills/@acme/git/1.0.0.json"
    assert content == walk.unpack(fetched(index, path, document(index, path)["url"]))
    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert document(index, "s/@acme/git/api/v1/resolve") == {"match": None, "latestVersion": {"version": "1.0.0"}}


# --- schemas and hosting -------------------------------------------------------------------------------------------


def test_every_schema_is_at_the_path_of_its_id() -> None:
    index = build(TWO_VERSIONS)
    for name in schema_files.names():
        path = str(schema_files.load(name)["$id"]).removeprefix("https://molthub.dev/")
        assert document(index, path) == schema_files.load(name)


def test_hosts_are_told_what_may_be_kept_forever() -> None:
    index = build(TWO_VERSIONS)
    for rules in ("_headers", "nginx.conf"):
        assert b"immutable" in index.files[rules]
    assert index.files[".nojekyll"] == b""
    for line in index.files["_redirects"].decode().splitlines():
        _bare, target, status = line.split()
        assert status == "200"
        assert target.removeprefix("/") in index.files


def test_the_text_for_programs_names_paths_that_exist() -> None:
    index = build(with_pack(TWO_VERSIONS, git="1.2.0"))
    text = index.files["llms.txt"].decode().replace("<name>", "git").replace("skill-packs/git", "skill-packs/dev")
    paths = re.findall(r"\(([^ )]*/[^ )]*\.json)\)|`([^` ]*/[^` ]*\.json)`", text.replace("p/git/", "p/dev/"))
    assert len(paths) > 5
    for first, second in paths:
        assert (first or second) in index.files
