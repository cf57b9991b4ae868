"""A home that was configured by hand, declared by `molthub adopt` and taken over: on every program."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.table import ROWS, Row
from tests.reconciler.site import contents
from tests.reconciler.world import Outcome, run_molthub
from tests.registry.command import assert_document

CANARY = "s3cr3t-canary.value"
SKILL = "---\nname: notes\ndescription: Take notes.\n---\nWrite.\n"
SERVER = {"command": "npx", "args": ["-y", "srv"], "env": {"GITHUB_TOKEN": CANARY, "LEVEL": "debug"}}
DECLARED = {**SERVER, "env": {**SERVER["env"], "GITHUB_TOKEN": "${secrets.github_token}"}}  # type: ignore[dict-item]
COMMENTED = {
    "jsonc": '{\n    // by hand\n    "theme": "dark",\n    "end": 1\n}\n',
    "json": '{\n    "theme": "dark",\n    "end": 1\n}\n',
    "toml": 'theme = "dark" # by hand\n\n# the end\n[other]\n',
    "yaml": "theme: dark # by hand\n\n# the end\nother: 1\n",
}


class Place:
    """A registry, a target with homes, and the commands on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry, self.target = folder, folder / "registry", folder / "bots"
        assert run_molthub("init", str(self.registry), "--host", "none").status == 0

    def home(self, bot: str) -> Path:
        home = self.target / bot
        home.mkdir(parents=True, exist_ok=True)
        return home

    def publish_skill(self) -> Path:
        folder = self.folder / "notes"
        folder.mkdir(exist_ok=True)
        (folder / "SKILL.md").write_text(SKILL)
        done = run_molthub("skills", "publish", str(folder), "--registry", str(self.registry), "--yes")
        assert done.status == 0, done
        return next((self.registry / "skills/notes").glob("*/SKILL.md")).parent

    def adopt(self, *options: str, program: str = "claude-code", home: str = "prod/ada", status: int = 0) -> Outcome:
        words = [str(self.target / home), "--platform", program, "--fleet", "prod", "--registry", str(self.registry)]
        done = run_molthub("adopt", *words, *options)
        assert done.status == status, done
        return done

    def document(self, *options: str, **named: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.adopt("--json", *options, **named).stdout)  # type: ignore[arg-type]
        assert_document("adopt-result", found)
        return found

    def build(self) -> None:
        out = str(self.folder / "site")
        done = run_molthub("build", "--registry", str(self.registry), "--out", out, "--fleets", "--views", "none")
        assert done.status == 0, done

    def reconcile(self, *options: str) -> Outcome:
        places = ["--index", str(self.folder / "site"), "--target", str(self.target)]
        places += ["--state", str(self.folder / "state")]
        return run_molthub("reconcile", *places, "--bot", "prod/ada", "--once", *options)

    def keep(self, secret: str) -> None:
        folder = Path.home() / ".config/molthub/secrets"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / secret).write_text("kept")
        (folder / secret).chmod(0o600)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def write_server(home: Path, program: str, server: Json, name: str = "github") -> Path:
    """Write a server into the program's own file, as its owner would, beside what he has there."""
    adapter = platform(program)
    source = next(one for one in adapter.sources("main") if one.kind == "mcp")
    file = home / source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    form = adapter.file_format(source.file)
    text = file.read_text() if file.is_file() else COMMENTED["jsonc" if form == "json5" else form]
    config = ConfigFile.parse(text.encode(), form, "settings")
    config.set((*source.pointer, name), adapter.entries("main", f"mcp/{name}", server)[0].value)
    file.write_bytes(config.to_bytes())
    return file


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

    again = place.adopt(status=1)
    assert "the bot prod/ada is declared already" in again.stderr


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
    assert "LOG: debug" in told["files"]["fleets/prod/bots/bob.yaml"]
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


def test_adopt_is_for_bots_by_name(place: Place) -> None:
    done = run_molthub("reconcile", "--index", "x", "--target", str(place.target), "--adopt")
    assert done.status == 2
    assert "--adopt is for bots by name" in done.stderr


def test_a_file_that_does_not_parse_is_told_with_its_place(place: Place) -> None:
    (place.home("prod/ada") / ".claude.json").write_text("{\n nonsense")
    assert ".claude.json:2" in place.adopt(status=1).stderr


def test_a_second_bot_joins_the_fleet_with_a_pack_of_its_own(place: Place) -> None:
    write_server(place.home("prod/ada"), "claude-code", SERVER)
    place.adopt()
    fleet = place.registry / "fleets/prod/fleet.yaml"
    fleet.write_text(fleet.read_text().replace("spec: {}", "spec: # the fleet's\n  packs:\n    - name: adopted-prod"))
    write_server(place.home("prod/bob"), "codex", {"command": "x"}, "own")
    told = place.adopt("--no-commit", program="codex", home="prod/bob", status=1)
    assert "there is a pack adopted-prod already" in told.stderr
    assert "--pack" in told.stderr
    before = fleet.read_text()
    options = ("--no-commit", "--pack", "bobs")
    bot = place.document(*options, program="codex", home="prod/bob")["bots"][0]
    assert bot["besides"] == ["mcp/github"]
    assert fleet.read_text() == before


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
