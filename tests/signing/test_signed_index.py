"""What an index publishes of signatures, and what it refuses to."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import index_root_from_json, shard_from_json
from molthub.documents.signatures import publisher_keys_from_json, publishers_from_json, signatures_from_json
from molthub.index.build import BuiltIndex, build_index
from molthub.index.update import Wanted, update
from molthub.model import IndexRoot, Shard
from molthub.registry.catalog import read_catalog
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, TreeSource, bot, commit, fleet, pack, registry, skill
from tests.signing.keys import (
    KEY,
    SSH_KEY,
    fingerprint,
    public,
    release_of,
    signed,
    ssh_key,
    ssh_public,
)

MANIFEST = "signatures/skill/git/1.1.0.json"
ONE = registry(skill("git", "1.1.0", "1.2.0"), locked=False)


def built(tree: Tree, *, fleets: bool = False) -> BuiltIndex:
    source = TreeSource(tree)
    return build_index(read_catalog(source), source, fleets=fleets)


def root_of(index: BuiltIndex) -> IndexRoot:
    return index_root_from_json(index.files["registry.json"], "registry.json")


def shards_of(index: BuiltIndex) -> Shard:
    shards = [
        shard_from_json(gzip.decompress(index.files[f"shards/{name}.json.gz"]), name)
        for name in root_of(index).shards.values()
    ]
    return Shard(
        {name: entry for shard in shards for name, entry in shard.skills.items()},
        {name: entry for shard in shards for name, entry in shard.packs.items()},
    )


def unzipped(index: BuiltIndex, folder: str, name: str) -> bytes:
    return gzip.decompress(index.files[f"{folder}/{name}.json.gz"])


def left_out(index: BuiltIndex) -> list[tuple[str, str | None]]:
    return [(problem.id, problem.file) for problem in index.problems if problem.id.startswith("MH63")]


def test_a_signature_is_published_with_the_keys_that_it_is_judged_by(ada: Any) -> None:
    tree = signed({**ONE, KEY: public(ada)}, ada)
    index = built(tree)
    releases = shards_of(index).skills["git"].releases
    found = releases["1.1.0"].artifact.signature
    assert found is not None
    assert (found.publisher, found.signer) == ("acme", fingerprint(ada))
    assert releases["1.2.0"].artifact.signature is None
    listed = signatures_from_json(unzipped(index, "signatures", found.file), "")
    assert listed.keys() == {"skill/git@1.1.0"}
    assert listed["skill/git@1.1.0"].signature == tree["skills/git/1.1.0.sig"]
    directory = publishers_from_json(unzipped(index, "publishers", root_of(index).publishers), "")
    keys = publisher_keys_from_json(unzipped(index, "publishers", directory["acme"].keys), "")
    assert keys.files == {"ada.asc": public(ada)}
    assert index.files["publishers/acme/ada.asc"] == public(ada)
    assert fingerprint(ada).encode() not in index.files["skills/git/index.html"]  # the newest version is not signed
    assert index.complete


def test_a_registry_without_keys_publishes_nothing_of_signatures() -> None:
    index = built(ONE)
    assert root_of(index).publishers == ""
    assert b"publishers" not in index.files["registry.json"]
    assert not any(path.startswith("signatures/") for path in index.files)


def test_a_pack_brings_the_signatures_of_its_skills_in_one_file(ada: Any) -> None:
    tree: Tree = {
        **registry(skill("git"), skill("docker"), pack("dev", {"skills": ["git", "docker"]})),
        KEY: public(ada),
    }
    for name in ("git", "docker"):
        tree = signed(tree, ada, name, "1.0.0")
    tree = signed(tree, ada, "pack/dev", "1")
    index = built(tree)
    release = shards_of(index).packs["dev"].releases[1]
    files = {
        found.file
        for found in (release.artifact.signature, *(skill.signature for skill in release.skills.values()))
        if found
    }
    assert len(files) == 1
    page = index.files["packs/dev/index.html"].decode()
    assert fingerprint(ada) in page
    assert 'href="signatures/pack/dev/1.json.sig"' in page
    listed = signatures_from_json(unzipped(index, "signatures", files.pop()), "")
    assert listed.keys() == {"pack/dev@1", "skill/git@1.0.0", "skill/docker@1.0.0"}


def test_a_bot_s_document_says_where_signatures_are(ada: Any) -> None:
    bots = (fleet("prod"), bot("prod", "ada", skills=["git"]))
    index = built(signed({**registry(skill("git"), *bots), KEY: public(ada)}, ada, "git", "1.0.0"), fleets=True)
    assert b'"signature":{"file":' in index.files["bots/prod/ada.json"]


def test_what_a_signature_does_not_count_for_is_left_out_and_named(ada: Any, eve: Any) -> None:
    keys = {**ONE, KEY: public(ada)}
    for tree, problem in (
        (signed(keys, eve), "MH632"),
        (signed(keys, ada, version="1.2.0"), "MH635"),
        (signed(keys, ada, kind="pack"), "MH635"),
        (signed(keys, ada, size=1), "MH635"),
        (
            signed(
                {**ONE, "publishers/other/publisher.yaml": "name: other\n", "publishers/other/ada.asc": public(ada)},
                ada,
            ),
            "MH632",
        ),
    ):
        index = built(tree)
        assert left_out(index) == [(problem, "skills/git/1.1.0.sig")]
        assert shards_of(index).skills["git"].releases.keys() == {"1.2.0"}
        assert not index.complete
        assert not any(path.startswith("signatures/") for path in index.files)


def test_the_policy_leaves_out_what_is_not_signed(ada: Any) -> None:
    strict = registry(skill("git", "1.1.0", "1.2.0"), locked=False, policy={"requireSignatures": True})
    index = built(signed({**strict, KEY: public(ada)}, ada, number="1.2.0"))
    assert left_out(index) == [("MH631", "skills/git/1.1.0.sig")]
    assert shards_of(index).skills["git"].releases.keys() == {"1.2.0"}
    assert root_of(index).demand is True
    later = {"requireSignatures": True, "signedSince": "2040-01-01T00:00:00Z"}
    index = built(registry(skill("git", "1.1.0"), locked=False, policy=later))
    assert index.complete
    assert root_of(index).demand == "2040-01-01T00:00:00Z"


def test_revoked_keys_of_either_kind_count_no_more(ada: Any, tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    publisher = "name: acme\nrevokedKeys:\n  - fingerprint: %s\n    reason: Stolen.\n"
    for file, content, signer in ((KEY, public(ada), ada), (SSH_KEY, ssh_public(key), key)):
        tree = signed({**ONE, file: content}, signer)
        found = shards_of(built(tree)).skills["git"].releases["1.1.0"].artifact.signature
        assert found is not None
        index = built({**tree, "publishers/acme/publisher.yaml": publisher % found.signer})
        assert left_out(index) == [("MH634", "skills/git/1.1.0.sig")]
        kept = publisher + '    since: "2040-01-01T00:00:00Z"\n'
        assert left_out(built({**tree, "publishers/acme/publisher.yaml": kept % found.signer})) == []


def test_a_broken_key_file_is_named_once_for_each_version_it_concerns(ada: Any) -> None:
    index = built({**signed({**ONE, KEY: public(ada)}, ada), KEY: b"no key"})
    problems = [problem for problem in index.problems if problem.file == "skills/git/1.1.0.sig"]
    assert [problem.id for problem in problems] == ["MH616"]
    assert "publishers/acme/publishers/" not in problems[0].message
    assert "ada.asc" in problems[0].message


# --- built again -----------------------------------------------------------------------------------------------------


def folder_of(out: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if not path.startswith(".molthub")}


def test_changes_of_keys_and_signatures_are_built_as_from_nothing(ada: Any, eve: Any, tmp_path: Path) -> None:
    """Every step is built on the last one's state, and again from nothing: what clients can reach is the same."""
    repository, out = tmp_path / "registry", tmp_path / "site"
    base: Tree = {
        **registry(skill("git"), skill("@acme/deploy"), skill("plain"), pack("dev", {"skills": ["git"]})),
        "publishers/acme/publisher.yaml": "name: acme\nscopes: [acme]\n",
    }
    keyed = {**base, KEY: public(ada)}
    both = signed(signed(keyed, ada, "git", "1.0.0"), ada, "@acme/deploy", "1.0.0")
    packed = signed(both, ada, "pack/dev", "1")
    scopeless = {**packed, "publishers/acme/publisher.yaml": "name: acme\n"}
    other = {**packed, KEY: public(eve)}
    unsigned = {path: content for path, content in packed.items() if not path.endswith(".sig")}
    for number, tree in enumerate((keyed, both, packed, scopeless, other, packed, unsigned)):
        commit(tree, repository)
        update(GitSource(repository), out, Wanted())
        anew = tmp_path / f"anew-{number}"
        update(GitSource(repository), anew, Wanted())
        mine, right = folder_of(out), folder_of(anew)
        assert {path: mine.get(path) for path in right} == right, number


