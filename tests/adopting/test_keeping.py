"""`molthub adopt --keep-secrets`: what stood in clear is where the bots find it, each bot its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from molthub.model import Json
from molthub.secrets.assemble import resolver_for
from molthub.secrets.read_settings import own_secrets, read_settings
from tests.adopting.place import CANARY, Place, write_server
from tests.reconciler.world import run_molthub

BOTS = ("ada", "bob", "eve")
SHARED = {"SHARED_TOKEN": f"{CANARY}-shared"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def own(bot: str) -> str:
    return f"{CANARY}-{bot}"


def write_homes(place: Place) -> None:
    for bot in BOTS:
        server: dict[str, Json] = {"command": "npx", "args": ["srv"], "env": {"GITHUB_TOKEN": own(bot), **SHARED}}
        write_server(place.home(f"prod/{bot}"), "claude-code", server)


def value(secret: str, bot: str | None) -> str | None:
    found = resolver_for(read_settings(), bot).resolve([secret]).values.get(secret)
    return found.reveal() if found is not None else None


def test_each_bot_finds_its_own_value_and_all_what_they_share(place: Place) -> None:
    write_homes(place)
    told = place.document(str(place.target), "--all", "--keep-secrets", home=None)
    assert {bot: value("github_token", f"prod/{bot}") for bot in BOTS} == {bot: own(bot) for bot in BOTS}
    assert value("shared_token", "prod/new") == value("shared_token", None) == SHARED["SHARED_TOKEN"]
    assert value("github_token", None) is None
    assert {one["name"]: one["sameValue"] for one in told["secrets"]} == {
        "github_token": [[f"prod/{bot}"] for bot in BOTS],
        "shared_token": [[f"prod/{bot}" for bot in BOTS]],
    }
    assert [(one["name"], one.get("bot")) for one in told["kept"]] == [
        *(("github_token", f"prod/{bot}") for bot in BOTS),
        ("shared_token", None),
    ]
    assert {path.stat().st_mode & 0o777 for path in own_secrets().rglob("*") if path.is_file()} == {0o600}
    place.build()
    assert place.reconcile("--adopt", bots=tuple(f"prod/{bot}" for bot in BOTS)).status == 0
    assert CANARY not in "".join(file.read_text() for file in place.target.glob("prod/*/.claude.json"))


def test_values_are_not_shown_and_keeping_them_again_changes_nothing(place: Place) -> None:
    write_homes(place)
    first = place.adopt(str(place.target), "--all", "--keep-secrets", home=None)
    again = place.adopt(str(place.target), "--all", "--keep-secrets", home=None)
    assert "4 secrets kept already" in again.stderr
    assert CANARY not in first.stdout + first.stderr + again.stdout + again.stderr


def test_without_the_option_nothing_is_kept_and_bots_with_values_of_their_own_are_told(place: Place) -> None:
    for number in range(4):
        server: dict[str, Json] = {"command": "npx", "args": ["srv"], "env": {"GITHUB_TOKEN": own(str(number))}}
        write_server(place.home(f"prod/bot-{number}"), "claude-code", server)
    done = place.adopt(str(place.target), "--all", "--dry-run", "--keep-secrets", home=None)
    assert "github_token  on 4 bots with 4 different values" in done.stdout
    assert "--bot FLEET/BOT" in done.stderr
    assert not own_secrets().exists()


def test_another_value_that_is_kept_for_all_is_not_overwritten(place: Place) -> None:
    place.keep("github_token")
    kept = value("github_token", None)
    server: dict[str, Json] = {"command": "npx", "args": ["srv"], "env": {"GITHUB_TOKEN": own("ada")}}
    write_server(place.home("prod/ada"), "claude-code", server)
    place.adopt("--keep-secrets")
    assert (value("github_token", None), value("github_token", "prod/ada")) == (kept, own("ada"))


def test_a_provider_that_is_asked_first_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "another")
    server: dict[str, Json] = {"command": "npx", "args": ["srv"], "env": {"GITHUB_TOKEN": own("ada")}}
    write_server(place.home("prod/ada"), "claude-code", server)
    done = place.adopt("--keep-secrets")
    assert "environment has another github_token for prod/ada, and is asked first" in done.stderr


def set_up(settings: str) -> None:
    """Write the machine's settings of secrets."""
    place = own_secrets().parent / "secrets.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(settings)
    place.chmod(0o600)


def test_what_cannot_be_kept_is_told(place: Place) -> None:
    set_up("order: [environment]\n")
    server: dict[str, Json] = {"command": "npx", "args": ["srv"], "env": {"GITHUB_TOKEN": own("ada")}}
    write_server(place.home("prod/ada"), "claude-code", server)
    done = place.adopt("--keep-secrets", status=4)
    assert "github_token is not kept: environment: nothing can be kept there" in done.stderr


def test_a_place_for_all_bots_is_told_to_who_means_one(place: Place) -> None:
    set_up("providers:\n  all: {kind: directory, path: all}\norder: [all]\n")
    done = typed(place, "molthub", "secrets", "set", "github_token", "--bot", "prod/ada")
    assert "every bot that asks all gets this value, not prod/ada alone" in done
    assert "every bot" not in typed(place, "molthub", "secrets", "set", "github_token")


def typed(place: Place, *words: str) -> str:
    done = subprocess.run(words, input="made-up\n", capture_output=True, text=True, check=True, cwd=place.folder)
    return done.stderr


def test_a_secret_set_for_a_bot_is_that_bots_alone(place: Place) -> None:
    place.keep("github_token")
    kept = value("github_token", None)
    typed(place, "molthub", "secrets", "set", "github_token", "--bot", "prod/ada")
    assert (value("github_token", "prod/ada"), value("github_token", "prod/bob")) == ("made-up", kept)
    listed = run_molthub("secrets", "list", "--bot", "prod/ada").stdout
    assert listed.count("github_token") == 2  # the name, and what it is kept as
    assert run_molthub("secrets", "unset", "github_token", "--bot", "prod/ada").status == 0
    assert value("github_token", "prod/ada") == kept
    assert run_molthub("secrets", "unset", "github_token", "--bot", "prod/ada").status == 1
    assert value("github_token", "prod/ada") == kept


def test_a_dry_run_names_the_files_of_new_skills_and_shows_what_is_declared(place: Place) -> None:
    folder = place.home("prod/ada") / ".claude/skills/notes"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: notes\ndescription: Take notes.\n---\nOnly here.\n")
    shown = place.adopt("--publish", "--dry-run").stdout
    assert "b/skills/notes/1.0.0/SKILL.md: new, " in shown
    assert "Only here." not in shown
    assert "+    - notes" in shown


def test_an_older_form_of_a_program_is_told_with_the_one_that_can_be_adopted(place: Place) -> None:
    file = place.home("prod/ada") / ".gemini/settings.json"
    file.parent.mkdir()
    server = {"httpUrl": "https://mcp.example.com/mcp", "headers": {"Authorization": f"Bearer {own('ada')}"}}
    file.write_text(json.dumps({"mcpServers": {"tickets": server}}))
    (left,) = place.bot("--dry-run", program="gemini-cli")["left"]
    assert (left["key"], "httpUrl is an older form" in left["reason"]) == ("mcp/tickets", True)
    assert 'write "type": "http" and "url" instead' in left["remedy"]
    server = {"type": "http", "url": server.pop("httpUrl"), **server}
    file.write_text(json.dumps({"mcpServers": {"tickets": server}}))
    assert place.bot("--dry-run", program="gemini-cli")["declared"] == ["mcp/tickets"]
