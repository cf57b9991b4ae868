"""nginx, Caddy and Cloudflare Pages' server serve an index by its own rules, and answer as ``molthub serve`` does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from molthub.index.content_types import BRIEFLY, FOREVER
from molthub.index.serve import answer
from tests.builders import bot, fleet, pack, registry, skill, skill_version, write_tree
from tests.index import walk
from tests.index.made import site
from tests.peers.debian_programs import debian_program
from tests.peers.npm_programs import npm_program

SERVERS = [{"name": "github", "command": "npx -y @acme/server"}]
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {{ listen 127.0.0.1:{port}; root {folder}; include {folder}/nginx.conf; }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  root * {folder}
  import {folder}/Caddyfile
}}
"""


@dataclass
class Response:
    status: int
    headers: Message
    content: bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"docs/page.html": "<script>alert(1)</script>", "scripts/run.py": "print()\n", "a b.txt": "x"}
    tool = skill("@acme/tool", versions={"1.0.0": skill_version("@acme/tool", "1.0.0", files)})
    dev = pack("dev", {"skills": ["git", "@acme/tool"], "mcps": SERVERS})
    parts = (skill("git", "1.1.0", "1.2.0"), tool, dev, fleet("prod", packs=["dev"]), bot("prod", "ada"))
    tree = registry(*parts, url="https://skills.example.com/")
    folder = site(tree, tmp_path_factory.mktemp("served") / "site", fleets=True)
    others = {"log/checkpoint": "c", "log/tile/0/x001/000.p/7": "t", "metadata/timestamp.json": "{}"}
    others |= {f"{kind}/{'a' * 64}.json.gz": "x" for kind in ("signatures", "publishers")}  # as signing writes them
    write_tree(others, folder)
    return folder


