"""Deploying to a folder: only what changed, in an order that readers survive, old files kept for as long as needed."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from molthub.errors import MixedError, MolthubError, UnreachableError, UsageError
from molthub.index.deploy.addresses import is_rsync, open_place
from molthub.index.deploy.deploy import Wanted, deploy
from molthub.index.deploy.folder import FolderPlace
from molthub.index.deploy.order import Stage, in_stages, stage_of
from molthub.index.deploy.places import Held
from molthub.index.deploy.replaced import read_replaced, replaced_after, replaced_document
from molthub.index.deploy.whole_folder import WholeFolder
from molthub.index.folder import TEMPORARY
from molthub.index.publish import publish
from tests.builders import registry, skill
from tests.deploy.places import NOW, BreakingOff, generation, send
from tests.index import walk
from tests.index.made import build, many_skills, site
from tests.index_fixture import serve
from tests.registry.command import run_molthub


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return three indexes, each built in a fresh folder as a job in CI does."""
    folder = tmp_path_factory.mktemp("sites")
    return [site(generation(number), folder / str(number), fleets=True) for number in range(3)]


def published(folder: Path) -> dict[str, bytes]:
    return {path: content for path, content in walk.contents(folder).items() if not path.startswith(".molthub")}


def test_a_new_place_gets_the_whole_index_and_nothing_of_the_build(sites: list[Path], tmp_path: Path) -> None:
    done = send(sites[0], tmp_path / "www")
    assert published(tmp_path / "www") == published(sites[0])
    assert walk.contents(tmp_path / "www").keys() == set(done.sent)
    assert (tmp_path / "www/.nojekyll").exists()
    assert (tmp_path / "www/s/git/.well-known/agent-skills/index.json").exists()


def test_everything_that_a_build_publishes_is_sent_hidden_or_not(tmp_path: Path) -> None:
    tree = generation(0) | {"registry.yaml": "name: acme\nowner: acme\nurl: https://skills.example.com/\n"}
    index = build(tree, fleets=True)
    publish(index, tmp_path / "site")
    done = send(tmp_path / "site", tmp_path / "www")
    assert set(done.sent) == index.files.keys()
    assert {path.partition("/")[0] for path in done.sent if path.startswith(".")} >= {".nojekyll", ".well-known"}


def test_what_did_not_change_is_not_sent_again(sites: list[Path], tmp_path: Path) -> None:
    send(sites[0], tmp_path / "www")
    again = send(sites[0], tmp_path / "www")
    assert (again.sent, again.removed) == ((), ())
    third = send(sites[1], tmp_path / "www")
    assert 0 < len(third.sent) < len(published(sites[1]))
    assert not any("docker" in path and path.startswith("archives") for path in third.sent)
    assert walk.verify(tmp_path / "www") == walk.verify(sites[1])


def test_roots_come_last_and_whatever_they_name_before(sites: list[Path], tmp_path: Path) -> None:
    done = send(sites[0], tmp_path / "www")
    stages = [stage_of(path) for path in done.sent]
    assert stages == sorted(stages)
    assert done.sent[-1] == "registry.json"
    assert send(sites[1], tmp_path / "www").sent[-2:] == ("replaced.json", "registry.json")


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("archives/" + "a" * 64 + ".tar.gz", Stage.BLOBS),
        ("bots/" + "a" * 64 + ".json", Stage.BLOBS),
        ("a" * 64 + ".registry.json", Stage.TWIN),
        ("bots/prod/ada.json", Stage.VIEWS),
        ("log/tile/0/000", Stage.VIEWS),
        ("metadata/7.snapshot.json", Stage.METADATA),
        ("log/checkpoint", Stage.CHECKPOINT),
        ("replaced.json", Stage.REPLACED),
        ("registry.json", Stage.ROOT),
        ("metadata/timestamp.json", Stage.TIMESTAMP),
    ],
)
def test_the_stage_of_a_file(path: str, stage: Stage) -> None:
    assert stage_of(path) == stage
    assert in_stages([path]) == [(stage, [path])]


def test_breaking_off_between_any_two_files_leaves_a_whole_index(sites: list[Path], tmp_path: Path) -> None:
    """The chain of the published root verifies after every single file, and the roots before stay whole too."""
    begin = tmp_path / "begin"
    send(sites[0], begin)
    steps = len(send(sites[1], FolderPlace(begin), dry_run=True).sent)
    old = walk.verify(begin)
    for after in range(steps + 1):
        folder = tmp_path / f"www-{after}"
        shutil.copytree(begin, folder)
        if after < steps:
            with pytest.raises(UnreachableError):
                send(sites[1], BreakingOff(FolderPlace(folder), after))
        else:
            send(sites[1], BreakingOff(FolderPlace(folder), 10_000))
        root = walk.verify(folder)
        assert root["revision"] in (old["revision"], walk.verify(sites[1])["revision"])
        verify_root(folder, (begin / "registry.json").read_bytes())
        send(sites[1], folder)
        assert walk.verify(folder) == walk.verify(sites[1])
        assert not list(folder.rglob(TEMPORARY))


