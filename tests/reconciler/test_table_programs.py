"""Bots on every program of the table: brought in sync around what their owner has, and taken away without a trace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from molthub.model import Json
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.rows import ROWS
from molthub.platforms.table import Row
from tests.reconciler.site import contents
from tests.reconciler.world import World, changes_of, state_of

SERVER = {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "${secrets.github_pat}", "LEVEL": "debug"}}


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


def owners_text(row: Row) -> str:
    """Return what the owner has in the servers' file: a server, a setting, and a comment where one may be."""
    if row.file_format == "toml":
        return f'theme = "dark" # by hand\n\n[{".".join(row.servers)}.mine]\ncommand = "true"\n\n# the end\n[other]\n'
    if row.file_format == "yaml":
        return f"theme: dark # by hand\n{row.servers[0]}:\n    mine:\n        command: 'true'\n\n# the end\nother: 1\n"
    inner: Any = {"mine": {"command": "true"}}
    for key in reversed(row.servers):
        inner = {key: inner}
    text = json.dumps({"theme": "dark", **inner}, indent=4)
    return text if row.file_format == "json" else text.replace("{\n", "{\n    // by hand\n", 1)


def test_a_bot_lives_beside_what_its_owner_has(world: World, desired: dict[str, Json], row: Row) -> None:
    file = world.home("prod/ada") / row.server_file("linux")
    file.parent.mkdir(parents=True)
    file.write_text(owners_text(row))
    state = {"skill/git": desired["skill/git"], "mcp/github": SERVER, "env/LEVEL": "debug"}
    world.site.bot("prod/ada", state, platform=row.name)
    world.site.publish()

    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert (world.home("prod/ada") / row.skills / "git/SKILL.md").is_file()
    assert world.molthub("drift").status == 0
    entry = platform(row.name).entries("main", "mcp/github", SERVER)[0]
    written = ConfigFile.parse(file.read_bytes(), row.file_format, "settings")
    assert written.get(entry.pointer) == (True, entry.value)
    assert written.get((*row.servers, "mine")) == (True, {"command": "true"})

    world.site.bot("prod/ada", {}, platform=row.name)
    world.site.publish()
    assert world.molthub("reconcile").status == 0
    assert file.read_text() == owners_text(row)
    assert not contents(world.home("prod/ada") / row.skills)


@pytest.mark.parametrize("row", [row for row in ROWS if row.owners_fields], ids=lambda row: row.name)
def test_what_the_owner_sets_in_our_entry_is_no_drift_and_stays(world: World, row: Row) -> None:
    world.site.bot("prod/ada", {"mcp/github": SERVER}, platform=row.name)
    world.site.publish()
    world.molthub("reconcile")
    file = world.home("prod/ada") / row.server_file("linux")
    pointer = (*row.servers, "github")
    config = ConfigFile.parse(file.read_bytes(), row.file_format, "settings")
    for field in row.owners_fields:
        config.set((*pointer, field), True)
    file.write_bytes(config.to_bytes())

    assert world.molthub("drift").status == 0
    config.set((*pointer, "cwd"), "/elsewhere")
    file.write_bytes(config.to_bytes())
    assert set(changes_of(world.report("drift", status=3), "prod/ada")) == {"mcp/github"}

    changed = {**SERVER, "args": ["-y", "server@2"]}
    world.site.bot("prod/ada", {"mcp/github": changed}, platform=row.name)
    world.site.publish()
    assert world.molthub("reconcile").status == 0
    _, found = ConfigFile.parse(file.read_bytes(), row.file_format, "settings").get(pointer)
    expected = platform(row.name).entries("main", "mcp/github", changed)[0].value
    assert found == {**expected, **dict.fromkeys(row.owners_fields, True)}


def test_bots_of_all_programs_may_share_one_home(world: World, desired: dict[str, Json]) -> None:
    state = {"skill/git": desired["skill/git"], "mcp/github": SERVER, "env/LEVEL": "debug"}
    for row in ROWS:
        world.site.bot(f"prod/{row.name}", state, platform=row.name, home="box")
    world.site.publish()

    assert world.report("reconcile", status=0)["summary"]["inSync"] == len(ROWS)
    assert world.molthub("drift").status == 0

    for row in ROWS:
        if row.name != "claude-code":
            world.site.bot(f"prod/{row.name}", {}, platform=row.name, home="box")
    world.site.publish()
    assert world.report("reconcile", "--allow-mass-removal", status=0)["summary"]["inSync"] == len(ROWS)
    home = world.target / "prod/box"
    left = {path for path in home.rglob("*") if path.is_file() and b"github" in path.read_bytes()}
    assert left == {home / ".claude.json", home / ".agents/molthub.json"}
    assert [path.parent for path in home.rglob("SKILL.md")] == [home / ".claude/skills/git"]


def test_another_program_takes_the_old_entry_away_with_what_the_owner_set_in_it(world: World) -> None:
    world.site.bot("prod/ada", {"mcp/github": SERVER}, platform="windsurf")
    world.site.publish()
    world.molthub("reconcile")
    file = world.home("prod/ada") / ".codeium/windsurf/mcp_config.json"
    config = ConfigFile.parse(file.read_bytes(), "jsonc", "settings")
    config.set(("mcpServers", "github", "disabled"), value=True)
    file.write_bytes(config.to_bytes())

    world.site.bot("prod/ada", {"mcp/github": SERVER}, platform="cursor")
    world.site.publish()
    assert state_of(world.report("reconcile", status=0), "prod/ada") == "in-sync"
    assert "github" not in file.read_text()
    assert "github" in (world.home("prod/ada") / ".cursor/mcp.json").read_text()