@contextmanager
def started(command: list[str], port: int, folder: Path, **variables: str) -> Iterator[int]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    log = folder / "log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        ) as server,
    ):
        try:
            for _ in range(1500):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, log.read_text()
                time.sleep(0.02)
            yield port
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def port(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    place, port = tmp_path_factory.mktemp(request.param), free_port()
    if request.param == "nginx":
        (place / "nginx.conf").write_text(NGINX.format(port=port, folder=folder))
        program = debian_program("nginx", "usr/sbin/nginx")
        command = [str(program), "-c", str(place / "nginx.conf"), "-p", str(place)]
    else:
        (place / "Caddyfile").write_text(CADDY.format(port=port, folder=folder))
        program = debian_program("caddy", "usr/bin/caddy")
        command = [str(program), "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    with started(command, port, place) as running:
        yield running


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Response:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    found = connection.getresponse()
    response = Response(found.status, found.headers, found.read())
    connection.close()
    return response


def routes(folder: Path) -> Iterator[str]:
    """Yield every way in which a file of the index may be asked for, as a path with no escapes."""
    for path in walk.contents(folder):
        if path.startswith((".molthub", ".nojekyll", "Caddyfile")):  # Caddy hides a file of that name
            continue
        yield f"/{path}"
        if path.endswith("/index.html"):
            bare = path.removesuffix("index.html")
            yield f"/{bare}"
            if answer(folder, f"/{quote(bare[:-1])}").location == "":
                yield f"/{bare[:-1]}"


def test_every_file_and_route_is_answered_as_our_own_server_does(port: int, folder: Path) -> None:
    asked = list(routes(folder))
    assert len(asked) > 150
    for path in asked:
        ours, theirs = answer(folder, quote(path)), ask(port, quote(path))
        assert (theirs.status, theirs.content) == (200, ours.content), path
        kind = theirs.headers["Content-Type"]
        assert kind.replace("; charset=utf-8", "") == ours.type.replace("; charset=utf-8", ""), path
        assert ("charset" in kind) == ("charset" in ours.type), (path, kind)
        assert theirs.headers["Cache-Control"] == ours.lifetime, path
        assert theirs.headers["Access-Control-Allow-Origin"] == "*", path
        assert theirs.headers["X-Content-Type-Options"] == "nosniff", path
        assert theirs.headers["ETag"], path
        assert theirs.headers["Content-Encoding"] is None, path


@pytest.mark.parametrize("skill", ["git", "@acme/tool"])
def test_a_version_is_answered_without_its_suffix(port: int, folder: Path, skill: str) -> None:
    for file in sorted((folder / f"api/v1/skills/{skill}").glob("*.*.*.json")):
        bare = quote(f"/api/v1/skills/{skill}/{file.name.removesuffix('.json')}")
        ours, theirs = answer(folder, bare), ask(port, bare)
        assert (ours.status, theirs.status) == (200, 200)
        assert ours.content == theirs.content == file.read_bytes()
        assert theirs.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/registry.json", "/api/v1/skills/git", "/v0.1/servers", "/npm/acme.dev", "/"])
def test_what_a_client_has_is_not_sent_again(port: int, path: str) -> None:
    whole = ask(port, path)
    again = ask(port, path, If_None_Match=whole.headers["ETag"])
    assert (again.status, again.content, again.headers["ETag"]) == (304, b"", whole.headers["ETag"])
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    head = ask(port, path, "HEAD")
    assert (head.status, head.content, head.headers["ETag"]) == (200, b"", whole.headers["ETag"])


@pytest.mark.parametrize("path", ["/simple/git", "/s/git/.well-known/agent-skills/git/docs", "/skills/git"])
def test_folders_of_pages_are_sent_to_their_pages(port: int, folder: Path, path: str) -> None:
    if answer(folder, path).location:
        redirected = ask(port, path)
        assert redirected.status in (301, 308)
        assert redirected.headers["Location"] == f"{path}/"
    else:
        assert ask(port, path).status in (301, 308, 404)


@pytest.mark.parametrize(
    "path", ["/api/v1/skills/nothing", "/api/v1/search?q=git", "/v0.1/servers/x/versions", "/npm/x"]
)
def test_a_route_that_is_not_there_says_so_in_json(port: int, path: str) -> None:
    response = ask(port, path)
    assert response.status == 404
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.content)["error"]["message"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/.molthub-index", "/.molthub-state", "/.git/config", "/nothing", "/../../etc/passwd"]
)
def test_what_belongs_to_the_build_or_lies_outside_is_not_served(port: int, path: str) -> None:
    assert ask(port, path).status in (400, 404)


def test_a_server_of_a_pack_is_found_by_its_name_with_an_escaped_slash(port: int) -> None:
    path = "/v0.1/servers/com.example.skills%2Fdev.github/versions/latest"
    found: dict[str, Any] = json.loads(ask(port, path).content)
    assert found["server"]["name"] == "com.example.skills/dev.github"


def test_a_browser_may_ask_from_another_origin(port: int) -> None:
    response = ask(port, "/registry.json", "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in response.headers["Access-Control-Allow-Methods"]


def test_what_skills_bring_is_shown_and_never_run(port: int) -> None:
    page = ask(port, "/s/@acme/tool/.well-known/agent-skills/tool/docs/page.html")
    assert page.headers["Content-Type"].startswith("text/plain")
    assert page.headers["Content-Security-Policy"] == "sandbox"


# --- Cloudflare Pages ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run the server that Pages is developed with, on this machine alone."""
    port, program = free_port(), npm_program("wrangler", Path(__file__).parent / "wrangler")
    command = [str(program), "pages", "dev", str(folder), "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--compatibility-date", "2026-01-01"]
    with started(command, port, tmp_path_factory.mktemp("pages"), CI="1", WRANGLER_SEND_METRICS="false") as running:
        yield running


OTHER_TYPES = {
    "text/plain; charset=utf-8": "application/octet-stream",
    "text/javascript; charset=utf-8": "application/javascript",
}
"""Types that the host gives in place of ours."""


def followed(port: int, path: str) -> Response:
    """Ask, and go where a redirection leads: to a folder's slash."""
    response = ask(port, path)
    return ask(port, response.headers["Location"]) if response.status == 308 else response


@pytest.mark.peers
def test_pages_answers_every_file_and_route_with_type_lifetime_and_cors(pages: int, folder: Path) -> None:
    for path in routes(folder):
        if path in ("/_headers", "/_redirects") or path.startswith("/log/tile"):  # the first two are for the host alone
            continue
        ours, theirs = answer(folder, quote(path)), followed(pages, quote(path))
        assert (theirs.status, theirs.content) == (200, ours.content), path
        kind = theirs.headers["Content-Type"].partition(";")[0]
        if "/.well-known/agent-skills/" not in path or path.endswith("agent-skills/index.json"):
            assert kind in (ours.type.partition(";")[0], OTHER_TYPES.get(ours.type)), (path, kind)
        else:  # the host's own table of types is as good: nothing runs
            assert theirs.headers["Content-Security-Policy"] == "sandbox", path
        assert theirs.headers["Cache-Control"] in (ours.lifetime, BRIEFLY), path
        assert theirs.headers["Access-Control-Allow-Origin"] == "*", path
        assert theirs.headers["ETag"], path


@pytest.mark.peers
def test_pages_keeps_blobs_forever_and_says_what_is_not_there(pages: int, folder: Path) -> None:
    archive = next((folder / "archives").iterdir()).name
    assert ask(pages, f"/archives/{archive}").headers["Cache-Control"] == FOREVER
    assert ask(pages, "/api/v1/skills/nothing").status == 404
    assert ask(pages, "/nothing").status == 404
    page = ask(pages, "/s/@acme/tool/.well-known/agent-skills/tool/docs/page")
    assert page.headers["Content-Security-Policy"] == "sandbox"
