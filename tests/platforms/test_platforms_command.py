"""`molthub platforms`: what is said of each platform is what its adapter does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from molthub.cli.main import molthub_group
from molthub.console import run
from molthub.errors import PlatformValueError
from molthub.platforms import platform, platforms
from molthub.platforms.about import About, every_platform
from molthub.platforms.table import SYSTEMS

KINDS: dict[str, dict[str, Any]] = {
    "stdio": {"command": "x"},
    "http": {"url": "https://a/"},
    "sse": {"url": "https://a/", "transport": "sse"},
}
EVERY = [(one, system) for system in SYSTEMS for one in every_platform(system)]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(molthub_group, ["platforms", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("one", "system"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_what_is_said_of_a_platform_is_what_its_adapter_does(one: About, system: str) -> None:
    adapter = platform(one.name, system)
    taken = []
    for kind, server in KINDS.items():
        try:
            first = adapter.entries("main", "mcp/s", server)[0]
        except PlatformValueError:
            continue
        taken.append(kind)
        assert (first.file, first.pointer) == (one.file, (*one.at, "s"))
    assert tuple(taken) == one.transports
    assert adapter.skills_root("main") == one.skills
    assert adapter.owners_fields(one.file, (*one.at, "s")) == {*one.owners_fields}
    written = adapter.entries("main", "mcp/s", {"command": "x", "env": {"T": "${secrets.name}"}})[0].value
    if one.secret and "env" not in one.started_by_exec:
        assert one.secret.replace("NAME", "name" if one.name == "agents-dir" else "NAME") in str(written)
    elif not one.named_in:
        assert written["command"] == "molthub"


def test_all_are_listed_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys, "list", "--system", "darwin")["platforms"]
    assert [one["name"] for one in listed] == list(platforms())
    assert run(molthub_group, ["platforms", "list", "--system", "darwin"]) == 0
    out = capsys.readouterr().out
    for one in listed:
        line = next(line for line in out.splitlines() if line.startswith(f"{one['name']} "))
        assert one["skills"] in line
        assert one["file"] in line


@pytest.mark.parametrize("name", platforms())
def test_one_is_shown_with_all_that_is_known_of_it(capsys: pytest.CaptureFixture[str], name: str) -> None:
    one = said(capsys, "show", name, "--system", "linux")
    assert run(molthub_group, ["platforms", "show", name, "--system", "linux"]) == 0
    out = capsys.readouterr().out
    for told in (one["file"], one["skills"], *one["finds"], *one["ownersFields"], *one["withheld"], one["judgedBy"]):
        assert told in out
    assert one["pitfalls"] == [pitfall.happens for pitfall in platform(name).pitfalls]


def test_a_name_that_is_none_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(molthub_group, ["platforms", "show", "clippy"]) == 1
    err = capsys.readouterr().err
    assert "there is no platform 'clippy'" in err
    assert "gemini-cli" in err