def verify_root(folder: Path, root: bytes) -> None:
    """Follow an older root that somebody has just read, with what the folder holds now."""
    now = (folder / "registry.json").read_bytes()
    (folder / "registry.json").write_bytes(root)
    walk.verify(folder)
    (folder / "registry.json").write_bytes(now)


def test_breaking_off_while_removing_leaves_the_new_index(sites: list[Path], tmp_path: Path) -> None:
    send(sites[0], tmp_path / "www")
    send(sites[1], tmp_path / "www", now=NOW + timedelta(days=1))
    late = NOW + timedelta(days=32)
    plan = send(sites[2], FolderPlace(tmp_path / "www"), now=late, dry_run=True)
    assert len(plan.removed) > 2
    with pytest.raises(UnreachableError):
        send(sites[2], BreakingOff(FolderPlace(tmp_path / "www"), len(plan.sent) + 1), now=late)
    assert walk.verify(tmp_path / "www") == walk.verify(sites[2])


def test_files_of_a_replaced_index_stay_for_thirty_days_after_it_was_replaced(
    sites: list[Path], tmp_path: Path
) -> None:
    www = tmp_path / "www"
    send(sites[0], www, now=NOW - timedelta(days=100))
    first = (www / "registry.json").read_bytes()
    done = send(sites[1], www, now=NOW)
    assert len(done.kept) > 0
    verify_root(www, first)
    send(sites[1], www, now=NOW + timedelta(days=29))
    verify_root(www, first)
    gone = send(sites[1], www, now=NOW + timedelta(days=31)).removed
    assert any(path.endswith(".registry.json") for path in gone)
    assert walk.contents(www).keys() == {*published(sites[1]), "replaced.json"}
    assert json.loads((www / "replaced.json").read_bytes())["roots"] == {}


def test_going_back_to_an_older_index_keeps_the_one_between(sites: list[Path], tmp_path: Path) -> None:
    www = tmp_path / "www"
    for number, day in ((0, 0), (1, 1), (0, 2)):
        send(sites[number], www, now=NOW + timedelta(days=day))
    listed = json.loads((www / "replaced.json").read_bytes())["roots"]
    assert listed == {walk.sha256((sites[1] / "registry.json").read_bytes()): "2026-11-23T12:00:00Z"}
    assert walk.verify(www) == walk.verify(sites[0])


def test_archives_of_removed_versions_are_kept_for_nobody(tmp_path: Path) -> None:
    before = site(registry(skill("git", "1.0.0", "1.1.0"), locked=False), tmp_path / "before")
    release = walk.releases(before, walk.verify(before))["skill/git@1.0.0"]
    tree = registry(skill("git", "1.0.0", "1.1.0", records={"1.0.0": {"removed": "malware"}}), locked=False)
    tree = {path: text for path, text in tree.items() if not path.startswith("skills/git/1.0.0/")}
    after = site(tree, tmp_path / "after")
    send(before, tmp_path / "www")
    done = send(after, tmp_path / "www", now=NOW + timedelta(minutes=1))
    assert f"archives/{release['archive']}.tar.gz" in done.removed
    assert not (tmp_path / f"www/archives/{release['archive']}.tar.gz").exists()


def test_other_files_at_the_place_are_left_alone(sites: list[Path], tmp_path: Path) -> None:
    www = tmp_path / "www"
    (www / "letters").mkdir(parents=True)
    (www / "letters/to-ada.txt").write_text("Dear Ada")
    (www / "notes.txt").write_text("mine")
    send(sites[0], www)
    send(sites[1], www, now=NOW + timedelta(days=60))
    send(sites[2], www, now=NOW + timedelta(days=120))
    assert (www / "letters/to-ada.txt").read_text() == "Dear Ada"
    assert (www / "notes.txt").read_text() == "mine"


def test_a_place_of_something_else_is_refused(sites: list[Path], tmp_path: Path) -> None:
    www = tmp_path / "www"
    www.mkdir()
    (www / "index.html").write_text("my home page")
    with pytest.raises(MolthubError, match=r"it holds index\.html, which would be overwritten"):
        send(sites[0], www)
    (www / "registry.json").write_text('{"registry": "of ships"}')
    with pytest.raises(MolthubError, match=r"registry\.json"):
        send(sites[0], www)
    assert {path.name for path in www.iterdir()} == {"index.html", "registry.json"}


