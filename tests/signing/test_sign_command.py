"""``molthub sign`` and what `skills` makes of a signed index: the commands as people type them, over a real server."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.ngclient import Updater

from molthub.client.fetch import NOT_FOUND, Fetched, open_fetcher
from molthub.client.trust import Trust, fingerprint
from molthub.errors import DeniedError
from molthub.index.publish_metadata import publish_metadata
from molthub.index.sign import Lifetimes, read_published, sign
from molthub.index.signing_keys import SigningKeys
from tests.builders import Tree, bot, commit, fleet, registry, skill, write_tree
from tests.index_fixture import IndexServer, serve
from tests.registry.command import Command, Ran
from tests.signing.repository import MemoryFetcher, SignedIndex

ONE = registry(skill("git", "1.1.0"), locked=False)
TWO = registry(skill("git", "1.1.0", "1.2.0"), locked=False)


@pytest.fixture
def site(molthub: Command, tmp_path: Path) -> Path:
    """Return an index of one commit, signed for the first time with the keys in ``keys``."""
    commit(ONE, tmp_path / "registry")
    build(molthub)
    assert molthub("sign", "init", "--keys", "keys").status == 0
    assert molthub("sign", "--keys", "keys", "--first").status == 0
    return tmp_path / "site"


@pytest.fixture
def server(site: Path) -> Iterator[IndexServer]:
    """Serve that index."""
    with serve(files_of(site)) as server:
        yield server


def build(molthub: Command, out: str = "site") -> None:
    assert molthub("build", "--registry", "registry", "--out", out).status == 0


def publish(molthub: Command, tree: Tree, *options: str) -> Ran:
    commit(tree, Path("registry"))
    build(molthub)
    return molthub("sign", "--keys", "keys", "--registry", "registry", *options)


def files_of(site: Path) -> dict[str, bytes]:
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def timestamp(site: Path) -> int:
    version: int = json.loads((site / "metadata/timestamp.json").read_bytes())["signed"]["version"]
    return version


def test_private_keys_are_for_their_owner_alone(site: Path, tmp_path: Path) -> None:
    assert site.is_dir()
    keys = sorted((tmp_path / "keys").glob("*.pem"))
    assert [key.name.partition("-")[0] for key in keys] == ["online", "root"]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_keys_are_never_made_over_others(molthub: Command, site: Path, tmp_path: Path) -> None:
    before = files_of(tmp_path / "keys")
    said = molthub("sign", "init", "--keys", "keys")
    assert (said.status, site.is_dir()) == (1, True)
    assert "holds keys already" in said.err
    assert files_of(tmp_path / "keys") == before


def test_signing_needs_the_online_key_and_no_other(molthub: Command, site: Path, tmp_path: Path) -> None:
    next((tmp_path / "keys").glob("root-*.pem")).unlink()
    assert publish(molthub, TWO).status == 0
    assert timestamp(site) == 2
    said = molthub("sign", "rotate", "--keys", "keys")
    assert said.status == 1
    assert "the root key is not here" in said.err


def test_a_lost_online_key_is_named_and_replaced(molthub: Command, site: Path, tmp_path: Path) -> None:
    next((tmp_path / "keys").glob("online-*.pem")).unlink()
    said = molthub("sign", "--keys", "keys")
    assert said.status == 1
    assert "online-" in said.err
    assert "rotate --online" in said.err
    assert molthub("sign", "rotate", "--keys", "keys", "--online").status == 0
    assert molthub("sign", "--keys", "keys").status == 0
    assert sorted(path.name for path in (site / "metadata").iterdir() if "root" in path.name) == [
        "1.root.json",
        "2.root.json",
    ]


def test_the_first_signing_is_asked_for(molthub: Command, site: Path) -> None:
    for path in (site / "metadata").iterdir():
        path.unlink()
    said = molthub("sign", "--keys", "keys")
    assert said.status == 1
    assert "--first" in said.err
    assert molthub("sign", "refresh", "--keys", "keys").status == 1


def test_a_refresh_makes_the_timestamp_new_and_nothing_else(molthub: Command, site: Path) -> None:
    before = files_of(site)
    said = molthub("sign", "refresh", "--keys", "keys", "--expires", "2h", "--json")
    assert said.json["written"] == ["metadata/timestamp.json"]
    after = files_of(site)
    assert {path for path in after if after[path] != before.get(path)} == {"metadata/timestamp.json"}
    left = datetime.fromisoformat(said.json["expires"]) - datetime.now(UTC)
    assert timedelta(hours=1) < left <= timedelta(hours=2)


def test_a_refresh_renews_what_expires_soon(site: Path, tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path / "keys")
    previous = read_published(_reader(site), keys, "site")
    assert previous is not None
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=340)
    content = (site / "registry.json").read_bytes()
    assert not sign(content, keys, previous, later, Lifetimes()).only_timestamp
    assert sign(content, keys, previous, later - timedelta(days=10), Lifetimes()).only_timestamp


def test_an_older_commit_is_not_signed_over_a_newer_one(molthub: Command, site: Path) -> None:
    assert publish(molthub, TWO).status == 0
    assert molthub("build", "--registry", "registry", "--rev", "HEAD~1").status == 0
    said = molthub("sign", "--keys", "keys", "--registry", "registry")
    assert said.status == 1
    assert "does not come after it" in said.err
    assert timestamp(site) == 2
    assert molthub("sign", "--keys", "keys", "--registry", "registry", "--accept-fork").status == 0
    assert timestamp(site) == 3


def test_without_the_repository_nobody_can_tell(molthub: Command, site: Path) -> None:
    commit(TWO, Path("registry"))
    build(molthub)
    said = molthub("sign", "--keys", "keys", "--registry", "site")
    assert (said.status, timestamp(site)) == (1, 1)
    assert "--registry" in said.err


def test_a_fresh_checkout_goes_on_from_what_is_published(molthub: Command, server: IndexServer, tmp_path: Path) -> None:
    commit(TWO, Path("registry"))
    build(molthub, "fresh")
    said = molthub("sign", "--keys", "keys", "--registry", "registry", "--index", "fresh", "--previous", server.url)
    assert said.status == 0, said
    assert timestamp(tmp_path / "fresh") == 2
    assert (tmp_path / "fresh/metadata/1.root.json").is_file()


@pytest.mark.parametrize("path", ["metadata/1.snapshot.json", "metadata/timestamp.json"])
def test_what_others_signed_is_not_followed(path: str, molthub: Command, site: Path, server: IndexServer) -> None:
    assert molthub("sign", "init", "--keys", "others").status == 0
    said = molthub("sign", "--keys", "others", "--previous", server.url)
    assert said.status == 1
    assert "signed by none of the keys" in said.err
    server.files[path] = b"{}"
    said = molthub("sign", "--keys", "keys", "--previous", server.url)
    assert (said.status, "no TUF metadata" in said.err) == (1, True)
    assert timestamp(site) == 1


def test_another_registry_is_not_signed_over_this_one(molthub: Command, site: Path) -> None:
    commit(registry(skill("git"), locked=False, name="another"), Path("another"))
    assert molthub("build", "--registry", "another", "--out", "second").status == 0
    said = molthub("sign", "--keys", "keys", "--registry", "another", "--index", "second", "--previous", site)
    assert said.status == 1
    assert "another" in said.err


def test_a_changed_index_is_not_signed(molthub: Command, site: Path) -> None:
    (site / "registry.json").write_bytes((site / "registry.json").read_bytes() + b" ")
    said = molthub("sign", "--keys", "keys")
    assert said.status == 1
    assert "is missing" in said.err


@pytest.mark.parametrize("broken", ["1.root.json", "online"])
def test_broken_keys_are_named(broken: str, molthub: Command, site: Path, tmp_path: Path) -> None:
    path = next(path for path in (tmp_path / "keys").iterdir() if path.name.startswith(broken))
    path.write_text("what is this?")
    said = molthub("sign", "--keys", "keys")
    assert (said.status, site.is_dir()) == (1, True)
    assert path.name in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("arguments", [["sign"], ["sign", "--keys", "k", "refresh"], ["sign", "--expires", "soon"]])
def test_wrong_calls_are_told(arguments: list[str], molthub: Command) -> None:
    assert molthub(*arguments).status == 2


def test_python_tuf_reads_what_we_sign(molthub: Command, server: IndexServer, site: Path, tmp_path: Path) -> None:
    """python-tuf's own client over HTTP, through a refresh, a new version and two rotations."""
    steps: list[tuple[str, ...]] = [
        ("refresh", "--keys", "keys"),
        (),
        ("rotate", "--keys", "keys", "--online", "--root"),
        ("--keys", "keys"),
        ("rotate", "--keys", "keys"),
        ("refresh", "--keys", "keys"),
    ]
    for number, step in enumerate(steps):
        said = molthub("sign", *step) if step else publish(molthub, TWO)
        assert said.status == 0, said
        server.files = files_of(site)
        metadata = tmp_path / "tuf" / "metadata"
        metadata.mkdir(parents=True, exist_ok=True)
        bootstrap = (tmp_path / "keys/1.root.json").read_bytes()
        updater = Updater(str(metadata), f"{server.url}metadata/", str(tmp_path / "tuf"), server.url,
                          bootstrap=bootstrap)  # fmt: skip
        updater.refresh()
        found = updater.get_targetinfo("registry.json")
        assert found is not None, number
        assert Path(updater.download_target(found)).read_bytes() == (site / "registry.json").read_bytes()
        ours = Trust(server.url, tmp_path / "ours")
        if ours.root is None:
            ours.begin(bootstrap)
        assert ours.registry(open_fetcher(server.url)) == (site / "registry.json").read_bytes()


