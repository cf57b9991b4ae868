"""The controller's OpenAPI document: valid, and true of what a controller really answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from molthub_reconciler.remote.openapi import OPERATIONS, PATH, openapi
from molthub_reconciler.remote.token_files import Owner
from tests.peers.python_packages import python_packages
from tests.remote.inside import Inside
from tests.remote.reports import report_json

PEERS = Path(__file__).parent.parent / "peers"
DOCUMENT = json.loads(openapi())
ADA = "/v1/bots/prod/ada"


def operation_of(method: str, path: str) -> Any:
    for pattern, operations in DOCUMENT["paths"].items():
        asked = re.sub(r"\\{(path)\\}", ".+", re.sub(r"\\{(?!path)\w+\\}", "[^/]+", re.escape(pattern)))
        if re.fullmatch(asked, path.partition("?")[0]) and method.lower() in operations:
            return operations[method.lower()]
    raise AssertionError(f"{method} {path} is not in the document")


def check(schema: Any, content: bytes) -> None:
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(json.loads(content))


def test_every_answer_is_what_the_document_says(controlled: Inside) -> None:
    tokens = controlled.place.agents.tokens
    bot = (controlled.machine("prod/ada") / "token").read_text()
    looker, ci = tokens.enrol(Owner(operator="ann")), tokens.enrol(Owner(operator="ci"), may_look=False)
    given = controlled.place.agents.assignment("prod/ada")
    assert given is not None
    assignment = f"{ADA}/assignment?interval=60&serial=1"
    etag = controlled.ask(assignment, bot)[2]["etag"]
    about = {"document": given.document, "generation": 0}
    told = json.dumps({**report_json("prod/ada"), "summary": {"bots": 1, "changes": 0}, **about}).encode()
    order = json.dumps({"format": "molthub.order/1", "command": "agents list", "options": {}}).encode()
    change = json.dumps(
        {"format": "molthub.order/1", "command": "rollback", "options": {"bots": ["prod/ada"]}}
    ).encode()
    exchanges: list[tuple[str, str, str, bytes | None, dict[str, str], int]] = [
        ("GET", assignment, bot, None, {"Molthub-Agent": "a", "Molthub-Machine": "m"}, 200),
        ("GET", assignment, bot, None, {"If-None-Match": etag, "Prefer": "wait=1", "Molthub-Agent": "a"}, 304),
        ("GET", assignment, bot, None, {"Molthub-Agent": "b"}, 409),
        ("GET", assignment, "mh_x", None, {}, 401),
        ("GET", f"{ADA}/documents/{given.document}", bot, None, {}, 200),
        ("GET", f"{ADA}/documents/{'0' * 64}", bot, None, {}, 404),
        ("GET", f"{ADA}/index/registry.json", bot, None, {}, 200),
        ("GET", f"{ADA}/index/search/x", bot, None, {}, 404),
        ("POST", f"{ADA}/report", bot, told, {"Molthub-Agent": "a"}, 200),
        ("POST", f"{ADA}/report", bot, b"{}", {"Molthub-Agent": "a"}, 400),
        ("POST", f"{ADA}/report", bot, told, {"Molthub-Agent": "b"}, 409),
        ("POST", f"{ADA}/report", bot, b"x" * (1024 * 1024 + 1), {"Molthub-Agent": "a"}, 413),
        ("GET", "/v1/bots", looker, None, {}, 200),
        ("GET", "/v1/bots", ci, None, {}, 403),
        ("POST", "/v1/nudge", ci, b"", {}, 200),
        ("POST", "/v1/commands", looker, order, {}, 200),
        ("POST", "/v1/commands", looker, change, {}, 403),
        ("POST", "/v1/commands", looker, b"{}", {}, 400),
        ("GET", PATH, looker, None, {}, 200),
    ]  # fmt: skip
    asked = set()
    for method, path, token, body, headers, wanted in exchanges:
        status, content, got = controlled.ask(path, token, method=method, body=body, **headers)
        assert status == wanted, (method, path, content[:300])
        operation = operation_of(method, path)
        said = operation["responses"][str(status)]
        asked.add(operation["operationId"])
        if body is not None and status == 200 and "requestBody" in operation:
            check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        if "content" not in said:
            assert content == b""
            continue
        media = said["content"][got["content-type"]]
        if "schema" in media:
            check(media["schema"], content)
    assert asked == {one.name for one in OPERATIONS}


def test_a_validator_of_openapi_finds_nothing_wrong() -> None:
    packages = python_packages(PEERS / "openapi" / "requirements.txt", "3.11")
    program = (
        "import json, sys; from openapi_spec_validator import OpenAPIV31SpecValidator; "
        "OpenAPIV31SpecValidator(json.load(sys.stdin)).validate()"
    )
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(packages)}, input=openapi().decode(),
                          capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