def test_a_new_publisher_makes_no_other_skill_again(ada: Any, tmp_path: Path) -> None:
    repository, out = tmp_path / "registry", tmp_path / "site"
    tree = signed({**ONE, KEY: public(ada)}, ada)
    commit(tree, repository)
    update(GitSource(repository), out, Wanted())
    page = (out / "skills/git/index.html").stat().st_mtime_ns
    commit({**tree, "publishers/other/publisher.yaml": "name: other\n"}, repository)
    done = update(GitSource(repository), out, Wanted())
    assert (out / "skills/git/index.html").stat().st_mtime_ns == page
    assert done.removed == 0


def test_old_signatures_stay_for_those_who_have_just_read_the_old_root(ada: Any, tmp_path: Path) -> None:
    repository, out = tmp_path / "registry", tmp_path / "site"
    tree = signed({**ONE, KEY: public(ada)}, ada)
    commit(tree, repository)
    update(GitSource(repository), out, Wanted())
    old = {
        path for path in folder_of(out) if path.startswith(("signatures/", "publishers/")) and path.endswith(".json.gz")
    }
    assert old
    commit(signed(tree, ada, number="1.2.0"), repository)
    update(GitSource(repository), out, Wanted())
    assert old <= folder_of(out).keys()


# --- other people's programs ----------------------------------------------------------------------------------------