def trusting(skills: Command, server: IndexServer) -> None:
    said = skills("registry", "add", server.url, "--root", "keys/1.root.json", "--project")
    assert said.status == 0, said


def test_a_signed_registry_installs(molthub: Command, skills: Command, server: IndexServer, site: Path) -> None:
    trusting(skills, server)
    assert skills("install", "git").status == 0
    publish(molthub, TWO)
    server.files = files_of(site)
    said = skills("update")
    assert (said.status, "1.1.0 -> 1.2.0" in said.out) == (0, True)


def test_the_metadata_decides_and_not_registry_json(
    molthub: Command, skills: Command, server: IndexServer, site: Path
) -> None:
    """While a build is published and not yet signed, clients stay with what is signed."""
    trusting(skills, server)
    commit(TWO, Path("registry"))
    build(molthub)
    server.files = files_of(site)
    assert skills("install", "git").out.splitlines() == ["+ git 1.1.0"]


def _hostile(new: dict[str, bytes], old: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    """Return what a host may do to clients that have seen ``old`` when ``new`` is published, and the id it meets."""
    swapped = {path: old["registry.json"] for path in new if path.endswith(".registry.json")}
    return {
        "mixed": {**new, **swapped},
        "unsigned": {path: content for path, content in new.items() if not path.startswith("metadata/")},
        "no timestamp": {path: content for path, content in new.items() if "timestamp" not in path},
        "garbage": {**new, "metadata/timestamp.json": b"<!doctype html>"},
        "a root again": {**new, "metadata/2.root.json": new["metadata/1.root.json"]},
    }


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("mixed", ("MH602", "MH614")),
        ("unsigned", ("MH611",)),
        ("no timestamp", ("MH611",)),
        ("garbage", ("MH611",)),
        ("a root again", ("MH612",)),
    ],
)
def test_a_hostile_host_is_refused_and_nothing_installed(
    kind: str, ids: tuple[str, ...], molthub: Command, skills: Command, server: IndexServer
) -> None:
    trusting(skills, server)
    assert publish(molthub, TWO).status == 0
    server.files = _hostile(files_of(Path("site")), server.files)[kind]
    _refused(skills, *ids)


