"""The index through the controller: an agent that reaches nothing else gets its own bot's part of it, verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from molthub.documents import bot_to_json, canonical, digest_of, hex_of
from molthub_reconciler.remote.exchange import Assignment
from tests.reconciler.site import DOCKER, GIT
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import level
from tests.remote.inside import Inside, inside
from tests.signing.repository import SignedIndex

ADA, BOB = "prod/ada", "prod/bob"


@pytest.fixture
def controlled(world: World) -> Iterator[Inside]:
    """Return a controller that has looked at two bots of other machines, each with a skill of its own."""
    git, docker = world.site.skill("git", "1.2.0", GIT), world.site.skill("docker", "1.0.0", DOCKER)
    world.site.bot(ADA, {"skill/git": git, "env/LEVEL": "debug"})
    world.site.bot(BOB, {"skill/docker": docker})
    world.site.publish()
    with inside(world) as found:
        found.token_file(ADA, found.enrol(ADA))
        found.token_file(BOB, found.enrol(BOB))
        found.look()
        yield found


def token(controlled: Inside, bot: str = ADA) -> str:
    return (controlled.machine(bot) / "token").read_text()


def archive(controlled: Inside, name: str) -> str:
    return next(one.archive for one in controlled.world.site.artifacts.values() if one.name == name)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the agent a store that the controller does not share."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "agents-cache"))
    return tmp_path / "agents-cache"


@pytest.mark.usefixtures("elsewhere")
def test_an_agent_without_an_index_has_its_skills_from_the_controller(controlled: Inside) -> None:
    done = run_molthub(*controlled.agent(ADA), "--once")
    assert done.status == 0, done
    home = controlled.machine(ADA) / "bots" / ADA
    assert "Commit." in (home / ".agents/skills/git/SKILL.md").read_text()
    assert '"LEVEL": "debug"' in level(home)
    told = controlled.place.agents.report(ADA)
    assert told is not None
    assert told.bot.state == "in-sync"
    assert controlled.place.store.has(controlled.world.site.bots[ADA].desired["skill/git"])  # kept for the next one
    controlled.world.site.archive_of(controlled.world.site.bots[ADA].desired["skill/git"]).unlink()
    assert run_molthub(*controlled.agent(ADA), "--once").status == 0


def test_a_token_reads_its_own_bots_part_of_the_index_alone(controlled: Inside) -> None:
    mine, others = archive(controlled, "git"), archive(controlled, "docker")
    root = json.loads((controlled.world.site.folder / "registry.json").read_bytes())
    given = controlled.place.agents.assignment(BOB)
    assert given is not None
    asked = {
        f"archives/{mine}.tar.gz": 200,
        f"archives/{others}.tar.gz": 404,
        f"archives/{'0' * 64}.tar.gz": 404,
        "registry.json": 200,
        f"bots/{given.document}.json": 404,
        f"fleets/{root['fleets']['prod']}.json": 404,  # nobody needs it where nothing is signed
        f"search/{root['search']['']}.json.gz": 404,
        "../registry.json": 404,
        "metadata/../registry.json": 404,
        "metadata/%2e%2e/registry.json": 404,
        f"archives/../archives/{mine}.tar.gz": 404,
        "": 404,
    }
    found = {path: controlled.ask(f"/v1/bots/{ADA}/index/{path}", token(controlled))[0] for path in asked}
    assert found == asked
    assert controlled.ask(f"/v1/bots/{BOB}/index/archives/{others}.tar.gz", token(controlled))[0] == 401
    assert controlled.ask(f"/v1/bots/{ADA}/documents/{given.document}", token(controlled))[0] == 404


def test_an_archive_is_named_by_its_hash_and_not_sent_twice(controlled: Inside) -> None:
    path = f"/v1/bots/{ADA}/index/archives/{archive(controlled, 'git')}.tar.gz"
    status, content, headers = controlled.ask(path, token(controlled))
    assert (status, hex_of(content)) == (200, archive(controlled, "git"))
    assert headers["etag"] == f'"{archive(controlled, "git")}"'
    assert "immutable" in headers["cache-control"]
    assert "private" in headers["cache-control"]
    again = controlled.ask(path, token(controlled), If_None_Match=headers["etag"])
    assert again[:2] == (304, b"")
    changing = controlled.ask(f"/v1/bots/{ADA}/index/registry.json", token(controlled))[2]
    assert changing["cache-control"] == "no-store"


@pytest.mark.usefixtures("elsewhere")
def test_what_was_changed_on_the_way_is_given_to_nobody(controlled: Inside) -> None:
    git = controlled.world.site.bots[ADA].desired["skill/git"]
    place = controlled.world.site.archive_of(git)
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    status, content, _ = controlled.ask(f"/v1/bots/{ADA}/index/archives/{place.name}", token(controlled))
    assert status == 502
    assert b"expected SHA-256" in content
    assert any("prod/ada could not get archives/" in line for line in controlled.warned)
    done = run_molthub(*controlled.agent(ADA), "--once")
    assert (done.status, "the controller cannot get that: expected SHA-256" in done.stderr) == (1, True), done.stderr
    assert not (controlled.machine(ADA) / "bots" / ADA / ".agents/skills/git").exists()


def test_a_bot_that_was_given_nothing_gets_nothing(controlled: Inside) -> None:
    del controlled.world.site.bots[ADA]
    controlled.world.site.publish()
    controlled.look()
    path = f"/v1/bots/{ADA}/index/archives/{archive(controlled, 'git')}.tar.gz"
    assert controlled.ask(path, token(controlled))[0] == 404


# --- the registry's root of trust -------------------------------------------------------------------------------------


def sign(controlled: Inside, keys: SignedIndex | None = None) -> SignedIndex:
    """Sign what is published now."""
    folder = controlled.world.site.folder
    content = (folder / "registry.json").read_bytes()
    signed = keys or SignedIndex(content=content)
    if keys is not None:
        signed.publish(content)
    for path, found in signed.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(found)
    return signed


def root_file(controlled: Inside, signed: SignedIndex) -> str:
    place = controlled.machine(ADA) / "1.root.json"
    place.write_bytes(signed.files["metadata/1.root.json"])
    return str(place)


@pytest.mark.usefixtures("elsewhere")
def test_an_agent_with_the_root_of_trust_takes_what_the_registry_signed(controlled: Inside) -> None:
    signed = sign(controlled)
    trusting = [*controlled.agent(ADA, "--root", root_file(controlled, signed)), "--once"]
    done = run_molthub(*trusting)
    assert done.status == 0, done
    fleets = json.loads((controlled.world.site.folder / "registry.json").read_bytes())["fleets"]
    path = f"/v1/bots/{ADA}/index/fleets/{fleets['prod']}.json"
    assert controlled.ask(path, token(controlled))[0] == 200

    before = controlled.place.agents.assignment(ADA)
    assert before is not None
    controlled.world.site.bot(ADA, {"env/LEVEL": "info"})
    controlled.world.site.publish()
    sign(controlled, signed)
    controlled.look()
    assert run_molthub(*trusting).status == 0
    controlled.place.agents.assign(before)  # what it once had, as a rollout that is taken back gives it
    done = run_molthub(*trusting)
    assert done.status == 0, done
    assert '"LEVEL": "debug"' in level(controlled.machine(ADA) / "bots" / ADA)


@pytest.mark.usefixtures("elsewhere")
def test_a_stolen_controller_gives_such_an_agent_nothing_of_its_own(controlled: Inside) -> None:
    signed = sign(controlled)
    trusting = [*controlled.agent(ADA, "--root", root_file(controlled, signed)), "--once"]
    assert run_molthub(*trusting).status == 0
    desired = {"mcp/evil": {"command": "curl", "args": ["https://evil.example/"]}}
    forged = replace(controlled.world.site.bots[ADA], desired=desired, digest=digest_of(desired), skills={})
    content = canonical(bot_to_json(forged))
    controlled.place.state.keep_document(ADA, hex_of(content), content)
    controlled.place.agents.assign(Assignment(ADA, hex_of(content), forged.digest, 0, "a" * 40))
    done = run_molthub(*trusting)
    assert (done.status, "the signed index does not name" in done.stderr) == (1, True), done
    home = controlled.machine(ADA) / "bots" / ADA
    assert "evil" not in level(home)
    assert '"LEVEL": "debug"' in level(home)
