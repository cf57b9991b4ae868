"""Builds of a registry that imports: pure functions of the commit, whoever is alive."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from molthub.cli.upstream_orders import Limits
from molthub.cli.upstreams import UpstreamFiles
from molthub.documents import file_entry
from molthub.errors import ChangedUpstreamError, Problem, UpstreamError
from molthub.index.build import build_index
from molthub.index.folder import BLOB, MARKER
from molthub.index.update import Updated, Wanted, update
from molthub.registry.catalog import read_catalog
from molthub.registry.trees.git_source import GitSource
from molthub.registry.upstreams.content import Content
from molthub.registry.upstreams.upstream import Imported
from tests.builders import Tree, as_bytes, as_yaml, commit, content_digest, pack, registry, skill, skill_version
from tests.imports.command import ALLOWED, run_import
from tests.imports.git_host import GitHost
from tests.imports.upstream_index import company, public_files
from tests.index import walk
from tests.index_fixture import (
    Fault,
    IndexServer,
    endless,
    html,
    longer,
    redirect,
    reset,
    serve,
    silent,
    tampered,
    truncated,
    unavailable,
)  # fmt: skip
from tests.registry.command import Ran, run_molthub

OWN = ("SKILL.md", "skill.yaml")


def contents(folder: Path) -> dict[str, bytes]:
    return {path: content for path, content in walk.contents(folder).items() if path != MARKER}


@contextmanager
def imported_registry(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, host: GitHost
) -> Iterator[tuple[Path, IndexServer]]:
    """Yield a registry that imported from an index and from a repository, and the index's server."""
    place = tmp_path / "registry"
    commit(company(), place)
    with serve(public_files()) as server:
        assert run_import(capsys, place, "git", "pack/dev", "--from", server.url).status == 0
        assert run_import(capsys, place, "docker@1.0.0", "--from", server.url).status == 0
        assert run_import(capsys, place, "--from", host.url(), "--path", "skills/notes").status == 0
        yield place, server


def build(capsys: pytest.CaptureFixture[str], place: Path, out: Path, *arguments: object) -> Ran:
    return run_molthub(capsys, "build", "--registry", place, "--out", out, *ALLOWED, *arguments)