def test_the_index_of_another_registry_is_not_replaced(sites: list[Path], tmp_path: Path) -> None:
    other = site(registry(skill("git"), name="elsewhere", locked=False), tmp_path / "other")
    send(other, tmp_path / "www")
    with pytest.raises(MolthubError, match="that is the index of the registry elsewhere, and this is one of acme"):
        send(sites[0], tmp_path / "www")


def test_mass_deletion_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    many = site(many_skills(30), tmp_path / "many")
    few = site(many_skills(12), tmp_path / "few")
    send(many, tmp_path / "www")
    before = walk.contents(tmp_path / "www")
    with pytest.raises(MolthubError, match="18 of 30 skills would be taken away") as refused:
        send(few, tmp_path / "www", now=NOW + timedelta(days=1))
    assert "--max-delete 60" in refused.value.remedy
    assert walk.contents(tmp_path / "www") == before
    done = send(few, tmp_path / "www", now=NOW + timedelta(days=1), max_delete=0.6)
    assert len(done.removed) > 18


def test_a_folder_without_a_whole_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MolthubError, match=r"registry\.json is missing"):
        send(tmp_path / "empty", tmp_path / "www")
    broken = site(generation(0), tmp_path / "broken")
    next(broken.glob("shards/*")).write_bytes(gzip.compress(b"")[:-4])
    with pytest.raises(MolthubError, match="this shard is missing or damaged"):
        send(broken, tmp_path / "www")


def test_the_folder_of_a_build_is_no_place(sites: list[Path], tmp_path: Path) -> None:
    built = site(generation(0), tmp_path / "built")
    with pytest.raises(MolthubError, match="molthub build writes into this folder"):
        send(sites[1], built)


def test_a_link_in_the_index_is_refused(tmp_path: Path) -> None:
    linked = site(generation(0), tmp_path / "linked")
    (linked / "api/passwd").symlink_to("/etc/passwd")
    with pytest.raises(MolthubError, match="this is a link"):
        send(linked, tmp_path / "www")


# --- signed --------------------------------------------------------------------------------------------------------


def metadata(folder: Path, version: int, root: bytes) -> None:
    """Write metadata as its readers follow it; who signed it is not looked at here."""
    place = folder / "metadata"
    place.mkdir(exist_ok=True)
    named = {"registry.json": {"hashes": {"sha256": walk.sha256(root)}}}
    documents = {
        "timestamp.json": {"meta": {"snapshot.json": {"version": version}}},
        f"{version}.snapshot.json": {"meta": {"targets.json": {"version": version}}},
        f"{version}.targets.json": {"targets": named},
    }
    for name, document in documents.items():
        (place / name).write_text(json.dumps({"signed": document}))


@pytest.fixture
def signed(tmp_path: Path) -> list[Path]:
    found = [site(generation(number), tmp_path / f"signed-{number}") for number in range(2)]
    for number, folder in enumerate(found):
        metadata(folder, number + 1, (folder / "registry.json").read_bytes())
    return found


def test_the_timestamp_is_the_very_last(signed: list[Path], tmp_path: Path) -> None:
    assert send(signed[0], tmp_path / "www").sent[-2:] == ("registry.json", "metadata/timestamp.json")
    again = send(signed[1], tmp_path / "www")
    assert again.sent[-1] == "metadata/timestamp.json"
    assert (tmp_path / "www/metadata/1.snapshot.json").exists()


def test_an_index_that_was_built_again_after_it_was_signed_is_refused(signed: list[Path], tmp_path: Path) -> None:
    site(generation(2), signed[0])
    with pytest.raises(MixedError, match="built again after it was signed"):
        send(signed[0], tmp_path / "www")


def test_an_unsigned_index_does_not_replace_a_signed_one(signed: list[Path], sites: list[Path], tmp_path: Path) -> None:
    send(signed[0], tmp_path / "www")
    with pytest.raises(MixedError, match="what is published is signed, and this index is not"):
        send(sites[1], tmp_path / "www", max_delete=1)


# --- hosts that take a whole folder --------------------------------------------------------------------------------


def test_a_whole_folder_brings_the_old_files_along(signed: list[Path], tmp_path: Path) -> None:
    send(signed[0], tmp_path / "live")
    old = (tmp_path / "live/registry.json").read_bytes()
    done = send(signed[1], WholeFolder(tmp_path / "upload", FolderPlace(tmp_path / "live").read))
    assert set(done.brought) == set(done.kept)
    assert (tmp_path / "upload/metadata/1.snapshot.json").exists()
    assert walk.verify(tmp_path / "upload") == walk.verify(signed[1])
    verify_root(tmp_path / "upload", old)


