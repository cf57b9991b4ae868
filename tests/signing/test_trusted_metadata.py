"""Our client and python-tuf's agree on every signed index, good or changed: what one refuses the other refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from tests.signing.repository import MemoryFetcher, OurClient, SignedIndex, TufClient, soon

Change = Callable[[SignedIndex], None]
ONE, TWO, THREE = b'{"revision": "one"}', b'{"revision": "two"}', b'{"revision": "three"}'
CHANGES: dict[str, tuple[Change, str | bytes]] = {}
"""What happens to an index that both clients have read: the change, and what our client then makes of it."""


def after(verdict: str | bytes) -> Callable[[Change], Change]:
    def note(change: Change) -> Change:
        CHANGES[change.__name__] = (change, verdict)
        return change

    return note


@after(ONE)
def nothing(_index: SignedIndex) -> None:
    pass


@after(TWO)
def a_newer_state(index: SignedIndex) -> None:
    index.publish(TWO)


@after(ONE)
def a_refreshed_timestamp(index: SignedIndex) -> None:
    index.change("timestamp", lambda signed: signed.update(version=signed["version"] + 1))


@after("RollbackError")
def an_older_timestamp(index: SignedIndex) -> None:
    index.change("timestamp", lambda signed: signed.update(version=signed["version"] - 1))


@after("RollbackError")
def a_timestamp_of_an_older_snapshot(index: SignedIndex) -> None:
    def older(signed: dict) -> None:  # type: ignore[type-arg] # JSON
        signed["version"] += 1
        signed["meta"]["snapshot.json"]["version"] -= 1

    index.change("timestamp", older)


@after("RollbackError")
def a_snapshot_of_older_targets(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("snapshot", lambda signed: signed["meta"]["targets.json"].update(version=1))


@after("RollbackError")
def the_whole_of_an_older_state(index: SignedIndex) -> None:
    index.files.update(index.older)


@after("ExpiredError")
def an_expired_timestamp(index: SignedIndex) -> None:
    index.publish(TWO, expires={"timestamp": soon(-1)})


@after("ExpiredError")
def an_expired_snapshot(index: SignedIndex) -> None:
    index.publish(TWO, expires={"snapshot": soon(-1)})


@after("ExpiredError")
def expired_targets(index: SignedIndex) -> None:
    index.publish(TWO, expires={"targets": soon(-1)})


@after("ExpiredError")
def an_expired_root(index: SignedIndex) -> None:
    index.root.version, index.root.expires = 2, soon(-1)
    index.publish_root()


@after("TrustError")
def a_timestamp_of_a_strange_key(index: SignedIndex) -> None:
    index.publish(TWO)
    index.resign("timestamp", [CryptoSigner.generate_ed25519()])


@after("TrustError")
def a_snapshot_of_a_strange_key(index: SignedIndex) -> None:
    index.publish(TWO)
    index.resign("snapshot", index.keys["timestamp"])


@after("TrustError")
def targets_of_a_strange_key(index: SignedIndex) -> None:
    index.publish(TWO)
    index.resign("targets", index.keys["snapshot"])


@after("TrustError")
def an_unsigned_timestamp(index: SignedIndex) -> None:
    index.publish(TWO)
    index.resign("timestamp", [])


@after("TrustError")
def a_timestamp_changed_after_signing(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed.update(version=99), sign=False)


@after("TrustError")
def targets_changed_after_signing(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("targets", lambda signed: signed["targets"]["registry.json"].update(length=1), sign=False)


@after("FormatError")
def a_longer_registry_json(index: SignedIndex) -> None:
    index.publish(TWO)
    index.files[next(path for path in index.files if index.files[path] == TWO)] = THREE + b" "


@after("MixedError")
def a_registry_json_of_the_same_length(index: SignedIndex) -> None:
    index.publish(TWO)
    index.files[next(path for path in index.files if index.files[path] == TWO)] = ONE


@after("TrustError")
def a_missing_registry_json(index: SignedIndex) -> None:
    index.publish(TWO)
    del index.files[next(path for path in index.files if index.files[path] == TWO)]


@after("MixedError")
def a_snapshot_under_another_number(index: SignedIndex) -> None:
    old = index.files[index.path("snapshot")]
    index.publish(TWO)
    index.files[index.path("snapshot")] = old


@after("MixedError")
def targets_under_another_number(index: SignedIndex) -> None:
    old = index.files[index.path("targets")]
    index.publish(TWO)
    index.files[index.path("targets")] = old


@after("TrustError")
def a_snapshot_in_the_place_of_targets(index: SignedIndex) -> None:
    index.publish(TWO)
    index.files[index.path("targets")] = index.files[index.path("snapshot")]


@after("TrustError")
def no_timestamp(index: SignedIndex) -> None:
    del index.files["metadata/timestamp.json"]


@after("TrustError")
def no_snapshot(index: SignedIndex) -> None:
    index.publish(TWO)
    del index.files[index.path("snapshot")]


@after("TrustError")
def no_json(index: SignedIndex) -> None:
    index.files["metadata/timestamp.json"] = b"<!doctype html>"


@after("TrustError")
def two_signatures_of_one_key(index: SignedIndex) -> None:
    index.publish(TWO)
    document = json.loads(index.files["metadata/timestamp.json"])
    document["signatures"] *= 2
    index.files["metadata/timestamp.json"] = json.dumps(document).encode()


@after("TrustError")
def a_newer_specification(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed.update(spec_version="2.0.0"))


@after("TrustError")
def a_version_that_is_no_number(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed.update(version=0))


@after("TrustError")
def a_time_that_is_none(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed.update(expires="2999-01-01"))


@after(TWO)
def keys_that_nobody_knows_yet(index: SignedIndex) -> None:
    """Keep a field of a later specification, which is signed with the rest."""
    index.publish(TWO)
    index.change("targets", lambda signed: signed.update({"x-later": {'é\n\\"': [1, True, None]}}))


@after("MixedError")
def a_snapshot_of_another_length(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed["meta"]["snapshot.json"].update(length=10_000))


@after("MixedError")
def a_snapshot_of_another_hash(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("timestamp", lambda signed: signed["meta"]["snapshot.json"].update(hashes={"sha256": "0" * 64}))


@after("TrustError")
def targets_without_registry_json(index: SignedIndex) -> None:
    index.publish(TWO)
    index.change("targets", lambda signed: signed.update(targets={}))


@after("RollbackError")
def a_snapshot_without_targets(index: SignedIndex) -> None:
    index.files = {path: content for path, content in index.files.items() if "root" in path}
    index.publish(TWO)
    index.change("snapshot", lambda signed: signed.update(meta={"other.json": {"version": 1}}))


@after(TWO)
def a_rotated_online_key(index: SignedIndex) -> None:
    index.next_root("timestamp")
    index.publish_root()
    index.publish(TWO)


@after("TrustError")
def a_rotated_key_that_is_still_used(index: SignedIndex) -> None:
    old = index.next_root("timestamp")
    index.publish_root()
    index.publish(TWO)
    index.resign("timestamp", [old])


@after(ONE)
def versions_that_begin_again_under_a_new_key(index: SignedIndex) -> None:
    """TUF 5.3.11: after a rotation of the key, what it had signed no longer counts."""
    for role in ("timestamp", "snapshot"):
        index.next_root(role)
        index.publish_root(*index.keys["root"])
    index.versions = {"timestamp": 0, "snapshot": 0, "targets": index.versions["targets"]}
    index.publish(ONE)


@after(TWO)
def a_chain_of_root_keys(index: SignedIndex) -> None:
    for _ in range(3):
        index.publish_root(index.next_root("root"))
    index.publish(TWO)


@after("TrustError")
def a_root_that_its_predecessor_did_not_sign(index: SignedIndex) -> None:
    index.next_root("root")
    index.publish_root()


@after("TrustError")
def a_root_that_it_did_not_sign_itself(index: SignedIndex) -> None:
    old = index.next_root("root")
    index.keys["root"] = [old]
    index.publish_root()


@after("RollbackError")
def a_root_that_skips_a_number(index: SignedIndex) -> None:
    index.root.version = 3
    index.publish_root()
    index.files["metadata/2.root.json"] = index.files.pop("metadata/3.root.json")


@after("TrustError")
def a_threshold_that_is_not_met(index: SignedIndex) -> None:
    index.next_root("timestamp", revoke=False)
    index.root.roles["timestamp"].threshold = 2
    index.publish_root()
    index.publish(TWO)
    index.resign("timestamp", index.keys["timestamp"][:1])


@after(TWO)
def a_threshold_that_is_met(index: SignedIndex) -> None:
    index.next_root("timestamp", revoke=False)
    index.root.roles["timestamp"].threshold = 2
    index.publish_root()
    index.publish(TWO)


@after(TWO)
def an_expired_root_that_was_followed_by_another(index: SignedIndex) -> None:
    index.root.version, index.root.expires = 2, soon(-1)
    index.publish_root()
    index.root.version, index.root.expires = 3, soon(100)
    index.publish_root()
    index.publish(TWO)


@after("TrustError")
def a_root_of_other_roles(index: SignedIndex) -> None:
    index.root.version = 2
    index.publish_root()
    index.change("root", lambda signed: signed["roles"].pop("snapshot"))


@after("TrustError")
def a_role_that_names_a_key_twice(index: SignedIndex) -> None:
    index.root.version = 2
    index.publish_root()
    index.change("root", lambda signed: signed["roles"]["timestamp"]["keyids"].extend(
        signed["roles"]["timestamp"]["keyids"]))  # fmt: skip


@pytest.fixture(scope="module")
def read_index() -> SignedIndex:
    """Return an index in its third version."""
    index = SignedIndex()
    index.publish(TWO)
    index.publish(ONE)
    return index


@pytest.mark.parametrize("name", CHANGES)
def test_both_clients_judge_alike(name: str, read_index: SignedIndex, tmp_path: Path) -> None:
    world = read_index.copy()
    root = world.files["metadata/1.root.json"]
    ours, theirs = OurClient(tmp_path, root), TufClient(tmp_path, root)
    assert ours.update(world.files) == theirs.update(world.files) == ONE
    change, verdict = CHANGES[name]
    change(world)
    found, judged = ours.update(world.files), theirs.update(world.files)
    assert found == verdict
    assert isinstance(judged, bytes) == isinstance(verdict, bytes), judged
    if isinstance(verdict, bytes):
        assert judged == verdict


@pytest.mark.parametrize("name", CHANGES)
def test_a_client_that_saw_nothing_before_judges_alike(name: str, read_index: SignedIndex, tmp_path: Path) -> None:
    world = read_index.copy()
    root = world.files["metadata/1.root.json"]
    CHANGES[name][0](world)
    found = OurClient(tmp_path, root).update(world.files)
    judged = TufClient(tmp_path, root).update(world.files)
    assert isinstance(found, bytes) == isinstance(judged, bytes), (found, judged)
    if isinstance(found, bytes):
        assert found == judged


def test_a_refused_state_leaves_the_good_one(tmp_path: Path) -> None:
    index = SignedIndex()
    client = OurClient(tmp_path, index.files["metadata/1.root.json"])
    assert client.update(index.files) == ONE
    bad = dict(index.files)
    an_older = SignedIndex()
    bad["metadata/timestamp.json"] = an_older.files["metadata/timestamp.json"]
    assert client.update(bad) == "TrustError"
    assert client.update(index.files) == ONE


def test_a_timestamp_is_remembered_although_what_follows_fails(tmp_path: Path) -> None:
    index = SignedIndex()
    old = dict(index.files)
    client = OurClient(tmp_path, index.files["metadata/1.root.json"])
    index.publish(TWO)
    files = {path: content for path, content in index.files.items() if not path.endswith("2.snapshot.json")}
    assert client.update(files) == "TrustError"
    assert client.update(old) == "RollbackError"


def test_what_was_verified_is_neither_fetched_nor_verified_again(tmp_path: Path) -> None:
    index = SignedIndex()
    client = OurClient(tmp_path, index.files["metadata/1.root.json"])
    client.update(index.files)
    fetcher = MemoryFetcher(index.files)
    assert client.trust.registry(fetcher, ONE) == ONE
    assert fetcher.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_a_root_that_did_not_sign_itself_is_never_trusted(tmp_path: Path) -> None:
    root: Metadata[Root] = Metadata(Root(version=1, expires=soon()))
    with pytest.raises(Exception, match="needs"):
        OurClient(tmp_path, root.to_bytes())
