"""Bots are given no skill whose publisher's signature does not count, or is missing where it is demanded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import canonical, digest_of, hex_of
from molthub.index.build import build_index
from molthub.registry.catalog import read_catalog
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.subjects import Choice
from molthub_reconciler.supply.skill_signatures import Asked
from molthub_reconciler.workplace import Workplace
from tests.builders import Tree, TreeSource, bot, fleet, registry, skill
from tests.reconciler.world import World, state_of
from tests.signing.keys import KEY, fingerprint, new_key, public, signed
from tests.signing.remade import Opened, changed, write


@pytest.fixture(scope="module")
def ada() -> Any:
    """Return a publisher's key."""
    return new_key()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return World(tmp_path)


def index_of(key: Any, *, version: str = "1.0.0") -> dict[str, bytes]:
    """Return an index with a bot of a signed and an unsigned skill, and one of the signed skill alone."""
    tree: Tree = {
        **registry(
            skill("git", *dict.fromkeys(("1.0.0", version))),
            skill("plain"),
            fleet("prod"),
            bot("prod", "ada", skills=["git", "plain"]),
            bot("prod", "bob", skills=["git"]),
        ),
        KEY: public(key),
    }
    source = TreeSource(signed(tree, key, "git", version))
    return dict(build_index(read_catalog(source), source, fleets=True).files)


def publish(world: World, files: Mapping[str, bytes]) -> None:
    shutil.rmtree(world.site.folder, ignore_errors=True)
    write(files, world.site.folder)


def with_bots(files: Mapping[str, bytes], edit: Callable[[bytes], bytes]) -> dict[str, bytes]:
    """Return an index with every bot's document edited, and all hashes right again."""
    found = dict(files)
    root = json.loads(found["registry.json"])
    document = json.loads(found[f"fleets/{root['fleets']['prod']}.json"])
    for ref in document["bots"].values():
        content = edit(found[f"bots/{ref['file']}.json"])
        ref |= {"file": hex_of(content), "digest": json.loads(content)["digest"]}
        found[f"bots/{ref['file']}.json"] = content
    content = canonical(document)
    root["fleets"]["prod"] = hex_of(content)
    return {**found, f"fleets/{hex_of(content)}.json": content, "registry.json": canonical(root)}


def installed(world: World, name: str) -> set[str]:
    root = world.home(f"prod/{name}") / ".agents/skills"
    return {path.name for path in root.iterdir()} if root.is_dir() else set()


def problems_of(report: Mapping[str, Any], name: str) -> list[str]:
    return [problem["id"] for row in report["bots"] if row["bot"] == f"prod/{name}" for problem in row["problems"]]


def test_signed_and_unsigned_skills_reach_bots_where_nothing_is_demanded(world: World, ada: Any) -> None:
    publish(world, index_of(ada))
    report = world.report("reconcile", status=0)
    assert [state_of(report, f"prod/{name}") for name in ("ada", "bob")] == ["in-sync", "in-sync"]
    assert installed(world, "ada") == {"git", "plain"}
    assert world.report("plan", status=0)


def test_an_unsigned_skill_is_refused_and_the_rest_goes_on(world: World, ada: Any) -> None:
    publish(world, index_of(ada))
    planned = world.report("plan", "--require-signature", status=4)
    assert (problems_of(planned, "ada"), problems_of(planned, "bob")) == (["MH631"], [])
    report = world.report("reconcile", "--require-signature", status=4)
    assert problems_of(report, "ada") == ["MH631"]
    assert state_of(report, "prod/bob") == "in-sync"
    assert (installed(world, "ada"), installed(world, "bob")) == ({"git"}, {"git"})


def test_the_index_s_own_policy_counts(world: World, ada: Any) -> None:
    def demand(opened: Opened) -> None:
        opened.root["requireSignatures"] = True

    files = index_of(ada)
    publish(world, {**files, **changed(files, demand)})
    assert problems_of(world.report("reconcile", status=4), "ada") == ["MH631"]
    assert installed(world, "ada") == {"git"}


def test_a_signature_that_does_not_count_is_refused_although_the_store_has_the_skill(world: World, ada: Any) -> None:
    def spoil(opened: Opened) -> None:
        opened.signatures("skill/git")["skill/git@1.0.0"]["signature"] = "AAAA"

    files = index_of(ada)
    publish(world, files)
    world.report("reconcile", "--bot", "prod/bob", status=0)
    remade = changed(files, spoil)
    (old,) = (path[11:75].encode() for path in files if path.startswith("signatures/") and path.endswith(".gz"))
    (new,) = (path[11:75].encode() for path in remade if path.startswith("signatures/"))
    publish(world, with_bots({**files, **remade}, lambda content: content.replace(old, new)))
    report = world.report("reconcile", "--bot", "prod/ada", status=1)
    assert problems_of(report, "ada") == ["MH616"]
    assert installed(world, "ada") == {"plain"}


def test_another_key_than_before_needs_to_be_accepted(world: World, ada: Any) -> None:
    eve = new_key()
    publish(world, index_of(ada))
    world.report("reconcile", status=0)
    publish(world, index_of(eve, version="1.1.0"))
    report = world.report("reconcile", status=1)
    assert (problems_of(report, "ada"), problems_of(report, "bob")) == (["MH617"], ["MH617"])
    assert installed(world, "ada") == {"git", "plain"}
    assert world.report("reconcile", "--accept-signer", fingerprint(eve), status=0)
    assert world.report("reconcile", status=0)


def test_a_skill_under_another_s_name_is_judged_by_what_the_bot_would_have(world: World, ada: Any) -> None:
    def edit(content: bytes) -> bytes:
        document = json.loads(content)
        if "skill/plain" in document["desired"]:
            document["desired"]["skill/plain"] = document["desired"]["skill/git"]
            document["digest"] = digest_of(document["desired"])
        return canonical(document)

    publish(world, with_bots(index_of(ada), edit))
    report = world.report("reconcile", "--bot", "prod/ada", status=1)
    assert problems_of(report, "ada") == ["MH616"]
    assert installed(world, "ada") == {"git"}


def test_while_the_index_is_away_only_what_was_judged_good_is_mended(world: World, ada: Any) -> None:
    publish(world, index_of(ada))
    world.report("reconcile", status=0)
    for name in ("git", "plain"):
        shutil.rmtree(world.home("prod/ada") / ".agents/skills" / name)
    asked = Asked(required=True)
    place = Workplace(str(world.site.folder), world.target, world.state, Choice(), signatures=asked)
    report = place.offline(Rules(act=True))
    assert [problem.id for row in report.bots for problem in row.problems] == ["MH631"]
    assert installed(world, "ada") == {"git"}
