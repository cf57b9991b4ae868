"""Where desired keys stand in each agent program's files, to the letter."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from molthub.errors import MolthubError, PlatformValueError
from molthub.platforms import platform, platforms
from molthub.platforms.base import Entry, Platform, Wiring
from molthub.schema_files import text

MANIFEST = ".agents/molthub.json"
FORMAT = Wiring(MANIFEST, ("format",), "molthub.manifest/1")
GITHUB = {
    "command": "npx",
    "args": ["-y", "@modelcontextprotocol/server-github"],
    "env": {"GITHUB_TOKEN": "${secrets.github_token}", "LOG_LEVEL": "debug"},
}
REFERRED = {**GITHUB, "env": {"GITHUB_TOKEN": "${GITHUB_TOKEN}", "LOG_LEVEL": "debug"}}
TICKETS = {"url": "https://mcp.example.com/", "headers": {"Authorization": "Bearer ${secrets.tickets-token}"}}
BEARER = {"Authorization": "Bearer ${TICKETS_TOKEN}"}

PLACES: list[tuple[str, str, Any, tuple[str, tuple[str, ...], Any] | None]] = [
    ("claude-code", "mcp/github", GITHUB, (".claude.json", ("mcpServers", "github"), {"type": "stdio", **REFERRED})),
    ("claude-code", "mcp/t", TICKETS,
     (".claude.json", ("mcpServers", "t"), {"type": "http", "url": TICKETS["url"], "headers": BEARER})),
    ("claude-code", "mcp/t", {"url": "https://a/", "transport": "sse"},
     (".claude.json", ("mcpServers", "t"), {"type": "sse", "url": "https://a/"})),
    ("claude-code", "env/LOG_LEVEL", "a$$b ${HOME}", (".claude/settings.json", ("env", "LOG_LEVEL"), "a$b ${HOME}")),
    ("claude-code", "env/TOKEN", "${secrets.github_token}", None),
    ("claude-code", "config/@acme/pg", {"schema": "public"}, None),
    ("openclaw", "mcp/github", GITHUB, (".openclaw/molthub/mcp.json5", ("servers", "github"), REFERRED)),
    ("openclaw", "mcp/t", TICKETS,
     (".openclaw/molthub/mcp.json5", ("servers", "t"),
      {"url": TICKETS["url"], "headers": BEARER, "transport": "streamable-http"})),
    ("openclaw", "mcp/t", {"url": "https://a/", "transport": "sse"},
     (".openclaw/molthub/mcp.json5", ("servers", "t"), {"url": "https://a/", "transport": "sse"})),
    ("openclaw", "mcp/m", {"command": "sh", "args": ["$$HOME", "${HOME}", "$$$${HOME}", "${home}"]},
     (".openclaw/molthub/mcp.json5", ("servers", "m"),
      {"command": "sh", "args": ["$HOME", "$${HOME}", "$$${HOME}", "${home}"]})),
    ("openclaw", "env/LOG_LEVEL", "debug", (".openclaw/molthub/env.json5", ("vars", "LOG_LEVEL"), "debug")),
    ("openclaw", "env/TOKEN", "${secrets.github_token}", None),
    ("openclaw", "config/@acme/pg", {"schema": "${secrets.schema}"},
     (".openclaw/molthub/skills.json5", ("entries", "pg", "config"), {"schema": "${SCHEMA}"})),
    ("agents-dir", "mcp/github", GITHUB, None),
    ("agents-dir", "env/LOG_LEVEL", "debug", None),
    ("agents-dir", "config/@acme/pg", {"schema": "public"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "place"), PLACES)
def test_a_key_has_its_place_in_the_programs_files_and_in_the_manifest(
    name: str, key: str, value: Any, place: tuple[str, tuple[str, ...], Any] | None
) -> None:
    kind, _, rest = key.partition("/")
    manifest = Entry(MANIFEST, (kind, rest), value)
    assert platform(name).entries("main", key, value) == ((Entry(*place),) if place else ()) + (manifest,)


REFUSED: list[tuple[str, str, Any]] = [
    # what the program would expand, and cannot be told not to
    ("claude-code", "mcp/m", {"command": "${HOME}/bin/x"}),
    ("claude-code", "mcp/m", {"command": "x", "args": ["$${x:-y}"]}),
    ("claude-code", "mcp/m", {"url": "https://a/", "headers": {"A": "${B}"}}),
    ("openclaw", "mcp/m", {"command": "x", "args": ["$$${secrets.x}"]}),
    ("openclaw", "env/A", "${HOME}"),
    ("openclaw", "env/A", "$$$${HOME}"),
    # names that the program drops, or that break its file
    ("claude-code", "mcp/constructor", {"command": "x"}),
    ("claude-code", "env/constructor", "x"),
    ("claude-code", "mcp/m", {"command": "x", "env": {"constructor": "1"}}),
    ("openclaw", "mcp/prototype", {"command": "x"}),
    ("openclaw", "config/pg", {"deep": [{"__proto__": 1}]}),
    # servers that the program has itself
    ("claude-code", "mcp/workspace", {"command": "x"}),
    # a skill's settings must not make the program read another file
    ("openclaw", "config/pg", {"$include": "../openclaw.json"}),
    ("openclaw", "config/pg", {"deep": [{"$include": ["../openclaw.json"]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value"), REFUSED)
def test_what_a_program_cannot_hold_as_it_is_meant_is_refused(name: str, key: str, value: Any) -> None:
    with pytest.raises(PlatformValueError) as caught:
        platform(name).entries("main", key, value)
    [problem] = caught.value.problems
    assert problem.id == "MH707"
    assert problem.message.startswith(f"{key}: ")
    assert problem.remedy


@pytest.mark.parametrize("name", platforms())
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mcp/m", []), ("mcp/m", {}), ("mcp/m", {"command": 1}), ("mcp/m", {"command": "x", "url": "https://a/"}),
        ("env/A", 1), ("env/A", None), ("config/pg", "x"), ("hook/x", "y"),
        ("env/A", "${secrets.path}"), ("mcp/m", {"command": "x", "args": ["${secrets.ld_preload}"]}),
    ],
)  # fmt: skip
def test_what_no_platform_takes(name: str, key: str, value: Any) -> None:
    with pytest.raises(PlatformValueError) as caught:
        platform(name).entries("main", key, value)
    assert [problem.id for problem in caught.value.problems] == ["MH707"]


SKILLS = [
    ("agents-dir", "main", ".agents/skills"),
    ("claude-code", "main", ".claude/skills"),
    ("openclaw", "main", ".openclaw/workspace/skills"),
    ("openclaw", "ops", ".openclaw/workspace-ops/skills"),
]


@pytest.mark.parametrize(("name", "agent", "root"), SKILLS)
def test_skills_stand_under_their_bare_names(name: str, agent: str, root: str) -> None:
    adapter = platform(name)
    assert adapter.skills_root(agent) == root
    assert adapter.skill_folder(agent, "git") == f"{root}/git"
    assert adapter.skill_folder(agent, "@acme/git") == f"{root}/git"


def test_openclaw_reads_our_files_by_one_item_each() -> None:
    desired = {"mcp/a": {"command": "x"}, "env/A": "1", "config/pg": {}, "skill/pg": "sha256:0"}
    assert platform("openclaw").wiring("main", desired) == (
        Wiring(".openclaw/openclaw.json", ("mcp", "$include"), "./molthub/mcp.json5", "mcp", True,
               ".openclaw/molthub/mcp.json5"),
        Wiring(".openclaw/openclaw.json", ("env", "$include"), "./molthub/env.json5", "env", True,
               ".openclaw/molthub/env.json5"),
        Wiring(".openclaw/openclaw.json", ("skills", "$include"), "./molthub/skills.json5", "config", True,
               ".openclaw/molthub/skills.json5"),
        FORMAT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "desired",
    [
        {"env/TOKEN": "${secrets.token}"},
        {"env/TOKEN": "${secrets.token}", "env/BAD": "${HOME}"},
    ],
)
def test_openclaw_is_never_told_to_read_a_file_that_holds_nothing(desired: dict[str, Any]) -> None:
    assert platform("openclaw").wiring("main", desired) == (FORMAT,)


@pytest.mark.parametrize("name", platforms())
def test_skills_alone_need_no_line_anywhere(name: str) -> None:
    assert platform(name).wiring("main", {"skill/git": "sha256:0"}) == ()
    assert platform(name).wiring("main", {"env/A": "1", "skill/git": "sha256:0"})[-1] == FORMAT


def test_what_stands_beside_an_include_overrides_it() -> None:
    openclaw = platform("openclaw")
    assert openclaw.shadows("main", "mcp/a", {"command": "x"}) == (
        (".openclaw/openclaw.json", ("mcp", "servers", "a")),
    )
    assert openclaw.shadows("main", "config/@acme/pg", {}) == (
        (".openclaw/openclaw.json", ("skills", "entries", "pg", "config")),
    )
    assert openclaw.shadows("main", "env/A", "1") == (
        (".openclaw/openclaw.json", ("env", "vars", "A")),
        (".openclaw/openclaw.json", ("env", "A")),
    )


def test_a_secrets_variable_is_the_owners_to_set() -> None:
    assert platform("openclaw").shadows("main", "env/TOKEN", "${secrets.token}") == ()


@pytest.mark.parametrize("name", [name for name in platforms() if name != "openclaw"])
def test_nothing_in_a_home_overrides_the_other_platforms(name: str) -> None:
    assert platform(name).shadows("main", "mcp/a", {"command": "x"}) == ()


@pytest.mark.parametrize("name", platforms())
def test_every_file_is_inside_the_home_with_forward_slashes(name: str) -> None:
    adapter: Platform = platform(name)
    desired = {"mcp/a": {"command": "x"}, "env/A": "1", "config/pg": {"a": 1}}
    files = {entry.file for key, value in desired.items() for entry in adapter.entries("main", key, value)}
    files |= {line.file for line in adapter.wiring("main", desired)}
    for file in files:
        assert re.fullmatch(r"[\w. -]+(/[\w.-]+)*\.(jsonc?|json5|toml|yaml)", file)
        assert ".." not in file.split("/")
    assert adapter.file_format(MANIFEST) == "json"


def test_names_of_platforms() -> None:
    assert [platform(name).name for name in platforms()] == list(platforms())
    assert {"agents-dir", "claude-code", "openclaw"} < set(platforms())
    with pytest.raises(MolthubError, match="'emacs'") as caught:
        platform("emacs")
    assert "openclaw" in caught.value.remedy


def test_a_bot_may_name_exactly_the_platforms_there_are() -> None:
    assert json.loads(text("common"))["$defs"]["platform"]["enum"] == list(platforms())


def test_names_that_programs_use_themselves() -> None:
    assert {"code-review", "debug", "verify", "run", "loop"} <= platform("claude-code").bundled_skills
    assert {"github", "weather", "tmux"} <= platform("openclaw").bundled_skills
    assert "skill-creator" in platform("gemini-cli").bundled_skills
    assert not platform("agents-dir").bundled_skills
