"""A home that was configured by hand, declared by `molthub adopt` and taken over: on every program."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from molthub.errors import PlatformValueError
from molthub.platforms import platform, platforms
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.rows import ROWS
from molthub.platforms.table import Row
from tests.adopting.place import CANARY, SERVER, SKILL, Place, write_server
from tests.reconciler.site import contents
from tests.reconciler.world import run_molthub

DECLARED = {**SERVER, "env": {**SERVER["env"], "GITHUB_TOKEN": "${secrets.github_token}"}}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_only_the_literals_change(place: Place, row: Row) -> None:
    file = write_server(place.home("prod/ada"), row.name, SERVER)
    skill = place.home("prod/ada") / row.skills / "notes"
    shutil.copytree(place.publish_skill(), skill)
    before, was = file.read_bytes(), contents(place.home("prod/ada"))
    assert CANARY.encode() in before

    told = place.document(program=row.name)
    assert told["bots"][0]["declared"] == ["mcp/github", "skill/notes"]
    assert [one["name"] for one in told["bots"][0]["secrets"]] == ["github_token"]
    assert CANARY not in json.dumps(told)
    assert (told["bots"][0]["left"], told["bots"][0]["spelled"], told["bots"][0]["besides"]) == ([], [], [])
    place.build()
    assert file.read_bytes() == before

    assert place.reconcile().status == 4
    assert file.read_bytes() == before
    assert place.reconcile("--adopt").status == 4, "the secret is kept nowhere yet"
    assert file.read_bytes() == before
    place.keep("github_token")
    done = place.reconcile("--adopt")
    assert done.status == 0, done

    entry = platform(row.name).entries("main", "mcp/github", DECLARED)[0]
    expected = ConfigFile.parse(before, row.file_format, "settings")
    expected.set(entry.pointer, entry.value)
    assert file.read_bytes() == expected.to_bytes()
    now = contents(place.home("prod/ada"))
    assert {path for path in now if now[path] != was.get(path)} == {row.server_file("linux"), ".agents/molthub.json"}
    assert ("by hand" in file.read_text()) == (b"by hand" in before)

    again = contents(place.home("prod/ada"))
    assert place.reconcile().status == 0
    assert contents(place.home("prod/ada")) == again
    left = [path for path in place.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert left == []


def test_openclaws_own_section_is_taken_away(place: Place) -> None:
    file = write_server(place.home("prod/ada"), "openclaw", SERVER)
    write_server(place.home("prod/ada"), "openclaw", {"command": "true"}, "plain")
    config = ConfigFile.parse(file.read_bytes(), "json5", "settings")
    config.set(("env", "vars", "LOG"), "info")
    config.set(("skills", "entries", "notes", "config"), {"apiKey": CANARY, "depth": [1, "x"]})
    config.set(("skills", "entries", "other", "config"), {"depth": 1})
    file.write_bytes(config.to_bytes())
    shutil.copytree(place.publish_skill(), place.home("prod/ada") / ".openclaw/workspace/skills/notes")

    bot = place.document(program="openclaw")["bots"][0]
    assert bot["declared"] == ["env/LOG", "mcp/github", "mcp/plain", "skill/notes"]
    assert sorted(one["name"] for one in bot["secrets"]) == ["github_token", "notes_apikey"]
    assert [one["key"] for one in bot["left"]] == ["config/other"]
    assert bot["besides"] == []
    place.build()
    place.keep("github_token")
    place.keep("notes_apikey")
    done = place.reconcile("--adopt")
    assert done.status == 0, done
    found = ConfigFile.parse(file.read_bytes(), "json5", "settings")
    assert found.get(("mcp", "servers", "github")) == found.get(("env", "vars", "LOG")) == (False, None)
    assert found.get(("mcp", "servers", "plain")) == (False, None)
    assert "// by hand" in file.read_text()
    assert CANARY not in file.read_text()
    assert place.reconcile().status == 0


def test_what_cannot_be_declared_stays_and_is_named(place: Place) -> None:
    home = place.home("prod/ada")
    write_server(home, "claude-code", {"command": "npx", "args": ["--api-key", CANARY, f"--token={CANARY}2"]}, "keyed")
    file = write_server(
        home, "claude-code", {"url": "https://a.example/", "headers": {"Authorization": f"Bearer {CANARY}"}}
    )
    config = ConfigFile.parse(file.read_bytes(), "json", "settings")
    config.set(("mcpServers", "cwd"), {"type": "stdio", "command": "x", "cwd": "/x"})
    config.set(("mcpServers", "Upper"), {"type": "stdio", "command": "x"})
    config.set(("mcpServers", "default"), {"type": "stdio", "command": "x", "env": {"A": "${A:-b}"}})
    config.set(("mcpServers", "mixed"), {"type": "stdio", "command": "x", "env": {"A": "${camelCase}"}})
    config.set(("mcpServers", "short"), {"command": "x"})
    config.set(("mcpServers", "referring"), {"type": "stdio", "command": "x", "env": {"A": "${MY_TOKEN}"}})
    file.write_bytes(config.to_bytes())
    skills = home / ".claude/skills"
    version = place.publish_skill()
    shutil.copytree(version, skills / "notes")
    (skills / "notes/SKILL.md").write_text(SKILL + "edited\n")
    shutil.copytree(version, skills / "own")
    (skills / "link").symlink_to(version)
    (skills / "broken").mkdir()
    (skills / "broken/SKILL.md").write_text(SKILL)
    (skills / "broken/out").symlink_to("/etc/hostname")

    bot = place.document("--dry-run")["bots"][0]
    left = {one["key"]: one["reason"] for one in bot["left"]}
    assert set(left) == {
        *("mcp/cwd", "mcp/Upper", "mcp/default", "mcp/mixed"),
        *("skill/notes", "skill/own", "skill/link", "skill/broken"),
    }
    assert "differs from every version" in left["skill/notes"]
    assert bot["spelled"] == ["mcp/short"]
    names = {one["name"]: one["literal"] for one in bot["secrets"]}
    assert names == {"my_token": False, "keyed_api_key": True, "keyed_token": True, "github_token": True}
    done = place.adopt()
    assert CANARY not in done.stdout + done.stderr
    assert "molthub secrets set keyed_api_key --bot prod/ada" in done.stdout
    assert "skills publish" in done.stderr
    place.build()
    for name in names:
        place.keep(name)
    assert place.reconcile("--adopt").status == 0
    assert CANARY not in file.read_text()
    assert ConfigFile.parse(file.read_bytes(), "json", "").get(("mcpServers", "default"))[1]["env"] == {"A": "${A:-b}"}

    again = place.adopt()
    assert "prod/ada: declared already" in again.stdout
    assert "nothing is to be declared" in again.stderr


def test_what_bots_share_is_a_pack_and_the_rest_stays_theirs(place: Place) -> None:
    for bot, level in (("ada", "info"), ("bob", "debug")):
        home = place.home(f"prod/{bot}")
        write_server(home, "claude-code", SERVER)
        write_server(home, "claude-code", {"command": "x", "args": [bot]}, "own")
        (home / ".claude").mkdir()
        (home / ".claude/settings.json").write_text(json.dumps({"env": {"LOG": level, "N": 5}}))
    (place.home("prod/bob") / ".claude/settings.json").write_text(json.dumps({"env": {"LOG": "debug", "MORE": "1"}}))

    told = place.document("--all", "--pack", "base", home="")
    assert [bot["bot"] for bot in told["bots"]] == ["prod/ada", "prod/bob"]
    assert told["packs"] == ["base", "base-env"]
    assert "name: github" in told["files"]["packs/base/1.yaml"]
    assert "own" not in told["files"]["packs/base/1.yaml"]
    assert "MORE: null" in told["files"]["fleets/prod/bots/ada.yaml"]
    assert "LOG: info" in told["files"]["fleets/prod/bots/ada.yaml"]
    assert "LOG: debug" in told["files"]["packs/base-env/1.yaml"]
    assert [bot["besides"] for bot in told["bots"]] == [[], []]
    place.build()


def test_a_conflict_that_is_more_than_a_secret_stays(place: Place) -> None:
    file = write_server(place.home("prod/ada"), "claude-code", SERVER)
    place.adopt()
    place.build()
    place.keep("github_token")
    config = ConfigFile.parse(file.read_bytes(), "json", "settings")
    config.set(("mcpServers", "github", "args"), ["-y", "another"])
    file.write_bytes(config.to_bytes())
    assert place.reconcile("--adopt").status == 4
    config.set(("mcpServers", "github", "cwd"), "/x")
    file.write_bytes(config.to_bytes())
    assert place.reconcile("--adopt").status == 4
    assert CANARY in file.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name", "No Name"], "is no name"),
        (["--all"], "no homes are in"),
    ],
)
def test_a_wrong_word_is_told(place: Place, options: list[str], said: str) -> None:
    place.home("prod/ada")
    assert said in place.adopt(*options, status=2).stderr


def test_adopt_is_for_bots_that_are_named(place: Place) -> None:
    done = run_molthub("reconcile", "--index", "x", "--target", str(place.target), "--adopt")
    assert done.status == 2
    assert "--adopt is for bots that are named" in done.stderr


def test_a_file_that_does_not_parse_is_told_with_its_place(place: Place) -> None:
    (place.home("prod/ada") / ".claude.json").write_text("{\n nonsense")
    assert ".claude.json:2" in place.adopt(status=1).stderr


def test_a_bot_that_would_not_resolve_is_refused_whole(place: Place) -> None:
    write_server(place.home("prod/ada"), "claude-code", {"command": "x"}, "own")
    place.adopt()
    (place.registry / "fleets/prod/fleet.yaml").write_text(
        "apiVersion: molthub.dev/v1alpha1\nkind: Fleet\nmetadata:\n  name: prod\nspec:\n  packs:\n    - name: gone\n"
    )
    write_server(place.home("prod/bob"), "codex", {"command": "x"}, "own")
    done = place.adopt("--no-commit", "--pack", "bobs", program="codex", home="prod/bob", status=1)
    assert "would not resolve" in done.stderr
    assert not (place.registry / "fleets/prod/bots/bob.yaml").exists()


def test_a_skill_that_was_published_from_its_folder_is_taken_over(place: Place) -> None:
    home = place.home("prod/ada")
    version = place.publish_skill()
    own = home / ".claude/skills/notes"
    own.mkdir(parents=True)
    (own / "SKILL.md").write_bytes((version / "SKILL.md").read_bytes())
    assert place.document()["bots"][0]["declared"] == ["skill/notes"]
    place.build()
    assert place.reconcile().status == 4
    assert contents(own).keys() == {"SKILL.md"}
    assert place.reconcile("--adopt").status == 0
    assert contents(own) == contents(version)

    shutil.rmtree(place.folder / "state")
    (own / "SKILL.md").write_text(SKILL + "edited\n")
    assert place.reconcile("--adopt").status == 4
    assert (own / "SKILL.md").read_text().endswith("edited\n")


_REACHED = {"url": "https://mcp.example.com/", "headers": {"Authorization": f"Bearer {CANARY}", "X-Team": "a"}}
_WITH_FLAG = {"command": "srv", "args": ["--token", f"{CANARY}.flag", "--verbose"]}


@pytest.mark.parametrize("name", [name for name in platforms() if name != "agents-dir"])
def test_every_program_keeps_all_but_its_literals(place: Place, name: str) -> None:
    home = place.home("prod/ada")
    adapter = platform(name)
    servers: dict[str, Any] = {"reached": _REACHED, "flagged": _WITH_FLAG, "plain": {"command": "true"}}
    for server, value in [*servers.items()]:
        try:
            file = write_server(home, name, value, server)
        except PlatformValueError:
            del servers[server]
    variables = next((source for source in adapter.sources("main") if source.kind == "env"), None)
    if variables is not None:
        path = home / variables.file
        path.parent.mkdir(parents=True, exist_ok=True)
        form = adapter.file_format(variables.file)
        config = ConfigFile.parse(path.read_bytes() if path.is_file() else b"", form, "settings")
        config.set((*variables.pointer, "LOG_LEVEL"), "info")
        path.write_bytes(config.to_bytes())
    bot = place.bot("--fleet", "prod", program=name)
    assert bot["besides"] == []
    left = [one["key"] for one in bot["left"]]
    assert left == (["mcp/reached"] if name in {"cline", "zed"} else []), "these cannot refer to a secret in a header"
    servers = {server: value for server, value in servers.items() if f"mcp/{server}" not in left}
    assert {one["name"] for one in bot["secrets"]} <= {"reached_token", "flagged_token"}
    assert set(bot["declared"]) == {f"mcp/{server}" for server in servers} | ({"env/LOG_LEVEL"} if variables else set())
    place.build()
    for one in bot["secrets"]:
        place.keep(one["name"])
    before = contents(home)
    assert place.reconcile().status == 4
    if name != "openclaw":  # there a line names our file
        assert {path: text for path, text in contents(home).items() if path in before} == before
    done = place.reconcile("--adopt")
    assert done.status == 0, done
    assert (CANARY in file.read_text()) == bool(left)
    config = ConfigFile.parse(file.read_bytes(), adapter.file_format(file.relative_to(home).as_posix()), "settings")
    if name != "openclaw":
        source = next(one for one in adapter.sources("main") if one.kind == "mcp")
        found = config.get(source.pointer)[1]
        assert found.keys() == servers.keys() | {key[4:] for key in left}
        declared = {key: _as_declared(value) for key, value in servers.items()}
        for server, value in declared.items():
            assert found[server] == adapter.entries("main", f"mcp/{server}", value)[0].value
    assert place.reconcile().status == 0


def _as_declared(server: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(server).replace(f"{CANARY}.flag", "${secrets.flagged_token}")
    found: dict[str, Any] = json.loads(text.replace(CANARY, "${secrets.reached_token}"))
    return found


def test_of_a_program_without_settings_the_skills_are_declared(place: Place) -> None:
    skill = place.home("prod/ada") / ".agents/skills/notes"
    shutil.copytree(place.publish_skill(), skill)
    was = contents(place.home("prod/ada"))
    assert place.bot(program="agents-dir")["declared"] == ["skill/notes"]
    place.build()
    assert place.reconcile().status == 0
    assert {path: text for path, text in contents(place.home("prod/ada")).items() if path in was} == was
