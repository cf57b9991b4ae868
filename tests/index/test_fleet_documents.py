"""Fleets and bots in the index: the documents the reconciler reads, and the routes that say who has which pack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from molthub.documents import bot_from_json, canonical, digest_of, fleet_from_json
from tests.builders import Tree, bot, fleet, overlay, pack, registry, skill
from tests.index import walk
from tests.index.made import build, document, entry, problem_ids, site

DEV = {
    "skills": ["git"],
    "mcps": [{"name": "github", "command": "npx github"}],
    "envVars": {"TOKEN": "${secrets.token}", "LOG_LEVEL": "info"},
}


def declared(*parts: Tree) -> Tree:
    return registry(
        skill("git", "1.1.0", "1.2.0"),
        skill("docker"),
        pack("dev", DEV),
        fleet("prod", {"env": "prod"}, packs=["dev"], sync={"mode": "detect"}),
        bot(
            "prod",
            "ada",
            packs=[
                {
                    "name": "dev",
                    "attachedAt": "2026-11-19T10:00:00Z",
                    "envOverrides": {"LOG_LEVEL": "debug", "TOKEN": "${secrets.ada_token}"},
                }
            ],
        ),
        bot("prod", "bob", platform="openclaw", home="bobs", skills=["docker"]),
        *parts,
    )


def ada(index: Any) -> dict[str, Any]:
    found: dict[str, Any] = document(index, "bots/prod/ada.json")
    return found


def test_a_bot_holds_its_desired_state_and_how_to_fetch_it() -> None:
    index = build(declared(), fleets=True)
    assert index.complete
    assert index.unresolved == ()
    state = bot_from_json(index.files["bots/prod/ada.json"], "ada")
    git = entry(index, "skill", "git")["versions"]["1.2.0"]
    assert state.desired["skill/git"] == git["digest"]
    assert state.desired["env/LOG_LEVEL"] == "debug"
    fetch = state.skills[git["digest"]]
    assert (fetch.name, fetch.version, fetch.archive) == ("git", "1.2.0", git["archive"])
    assert (fetch.size, fetch.unpacked) == (git["size"], git["unpacked"])
    assert (state.home, state.agent, state.labels["env"]) == ("ada", "main", "prod")
    assert bot_from_json(index.files["bots/prod/bob.json"], "bob").home == "bobs"


def test_people_and_programs_read_the_same_bytes() -> None:
    index = build(declared(), fleets=True)
    root = document(index, "registry.json")
    shown = index.files["fleets/prod.json"]
    assert index.files[f"fleets/{root['fleets']['prod']}.json"] == shown
    state = fleet_from_json(shown, "prod")
    assert state.sync.mode == "detect"
    for name, ref in state.bots.items():
        content = index.files[f"bots/prod/{name}.json"]
        assert index.files[f"bots/{ref.file}.json"] == content
        assert ref.file == walk.sha256(content)


def test_without_fleets_nothing_of_them_is_published() -> None:
    index = build(declared())
    assert "fleets" not in document(index, "registry.json")
    assert not [path for path in index.files if path.startswith(("fleets/", "bots/")) or path.endswith("/bots.json")]
    forms = ("schemas/", "api/v1/openapi.json")  # they say what a fleet would look like
    ours = {path: content for path, content in index.files.items() if not path.startswith(forms)}
    assert not [path for path, content in ours.items() if b"prod" in content]


def test_a_bot_that_does_not_resolve_says_why_and_stops_nobody() -> None:
    index = build(declared(bot("prod", "eve", skills=["code-reveiw"])), fleets=True)
    assert index.unresolved == ("prod/eve",)
    assert not index.complete
    eve = document(index, "bots/prod/eve.json")
    assert eve["resolved"] is False
    assert "code-reveiw" in eve["problems"][0]["message"]
    assert "desired" not in eve
    assert "digest" not in document(index, "fleets/prod.json")["bots"]["eve"]
    assert ada(index)["resolved"] is True


def test_a_bot_whose_skill_the_index_does_not_offer_does_not_resolve() -> None:
    tree = declared()
    path = "skills/docker/1.0.0/SKILL.md"
    index = build(tree | {path: str(tree[path]).replace("# docker", "# changed")}, fleets=True)
    assert index.unresolved == ("prod/bob",)
    assert {"MH404", "MH210"} <= set(problem_ids(index))
    assert "docker 1.0.0" in document(index, "bots/prod/bob.json")["problems"][-1]["message"]
    assert ada(index)["resolved"] is True


def test_trouble_with_fleets_does_not_concern_an_index_without_them() -> None:
    tree = declared(overlay("broken", skils=["git"]), bot("prod", "eve", skills=["nothing"]))
    assert build(tree).complete
    assert not build(tree, fleets=True).complete


# --- who has which pack --------------------------------------------------------------------------------------------


def test_a_pack_lists_its_bots_with_how_it_is_attached() -> None:
    index = build(declared(), fleets=True)
    assert document(index, "api/v1/skill-packs/dev/bots.json") == {
        "pack": "dev",
        "bots": [
            {
                "botId": "prod/ada",
                "version": 1,
                "attachedAt": "2026-11-19T10:00:00Z",
                "envOverrides": {"LOG_LEVEL": "***", "TOKEN": "${secrets.ada_token}"},
            },
            {"botId": "prod/bob", "version": 1, "attachedAt": None, "envOverrides": {}},
        ],
    }
    assert index.files["api/v1/skill-packs/dev/bots/index.html"] == index.files["api/v1/skill-packs/dev/bots.json"]


def test_a_fleet_lists_its_bots_with_their_packs() -> None:
    found = document(build(declared(), fleets=True), "api/v1/fleets/prod/bots.json")
    assert found["fleet"] == "prod"
    bob = found["bots"][1]
    assert (bob["botId"], bob["platform"], bob["resolved"]) == ("prod/bob", "openclaw", True)
    assert [pack["pack"] for pack in bob["packs"]] == ["dev"]


def test_a_bot_that_does_not_resolve_is_listed_with_what_it_declares() -> None:
    attachment = {"name": "dev", "version": 9, "envOverrides": {"LOG_LEVEL": "debug"}}
    index = build(declared(bot("prod", "eve", packs=[attachment])), fleets=True)
    eve = document(index, "api/v1/fleets/prod/bots.json")["bots"][2]
    assert (eve["resolved"], eve["digest"]) == (False, None)
    assert eve["packs"] == [{"pack": "dev", "version": 9, "attachedAt": None, "envOverrides": {"LOG_LEVEL": "***"}}]


def test_a_fleet_without_bots_and_a_pack_without_bots_have_empty_lists() -> None:
    index = build(registry(pack("dev", {}), fleet("empty")), fleets=True)
    assert document(index, "fleets/empty.json")["bots"] == {}
    assert document(index, "api/v1/fleets/empty/bots.json") == {"fleet": "empty", "bots": []}
    assert document(index, "api/v1/skill-packs/dev/bots.json") == {"pack": "dev", "bots": []}


def test_a_bot_that_cannot_be_read_is_in_its_fleet_and_does_not_resolve() -> None:
    tree = declared() | {"fleets/prod/bots/eve.yaml": "kind: [Bot\n"}
    index = build(tree, fleets=True)
    assert index.unresolved == ("prod/eve",)
    assert bot_from_json(index.files["bots/prod/eve.json"], "eve").resolved is False
    assert "eve" in fleet_from_json(index.files["fleets/prod.json"], "prod").bots


def test_an_index_published_without_fleets_keeps_none_of_an_earlier_one(tmp_path: Path) -> None:
    site(declared(), tmp_path, fleets=True)
    assert len(walk.verify(tmp_path)["fleets"]) == 1
    site(declared(), tmp_path)
    walk.verify(tmp_path)
    assert not (tmp_path / "fleets").exists()
    assert not (tmp_path / "bots").exists()


def test_a_client_with_the_old_root_still_gets_its_bot(tmp_path: Path) -> None:
    site(declared(), tmp_path, fleets=True)
    old = (tmp_path / "registry.json").read_bytes()
    site(declared(bot("prod", "ada", packs=["dev"], skills=["docker"])), tmp_path, fleets=True)
    walk.verify(tmp_path)
    (tmp_path / "registry.json").write_bytes(old)
    walk.verify(tmp_path)


def test_documents_of_bots_and_their_lists_are_canonical() -> None:
    settings = {"level": 1.5, "ключ": {"ordered": [1e30, "é", None]}, "\U0001f600": 1, "￰": 2}
    overlaid = overlay("odd", skills=[{"name": "git", "config": settings}], envVars={"NOTE": "naïve"})
    index = build(
        declared(overlaid, bot("prod", "eve", overlays=["odd"]), bot("prod", "fay", skills=["lost"])), fleets=True
    )
    written = [path for path in index.files if path.startswith(("bots/", "fleets/")) or path.endswith("/bots.json")]
    assert len(written) == 2 * 4 + 2 + 2
    for path in written:
        assert canonical(json.loads(index.files[path])) == index.files[path], path
    state = bot_from_json(index.files["bots/prod/eve.json"], "eve")
    assert state.desired["config/git"] == settings
    assert state.digest == digest_of(dict(state.desired))
