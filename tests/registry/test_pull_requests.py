"""`--pr`: a commit becomes a request to merge, on a real git server with the REST API that its host documents."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molthub.registry.authoring.git_hosts import Proposed, git_host
from tests.builders import commit
from tests.imports.git_host import GitHost, Handler
from tests.loopback import serving
from tests.registry.command import Ran, run_molthub
from tests.registry.declared import declared

TOKEN = "tok-canary-4711"  # noqa: S105 (no token of anybody)
HOOK = """#!/bin/sh
n=0; while [ $n -lt ${GIT_PUSH_OPTION_COUNT:-0} ]; do eval "echo \\$GIT_PUSH_OPTION_$n" >> options; n=$((n+1)); done
cat >> refs-pushed
echo "View it: http://$HTTP_HOST/acme/skills/pulls/7" >&2
"""


class _Host(Handler):
    """A git server that also takes requests to merge, as GitHub, GitLab and Gitea document theirs."""

    def do_POST(self) -> None:  # noqa: N802 (the name that the server asks for)
        if "/api/v" not in self.path:
            super().do_POST()
            return
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        server.asked.append((self.path, dict(self.headers), asked))
        content = json.dumps(server.answer[1]).encode()
        self.send_response(server.answer[0])
        self.end_headers()
        self.wfile.write(content)


class _Server(GitHost):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.RequestHandlerClass = _Host
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answer: tuple[int, dict[str, Any]] = (201, {"html_url": "https://h/pulls/7", "web_url": "https://h/mr/7"})


class Place:
    """A registry whose remote is served over HTTP."""

    def __init__(self, folder: Path, server: _Server, capsys: pytest.CaptureFixture[str]) -> None:
        self.registry, self.bare, self.server, self._capsys = (
            folder / "registry",
            folder / "acme/skills.git",
            server,
            capsys,
        )
        commit(declared({"packs": {"dev": [{}]}, "bots": {"ada": {}, "ben": {}}}), self.registry)
        self.url = server.url("acme/skills.git")
        subprocess.run(["git", "init", "-q", "--bare", str(self.bare)], check=True)
        for setting in ("http.receivepack", "receive.advertisePushOptions"):
            self.git("config", setting, "true", at=self.bare)
        self.git("remote", "add", "origin", self.url)

    def git(self, *words: str, at: Path | None = None) -> str:
        command = ["git", "-C", str(at or self.registry), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def hook(self) -> None:
        hook = self.bare / "hooks/post-receive"
        hook.write_text(HOOK.replace("$HTTP_HOST", f"127.0.0.1:{self.server.server_address[1]}"))
        hook.chmod(0o755)

    def attach(self, *options: str) -> Ran:
        words = ("skill-packs", "attach", "dev", "--fleet", "lab", "--pr", "--registry", self.registry)
        return run_molthub(self._capsys, *words, *options)

    @property
    def branch(self) -> str:
        return f"molthub/{self.git('rev-parse', 'HEAD')[:12]}"

    @property
    def pushed(self) -> set[str]:
        return set(self.git("for-each-ref", "--format=%(refname)", at=self.bare).split())


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "MOLTHUB_GIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serving(_Server(tmp_path)) as server:
        yield Place(tmp_path, server, capsys)


def test_without_a_known_host_the_branch_is_pushed_and_said(place: Place) -> None:
    ran = place.attach()
    assert (ran.status, place.pushed) == (0, {f"refs/heads/{place.branch}"})
    assert f"pushed as the branch {place.branch}; next: open a pull request for it" in ran.err


def test_a_person_is_given_the_page_of_a_new_request(place: Place) -> None:
    place.git("config", "molthub.githost", "github")
    ran = place.attach("--json")
    site = place.url.removesuffix(".git")
    assert ran.json["pullRequest"] == {
        "branch": place.branch,
        "url": f"{site}/compare/main...{place.branch}?expand=1",
        "open": False,
    }
    assert place.server.asked == []


@pytest.mark.parametrize(
    ("kind", "path", "header", "page"),
    [
        ("github", "/api/v3/repos/acme/skills/pulls", ("Authorization", f"Bearer {TOKEN}"), "https://h/pulls/7"),
        ("gitea", "/api/v1/repos/acme/skills/pulls", ("Authorization", f"token {TOKEN}"), "https://h/pulls/7"),
        ("gitlab", "/api/v4/projects/acme%2Fskills/merge_requests", ("PRIVATE-TOKEN", TOKEN), "https://h/mr/7"),
    ],
)
def test_with_a_token_the_host_opens_the_request(
    place: Place, kind: str, path: str, header: tuple[str, str], page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.git("config", "molthub.githost", kind)
    monkeypatch.setenv("MOLTHUB_GIT_TOKEN", TOKEN)
    ran = place.attach("--json")
    assert ran.json["pullRequest"] == {"branch": place.branch, "url": page, "open": True}
    ((asked, headers, said),) = place.server.asked
    assert (asked, headers[header[0]]) == (path, header[1])
    head, base = ("source_branch", "target_branch") if kind == "gitlab" else ("head", "base")
    assert (said[head], said[base], said["title"]) == (place.branch, "main", "Attach dev to the fleet lab")
    assert TOKEN not in ran.out + ran.err
    assert f"refs/heads/{place.branch}" in place.pushed


def test_a_host_that_refuses_is_told_and_the_page_given(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.git("config", "molthub.githost", "gitea")
    monkeypatch.setenv("MOLTHUB_GIT_TOKEN", TOKEN)
    place.server.answer = (403, {"message": "token does not have the scope"})
    ran = place.attach()
    assert ran.status == 0
    assert "opened no pull request (HTTP 403): token does not have the scope" in ran.err
    assert f"/acme/skills/compare/main...{place.branch}" in ran.err
    assert TOKEN not in ran.out + ran.err


def test_gitlab_makes_a_merge_request_of_a_push(place: Place) -> None:
    place.git("config", "molthub.githost", "gitlab")
    place.hook()
    ran = place.attach("--json")
    options = (place.bare / "options").read_text().splitlines()
    assert options == [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Attach dev to the fleet lab",
    ]
    shown = ran.json["pullRequest"]
    assert shown == {"branch": place.branch, "url": f"{place.url.removesuffix('.git')}/pulls/7", "open": True}
    assert place.pushed == {f"refs/heads/{place.branch}"}


def test_gitea_makes_a_pull_request_of_a_push(place: Place) -> None:
    place.git("config", "molthub.githost", "gitea")
    place.hook()
    ran = place.attach()
    assert (place.bare / "options").read_text().splitlines() == [
        f"topic={place.branch}",
        "title=Attach dev to the fleet lab",
    ]
    assert (place.bare / "refs-pushed").read_text().split()[2] == "refs/for/main"
    assert f"pushed {place.branch} as a pull request: {place.url.removesuffix('.git')}/pulls/7" in ran.err


def test_a_server_without_push_options_gets_the_branch(place: Place) -> None:
    place.git("config", "receive.advertisePushOptions", "false", at=place.bare)
    place.git("config", "molthub.githost", "gitlab")
    ran = place.attach("--json")
    assert place.pushed == {f"refs/heads/{place.branch}"}
    assert ran.json["pullRequest"]["open"] is False
    assert "/-/merge_requests/new?merge_request%5Bsource_branch%5D=" in ran.json["pullRequest"]["url"]


ASKED = Proposed("molthub/1", "main", "T")


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:acme/skills.git", "https://github.com/acme/skills/compare/main...molthub/1?expand=1"),
        ("https://github.com/acme/skills", "https://github.com/acme/skills/compare/main...molthub/1?expand=1"),
        ("ssh://git@codeberg.org:22/acme/skills.git", "https://codeberg.org/acme/skills/compare/main...molthub/1"),
        ("https://forgejo.acme.org:8443/a/b.git", "https://forgejo.acme.org:8443/a/b/compare/main...molthub/1"),
        ("git@bitbucket.org:a/b.git", "https://bitbucket.org/a/b/pull-requests/new?source=molthub%2F1&dest=main"),
        ("https://git.acme.org/a/b.git", None),
        ("/srv/git/skills.git", None),
        ("C:/git/skills.git", None),
        ("file:///srv/a/b.git", None),
    ],
)
def test_a_remote_names_its_host(remote: str, page: str | None) -> None:
    host = git_host(remote)
    assert (host.page(ASKED) if host is not None else None) == page


@pytest.mark.parametrize(
    ("remote", "environment", "token"),
    [
        ("https://github.com/a/b", {"GITHUB_TOKEN": "t"}, "t"),
        ("https://github.com/a/b", {"GH_TOKEN": "first", "GITHUB_TOKEN": "t"}, "first"),
        ("https://github.acme.org/a/b", {"GITHUB_TOKEN": "t"}, None),
        ("https://github.acme.org/a/b", {"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.acme.org"}, "t"),
        ("https://gitlab.com/a/b", {"GITHUB_TOKEN": "t"}, None),
        ("https://gitlab.acme.org/a/b", {"GITLAB_TOKEN": "t", "CI_SERVER_HOST": "gitlab.acme.org"}, "t"),
        ("https://gitlab.acme.org/a/b", {"GITLAB_TOKEN": "t"}, None),
        ("https://gitlab.acme.org/a/b", {"MOLTHUB_GIT_TOKEN": "t"}, "t"),
        ("https://bitbucket.org/a/b", {"GITHUB_TOKEN": "t"}, None),
    ],
)
def test_a_token_is_shown_to_its_own_host_alone(remote: str, environment: dict[str, str], token: str | None) -> None:
    host = git_host(remote)
    assert host is not None
    assert host.token(environment) == token


def test_a_token_is_not_sent_over_plain_http_to_another_machine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.git("config", "molthub.githost", "github")
    monkeypatch.setenv("MOLTHUB_GIT_TOKEN", TOKEN)
    place.git("remote", "set-url", "origin", "http://git.example.com/acme/skills.git")
    before = place.pushed
    ran = place.attach()
    assert ran.status == 2
    assert "could read the token" in ran.err
    assert (place.server.asked, place.pushed) == ([], before)
