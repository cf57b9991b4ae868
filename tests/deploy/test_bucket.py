"""Deploying to a bucket, judged by a real S3 server over HTTP, and read back from it as anybody's client reads."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from molthub.errors import DeniedError, MolthubError, UnreachableError
from molthub.index.deploy.addresses import open_place
from tests.deploy.places import NOW, BreakingOff, generation, send
from tests.index import walk
from tests.index.made import site
from tests.peers.go_programs import VERSITYGW, go_program
from tests.registry.command import run_molthub

pytestmark = pytest.mark.peers
KEY = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "lovelace", "AWS_REGION": "us-east-1"}


class Bucket(NamedTuple):
    """A bucket of the server, and the folder on the server's disk that holds what is deployed."""

    name: str
    folder: Path

    @property
    def address(self) -> str:
        return f"s3://{self.name}/skills"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run the server on a free port of this machine, over a folder."""
    folder = tmp_path_factory.mktemp("s3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("buckets", "metadata"):
        (folder / name).mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ROOT_ACCESS_KEY_ID": KEY["AWS_ACCESS_KEY_ID"],
                   "ROOT_SECRET_ACCESS_KEY": KEY["AWS_SECRET_ACCESS_KEY"]}  # fmt: skip
    command = [str(go_program(VERSITYGW)), "--port", f"127.0.0.1:{port}", "--quiet", "posix",
               "--sidecar", str(folder / "metadata"), str(folder / "buckets")]  # fmt: skip
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", folder / "buckets"
        running.terminate()


@pytest.fixture
def bucket(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Make an empty bucket, with this test's environment pointing to it."""
    url, folder = server
    name = f"b{abs(hash(tmp_path))}"
    (folder / name).mkdir()
    for key, value in (KEY | {"AWS_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(key, value)
    return Bucket(name, folder / name / "skills")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sites")
    return [site(generation(number), folder / str(number), fleets=True) for number in range(2)]


def test_only_what_changed_is_sent(bucket: Bucket, sites: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    first = run_molthub(capsys, "deploy", "--index", sites[0], "--to", bucket.address, "--json")
    assert (first.status, first.json["unchanged"]) == (0, 0), first
    assert walk.verify(bucket.folder) == walk.verify(sites[0])
    again = run_molthub(capsys, "deploy", "--index", sites[0], "--to", bucket.address, "--json")
    assert (again.json["sent"], again.json["removed"]) == ([], [])
    then = run_molthub(capsys, "deploy", "--index", sites[1], "--to", bucket.address, "--json")
    assert 0 < len(then.json["sent"]) < len(first.json["sent"])
    assert then.json["sent"][-1] == "registry.json"
    assert walk.verify(bucket.folder) == walk.verify(sites[1])


def test_objects_are_answered_with_their_types_and_lifetimes(bucket: Bucket, sites: list[Path]) -> None:
    import obstore
    from obstore.store import S3Store

    send(sites[0], open_place(bucket.address))
    store = S3Store(bucket.name, prefix="skills", client_options={"allow_http": True})
    archive = next(sites[0].glob("archives/*")).relative_to(sites[0]).as_posix()
    expected = {
        "registry.json": ("application/json", "public, max-age=60"),
        archive: ("application/gzip", "public, max-age=31536000, immutable"),
        "index.html": ("text/html; charset=utf-8", "public, max-age=60"),
        "api/v1/skills/git/index.html": ("application/json", "public, max-age=60"),
        "s/git/.well-known/agent-skills/git/SKILL.md": ("text/markdown; charset=utf-8", "public, max-age=60"),
    }
    for path, answered in expected.items():
        found = obstore.get(store, path).attributes
        assert (found["Content-Type"], found["Cache-Control"]) == answered, path


def test_what_is_read_back_over_http_is_the_index(bucket: Bucket, sites: list[Path], tmp_path: Path) -> None:
    import obstore
    from obstore.store import S3Store

    send(sites[1], open_place(bucket.address))
    store = S3Store(bucket.name, prefix="skills", client_options={"allow_http": True})
    for found in (found for page in obstore.list(store) for found in page):
        file = tmp_path / "copy" / found["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(obstore.get(store, found["path"]).bytes()))
    walk.verify(tmp_path / "copy")
    ours = {path: content for path, content in walk.contents(sites[1]).items() if not path.startswith(".molthub")}
    assert walk.contents(tmp_path / "copy") == ours


def test_breaking_off_anywhere_leaves_a_whole_index(bucket: Bucket, sites: list[Path]) -> None:
    place = open_place(bucket.address)
    send(sites[0], place)
    steps = len(send(sites[1], place, dry_run=True).sent)
    for _ in range(0, steps - 6, 6):
        with pytest.raises(UnreachableError):
            send(sites[1], BreakingOff(place, 6))
        walk.verify(bucket.folder)
    send(sites[1], place)
    assert walk.verify(bucket.folder) == walk.verify(sites[1])


def test_old_objects_go_when_their_time_is_over(bucket: Bucket, sites: list[Path]) -> None:
    place = open_place(bucket.address)
    send(sites[0], place)
    send(sites[1], place, now=NOW + timedelta(days=1))
    late = send(sites[1], place, now=NOW + timedelta(days=40))
    assert any(path.endswith(".registry.json") for path in late.removed)
    ours = {path for path in walk.contents(sites[1]) if not path.startswith(".molthub")}
    assert place.files().keys() == {*ours, "replaced.json"}


def test_what_the_server_refuses_is_said_in_our_words(
    bucket: Bucket, sites: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MolthubError, match="there is no such bucket"):
        send(sites[0], open_place("s3://no-such-bucket"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(DeniedError, match="access is denied \\(SignatureDoesNotMatch\\)"):
        send(sites[0], open_place(bucket.address))