def test_an_older_copy_is_refused(molthub: Command, skills: Command, server: IndexServer, site: Path) -> None:
    trusting(skills, server)
    old = server.files
    assert publish(molthub, TWO).status == 0
    server.files = files_of(site)
    assert skills("search").status == 0
    server.files = old
    _refused(skills, "MH612")


def _refused(skills: Command, *ids: str) -> None:
    said = skills("install", "git", "--json")
    assert said.status == 1
    assert said.json["error"]["id"] in ids
    assert said.json["error"]["remedy"]
    assert not list(Path(".skills").glob("git"))


def test_a_frozen_registry_is_refused(
    molthub: Command, skills: Command, server: IndexServer, site: Path, tmp_path: Path
) -> None:
    trusting(skills, server)
    keys = SigningKeys(tmp_path / "keys")
    previous = read_published(server.files.get, keys, "site")
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    signed = sign((site / "registry.json").read_bytes(), keys, previous, yesterday, Lifetimes())
    publish_metadata(signed.files, site)
    server.files = files_of(site)
    said = skills("install", "git", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH613")
    assert "refresh" in said.json["error"]["remedy"]
    said = molthub("sign", "refresh", "--keys", "keys")
    assert (said.status, "expired at" in said.err) == (0, True)
    server.files = files_of(site)
    assert skills("install", "git").status == 0


def test_a_root_is_trusted_by_its_fingerprint(skills: Command, server: IndexServer) -> None:
    wrong = f"sha256:{'0' * 64}"
    said = skills("registry", "add", server.url, "--fingerprint", wrong, "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH615")
    right = said.json["error"]["message"].split(",")[0].rpartition(" ")[2]
    assert skills("registry", "add", server.url, "--fingerprint", right).status == 0
    assert skills("registry", "add", server.url, "--root", "keys/1.root.json", "--fingerprint", wrong).status == 1


def test_a_root_is_trusted_on_first_use_with_yes_only(skills: Command, server: IndexServer) -> None:
    assert skills("registry", "add", server.url).status == 0
    assert Trust.of(server.url).root is None
    assert skills("registry", "add", server.url, "--yes").status == 0
    assert Trust.of(server.url).root == server.files["metadata/1.root.json"]
    assert "root" in skills("registry", "list", "--json").json[0]
    assert skills("registry", "add", server.url).status == 0
    assert "root" in skills("registry", "list", "--json").json[0], "adding it again takes nothing away"


def test_an_unsigned_registry_has_no_root_to_trust(skills: Command, server: IndexServer) -> None:
    server.files = {path: content for path, content in server.files.items() if not path.startswith("metadata/")}
    said = skills("registry", "add", server.url, "--yes", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH615")


def test_a_project_pins_the_root_for_whoever_clones_it(
    skills: Command, server: IndexServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting(skills, server)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "another user"))
    server.files["metadata/1.root.json"] += b" "
    said = skills("search", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH615")
    server.files["metadata/1.root.json"] = server.files["metadata/1.root.json"].rstrip()
    assert skills("search", "--json").status == 0
    assert Trust.of(server.url).root is not None


def test_removing_a_registry_forgets_its_root(skills: Command, server: IndexServer) -> None:
    trusting(skills, server)
    assert Trust.of(server.url).root is not None
    assert skills("registry", "remove", server.url, "--project").status == 0
    assert Trust.of(server.url).root is None


def test_offline_uses_what_was_verified(skills: Command, server: IndexServer, home: Path) -> None:
    trusting(skills, server)
    assert skills("install", "git", "--offline").status == 1
    assert skills("search").status == 0
    assert skills("search", "--offline").status == 0
    kept = next((home / ".cache").rglob("registry.json"))
    kept.write_bytes(kept.read_bytes().replace(b'"acme"', b'"evil"'))
    said = skills("search", "--offline", "--json")
    assert (said.status, said.json["error"]["id"]) == (1, "MH614")


def test_what_was_verified_once_needs_no_library_again(skills: Command, server: IndexServer) -> None:
    """Importing what verifies costs more than the whole check."""
    trusting(skills, server)
    script = (
        "import sys; from molthub.client.index import Index; Index.open(sys.argv[1]).root(); "
        "print([name for name in ('tuf', 'securesystemslib', 'cryptography') if name in sys.modules])"
    )
    assert skills("search").status == 0
    done = subprocess.run([sys.executable, "-c", script, server.url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reconciler_follows_signed_metadata_only(molthub: Command, tmp_path: Path) -> None:
    """With a root, bots get what is signed; an index that goes back leaves them as they are."""
    fleet_tree = [
        registry(skill("git", *numbers), fleet("prod"), bot("prod", "ada", skills=["git"]), locked=False)
        for numbers in (("1.1.0",), ("1.1.0", "1.2.0"))
    ]
    reconcile = ("reconcile", "--index", "site", "--target", "bots", "--state", "state", "--once", "--json")
    assert molthub("sign", "init", "--keys", "keys").status == 0
    sites = []
    for number, tree in enumerate(fleet_tree):
        commit(tree, tmp_path / "registry")
        assert molthub("build", "--registry", "registry", "--fleets").status == 0
        first = ("--first",) if number == 0 else ()
        assert molthub("sign", "--keys", "keys", "--registry", "registry", *first).status == 0
        sites.append(files_of(tmp_path / "site"))
        said = molthub(*reconcile, "--root", "keys/1.root.json")
        assert (said.status, said.json["summary"]["inSync"]) == (0, 1)
    bots = files_of(tmp_path / "bots")
    shutil.rmtree(tmp_path / "site")
    write_tree(sites[0], tmp_path / "site")
    said = molthub(*reconcile)
    assert said.status == 1
    assert said.json["error"]["id"] == "MH612"
    assert files_of(tmp_path / "bots") == bots


class Picky(MemoryFetcher):
    """A store that may not be listed: it denies what is not there."""

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        found = super().get(path, etag=etag, limit=limit)
        if found.status == NOT_FOUND:
            raise DeniedError("access denied (HTTP 403 Forbidden)", place=path)
        return found


def test_a_store_that_denies_what_it_has_not_can_be_read(tmp_path: Path) -> None:
    index = SignedIndex()
    trust = Trust("https://bucket.example.com/", tmp_path / "trust")
    trust.begin(index.files["metadata/1.root.json"])
    assert trust.registry(Picky(index.files)) == index.content


def _reader(site: Path) -> Callable[[str], bytes | None]:
    return lambda path: (site / path).read_bytes() if (site / path).is_file() else None


@pytest.mark.parametrize(("answer", "trusted"), [("y", True), ("n", False)])
def test_a_person_is_shown_the_fingerprint_and_asked(
    answer: str, trusted: bool, server: IndexServer, tmp_path: Path
) -> None:
    import pty

    script = "import sys; from molthub.cli.main import skills_group; from molthub.console import run; "
    command = [sys.executable, "-c", f"{script} sys.exit(run(skills_group))", "registry", "add", server.url]
    typed, stdin = pty.openpty()
    try:
        os.write(typed, f"{answer}\n".encode())
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False, cwd=tmp_path)
    finally:
        os.close(typed)
        os.close(stdin)
    assert fingerprint(server.files["metadata/1.root.json"]) in done.stderr
    assert (done.returncode == 0, Trust.of(server.url).root is not None) == (trusted, trusted)
