"""From a name to a verified document, and nothing else is ever used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from molthub.client.cache import Store
from molthub.client.fetch import open_fetcher
from molthub.client.index import Index
from molthub.documents import canonical, digest_of
from molthub.errors import (
    FormatError,
    IntegrityError,
    MolthubError,
    NewerFormatError,
    NotFoundError,
    UnreachableError,
    UnsafeArchiveError,
    UsageError,
)
from molthub.model import DesiredState, SyncPolicy
from tests.index_fixture import (
    Fault,
    IndexBuilder,
    IndexServer,
    hang_up,
    html,
    longer,
    once,
    serve,
    tampered,
    truncated,
    unavailable,
)

BOT = DesiredState("prod", "ada", "agents-dir", "ada", "main", {}, SyncPolicy(), digest=digest_of({"env/A": "1"}),
                   desired={"env/A": "1"})  # fmt: skip


def artifacts(index: Index, *names: str) -> list[object]:
    return [release.artifact for name in names for release in index.skill(name).releases.values()]


@pytest.mark.parametrize("where", ["server", "folder", "file url"])
def test_an_index_is_read_from_a_server_or_a_folder(
    where: str, index: IndexBuilder, server: IndexServer, tmp_path: Path, store: Store
) -> None:
    index.bot(BOT)
    server.files = index.files()
    folder = index.write(tmp_path / "site")
    location = {"server": server.url, "folder": str(folder), "file url": folder.as_uri()}[where]
    with Index.open(location) as reading:
        assert reading.root().name == "acme"
        assert reading.skill("git") == index.skills["git"]
        assert reading.pack("dev") == index.packs["dev"]
        assert {row.name for row in reading.search_rows()} == {*index.skills, *index.packs}
        assert reading.fleets() == ("prod",)
        assert reading.bot("prod", "ada") == BOT
        reading.fetch([release.artifact for release in index.skills["git"].releases.values()], store)
    assert all(store.has(release.artifact.digest) for release in index.skills["git"].releases.values())


def test_only_what_is_asked_for_is_fetched(server: IndexServer) -> None:
    with Index.open(server.url) as reading:
        reading.skill("git")
        reading.skill("git")
    assert [path.split("/")[0] for path in server.paths] == ["registry.json", "shards"]


def test_shards_of_longer_keys_are_found(index: IndexBuilder) -> None:
    index.shard_length = 3
    with serve(index.files()) as server, Index.open(server.url) as reading:
        reading.prefetch([("skill", name) for name in index.skills])
        assert all(reading.skill(name) == entry for name, entry in index.skills.items())
        assert len(server.paths) == 1 + len(index.skills)


@pytest.mark.parametrize(
    ("ask", "message", "remedy"),
    [
        (lambda index: index.skill("gti"), "skill gti is not in this index", "did you mean git?"),
        (lambda index: index.skill("deploy"), "skill deploy", "@acme/deploy"),
        (lambda index: index.pack("deb"), "SkillPack pack/deb", "did you mean pack/dev?"),
        (lambda index: index.skill("zzzzzzzz"), "not in this index", "skills search"),
        (lambda index: index.fleet("prd"), "no fleet prd", "did you mean prod?"),
        (lambda index: index.bot("prod", "adda"), "no bot prod/adda", "did you mean ada?"),
        (lambda index: index.bot("test", "ada"), "no fleet test", "--fleets"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    ask: Callable[[Index], object], message: str, remedy: str, index: IndexBuilder
) -> None:
    index.bot(BOT)
    with (
        serve(index.files()) as server,
        Index.open(server.url) as reading,
        pytest.raises(NotFoundError, match=message) as error,
    ):
        ask(reading)
    assert remedy in error.value.remedy


def test_an_empty_index_knows_nothing_and_says_so() -> None:
    with serve(IndexBuilder().files()) as server, Index.open(server.url) as reading:
        assert reading.search_rows() == ()
        with pytest.raises(NotFoundError):
            reading.skill("git")


def test_a_change_is_noticed_by_the_etag(index: IndexBuilder, server: IndexServer) -> None:
    with Index.open(server.url) as reading:
        assert reading.refresh() is True
        assert reading.refresh() is False
        index.skill("docker", "3.0.0")
        server.files |= index.files()
        assert "3.0.0" not in reading.skill("docker").releases
        assert reading.refresh() is True
        assert "3.0.0" in reading.skill("docker").releases


def test_after_a_failed_refresh_the_index_is_as_it_was(server: IndexServer) -> None:
    with Index.open(server.url) as reading:
        before = reading.root()
        server.faults["registry.json"] = html
        with pytest.raises(FormatError):
            reading.refresh()
        assert reading.root() is before
        assert reading.skill("git").name == "git"


def test_what_was_fetched_is_kept_and_only_asked_about(server: IndexServer, tmp_path: Path) -> None:
    for _ in range(2):
        with Index.open(server.url, cache=tmp_path / "cache") as reading:
            reading.skill("git")
            reading.search_rows()
    assert [path.split("/")[0] for path in server.paths] == ["registry.json", "shards", "search", "registry.json"]
    assert server.requests[-1][1]["If-None-Match"]


@pytest.mark.parametrize("victim", ["registry.json", "registry.etag.json", "blobs"])
def test_a_damaged_cache_costs_a_fetch_and_nothing_else(server: IndexServer, tmp_path: Path, victim: str) -> None:
    cache = tmp_path / "cache"
    with Index.open(server.url, cache=cache) as reading:
        expected = reading.skill("git")
    damaged = list((cache / "blobs").iterdir()) if victim == "blobs" else [cache / victim]
    for path in damaged:
        path.write_bytes(b"{}")
    with Index.open(server.url, cache=cache) as reading:
        assert reading.skill("git") == expected


def test_a_cache_that_cannot_be_written_is_no_error(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    with Index.open(server.url, cache=tmp_path / "cache") as reading:
        assert reading.skill("git").name == "git"


def test_offline_uses_what_was_fetched_and_nothing_else(server: IndexServer, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with Index.open(server.url, cache=cache) as reading:
        reading.skill("git")
    asked = len(server.paths)
    with Index.open(server.url, cache=cache, offline=True) as reading:
        assert reading.skill("git").name == "git"
        with pytest.raises(UnreachableError, match="offline") as error:
            reading.skill("docker")
    assert "--offline" in error.value.remedy
    assert len(server.paths) == asked


def test_offline_without_a_cache_says_so(server: IndexServer, tmp_path: Path) -> None:
    with (
        pytest.raises(UnreachableError, match="offline"),
        Index.open(server.url, cache=tmp_path, offline=True) as index,
    ):
        index.root()


def test_an_index_that_is_gone_points_to_what_is_kept(server: IndexServer, tmp_path: Path) -> None:
    with Index.open(server.url, cache=tmp_path / "cache") as reading:
        reading.root()
    server.faults["registry.json"] = unavailable(9, 404 + 12)
    with (
        Index.open(server.url, cache=tmp_path / "cache") as reading,
        pytest.raises(UnreachableError) as error,
    ):
        reading.root()
    assert "add --offline to use what was fetched at 20" in error.value.remedy


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (html, FormatError, "a web page came"),
        (truncated, UnreachableError, "broke off"),
        (hang_up, UnreachableError, ""),
    ],
)
def test_a_root_that_is_none_is_refused(
    fault: Fault, kind: type[MolthubError], message: str, server: IndexServer
) -> None:
    server.faults["registry.json"] = fault
    with Index.open(server.url) as reading, pytest.raises(kind, match=message or None) as error:
        reading.root()
    assert error.value.place == server.url + "registry.json"
    assert error.value.remedy


@pytest.mark.parametrize("folder", ["shards/", "search/"])
@pytest.mark.parametrize("fault", [html, tampered, longer, truncated])
def test_a_document_with_other_bytes_is_refused_and_not_kept(
    folder: str, fault: Fault, server: IndexServer, tmp_path: Path
) -> None:
    server.faults[folder] = fault
    cache = tmp_path / "cache"
    with Index.open(server.url, cache=cache) as reading, pytest.raises(MolthubError) as error:
        reading.skill("git") if folder == "shards/" else reading.search_rows()
    assert error.value.place.startswith(server.url + folder)
    assert error.value.remedy
    assert not list(cache.glob("blobs/*"))


def test_a_document_that_is_not_there_is_said(index: IndexBuilder) -> None:
    files = {path: content for path, content in index.files().items() if not path.startswith("shards/")}
    with (
        serve(files) as server,
        Index.open(server.url) as reading,
        pytest.raises(UnreachableError, match="does not have"),
    ):
        reading.skill("git")


def test_a_newer_format_asks_for_a_newer_molthub(server: IndexServer) -> None:
    root = json.loads(server.files["registry.json"])
    server.files["registry.json"] = canonical({**root, "format": "molthub.registry/2"})
    with Index.open(server.url) as reading, pytest.raises(NewerFormatError, match="registry/2") as error:
        reading.root()
    assert (error.value.problem_id, error.value.remedy) == ("MH604", "install a newer molthub")


def test_an_address_without_an_index_is_said(server: IndexServer, tmp_path: Path) -> None:
    with Index.open(server.url + "nothing/") as reading, pytest.raises(FormatError, match=r"no registry\.json"):
        reading.root()
    with Index.open(str(tmp_path)) as reading, pytest.raises(FormatError, match=r"no registry\.json"):
        reading.root()


@pytest.mark.parametrize("place", ["registry.yaml", "registry-index/registry.yaml"])
def test_a_registry_must_be_built_first(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("name: acme\n")
    with pytest.raises(FormatError, match="this is a registry") as error:
        Index.open(str(tmp_path))
    assert "molthub build" in error.value.remedy


@pytest.mark.parametrize(
    ("location", "remedy"),
    [("skills.example.com", "https://skills.example.com"), ("./nowhere", "molthub build"), ("nowhere", "https://")],
)
@pytest.mark.usefixtures("project")
def test_a_folder_that_is_not_there_is_said(location: str, remedy: str) -> None:
    with pytest.raises(UnreachableError, match="no such folder") as error:
        open_fetcher(location)
    assert remedy in error.value.remedy


def test_other_protocols_are_refused() -> None:
    with pytest.raises(UsageError, match="ftp"):
        open_fetcher("ftp://skills.example.com/")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(html, FormatError), (tampered, IntegrityError), (longer, FormatError), (truncated, UnreachableError)],
)
def test_an_archive_with_other_bytes_is_refused(
    fault: Fault, kind: type[MolthubError], index: IndexBuilder, server: IndexServer, store: Store
) -> None:
    wanted = index.skills["docker"].releases["2.0.1"].artifact
    server.faults["archives/"] = fault
    with Index.open(server.url) as reading, pytest.raises(kind):
        reading.fetch([wanted], store)
    assert not store.has(wanted.digest)


def test_an_archive_of_another_skill_is_refused(index: IndexBuilder, server: IndexServer, store: Store) -> None:
    git, docker = (index.skills[name].releases[v].artifact for name, v in (("git", "1.2.0"), ("docker", "2.0.1")))
    swapped = replace(git, archive=docker.archive, size=docker.size)
    with Index.open(server.url) as reading, pytest.raises(IntegrityError, match="digest"):
        reading.fetch([swapped], store)
    assert not store.has(git.digest)
    assert not store.has(docker.digest)


def test_an_archive_that_is_no_archive_is_unsafe(index: IndexBuilder, server: IndexServer, store: Store) -> None:
    from molthub.documents import hex_of

    content = b"not a gzip file"
    server.files[f"archives/{hex_of(content)}.tar.gz"] = content
    wanted = replace(index.skills["git"].releases["1.2.0"].artifact, archive=hex_of(content), size=len(content))
    with Index.open(server.url) as reading, pytest.raises(UnsafeArchiveError):
        reading.fetch([wanted], store)


def test_every_archive_that_failed_is_named_and_the_rest_is_kept(
    index: IndexBuilder, server: IndexServer, store: Store
) -> None:
    releases = [release.artifact for skill in index.skills.values() for release in skill.releases.values()]
    broken = [index.skills["git"].releases["1.2.0"].artifact, index.skills["docker"].releases["2.0.0"].artifact]
    for artifact in broken:
        server.faults[f"archives/{artifact.archive}.tar.gz"] = tampered
    done: list[int] = []
    with Index.open(server.url) as reading, pytest.raises(IntegrityError, match="2 versions") as error:
        reading.fetch(releases, store, done.append)
    assert [problem.message.split(":")[0] for problem in error.value.problems] == ["docker@2.0.0", "git@1.2.0"]
    assert [problem.id for problem in error.value.problems] == ["MH603", "MH603"]
    assert [artifact for artifact in releases if not store.has(artifact.digest)] == sorted(broken, key=releases.index)
    assert sum(done) == len(releases)


def test_an_index_that_stops_answering_is_not_asked_for_everything(
    index: IndexBuilder, server: IndexServer, store: Store
) -> None:
    for number in range(60):
        index.skill(f"skill-{number}", "1.0.0")
    server.files = index.files()
    server.faults["archives/"] = unavailable(1000)
    releases = [release.artifact for skill in index.skills.values() for release in skill.releases.values()]
    with Index.open(server.url) as reading, pytest.raises(UnreachableError) as error:
        reading.fetch(releases, store)
    assert len(error.value.problems) == len(releases)
    assert len(server.paths) <= 8 * 3


def test_what_the_store_has_is_not_fetched(index: IndexBuilder, server: IndexServer, store: Store) -> None:
    wanted = [index.skills["git"].releases["1.2.0"].artifact] * 3
    with Index.open(server.url) as reading:
        reading.fetch(wanted, store)
        reading.fetch(wanted, store)
    assert len(server.paths) == 1


def test_a_passing_fault_during_a_download_is_got_over(index: IndexBuilder, server: IndexServer, store: Store) -> None:
    wanted = index.skills["git"].releases["1.2.0"].artifact
    server.faults["archives/"] = once(truncated)
    with Index.open(server.url) as reading:
        reading.fetch([wanted], store)
    assert store.has(wanted.digest)


def test_a_removed_version_has_nothing_to_fetch(index: IndexBuilder, server: IndexServer, store: Store) -> None:
    gone = replace(index.skills["git"].releases["1.2.0"].artifact, archive="", size=0, unpacked=0)
    with Index.open(server.url) as reading, pytest.raises(NotFoundError, match="removed"):
        reading.fetch([gone], store)


def test_a_bot_document_must_have_its_own_digest(index: IndexBuilder) -> None:
    index.bot(replace(BOT, desired={"env/A": "2"}))
    with serve(index.files()) as server, Index.open(server.url) as reading, pytest.raises(FormatError, match="digest"):
        reading.bot("prod", "ada")


def test_a_folder_file_that_cannot_be_read_is_said(index: IndexBuilder, tmp_path: Path) -> None:
    folder = index.write(tmp_path / "site")
    (folder / "registry.json").unlink()
    (folder / "registry.json").symlink_to("registry.json")
    with Index.open(str(folder)) as reading, pytest.raises(UnreachableError, match="symbolic links"):
        reading.root()