def empty_store(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nothing be known that was fetched before."""
    shutil.rmtree(folder, ignore_errors=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


def test_a_dead_upstream_changes_no_byte_where_an_index_holds_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imported_registry(capsys, tmp_path, host) as (place, server):
        empty_store(monkeypatch, tmp_path / "fetched")
        assert build(capsys, place, tmp_path / "first").status == 0
        first = contents(tmp_path / "first")
        server.files.clear()
        shutil.rmtree(host.root)

        empty_store(monkeypatch, tmp_path / "none")
        dead = build(capsys, place, tmp_path / "dead", "--json")
        assert (dead.status, dead.json["counts"]["versions"]) == (4, 1), dead
        named = {(problem["id"], problem["file"]) for problem in dead.json["problems"]}
        left_out = {"skills/git/project.yaml", "skills/notes/project.yaml", "skills/docker/project.yaml"}
        assert {file for id_, file in named if id_ == "MH901"} >= left_out
        assert ("MH206", "packs/dev/2.yaml") in named  # a pack is offered whole or not at all

        empty_store(monkeypatch, tmp_path / "none-folder")
        again = build(capsys, place, tmp_path / "again", "--previous", tmp_path / "first")
        assert again.status == 0, again
        assert contents(tmp_path / "again") == first

        with serve(dict(first)) as site:
            empty_store(monkeypatch, tmp_path / "none-url")
            assert build(capsys, place, tmp_path / "by-url", "--previous", site.url).status == 0
        assert contents(tmp_path / "by-url") == first

        empty_store(monkeypatch, tmp_path / "none-own")  # its own last build, whose state is lost, is enough
        assert build(capsys, place, tmp_path / "first", "--full").status == 0
        assert contents(tmp_path / "first") == first


def test_a_previous_index_is_a_cache_by_digest_and_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imported_registry(capsys, tmp_path, host) as (place, _server):
        empty_store(monkeypatch, tmp_path / "a")
        assert build(capsys, place, tmp_path / "good").status == 0
        other = registry(skill("git", "1.2.0", tags=["other"]), skill("more"))
        commit(other, tmp_path / "other")
        assert run_molthub(capsys, "build", "--registry", tmp_path / "other", "--out", tmp_path / "lies").status == 0
        empty_store(monkeypatch, tmp_path / "b")
        assert build(capsys, place, tmp_path / "site", "--previous", tmp_path / "lies").status == 0
        assert contents(tmp_path / "site") == contents(tmp_path / "good")
        empty_store(monkeypatch, tmp_path / "c")
        unread = build(capsys, place, tmp_path / "site2", "--previous", "http://127.0.0.1:9/")
        assert (unread.status, "not everything could be read from http://127.0.0.1:9/" in unread.err) == (0, True), (
            unread
        )
        assert contents(tmp_path / "site2") == contents(tmp_path / "good")


def test_an_archive_that_somebody_took_away_is_asked_for_and_missed_in_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imported_registry(capsys, tmp_path, host) as (place, server):
        out = tmp_path / "site"
        assert build(capsys, place, out).status == 0
        shutil.copytree(out, tmp_path / "copy")
        shutil.rmtree(out / "archives")
        server.files.clear()
        empty_store(monkeypatch, tmp_path / "none")
        (place / "skills/own/project.yaml").write_text((place / "skills/own/project.yaml").read_text() + "# later\n")
        subprocess.run(["git", "-C", str(place), "commit", "-qam", "Note"], check=True)
        missed = build(capsys, place, out)
        assert (missed.status, "was taken out of this folder" in missed.err) == (1, True), missed
        assert build(capsys, place, out, "--previous", tmp_path / "copy").status == 0
        assert (out / "archives").is_dir()


def test_what_was_left_out_comes_with_the_next_build(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imported_registry(capsys, tmp_path, host) as (place, server):
        empty_store(monkeypatch, tmp_path / "a")
        server.faults["archives/"] = unavailable(times=1000, status=404)
        assert build(capsys, place, tmp_path / "site").status == 4
        server.faults.clear()
        assert build(capsys, place, tmp_path / "site").status == 0
        assert build(capsys, place, tmp_path / "anew").status == 0
        current = contents(tmp_path / "anew")
        now = contents(tmp_path / "site")
        assert {path: now[path] for path in current} == current


HOSTILE: dict[str, tuple[str, Fault, str]] = {
    "a page": ("registry.json", html, ""),
    "a root that is cut off": ("registry.json", truncated, ""),
    "a shard that is tampered with": ("shards/", tampered, "MH902"),
    "an archive that is tampered with": ("archives/", tampered, "MH902"),
    "an archive that is cut off": ("archives/", truncated, "MH901"),
    "an archive that is longer": ("archives/", longer, ""),
    "an endless archive": ("archives/", endless, ""),
    "another host": ("archives/", redirect("http://localhost:9/x"), "MH901"),
    "a reset": ("archives/", reset, "MH901"),
    "a denial": ("archives/", unavailable(times=1000, status=403), "MH901"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_an_index_that_misbehaves_gives_nothing(tmp_path: Path, case: str) -> None:
    where, fault, expected = HOSTILE[case]
    with serve(public_files()) as server:
        files = UpstreamFiles(tmp_path / "store", allowed=("http", "private"), limits=Limits(60))
        wanted = one_of(server, "docker", "2.0.0")
        server.faults[where] = fault
        files.bring([wanted])
        problem = files.problem(wanted)
        assert expected in problem.id
        assert files.files(wanted.digest) is None
        assert not list((tmp_path / "store").glob("*.tar.gz"))
        server.faults.clear()
        files.bring([wanted])
        assert files.files(wanted.digest) is not None


def one_of(server: IndexServer, name: str, version: str) -> Imported:
    """Return one of the index's versions as a registry that imported it records it."""
    from molthub.client.index import Index
    from molthub.registry.upstreams.upstream import Upstream

    with Index.open(server.url) as index:
        digest = index.skill(name).releases[version].artifact.digest
    return Imported(name, version, digest, Upstream("index", server.url, f"skills/{name}", digest))


def test_an_index_that_is_silent_or_changed_is_named(tmp_path: Path) -> None:
    with serve(public_files()) as server:
        wanted = one_of(server, "docker", "2.0.0")
        files = UpstreamFiles(tmp_path / "store", allowed=("http", "private"), limits=Limits(1.0))
        server.faults["archives/"] = silent(20)
        files.bring([wanted])
        assert "took longer than 1 seconds and was stopped" in files.problem(wanted).message
        files = UpstreamFiles(tmp_path / "store", allowed=("http", "private"), limits=Limits(60))
        server.faults.clear()
        server.files.clear()
        server.files.update(public_files(skill("docker", "2.0.0", tags=["changed"])))
        files.bring([wanted])
        assert (files.problem(wanted).id, "recorded is" in files.problem(wanted).message) == ("MH902", True)
        server.files.clear()
        server.files.update(public_files(skill("docker", "2.0.0", records={"2.0.0": {"removed": "It leaks."}})))
        files.bring([wanted])
        assert files.problem(wanted).id in ("MH901", "MH902")
    assert issubclass(ChangedUpstreamError, UpstreamError)


# --- the incremental build equals the full one ----------------------------------------------------------------------


class Held:
    """Upstreams in memory: ``alive`` are the versions that are to be had, by digest."""

    def __init__(self, alive: Mapping[str, Content]) -> None:
        self.alive = dict(alive)
        self.brought: dict[str, Content] = {}

    def files(self, digest: str) -> Content | None:
        return self.brought.get(digest)

    def bring(self, wanted: Sequence[Imported]) -> None:
        for imported in wanted:
            for digest in (imported.digest, imported.upstream.digest):
                if digest in self.alive:
                    self.brought[digest] = self.alive[digest]

    def problem(self, imported: Imported) -> Problem:
        return Problem("MH901", f"{imported.upstream.shown}: nobody answers there")


def imported_skill(name: str, number: str, chance: random.Random, held: dict[str, Content]) -> Tree:
    """Return an imported version as a registry keeps it, and put the whole of it into ``held``."""
    whole = skill_version(name, number, {"scripts/run.sh": chance.choice("abc"), "docs/a.md": "a"})
    digest = content_digest(whole)
    files = [
        (file_entry(path, as_bytes(text), executable=False), as_bytes(text)) for path, text in sorted(whole.items())
    ]
    held[digest] = tuple(files)
    upstream = {"url": "https://skills.example.com/", "path": f"skills/{name}"}
    entry = {"published": "2026-11-02T09:00:00Z", "digest": digest, "upstream": upstream}
    project = {"owners": ["acme"], "status": "active", "versions": {number: entry}}
    kept: Tree = {f"skills/{name}/{number}/{path}": whole[path] for path in OWN}
    return {**kept, f"skills/{name}/project.yaml": as_yaml(project)}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Tree, dict[str, Content]]]:
    """Return some states of a registry with imports, each with what is to be had at that time."""
    chance = draw(st.randoms(use_true_random=False))
    history = []
    for _ in range(draw(st.integers(2, 3))):
        held: dict[str, Content] = {}
        parts = [skill("own", "1.0.0", chance.choice(["1.1.0", "1.2.0"]))]
        names = [name for name in ("git", "docker", "notes") if chance.random() < 0.8]
        parts += [imported_skill(name, chance.choice(["1.0.0", "2.0.0"]), chance, held) for name in names]
        parts.append(pack("dev", {"skills": [name for name in names if chance.random() < 0.5]}))
        alive = {digest: content for digest, content in held.items() if chance.random() < 0.7}
        history.append((registry(*parts), alive))
    return history


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(histories(), st.booleans())
def test_an_incremental_build_with_imports_is_a_build_from_scratch(
    history: list[tuple[Tree, dict[str, Content]]], fleets: bool
) -> None:
    known: dict[str, Content] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, (tree, alive) in enumerate(history):
            known |= alive  # what an index over which is built held once, it holds on
            commit(tree, folder / "registry.git", bare=True)
            over = built(folder, folder / "over", Held(known), fleets=fleets)
            anew = built(folder, folder / f"anew-{number}", Held(known), fleets=fleets)
            source = GitSource(folder / "registry.git")
            whole = build_index(read_catalog(source), source, fleets=fleets, upstreams=Held(known))
            assert contents(folder / f"anew-{number}") == dict(whole.files)
            now = contents(folder / "over")
            assert {path: now[path] for path in whole.files} == dict(whole.files)
            assert all(BLOB.match(path) for path in now.keys() - whole.files.keys())
            assert (over.counts, over.problems) == (anew.counts, anew.problems)


def built(folder: Path, out: Path, held: Held, *, fleets: bool) -> Updated:
    return update(GitSource(folder / "registry.git"), out, Wanted(fleets=fleets, upstreams=held))
