"""The programs of the table: where each one's servers stand and how they are spelled, to the letter."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from molthub.errors import PlatformValueError
from molthub.platforms import platform, platforms
from molthub.platforms.base import Entry
from molthub.platforms.expansion import UNSET
from molthub.platforms.rows import ROWS
from molthub.platforms.table import SYSTEMS
from molthub.references.secrets import steers_programs
from molthub.references.skill_folders import share_skills

GITHUB = {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "${secrets.github-pat}", "LEVEL": "debug"}}
KEYED = {"command": "npx", "args": ["--key", "${secrets.github-pat}"], "env": {"LEVEL": "debug"}}
TICKETS = {"url": "https://mcp.example.com/", "headers": {"Authorization": "Bearer ${secrets.tickets}"}}
EVENTS = {"url": "https://mcp.example.com/sse", "transport": "sse"}
BARE = {"command": "true"}

EXEC = {"command": "molthub", "args": ["exec", "--server", "s", "--", "npx", "-y", "server"], "env": {"LEVEL": "debug"}}
EXEC_KEYED = {**EXEC, "args": ["exec", "--server", "s", "--", "npx", "--key", "${secrets.github-pat}"]}
PREFIXED = {**GITHUB, "env": {"TOKEN": "${env:GITHUB_PAT}", "LEVEL": "debug"}}
REFERRED = {**GITHUB, "env": {"TOKEN": "${GITHUB_PAT}", "LEVEL": "debug"}}
BEARER = {"Authorization": "Bearer ${TICKETS}"}
PREFIXED_BEARER = {"Authorization": "Bearer ${env:TICKETS}"}
NANOBOT: dict[str, Any] = {"args": [], "cwd": "", "env": {}, "headers": {}}
GOOSE = {"name": "s", "description": "", "enabled": True, "timeout": 300}
URL, SSE = TICKETS["url"], EVENTS["url"]

SPELLED: list[tuple[str, str, tuple[str, ...], list[tuple[Any, Any]]]] = [
    ("gemini-cli", ".gemini/settings.json", ("mcpServers",), [
        (GITHUB, REFERRED),
        (KEYED, {**EXEC_KEYED, "env": {"LEVEL": "debug", "GITHUB_PAT": "${GITHUB_PAT}"}}),
        (TICKETS, {"type": "http", "url": URL, "headers": BEARER}),
        (EVENTS, {"type": "sse", "url": SSE}),
    ]),
    ("qwen-code", ".qwen/settings.json", ("mcpServers",), [
        (GITHUB, REFERRED), (KEYED, EXEC_KEYED),
        (TICKETS, {"httpUrl": URL, "headers": BEARER}), (EVENTS, {"url": SSE}),
    ]),
    ("opencode", ".config/opencode/opencode.jsonc", ("mcp",), [
        (GITHUB, {"type": "local", "command": ["npx", "-y", "server"],
                  "environment": {"TOKEN": "{env:GITHUB_PAT}", "LEVEL": "debug"}}),
        (KEYED, {"type": "local", "command": ["molthub", *EXEC_KEYED["args"]], "environment": {"LEVEL": "debug"}}),
        (BARE, {"type": "local", "command": ["true"], "environment": {}}),
        (TICKETS, {"type": "remote", "url": URL, "headers": {"Authorization": "Bearer {env:TICKETS}"}}),
        (EVENTS, {"type": "remote", "url": SSE}),
    ]),
    ("copilot-cli", ".copilot/mcp-config.json", ("mcpServers",), [
        (GITHUB, {"type": "stdio", **REFERRED, "env": {"TOKEN": "${GITHUB_PAT}", "LEVEL": "${MOLTHUB_UNSET:-debug}"}}),
        (BARE, {"type": "stdio", "command": "true", "args": []}),
        (TICKETS, {"type": "http", "url": URL, "headers": BEARER}),
        (EVENTS, {"type": "sse", "url": SSE}),
    ]),
    ("vscode", ".config/Code/User/mcp.json", ("servers",), [
        (GITHUB, {"type": "stdio", **PREFIXED}),
        (TICKETS, {"type": "http", "url": URL, "headers": PREFIXED_BEARER}),
        (EVENTS, {"type": "sse", "url": SSE}),
    ]),
    ("cursor", ".cursor/mcp.json", ("mcpServers",), [
        (GITHUB, PREFIXED), (BARE, {"command": "true", "args": []}),
        (TICKETS, {"url": URL, "headers": PREFIXED_BEARER}), (EVENTS, {"url": SSE}),
    ]),
    ("windsurf", ".codeium/windsurf/mcp_config.json", ("mcpServers",), [
        (GITHUB, PREFIXED), (TICKETS, {"serverUrl": URL, "headers": PREFIXED_BEARER}), (EVENTS, {"serverUrl": SSE}),
    ]),
    ("cline", ".cline/data/settings/cline_mcp_settings.json", ("mcpServers",), [
        (GITHUB, EXEC), (KEYED, EXEC_KEYED), (EVENTS, {"type": "sse", "url": SSE}),
        ({"url": URL}, {"type": "streamableHttp", "url": URL}),
    ]),
    ("roo", ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json", ("mcpServers",), [
        (GITHUB, PREFIXED), (TICKETS, {"type": "streamable-http", "url": URL, "headers": PREFIXED_BEARER}),
        (EVENTS, {"type": "sse", "url": SSE}),
    ]),
    ("kiro", ".kiro/settings/mcp.json", ("mcpServers",), [
        (GITHUB, EXEC), (KEYED, EXEC_KEYED), (TICKETS, {"url": URL, "headers": BEARER}), (EVENTS, {"url": SSE}),
    ]),
    ("zed", ".config/zed/settings.json", ("context_servers",), [
        (GITHUB, {"source": "custom", **EXEC}), (BARE, {"source": "custom", "command": "true", "args": [], "env": {}}),
        (EVENTS, {"source": "custom", "type": "sse", "url": SSE, "headers": {}}),
    ]),
    ("claude-desktop", ".config/Claude/claude_desktop_config.json", ("mcpServers",), [
        (GITHUB, EXEC), (BARE, {"command": "true", "args": []}),
    ]),
    ("amp", ".config/amp/settings.json", ("amp.mcpServers",), [
        (GITHUB, REFERRED), (TICKETS, {"url": URL, "headers": BEARER}), (EVENTS, {"url": SSE}),
    ]),
    ("codex", ".codex/config.toml", ("mcp_servers",), [
        (GITHUB, {**EXEC, "env_vars": ["GITHUB_PAT"]}),
        (KEYED, {**EXEC_KEYED, "env_vars": ["GITHUB_PAT"]}),
        ({"command": "npx", "env": {"GITHUB_PAT": "${secrets.github-pat}", "LEVEL": "$$debug"}},
         {"command": "npx", "env": {"LEVEL": "$debug"}, "env_vars": ["GITHUB_PAT"]}),
        ({"command": "npx", "env": {"GITHUB_PAT": "${secrets.github-pat}"}},
         {"command": "npx", "env_vars": ["GITHUB_PAT"]}),
        (BARE, {"command": "true"}),
        (TICKETS, {"url": URL, "bearer_token_env_var": "TICKETS"}),
        ({"url": URL, "headers": {"X-Key": "${secrets.tickets}", "authorization": "${secrets.tickets}", "X-A": "a$$"}},
         {"url": URL, "env_http_headers": {"X-Key": "TICKETS", "authorization": "TICKETS"},
          "http_headers": {"X-A": "a$"}}),
    ]),
    ("hermes", ".hermes/config.yaml", ("mcp_servers",), [
        (GITHUB, REFERRED), (BARE, {"command": "true"}), (TICKETS, {"url": URL, "headers": BEARER}),
        (EVENTS, {"transport": "sse", "url": SSE}),
    ]),
    ("nanobot", ".nanobot/config.json", ("tools", "mcpServers"), [
        (GITHUB, {**NANOBOT, "type": "stdio", **REFERRED, "url": ""}),
        (TICKETS, {**NANOBOT, "type": "streamableHttp", "url": URL, "headers": BEARER, "command": ""}),
        (EVENTS, {**NANOBOT, "type": "sse", "url": SSE, "command": ""}),
    ]),
    ("goose", ".config/goose/config.yaml", ("extensions",), [
        (GITHUB, {**GOOSE, "type": "stdio", "cmd": "molthub", "args": EXEC["args"], "envs": EXEC["env"],
                  "env_keys": ["GITHUB_PAT"]}),
        ({"command": "npx", "env": {"GITHUB_PAT": "${secrets.github-pat}", "LEVEL": "$$debug"}},
         {**GOOSE, "type": "stdio", "cmd": "npx", "args": [], "envs": {"LEVEL": "$debug"},
          "env_keys": ["GITHUB_PAT"]}),
        (BARE, {**GOOSE, "type": "stdio", "cmd": "true", "args": [], "envs": {}}),
        (TICKETS, {**GOOSE, "type": "streamable_http", "uri": URL, "headers": BEARER, "env_keys": ["TICKETS"]}),
    ]),
]  # fmt: skip
CASES = [(name, file, at, server, theirs) for name, file, at, pairs in SPELLED for server, theirs in pairs]


@pytest.mark.parametrize(("name", "file", "at", "server", "theirs"), CASES)
def test_a_server_in_the_programs_own_words(
    name: str, file: str, at: tuple[str, ...], server: Any, theirs: Any
) -> None:
    entries = platform(name, "linux").entries("main", "mcp/s", server)
    assert entries == (Entry(file, (*at, "s"), theirs), Entry(".agents/molthub.json", ("mcp", "s"), server))


def test_every_row_is_spelled_out_here() -> None:
    assert {name for name, *_ in SPELLED} | {"claude-code"} == {row.name for row in ROWS}


REFUSED: list[tuple[str, str, Any, str]] = [
    ("opencode", "mcp/timeout", BARE, "OpenCode uses this name itself"),
    ("opencode", "mcp/s", {"command": "x", "args": ["{file:/etc/passwd}"]}, "/args/0"),
    ("opencode", "mcp/s", {"command": "x", "env": {"A": "{env:"}}, "/env/A"),
    ("gemini-cli", "mcp/s", {"command": "x", "env": {"A": "$HOME"}}, "/env/A"),
    ("qwen-code", "mcp/s", {"command": "x", "args": ["$HOME"]}, "/args/0"),
    ("vscode", "mcp/s", {"command": "${workspaceFolder}/x"}, "/command"),
    ("kiro", "mcp/s", {"url": "https://a/${HOME}"}, "/url"),
    ("amp", "mcp/s", {"command": "x", "args": ["${HOME}"]}, "/args/0"),
    ("copilot-cli", "mcp/s", {"url": URL, "headers": {"A": "${secrets.github_token}"}}, "keeps the variable"),
    ("claude-desktop", "mcp/s", EVENTS, "reads only servers that it starts"),
    ("claude-desktop", "mcp/s", TICKETS, "reads only servers that it starts"),
    ("cline", "mcp/s", TICKETS, "cannot refer to a secret"),
    ("zed", "mcp/s", {"url": "${secrets.url}"}, "cannot refer to a secret"),
    ("codex", "mcp/s", EVENTS, "streamable HTTP only"),
    ("codex", "mcp/s", {"url": "https://a/${secrets.x}"}, "nothing in a url"),
    ("codex", "mcp/s", {"url": URL, "headers": {"Authorization": "Basic ${secrets.x}"}}, "whole from a variable"),
    ("goose", "mcp/s", EVENTS, "no longer speaks SSE"),
    ("goose", "mcp/s", {"url": "https://a/${secrets.x}"}, "nothing in a url"),
    ("goose", "mcp/s", {"url": URL, "headers": {"A": "$X ${secrets.x}"}}, "/headers/A"),
    ("goose", "mcp/s", {"command": "x", "env": {"Node_Options": "1"}}, "gives no server the variable Node_Options"),
    ("hermes", "mcp/s", {"command": "${ env:HOME }"}, "/command"),
    ("hermes", "mcp/s", {"command": "${a${secrets.x}"}, "/command"),
    ("nanobot", "mcp/s", {"command": "x", "args": ["${HOME}"]}, "/args/0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "why"), REFUSED)
def test_what_a_program_cannot_hold_is_refused_and_said_why(name: str, key: str, value: Any, why: str) -> None:
    with pytest.raises(PlatformValueError) as caught:
        platform(name).entries("main", key, value)
    [problem] = caught.value.problems
    assert (problem.id, why in problem.message, bool(problem.remedy)) == ("MH707", True, True), problem


def test_no_secret_may_be_the_variable_that_nobody_sets() -> None:
    with pytest.raises(PlatformValueError):
        platform("copilot-cli").entries("main", "mcp/s", {"command": "x", "env": {"A": "${secrets.molthub_unset}"}})
    assert steers_programs(UNSET)


def test_a_variable_that_copilot_keeps_for_itself_is_found_by_exec() -> None:
    server = {"command": "npx", "env": {"T": "${secrets.github_token}"}}
    entry = platform("copilot-cli").entries("main", "mcp/s", server)[0]
    assert entry.value == {"type": "stdio", "command": "molthub", "args": ["exec", "--server", "s", "--", "npx"]}


@pytest.mark.parametrize("name", platforms())
@pytest.mark.parametrize("server", [GITHUB, KEYED, TICKETS])
def test_a_programs_file_holds_a_placeholder_only_for_exec_to_read(name: str, server: Any) -> None:
    try:
        entries = platform(name).entries("main", "mcp/s", server)[:-1]
    except PlatformValueError:
        return
    for entry in entries:
        held = {field: value for field, value in entry.value.items() if field not in ("args", "command")}
        assert "${secrets." not in str(held)
        if "${secrets." in str(entry.value):
            assert "'molthub'" in str(entry.value)


def test_bots_of_two_programs_share_no_file_but_the_manifest_and_known_skill_folders() -> None:
    servers = [(row.server_file(system), row.servers, system) for row in ROWS for system in SYSTEMS]
    assert len({*servers}) == len(servers)
    for one, other in itertools.combinations(platforms(), 2):
        roots = {platform(name).skills_root("main") for name in (one, other)}
        assert share_skills(one, other) == (len(roots) == 1)
    assert share_skills("claude-code", "claude-code")
    assert not share_skills("openclaw", "openclaw")


FILES = [
    ("vscode", "darwin", "Library/Application Support/Code/User/mcp.json"),
    ("vscode", "win32", "AppData/Roaming/Code/User/mcp.json"),
    ("claude-desktop", "darwin", "Library/Application Support/Claude/claude_desktop_config.json"),
    ("zed", "darwin", ".config/zed/settings.json"),
    ("zed", "win32", "AppData/Roaming/Zed/settings.json"),
    ("zed", "freebsd14", ".config/zed/settings.json"),
]


@pytest.mark.parametrize(("name", "system", "file"), FILES)
def test_a_file_stands_where_the_homes_system_has_it(name: str, system: str, file: str) -> None:
    adapter = platform(name, system)
    assert adapter.entries("main", "mcp/s", BARE)[0].file == file
    assert adapter.file_format(file) == ("json" if name == "claude-desktop" else "jsonc")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_owners_fields_are_not_fields_that_are_declared(row: Any, system: str) -> None:
    adapter = platform(row.name, system)
    place = (row.server_file(system), (*row.servers, "s"))
    assert adapter.owners_fields(*place) == frozenset(row.owners_fields)
    assert adapter.owners_fields(row.server_file(system), row.servers) == frozenset()
    assert adapter.owners_fields(".agents/molthub.json", ("mcp", "s")) == frozenset()
    declared = {"command", "args", "env", "url", "headers", "transport", "type", *row.started.names.values()}
    assert not adapter.owners_fields(*place) & declared
