"""The table of routes against an index that is served: every file has its place in it, every answer its schema."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from molthub.index.api.openapi import PATH, openapi
from molthub.index.api.routes import ROUTES, SERVE, Route
from molthub.index.serve import IndexServer, make_server
from tests.builders import bot, fleet, pack, registry, skill, skill_version
from tests.index import walk
from tests.index.made import site
from tests.loopback import serving
from tests.peers.python_packages import python_packages

PEERS = Path(__file__).parent.parent / "peers"
DOCUMENT = json.loads(openapi())
SIGNED = {"/publishers/{hex}.json.gz", "/signatures/{hex}.json.gz", "/metadata/{role}.json", "/log/checkpoint"}
SIGNED |= {"/log/tile/{tile}"}
"""Routes that only signing writes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fields: dict[str, Any] = {
        "env": [{"name": "TOKEN", "secret": True, "description": "Pushes."}],
        "scripts": [{"path": "scripts/run.sh", "description": "Runs."}],
        "dependencies": {"docker": "^1.0"},
    }
    version = skill_version("@acme/tool", "1.0.0", {"scripts/run.sh": "#!/bin/sh\n"}, **fields)
    servers = [
        {"name": "github", "command": "npx -y @acme/s@1.0.0", "env": {"A": "${secrets.a}"}},
        {"name": "far", "url": "https://a.example"},
    ]
    tree = registry(
        skill("git", "1.1.0", "1.2.0", "2.0.0-rc.1", tags=["vcs"], records={"1.1.0": {"yanked": "It leaks."}}),
        skill("docker", project={"status": "deprecated", "reason": "Use podman."}),
        skill("gone", records={"1.0.0": {"removed": "Malware."}}),
        skill("@acme/tool", versions={"1.0.0": version}),
        pack("dev", {"skills": ["git", "@acme/tool"], "mcps": servers}, {"skills": ["git"], "mcps": servers}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada"),
        bot("prod", "eve", skills=["nothing"]),
        url="https://skills.example.com/",
    )
    return site(tree, tmp_path_factory.mktemp("routes") / "site", fleets=True)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[IndexServer]:
    with serving(make_server(folder)) as server:
        yield server


def validate(operation: Any, content: bytes, kind: str) -> None:
    media = operation["responses"]["200"]["content"][kind]
    if "schema" in media:
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(json.loads(content))


def ask(server: IndexServer, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", path)
    found = connection.getresponse()
    answer = found.status, dict(found.getheaders()), found.read()
    connection.close()
    return answer


def route_of(file: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route that a file of an index answers, with its parameters; None: it is a page, or a copy."""
    found: Iterator[tuple[Route, dict[str, str]]] = (
        (route, parameters) for route in ROUTES if route.file and (parameters := route.answers(file)) is not None
    )
    return next(found, None)


def asked(folder: Path) -> list[tuple[Route, dict[str, str]]]:
    return [found for file in walk.contents(folder) if (found := route_of(file)) is not None]


def test_every_route_that_an_unsigned_index_may_have_is_there(folder: Path) -> None:
    there = {route.path for route, _parameters in asked(folder)}
    assert there == {route.path for route in ROUTES if route.only != SERVE} - SIGNED


def test_every_file_that_is_no_page_for_people_and_no_rule_for_a_host_is_one_routes(folder: Path) -> None:
    texts = {"_headers", "_redirects", "nginx.conf", "Caddyfile", "robots.txt", "llms.txt", "sitemap.xml", "404.html"}
    for file in walk.contents(folder):
        routes = [route.path for route in ROUTES if route.file and route.answers(file) is not None]
        if file in texts or file.startswith((".molthub", ".nojekyll", "assets/")) or file.endswith(".atom"):
            assert not routes
        elif file.startswith("api/"):
            copy = file.removesuffix("/index.html") + ".json"
            assert route_of(copy) or route_of(file), file
        elif file.endswith("/index.html") or file == "index.html":
            assert len(routes) <= 1, file
        elif "/.well-known/agent-skills/" not in f"/{file}":
            assert len(routes) == 1, (file, routes)


def test_every_answer_is_what_the_document_says(server: IndexServer, folder: Path) -> None:
    found = asked(folder)
    assert len(found) > 100
    for route, parameters in found:
        operation = DOCUMENT["paths"][route.path]["get"]
        status, headers, content = ask(server, quote(route.at(parameters)))
        assert status == 200, route.at(parameters)
        assert headers["Content-Type"].partition(";")[0] == route.type, route.path
        lifetime = operation["responses"]["200"]["headers"]["Cache-Control"]["schema"]["const"]
        assert headers["Cache-Control"] == lifetime, route.path
        assert headers["ETag"]
        validate(operation, gzip.decompress(content) if route.type == "application/gzip" else content, route.type)


def test_a_search_is_answered_as_the_document_says(server: IndexServer) -> None:
    for query in ("", "?q=git", "?q=git&tag=vcs&limit=1", "?q=gti"):
        status, _headers, content = ask(server, f"/api/v1/search{query}")
        assert status == 200
        validate(DOCUMENT["paths"]["/api/v1/search"]["get"], content, "application/json")


def test_an_error_is_answered_as_the_document_says(server: IndexServer) -> None:
    schema = {**DOCUMENT["components"]["schemas"]["Error"]}
    for path, wanted in (("/api/v1/skills/nothing", 404), ("/api/v1/search?limit=x", 400)):
        status, _headers, content = ask(server, path)
        assert status == wanted
        Draft202012Validator(schema).validate(json.loads(content))


def test_the_document_is_in_the_index_and_names_every_route_once(folder: Path) -> None:
    assert (folder / PATH).read_bytes() == openapi()
    assert list(DOCUMENT["paths"]) == sorted(route.path for route in ROUTES)
    names = [path["get"]["operationId"] for path in DOCUMENT["paths"].values()]
    assert len(set(names)) == len(names)


def test_the_schemas_refuse_what_is_no_such_answer(folder: Path) -> None:
    skill = json.loads((folder / "api/v1/skills/git.json").read_bytes())
    version = next(iter(skill["versions"].values()))
    broken = [{**skill, "latest": 1}, {**skill, "versions": []}, {key: skill[key] for key in ("name", "latest")}]
    broken.append({**skill, "versions": {"1.0.0": {**version, "digest": "sha256:0"}}})
    operation = DOCUMENT["paths"]["/api/v1/skills/{skill}"]["get"]
    for answer in broken:
        with pytest.raises(Exception, match=r"is not|required|does not"):
            validate(operation, json.dumps(answer).encode(), "application/json")


def test_a_validator_of_openapi_finds_nothing_wrong(folder: Path) -> None:
    packages = python_packages(PEERS / "openapi" / "requirements.txt", "3.11")
    program = (
        "import json, sys; from openapi_spec_validator import OpenAPIV31SpecValidator; "
        "OpenAPIV31SpecValidator(json.load(open(sys.argv[1]))).validate()"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder / PATH)], env={"PYTHONPATH": str(packages)},
                          capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
