"""Fleets that grew by copying: packs, further bots, skills that no registry has, several programs and agents."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from molthub.model import Json
from molthub.platforms.config_file import ConfigFile
from tests.adopting.place import CANARY, SKILL, Place, write_server
from tests.reconciler.site import contents
from tests.reconciler.world import run_molthub

ROLES = {"dev": ("github", "postgres"), "desk": ("helpdesk", "mail")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def server(name: str, token: str = CANARY) -> dict[str, Json]:
    return {"command": "npx", "args": ["-y", f"@acme/{name}"], "env": {f"{name.upper()}_TOKEN": token}}


def write_skill(home: Path, name: str, text: str = "") -> Path:
    folder = home / ".claude/skills" / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(SKILL.replace("notes", name, 1) + text)
    return folder


def copied_fleet(place: Place, each: int = 4) -> None:
    """Write homes of two roles: each bot with tokens of its own, every fourth without its last server."""
    for role, names in ROLES.items():
        for number in range(each):
            home = place.home(f"prod/{role}-{number}")
            for name in names[: 1 if number % 4 == 3 else None]:
                write_server(home, "claude-code", server(name, f"{CANARY}{role}{number}"), name)
            for skill in ("git", "shell", role):
                write_skill(home, skill)


def git(place: Place, *words: str) -> str:
    command = ["git", "-C", str(place.registry), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("options", "said"), [((), "--fleet prod"), (("--label", "machine=m1"), "--selector machine=m1")]
)
def test_the_command_that_is_told_for_many_bots_takes_all_of_them_over(
    place: Place, options: tuple[str, ...], said: str
) -> None:
    for number in range(6):
        write_server(place.home(f"prod/bot-{number}"), "claude-code", server("github"), "github")
    done = place.adopt(str(place.target), "--all", *options, home=None)
    assert f"molthub reconcile --once --adopt {said}\n" in done.stderr
    assert "molthub exec --env -- PROGRAM" in done.stderr
    place.build()
    place.keep("github_token")
    assert place.reconcile("--adopt", *said.split(), bots=()).status == 0
    assert CANARY not in "".join(file.read_text() for file in place.target.glob("prod/*/.claude.json"))


def test_labels_are_those_of_new_bots(place: Place) -> None:
    write_server(place.home("prod/ada"), "claude-code", server("github"), "github")
    place.adopt("--label", "machine=m1", "--label", "team=payments")
    declared = (place.registry / "fleets/prod/bots/ada.yaml").read_text()
    assert "  labels:\n    machine: m1\n    team: payments\n" in declared
    assert "is no label" in place.adopt("--label", "machine", status=2).stderr
    assert "would not resolve" in place.adopt("--name", "bob", "--label", "a b=c", status=1).stderr


def test_a_copied_fleet_becomes_packs_and_its_homes_keep_all_but_literals(place: Place) -> None:
    copied_fleet(place)
    before = contents(place.target)
    told = place.document(str(place.target), "--all", "--publish", home=None, program="auto")
    offers = {one["pack"]: one for one in told["attached"]}
    assert {name: one["parts"] for name, one in offers.items()} == {
        "dev": ["mcp/github", "mcp/postgres", "skill/dev", "skill/git", "skill/shell"],
        "desk": ["mcp/helpdesk", "mcp/mail", "skill/desk", "skill/git", "skill/shell"],
    }
    assert offers["dev"]["exceptions"] == {"prod/dev-3": ["mcp/postgres"]}
    assert sorted(one["name"] for one in told["published"]) == ["desk", "dev", "git", "shell"]
    assert all(bot["besides"] == [] and bot["state"] == "new" for bot in told["bots"])
    assert "    - git\n" in told["files"]["packs/dev/1.yaml"]
    assert contents(place.target) == before
    assert run_molthub("check", "--registry", str(place.registry)).status == 0

    place.build()
    bots = ("prod/dev-0", "prod/dev-3", "prod/desk-1")
    for secret in ("github_token", "postgres_token", "helpdesk_token", "mail_token"):
        place.keep(secret)
    done = place.reconcile("--adopt", bots=bots)
    assert done.status == 0, done
    after = contents(place.target)
    changed = {path for path in before if before[path] != after.get(path)}
    assert changed == {f"{bot}/.claude.json" for bot in bots}
    assert CANARY not in "".join((place.target / bot / ".claude.json").read_text() for bot in bots)


def test_adopting_again_changes_nothing_and_undoing_is_a_revert(place: Place) -> None:
    copied_fleet(place)
    words = (str(place.target), "--all", "--publish")
    tree = git(place, "rev-parse", "HEAD^{tree}")
    done = place.adopt(*words, home=None)
    commit = git(place, "rev-parse", "HEAD").strip()
    assert f"undo: git revert {commit[:12]}" in done.stderr
    again = place.document(*words, home=None)
    assert (again["commit"], again["files"], {bot["state"] for bot in again["bots"]}) == (None, {}, {"unchanged"})
    assert git(place, "rev-parse", "HEAD").strip() == commit
    git(place, "revert", "--no-edit", commit)
    assert git(place, "rev-parse", "HEAD^{tree}") == tree


def test_a_further_bot_gets_the_packs_that_are_there(place: Place) -> None:
    copied_fleet(place)
    place.adopt(str(place.target), "--all", "--publish", home=None)
    shutil.copytree(place.target / "prod/dev-0", place.target / "prod/nina")
    write_server(place.home("prod/nina"), "claude-code", server("own"), "own")
    told = place.document(home="prod/nina")
    (bot,) = told["bots"]
    assert (bot["packs"], told["packs"], bot["besides"]) == (["dev"], [], [])
    assert "own" in told["files"]["fleets/prod/bots/nina.yaml"]
    assert "github" not in told["files"]["fleets/prod/bots/nina.yaml"]


def test_what_is_new_in_a_home_joins_its_document(place: Place) -> None:
    home = place.home("prod/ada")
    write_server(home, "claude-code", server("github"))
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_text(json.dumps({"env": {"LOG": "info"}}))
    place.adopt()
    document = place.registry / "fleets/prod/bots/ada.yaml"
    document.write_text(document.read_text().replace("  packs:", "  # ours\n  packs: # all\n"))
    git(place, "commit", "-qam", "Say whose it is")

    write_server(home, "claude-code", server("more"), "more")
    write_server(home, "claude-code", {"command": "other"})
    (home / ".claude/settings.json").write_text(json.dumps({"env": {"LOG": "info", "TEAM": "red"}}))
    told = place.document()
    (bot,) = told["bots"]
    assert (bot["state"], bot["added"], bot["besides"]) == ("extended", ["env/TEAM", "mcp/more"], [])
    assert [(one["key"], one["reason"]) for one in bot["left"]] == [("mcp/github", "it is declared otherwise")]
    text = document.read_text()
    assert "# ours" in text
    assert "packs: # all" in text
    assert "name: more" in text
    assert place.bot()["state"] == "unchanged"


def test_a_name_that_another_bot_has_is_refused(place: Place) -> None:
    write_server(place.home("prod/ada"), "claude-code", server("github"))
    place.adopt()
    write_server(place.home("prod/ada"), "codex", server("github"))
    done = place.adopt(program="codex", status=1)
    assert "is declared already, with the platform claude-code, not codex" in done.stderr
    assert "--name" in done.stderr


def test_an_edited_copy_is_told_with_its_difference(place: Place) -> None:
    version = place.publish_skill("git")
    skill = place.home("prod/ada") / ".claude/skills/git"
    shutil.copytree(version, skill)
    (skill / "SKILL.md").write_text("---\nname: git\ndescription: Ours.\n---\nOurs.\n")
    (skill / "extra.md").write_text("more")
    bot = place.bot("--publish", "--dry-run")
    (left,) = bot["left"]
    assert (left["near"], [*map(tuple, (one.values() for one in left["differs"]))]) == (
        "git@1.0.0",
        [("SKILL.md", "edited"), ("extra.md", "added")],
    )
    assert "it is nearest to git@1.0.0 but for SKILL.md, extra.md (added)" in left["reason"]
    assert "--name @SCOPE/git" in left["remedy"]
    (skill / "skill.yaml").unlink()
    told = place.document("--publish", "--publish-edited")
    assert [(one["name"], one["version"]) for one in told["published"]] == [("git", "1.0.1")]
    assert told["bots"][0]["declared"] == ["skill/git"]


def test_of_several_contents_the_usual_one_is_published(place: Place) -> None:
    for bot in ("a", "b", "c"):
        write_skill(place.home(f"prod/{bot}"), "own", "later\n" if bot == "a" else "")
    write_skill(place.home("prod/c"), "misnamed").rename(place.home("prod/c") / ".claude/skills/renamed")
    told = place.document(str(place.target), "--all", "--publish", home=None, status=4)
    assert [(one.get("name"), one["result"]) for one in told["published"]] == [(None, "refused"), ("own", "new")]
    assert "names it misnamed" in told["published"][0]["problems"][0]["message"]
    assert told["packs"] == []
    by_bot = {bot["bot"]: bot for bot in told["bots"]}
    assert [by_bot[f"prod/{bot}"]["declared"] for bot in "abc"] == [[], ["skill/own"], ["skill/own"]]
    assert by_bot["prod/a"]["left"][0]["near"] == "own@1.0.0"


def test_a_withdrawn_version_is_not_declared(place: Place) -> None:
    version = place.publish_skill("git")
    shutil.copytree(version, place.home("prod/ada") / ".claude/skills/git")
    done = run_molthub(
        "skills", "unpublish", "git@1.0.0", "--reason", "It was wrong.", "--registry", str(place.registry)
    )
    assert done.status == 0, done
    (left,) = place.bot("--dry-run")["left"]
    assert left["reason"] == "it is git@1.0.0, which was withdrawn: It was wrong."


def test_programs_are_found_and_one_broken_home_stops_no_other(place: Place) -> None:
    write_server(place.home("prod/ada"), "claude-code", server("github"))
    write_server(place.home("prod/bob"), "codex", server("github"))
    (place.home("prod/cyd") / ".agents/skills/git").mkdir(parents=True)
    (place.home("prod/cyd") / ".agents/skills/git/SKILL.md").write_text(SKILL.replace("notes", "git"))
    (place.home("prod/bad") / ".claude.json").write_text("{\n nonsense")
    place.home("prod/empty")
    told = place.document(str(place.target), "--all", "--publish", home=None, program="auto", status=4)
    assert {bot["bot"]: bot["platform"] for bot in told["bots"]} == {
        "prod/ada": "claude-code",
        "prod/bob": "codex",
        "prod/cyd": "agents-dir",
    }
    refused = {one["bot"]: one["error"] for one in told["refused"]}
    assert refused.keys() == {"prod/bad", "prod/empty"}
    assert ".claude.json:2" in refused["prod/bad"]["place"]
    assert "no program's files" in refused["prod/empty"]["message"]


def test_programs_of_one_home_must_agree(place: Place) -> None:
    home = place.home("prod/ada")
    for program in ("claude-code", "cursor"):
        write_server(home, program, server("github"))
    told = place.document(program="auto")
    assert [bot["bot"] for bot in told["bots"]] == ["prod/ada-claude-code", "prod/ada-cursor"]
    place.build()
    other = place.home("prod/bob")
    write_server(other, "claude-code", server("github"))
    write_server(other, "claude-code", server("mail"), "mail")
    write_server(other, "cursor", server("github"))
    done = place.adopt(program="auto", home="prod/bob", status=4)
    assert "prod/bob-cursor shares its home with prod/bob-claude-code, but they differ in mcp/mail" in done.stdout


@pytest.mark.parametrize("form", ["entries", "list"])
def test_further_agents_of_one_openclaw_are_bots_of_their_own(place: Place, form: str) -> None:
    home = place.home("prod/ada")
    file = write_server(home, "openclaw", server("github"))
    agents = {"main": {}, "night": {}, "far": {"workspace": "/srv/far"}}
    config = ConfigFile.parse(file.read_bytes(), "json5", "settings")
    listed = [{"id": name, **entry} for name, entry in agents.items()]
    config.set(("agents", form), agents if form == "entries" else listed)
    file.write_bytes(config.to_bytes())
    version = place.publish_skill("git")
    shutil.copytree(version, home / ".openclaw/workspace-night/skills/git")
    told = place.document(program="openclaw")
    bots = {bot["bot"]: bot for bot in told["bots"]}
    assert {path: (bot["agent"], bot["declared"]) for path, bot in bots.items()} == {
        "prod/ada": ("", ["mcp/github"]),
        "prod/ada-night": ("night", ["mcp/github", "skill/git"]),
        "prod/ada-far": ("far", ["mcp/github"]),
    }
    assert "works in /srv/far" in bots["prod/ada-far"]["left"][0]["reason"]
    place.build()
    place.keep("github_token")
    done = place.reconcile("--adopt", bots=tuple(bots))
    assert done.status == 0, done
    assert CANARY not in file.read_text()


def test_a_person_says_what_is_a_secret(place: Place) -> None:
    env = {"PROJECT_KEY": "ours", "PHRASE": "open sesame", "SEED": "k3J9sLq0Zx81mNvB72HtYp4W", "MODE": "x"}
    write_server(place.home("prod/ada"), "claude-code", {"command": "x", "env": env})
    found = {one["name"]: one["class"] for one in place.bot("--dry-run")["secrets"]}
    assert found == {"project_key": "name", "seed": "random"}
    judged = place.bot("--secret", "PHRASE", "--not-secret", "project-key,SEED", "--dry-run")
    assert {one["name"]: one["class"] for one in judged["secrets"]} == {"phrase": "asked"}


def test_packs_are_called_as_people_ask(place: Place) -> None:
    copied_fleet(place)
    words = (str(place.target), "--all", "--publish", "--dry-run")
    assert place.document(*words, "--pack", "dev=developers", home=None)["packs"] == ["desk", "developers"]
    assert place.document(*words, "--min-shared", "5", home=None)["packs"] == ["adopted-prod"]
    assert "is no name" in place.adopt(*words, "--pack", "dev=No Name", home=None, status=2).stderr
    assert "--publish-edited goes with" in place.adopt(*words[:2], "--publish-edited", home=None, status=2).stderr
    told = place.adopt(*words, home=None)
    assert "pack dev: 5 parts on 4 of 8 bots" in told.stdout
    assert "but for prod/dev-3: mcp/postgres" in told.stdout
    assert "prod/dev-3: pack dev; without mcp/postgres" in told.stdout
    assert CANARY not in told.stdout + told.stderr


@pytest.mark.parametrize("program", ["claude-code", "codex", "openclaw", "zed"])
def test_a_copy_of_a_bot_that_is_declared_is_a_bot_like_it(place: Place, program: str) -> None:
    write_server(place.home("prod/ada"), program, server("github"))
    place.adopt(program=program)
    place.build()
    place.keep("github_token")
    assert place.reconcile("--adopt").status == 0
    shutil.copytree(place.target / "prod/ada", place.target / "prod/bob")
    bot = place.bot(home="prod/bob", program=program)
    assert (bot["declared"], bot["packs"], bot["besides"]) == (["mcp/github"], ["adopted-prod"], [])
    assert [(one["name"], one["literal"]) for one in bot["secrets"]] == [("github_token", False)]
    assert [one["reason"].split(",")[0] for one in bot["left"]] == ["it is a copy of the home of prod/ada"]
    place.build()
    before = contents(place.target / "prod/bob")
    done = place.reconcile("--adopt", bots=("prod/bob",))
    assert done.status == 0, done
    after = contents(place.target / "prod/bob")
    assert {path for path in after if after[path] != before[path]} == {".agents/molthub.json"}