def test_what_is_damaged_or_gone_there_is_not_brought_along(sites: list[Path], tmp_path: Path) -> None:
    send(sites[0], tmp_path / "live")
    ours = published(sites[1]).keys()
    theirs = [path for path in walk.contents(tmp_path / "live") if path.startswith("fleets/") and path not in ours]
    theirs = [path for path in theirs if len(path) > 64]
    (tmp_path / "live" / theirs[0]).write_bytes(b"{}")
    done = send(sites[1], WholeFolder(tmp_path / "upload", FolderPlace(tmp_path / "live").read))
    assert theirs[0] not in done.brought
    assert not (tmp_path / "upload" / theirs[0]).exists()


def test_a_whole_folder_must_be_empty(sites: list[Path], tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload/old").write_text("")
    with pytest.raises(UsageError, match="the folder is not empty"):
        WholeFolder(tmp_path / "upload", FolderPlace(sites[0]).read)


# --- the list of replaced roots ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [None, b"", b"[]", b"{", b'{"format":"molthub.replaced/2","roots":{}}', b'{"format":"molthub.replaced/1"}',
     b'{"format":"molthub.replaced/1","roots":{"../x":"2026-11-21T12:00:00Z"}}',
     b'{"format":"molthub.replaced/1","roots":{"' + b"a" * 64 + b'":7}}'],
)  # fmt: skip
def test_a_list_that_is_none_keeps_nothing(content: bytes | None) -> None:
    assert read_replaced(content) == {}


def test_the_list_is_read_as_it_was_written() -> None:
    listed = replaced_after({"b" * 64: NOW - timedelta(days=3)}, "a" * 64, "c" * 64, NOW)
    assert list(listed) == ["a" * 64, "b" * 64]
    assert read_replaced(replaced_document(listed)) == listed
    assert replaced_after(listed, None, "a" * 64, NOW) == {"b" * 64: NOW - timedelta(days=3)}
    assert replaced_after(listed, None, "c" * 64, NOW - timedelta(days=9)) == {}, "a time to come is no time"


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [("rsync://host/site", True), ("ada@host:/srv", True), ("host:site", True), ("./a:b", False), ("C:\\site", False),
     ("/srv/www", False), ("s3://bucket", False), ("www", False)],
)  # fmt: skip
def test_which_addresses_are_rsyncs(address: str, *, expected: bool) -> None:
    assert is_rsync(address) == expected


@pytest.mark.parametrize("address", ["ftp://host/site", "s3://"])
def test_addresses_that_lead_nowhere(address: str) -> None:
    with pytest.raises(UsageError):
        open_place(address)


def test_the_command_says_what_it_would_do_and_then_does_it(
    capsys: pytest.CaptureFixture[str], sites: list[Path], tmp_path: Path
) -> None:
    command = ["deploy", "--index", sites[0], "--to", tmp_path / "www"]
    dry = run_molthub(capsys, *command, "--dry-run")
    assert "+ registry.json" in dry.out
    assert "files would be sent, 0 unchanged, 0 would be removed" in dry.out
    assert not (tmp_path / "www").exists()
    ran = run_molthub(capsys, *command, "--json")
    assert (ran.status, ran.json["removed"], ran.json["sent"][-1]) == (0, [], "registry.json")
    walk.verify(tmp_path / "www")
    assert "0 files sent" in run_molthub(capsys, *command).out


def test_the_command_reads_what_is_live_over_http(
    capsys: pytest.CaptureFixture[str], sites: list[Path], tmp_path: Path
) -> None:
    with serve(published(sites[0])) as server:
        ran = run_molthub(
            capsys, "deploy", "--index", sites[1], "--to", tmp_path / "up", "--live", server.url, "--json"
        )
    assert ran.status == 0, ran
    assert ran.json["brought"] == ran.json["kept"] > 0
    verify_root(tmp_path / "up", (sites[0] / "registry.json").read_bytes())
    refused = run_molthub(capsys, "deploy", "--index", sites[1], "--to", "s3://b/x", "--live", server.url)
    assert refused.status == 2


def test_a_build_meanwhile_is_refused(tmp_path: Path) -> None:
    built = site(generation(0), tmp_path / "built")

    class Builds(FolderPlace):
        def files(self) -> Mapping[str, Held]:
            with pytest.raises(MolthubError, match="another build is writing here"):
                site(generation(1), built)
            return {}

    deploy(built, Builds(tmp_path / "www"), Wanted(), NOW)
    assert walk.verify(tmp_path / "www") == walk.verify(built)