@pytest.fixture
def gpg_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give gpg a home of its own; its path is short, because its agent's socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="gpg") as home:
        monkeypatch.setenv("GNUPGHOME", home)
        yield Path(home)
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": home}, check=True)


@pytest.mark.usefixtures("gpg_home")
def test_gpg_verifies_what_the_index_serves(ada: Any, tmp_path: Path) -> None:
    assert shutil.which("gpg"), "this test needs GnuPG: apt-get install gpg"
    index = built(signed({**ONE, KEY: public(ada)}, ada))
    for path in ("publishers/acme/ada.asc", MANIFEST, f"{MANIFEST}.sig"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(index.files[path])
    subprocess.run(["gpg", "--batch", "--import", "publishers/acme/ada.asc"], cwd=tmp_path, check=True)
    verify = ["gpg", "--batch", "--status-fd", "1", "--verify", f"{MANIFEST}.sig", MANIFEST]
    said = subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True).stdout
    assert b"VALIDSIG" in said
    assert fingerprint(ada).upper().encode() in said
    assert index.files[MANIFEST] == release_of(ONE, "git", "1.1.0").manifest()


def test_ssh_keygen_verifies_what_the_index_serves(tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    index = built(signed({**ONE, SSH_KEY: ssh_public(key)}, key))
    (tmp_path / "allowed").write_bytes(b"acme " + index.files["publishers/acme/ada.pub"])
    (tmp_path / "sig").write_bytes(index.files[f"{MANIFEST}.sig"])
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "acme", "-n", "molthub-release", "-s", "sig"]
    content = index.files[MANIFEST]
    subprocess.run(command, input=content, cwd=tmp_path, check=True, capture_output=True)
