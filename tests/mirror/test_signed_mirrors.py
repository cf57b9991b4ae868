"""Mirrors of signed indexes: clients with keys believe them as they believe the origin, and notice what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from molthub.transparency.checkpoint import read_checkpoint
from molthub.transparency.published_log import PublishedLog
from molthub.transparency.tiles import edge_tiles
from tests.builders import Tree, bot, commit, fleet, pack, registry, skill
from tests.index import walk
from tests.registry.command import Command
from tests.signing.keys import KEY, fingerprint, new_key, public, signed


def declared(*versions: str) -> Tree:
    return registry(
        skill("git", *versions),
        skill("docker", "2.0.0"),
        pack("dev", {"skills": [{"name": "git", "version": "1.1.0"}]}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada"),
    )


@pytest.fixture
def site(molthub: Command, tmp_path: Path) -> Path:
    """Return a signed index, with the keys in ``keys``."""
    (tmp_path / ".skills").mkdir()
    commit(declared("1.1.0"), tmp_path / "registry")
    molthub("build", "--registry", "registry", "--out", "site", "--fleets")
    molthub("sign", "init", "--keys", "keys")
    assert molthub("sign", "--keys", "keys", "--index", "site", "--first", "--registry", "registry").status == 0
    return tmp_path / "site"


def publish(molthub: Command, *versions: str) -> None:
    commit(declared(*versions), Path("registry"))
    assert molthub("build", "--registry", "registry", "--out", "site", "--fleets").status == 0
    said = molthub("sign", "--keys", "keys", "--index", "site", "--registry", "registry")
    assert said.status == 0, said


def test_clients_with_keys_believe_a_mirror_as_they_believe_the_origin(
    site: Path, molthub: Command, skills: Command, tmp_path: Path
) -> None:
    said = molthub("mirror", "site", "m", "--root", "keys/1.root.json")
    assert "it is signed by its origin, and clients believe that until 20" in said.err
    for folder in ("metadata", "log"):
        assert walk.contents(tmp_path / "m" / folder) == walk.contents(site / folder)
    shutil.rmtree(site)
    assert skills("registry", "add", "m", "--root", "keys/1.root.json").status == 0
    assert skills("install", "git").status == 0
    assert skills("verify").status == 0, "the log can be read there too"
    checkpoint = read_checkpoint((tmp_path / "m/log/checkpoint").read_text())
    log = PublishedLog(checkpoint, lambda path: (tmp_path / "m" / path).read_bytes(), "m")
    assert checkpoint.size == 3
    log.edge(list(edge_tiles(checkpoint.size)))


def test_a_signed_mirror_follows_its_origin(site: Path, molthub: Command, skills: Command, tmp_path: Path) -> None:
    molthub("mirror", site, "m", "--root", "keys/1.root.json")
    skills("registry", "add", "m", "--root", "keys/1.root.json")
    skills("install", "docker")
    assert skills("verify").status == 0
    publish(molthub, "1.1.0", "1.2.0")
    molthub("sign", "rotate", "--keys", "keys", "--online")
    publish(molthub, "1.1.0", "1.2.0", "1.3.0")
    assert molthub("mirror", "m").status == 0
    assert skills("install", "git").out == "+ git 1.3.0\n"
    assert skills("verify").status == 0
    assert (tmp_path / "m/metadata/2.root.json").exists()
    assert walk.contents(tmp_path / "m/log").items() <= walk.contents(site / "log").items()
    assert molthub("mirror", "m", "--json").json["changed"] is False


def test_without_a_root_the_first_one_seen_is_named_and_counts_from_then_on(
    site: Path, molthub: Command, tmp_path: Path
) -> None:
    said = molthub("mirror", "site", "m")
    assert (said.status, "the first one seen is trusted from now on: sha256:" in said.err) == (0, True)
    assert "the first one seen" not in molthub("mirror", "m").err
    before = walk.contents(tmp_path / "m")
    shutil.rmtree(site / "metadata")
    shutil.rmtree(tmp_path / "keys")
    molthub("sign", "init", "--keys", "keys")
    molthub("sign", "--keys", "keys", "--index", "site", "--first", "--registry", "registry")
    said = molthub("mirror", "m", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH611")
    assert walk.contents(tmp_path / "m") == before


def test_a_wrong_root_is_refused(site: Path, molthub: Command, tmp_path: Path) -> None:
    assert site.is_dir()
    molthub("sign", "init", "--keys", "others")
    said = molthub("mirror", "site", "m", "--root", "others/1.root.json", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH611")
    assert not (tmp_path / "m/registry.json").exists()


def test_a_root_that_the_projects_configuration_pins_is_the_one(
    site: Path, molthub: Command, skills: Command, tmp_path: Path, home: Path
) -> None:
    skills("registry", "add", site, "--root", "keys/1.root.json", "--project")
    shutil.rmtree(home / ".local")
    assert "the first one seen" not in molthub("mirror", site, "m").err
    shutil.rmtree(home / ".local")
    shutil.rmtree(tmp_path / "keys")
    shutil.rmtree(site / "metadata")
    molthub("sign", "init", "--keys", "keys")
    molthub("sign", "--keys", "keys", "--index", "site", "--first", "--registry", "registry")
    said = molthub("mirror", site, "new", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH615"), said


def test_a_mirror_never_goes_back(site: Path, molthub: Command, tmp_path: Path) -> None:
    """Neither by an old copy of the origin, nor by an older bundle with another name."""
    molthub("mirror", "site", "outside", "--root", "keys/1.root.json", "--bundle", "monday.tar")
    shutil.copytree(site, tmp_path / "old")
    publish(molthub, "1.1.0", "1.2.0")
    molthub("mirror", "outside", "--bundle", "tuesday.tar")
    assert molthub("mirror", "tuesday.tar", "inside", "--root", "keys/1.root.json").status == 0
    before = walk.contents(tmp_path / "inside")
    for older in ("monday.tar", "old"):
        said = molthub("mirror", older, "inside", "--json")
        assert (said.status, said.json["error"]["id"]) == (1, "MH612"), said
        assert walk.contents(tmp_path / "inside") == before


def test_an_origin_that_is_no_longer_signed_is_refused(site: Path, molthub: Command, tmp_path: Path) -> None:
    molthub("mirror", "site", "m")
    shutil.rmtree(site / "metadata")
    for arguments in (("m",), ("site", "new", "--root", "keys/1.root.json")):
        said = molthub("mirror", *arguments, "--json")
        assert (said.status, said.json["error"]["id"]) == (1, "MH611"), said
    assert (tmp_path / "m/metadata/timestamp.json").exists()


def test_a_damaged_log_is_mended_from_the_origin_or_refused(site: Path, molthub: Command, tmp_path: Path) -> None:
    molthub("mirror", "site", "m")
    (entries,) = [path for path in (tmp_path / "m/log").rglob("entries/**/*") if path.is_file()]
    entries.write_bytes(b"rotten")
    assert molthub("mirror", "m").status == 0
    assert walk.contents(tmp_path / "m/log") == walk.contents(site / "log")
    (damaged,) = [path for path in (site / "log").rglob("entries/**/*") if path.is_file()]
    damaged.write_bytes(b"rotten")
    said = molthub("mirror", "site", "new", "--json")
    assert (said.status, "log" in said.json["error"]["message"]) == (1, True)
    assert not (tmp_path / "new/registry.json").exists()


def test_a_part_is_signed_with_keys_of_its_own(site: Path, molthub: Command, skills: Command, tmp_path: Path) -> None:
    said = molthub("mirror", "site", "part", "--only", "pack/dev", "--root", "keys/1.root.json")
    assert "molthub sign --index part" in said.err
    assert not (tmp_path / "part/metadata").exists()
    molthub("sign", "init", "--keys", "ours")
    assert molthub("sign", "--keys", "ours", "--index", "part", "--first").status == 0
    assert skills("registry", "add", "part", "--root", "ours/1.root.json").status == 0
    assert skills("install", "pack/dev").status == 0
    publish(molthub, "1.1.0", "1.2.0")
    assert molthub("mirror", "part").status == 0
    assert skills("search", "git").status == 0, "readers with keys stay with what is signed"
    assert molthub("sign", "--keys", "ours", "--index", "part", "--registry", "registry").status == 0
    assert skills("install", "git@1.1.0").status == 0
    assert site.is_dir()


def test_a_whole_mirror_may_have_keys_of_its_own(site: Path, molthub: Command, tmp_path: Path) -> None:
    molthub("mirror", "site", "m")
    assert molthub("mirror", site, "m", "--no-metadata", "--json").json["signed"] == "not carried"
    assert not (tmp_path / "m/metadata").exists()
    assert not (tmp_path / "m/log").exists()
    molthub("sign", "init", "--keys", "ours")
    assert molthub("sign", "--keys", "ours", "--index", "m", "--first", "--registry", "registry").status == 0
    assert molthub("mirror", "m").status == 0
    assert (tmp_path / "m/metadata/timestamp.json").exists(), "what was signed here stays"


def test_bots_are_brought_in_sync_from_the_part_of_their_fleet(site: Path, molthub: Command, tmp_path: Path) -> None:
    said = molthub("mirror", "site", "part", "--fleet", "prod", "--json").json
    assert (said["counts"]["bots"], said["counts"]["archives"]) == (1, 1)
    shutil.rmtree(site)
    said_of_bots = molthub("reconcile", "--index", "part", "--target", "bots", "--once")
    assert said_of_bots.status == 0, said_of_bots
    assert list((tmp_path / "bots").rglob("SKILL.md"))


def test_publishers_signatures_are_carried_and_judged_by_clients(
    molthub: Command, skills: Command, tmp_path: Path
) -> None:
    key = new_key()
    tree = {
        **registry(skill("git", "1.1.0"), skill("docker", "2.0.0"), pack("dev", {"skills": ["git"]})),
        "publishers/acme/publisher.yaml": "name: acme\nscopes: [acme]\n",
        KEY: public(key),
    }
    for name, number in (("git", "1.1.0"), ("docker", "2.0.0"), ("pack/dev", "1")):
        tree = signed(tree, key, name, number)
    commit(tree, tmp_path / "registry")
    assert molthub("build", "--registry", "registry", "--out", "site").status == 0
    (tmp_path / ".skills").mkdir()
    assert molthub("mirror", "site", "whole").status == 0
    assert molthub("mirror", "site", "part", "--only", "pack/dev").status == 0
    shutil.rmtree(tmp_path / "site")
    for mirrored in ("whole", "part"):
        for blob in [*(tmp_path / mirrored / "signatures").iterdir(), *(tmp_path / mirrored / "publishers").iterdir()]:
            assert walk.sha256(blob.read_bytes()) == blob.name.partition(".")[0]
        said = skills("install", "pack/dev", "--registry", mirrored, "--json")
        assert said.status == 0, said
        assert fingerprint(key) in (tmp_path / ".skills/index.json").read_text()
        assert skills("uninstall", "git", "--force").status == 0
    assert len(list((tmp_path / "whole/signatures").iterdir())) > len(list((tmp_path / "part/signatures").iterdir()))
