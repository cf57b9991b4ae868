"""The server of an index: what static hosts do, done right, and searches."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from molthub.errors import MolthubError
from molthub.index.serve import IndexServer, make_server
from tests.builders import registry, skill, skill_version, write_tree
from tests.index import walk
from tests.index.made import TWO_VERSIONS, site
from tests.loopback import serving


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"docs/page.html": "<script>alert(1)</script>", "scripts/run.py": "print()\n"}
    version = skill_version("@acme/tool", "1.0.0", files)
    tree = registry(skill("git", "1.1.0", "1.2.0", tags=["vcs"]), skill("@acme/tool", versions={"1.0.0": version}))
    folder = site(tree, tmp_path_factory.mktemp("served") / "site")
    write_tree({"secret.txt": "x"}, folder.parent)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[IndexServer]:
    with serving(make_server(folder)) as server:
        yield server


def ask(server: IndexServer, path: str, method: str = "GET", **headers: str) -> Response:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    response = Response(answer.status, dict(answer.getheaders()), answer.read())
    connection.close()
    return response


# --- files ---------------------------------------------------------------------------------------------------------


def test_every_file_of_the_index_is_served(server: IndexServer, folder: Path) -> None:
    public = {path: content for path, content in walk.contents(folder).items() if not path.startswith((".m", ".n"))}
    assert len(public) > 50
    for path, content in public.items():
        assert ask(server, f"/{path}").content == content, path


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/registry.json", "application/json"),
        ("/simple/git/", "text/html; charset=utf-8"),
        ("/api/v1/skills/git/index.html", "application/json"),
        ("/schemas/skill.schema.json", "application/json"),
        ("/llms.txt", "text/plain; charset=utf-8"),
        ("/s/git/.well-known/agent-skills/index.json", "application/json"),
        ("/s/git/.well-known/agent-skills/git/SKILL.md", "text/markdown; charset=utf-8"),
        ("/s/@acme/tool/.well-known/agent-skills/tool/docs/page.html", "text/plain; charset=utf-8"),
        ("/s/@acme/tool/.well-known/agent-skills/tool/scripts/run.py", "text/plain; charset=utf-8"),
    ],
)
def test_files_have_their_types_and_skills_own_pages_never_run(server: IndexServer, path: str, type_: str) -> None:
    response = ask(server, path)
    assert response.status == 200
    assert response.headers["Content-Type"] == type_
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_archives_are_gzip_files_that_may_be_kept_forever(server: IndexServer, folder: Path) -> None:
    name = next((folder / "archives").iterdir()).name
    response = ask(server, f"/archives/{name}")
    assert response.headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in response.headers
    assert "immutable" in response.headers["Cache-Control"]
    assert "immutable" not in ask(server, "/registry.json").headers["Cache-Control"]


def test_a_folder_is_sent_to_its_page(server: IndexServer) -> None:
    response = ask(server, "/simple/@acme/tool")
    assert (response.status, response.headers["Location"]) == (301, "/simple/%40acme/tool/")
    assert ask(server, response.headers["Location"]).status == 200


def test_the_root_says_what_this_is(server: IndexServer) -> None:
    assert b"Agent Skills" in ask(server, "/").content


def test_a_known_etag_is_answered_without_the_file(server: IndexServer) -> None:
    etag = ask(server, "/registry.json").headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = ask(server, "/registry.json", If_None_Match=known)
        assert (response.status, response.content, response.headers["ETag"]) == (304, b"", etag)
    assert ask(server, "/registry.json", If_None_Match='"other"').status == 200


def test_head_tells_everything_but_the_content(server: IndexServer) -> None:
    whole = ask(server, "/registry.json")
    head = ask(server, "/registry.json", "HEAD")
    assert head.content == b""
    for name in ("Content-Length", "ETag", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


def test_one_connection_serves_many_requests(server: IndexServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    sockets = set()
    for path in ("/registry.json", "/nothing", "/api/v1/health", "/api/v1/search?q=git"):
        connection.request("GET", path)
        connection.getresponse().read()
        sockets.add(id(connection.sock))
    assert len(sockets) == 1
    connection.close()


def test_a_rebuilt_folder_is_served_as_it_is_now(tmp_path: Path) -> None:
    site(TWO_VERSIONS, tmp_path / "site")
    with serving(make_server(tmp_path / "site")) as server:
        before = ask(server, "/registry.json")
        assert ask(server, "/api/v1/search?q=docker").json["total"] == 1
        site(registry(skill("git")), tmp_path / "site")
        after = ask(server, "/registry.json", If_None_Match=before.headers["ETag"])
        assert (after.status, after.content) == (200, (tmp_path / "site" / "registry.json").read_bytes())
        assert ask(server, "/api/v1/search?q=docker").json["total"] == 0


# --- routes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route",
    ["skills", "skills/git", "skills/git/1.2.0", "skills/@acme/tool", "skills/@acme/tool/1.0.0", "tags", "health"],
)
def test_bare_routes_answer_with_and_without_a_slash(server: IndexServer, folder: Path, route: str) -> None:
    wanted = (folder / "api" / "v1" / f"{route}.json").read_bytes()
    for path in (f"/api/v1/{route}", f"/api/v1/{route}/", f"/api/v1/{route}.json"):
        response = ask(server, path)
        assert (response.content, response.headers["Content-Type"]) == (wanted, "application/json")


def test_bare_routes_need_no_copies(tmp_path: Path) -> None:
    folder = site(TWO_VERSIONS, tmp_path / "site")
    for copy in (folder / "api").rglob("index.html"):
        copy.unlink()
    with serving(make_server(folder)) as server:
        assert ask(server, "/api/v1/skills/git").json["latest"] == "1.2.0"


def test_a_search_ranks_and_limits(server: IndexServer) -> None:
    found = ask(server, "/api/v1/search?q=vcs").json
    assert found["total"] == 1
    assert found["results"][0] == {
        "kind": "skill",
        "name": "git",
        "description": "Does what git does.",
        "tags": ["vcs"],
        "status": "active",
        "owners": ["acme"],
        "mcpServers": [],
        "latest": "1.2.0",
    }
    assert [row["name"] for row in ask(server, "/api/v1/search").json["results"]] == ["@acme/tool", "git"]
    limited = ask(server, "/api/v1/search?q=does&limit=1").json
    assert (limited["total"], len(limited["results"])) == (2, 1)
    assert ask(server, "/api/v1/search?q=%40acme%2Ftool").json["total"] == 1
    assert ask(server, "/api/v1/search?q=dose").json["mended"] == {"dose": "does"}
    assert [row["name"] for row in ask(server, "/api/v1/search?tag=vcs&owner=acme").json["results"]] == ["git"]
    assert ask(server, "/api/v1/search?owner=nobody").json["total"] == 0


@pytest.mark.parametrize("limit", ["-1", "x", "", "101", "1.5", "%D9%A1"])
def test_a_limit_that_is_none_is_a_bad_request(server: IndexServer, limit: str) -> None:
    response = ask(server, f"/api/v1/search?q=git&limit={limit}")
    assert response.status == 400
    assert "limit" in response.json["error"]["message"]


def test_an_index_that_broke_meanwhile_is_said_to_be_unavailable(tmp_path: Path) -> None:
    folder = site(TWO_VERSIONS, tmp_path / "site")
    with serving(make_server(folder)) as server:
        next((folder / "search").iterdir()).write_bytes(b"\x1f\x8b")
        assert ask(server, "/api/v1/search?q=git").status == 503
        (folder / "registry.json").unlink()
        assert ask(server, "/api/v1/search?q=git").status == 503


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/simple/../../secret.txt",
        "/simple/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/./registry.json",
        "/simple//git/",
        "/.molthub-index",
        "/.git/config",
        "/simple/.molthub-tmp",
        "/s/git/.well-known/agent-skills/.molthub-tmp",
        "/nothing",
        "/registry.json/",
        "//evil.example/",
        "/registry.json/x",
        "/api/v1/skills/nothing",
        "/C:/secret.txt",
        "/" + "x" * 5000,
    ],
)
def test_no_path_leads_out_or_to_what_is_not_the_indexs(server: IndexServer, path: str) -> None:
    response = ask(server, path)
    assert response.status == 404
    assert response.json["error"]["message"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = site(TWO_VERSIONS, tmp_path / "site")
    write_tree({"secret.txt": "x"}, tmp_path)
    (folder / "simple" / "leak.txt").symlink_to(tmp_path / "secret.txt")
    with serving(make_server(folder)) as server:
        assert ask(server, "/simple/leak.txt").status == 404


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/a%0d%0ab", "/..%5csecret.txt"])
def test_bytes_that_no_path_has_are_a_bad_request(server: IndexServer, path: str) -> None:
    assert ask(server, path).status == 400


@pytest.mark.parametrize("request_line", [b"GET registry.json HTTP/1.1", b"GET http://[ HTTP/1.1", b"nonsense"])
def test_a_malformed_request_does_not_end_the_server(server: IndexServer, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
        raw.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b"400" in answer.partition(b"\r\n")[0] or b"Error code: 400" in answer
    assert ask(server, "/registry.json").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_index_is_read_only(server: IndexServer, method: str) -> None:
    response = ask(server, "/api/v1/skills", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "registry" in response.json["error"]["message"]


def test_a_browser_may_ask_from_another_origin(server: IndexServer) -> None:
    response = ask(server, "/registry.json", "OPTIONS", Access_Control_Request_Method="GET")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_only_a_folder_with_an_index_is_served(tmp_path: Path) -> None:
    with pytest.raises(MolthubError, match="no index") as refused:
        make_server(tmp_path)
    assert "molthub build" in refused.value.remedy


def test_a_port_that_is_taken_is_said_so(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(MolthubError, match="cannot listen") as refused:
            make_server(folder, port=taken.getsockname()[1])
    assert "--port" in refused.value.remedy


def test_three_hundred_clients_at_once_are_all_answered(server: IndexServer) -> None:
    connections = [socket.create_connection(("127.0.0.1", server.server_port), timeout=20) for _ in range(300)]
    try:
        for connection in connections:
            connection.sendall(b"GET /registry.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in connections)
    finally:
        for connection in connections:
            connection.close()
