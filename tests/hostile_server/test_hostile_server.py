"""A server that lies, stalls, floods or serves what somebody else made: refused, told, and nothing is kept.

Each case is one way to be hostile, over a real socket, against the command as people type it. It ends with status 1,
its own message and id; no skill, store or lock has anything of it; and when the server is good again, so is the next
run.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from securesystemslib.signer import CryptoSigner

from molthub.client.cache import default_store
from molthub.documents import canonical
from tests.hostile_server.site import Site, archive, desync, drip, encoded, flood, raw
from tests.index_fixture import (
    IndexBuilder,
    archive_of,
    hang_up,
    html,
    longer,
    redirect,
    reset,
    serve,
    silent,
    skill_files,
    tampered,
    truncated,
    unavailable,
)
from tests.registry.command import Ran, run_skills
from tests.signing.repository import SignedIndex

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = bytes(65 * 1024 * 1024)
Skills = Callable[..., Ran]


class Case(NamedTuple):
    """What the server does, and the id and words that people are told."""

    arrange: Callable[[Site], object]
    id: str
    says: str


def fault(place: str, answer: Callable[..., bool]) -> Callable[[Site], None]:
    return lambda site: site.fault(place, answer)


SLOW = {
    # a wait, a drip, and what keeps a socket's own timeout from ever ending
    "silence": Case(fault("all", silent(3)), "MH601", "no answer in time"),
    "silence in the middle": Case(fault("archive", raw(OK + b"Content-Length: 99\r\n\r\nx", close=False)), "MH601",
                                  "bytes came in|broke off"),
    "a status line that drips": Case(fault("root", drip(b"HTTP/1.1 2", 0.02)), "MH601", "only [0-9]+ bytes came in"),
    "headers that drip": Case(fault("root", drip(OK + b"X-Slow: ", 0.02)), "MH601", "only [0-9]+ bytes came in"),
    "a body that drips": Case(fault("shard", drip(OK + b"Content-Length: 999\r\n\r\n", 0.02)), "MH601",
                              "only [0-9]+ bytes came in"),
    "chunks that drip": Case(fault("archive", drip(CHUNKED + b"5;x=", 0.02)), "MH601", "only [0-9]+ bytes came in"),
}  # fmt: skip

TRANSPORT = {
    # truncation at each kind of document
    **{
        f"a {place} that breaks off": Case(fault(place, truncated), "MH601", "broke off after")
        for place in ("root", "shard", "archive")
    },
    # bombs
    "headers without end": Case(fault("root", flood(OK, b"X: " + b"x" * 1000 + b"\r\n")), "MH602", "longer headers"),
    "a header line without end": Case(fault("root", flood(OK + b"X: ", b"x" * 4096)), "MH602", "longer headers"),
    "interim answers without end": Case(fault("root", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n")), "MH602",
                                        "longer headers"),
    "a status line without end": Case(fault("root", flood(b"HTTP/1.1 200 ", b"x" * 4096)), "MH602", "longer headers"),
    "chunk extensions without end": Case(fault("root", flood(CHUNKED, b"1;" + b"x" * 30000 + b"\r\nx\r\n")), "MH602",
                                         "longer headers|larger than"),
    "a trailer without end": Case(
        fault("root", flood(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: " + b"y" * 4000 + b"\r\n")), "MH602", "longer headers"),
    "a root without end": Case(fault("root", flood(CHUNKED, b"8000\r\n" + bytes(0x8000) + b"\r\n")), "MH602",
                               "larger than [0-9]+ bytes"),
    "an archive without end": Case(fault("archive", flood(OK + b"\r\n", bytes(65536))), "MH602", "larger than"),
    "a length beyond any": Case(fault("root", raw(OK + b"Content-Length: 99999999999\r\n\r\n")), "MH602",
                                "larger than 8388608 bytes"),
    # wrong lengths and framing
    "more than was announced": Case(fault("archive", longer), "MH602", "larger than"),
    "a length that is none": Case(fault("shard", raw(OK + b"Content-Length: -5\r\n\r\n")), "MH603", "expected SHA-256"),
    "chunks that are none": Case(fault("shard", raw(CHUNKED + b"zz\r\nhello\r\n")), "MH601", "no HTTP, or broke off"),
    "no HTTP at all": Case(fault("root", raw(b"SSH-2.0-OpenSSH_9.9\r\n")), "MH601", "no HTTP, or broke off"),
    "an answer in HTTP/0.9": Case(fault("root", raw(b'{"format": "molthub.registry/1"}')), "MH601", "no HTTP"),
    "a coding nobody asked for": Case(fault("root", encoded), "MH602", "not JSON"),
    "unchanged, though nothing was asked": Case(fault("shard", raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")), "MH601",
                                                "unexpected answer HTTP 304"),
    "part of a file": Case(fault("shard", raw(b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx")), "MH601",
                           "unexpected answer HTTP 206"),
    # wrong content
    **{
        f"a login page for a {place}": Case(fault(place, html), "MH602", "a web page came in the place of a file")
        for place in ("root", "shard", "archive")
    },
    "a page that says it is JSON": Case(
        fault("root", raw(OK + b"Content-Type: application/json\r\n\r\n<html>")), "MH602", "not JSON"),
    "an empty root": Case(fault("root", raw(OK + b"Content-Length: 0\r\n\r\n")), "MH602", "not JSON"),
    "another file for a shard": Case(fault("shard", tampered), "MH603", "expected SHA-256"),
    "another file for an archive": Case(fault("archive", tampered), "MH603", "expected SHA-256"),
    # redirects
    "redirects in a circle": Case(fault("root", redirect("registry.json")), "MH601", "more than 5 redirects"),
    "a redirect to another host with another index": Case(
        lambda site: site.fault("shard", redirect(site.elsewhere + "registry.json")), "MH603", "expected SHA-256"),
    "a redirect to a file of this machine": Case(fault("root", redirect("file:///etc/passwd")), "MH601", "no address"),
    "a redirect without an end": Case(fault("root", redirect("http://[::")), "MH601", "no address"),
    # storms
    "only 500": Case(fault("all", unavailable(99, 500)), "MH601", r"HTTP 500 .*tried 3 times"),
    "only 429": Case(fault("all", unavailable(99, 429)), "MH601", r"HTTP 429 .*tried 3 times"),
    "429 until tomorrow": Case(fault("all", unavailable(99, 429, "86400")), "MH601", "HTTP 429"),
    "503 with a wait that is none": Case(fault("all", unavailable(99, 503, "²")), "MH601", "HTTP 503"),
    "resets": Case(fault("all", reset), "MH601", "reset"),
    "hanging up": Case(fault("all", hang_up), "MH601", "closed|no HTTP|broke off|disconnected"),
    "a shard that is not there": Case(fault("shard", unavailable(99, 404)), "MH601", "does not have it"),
}  # fmt: skip


def bad_archive(made: Callable[[], bytes], **said: object) -> Callable[[Site], None]:
    return lambda site: site.swap_archive(made(), **said)


def of_kind(kind: bytes, target: str = "/etc/passwd") -> Callable[[Site], None]:
    return bad_archive(lambda: archive(("odd", b"", {"type": kind, "linkname": target})))


def named(*names: str, style: int = tarfile.USTAR_FORMAT) -> Callable[[Site], None]:
    return bad_archive(lambda: archive(*((name, b"x", {}) for name in names), style=style))


ARCHIVES = {
    "a path that climbs out": Case(named("../../evil"), "MH605", "leaves"),
    "an absolute path": Case(named("/etc/cron.d/evil"), "MH605", "absolute"),
    "a path with a backslash": Case(named("..\\evil"), "MH605", "backslash"),
    "a path with a drive": Case(named("C:evil"), "MH605", "colon"),
    "a symbolic link": Case(of_kind(tarfile.SYMTYPE), "MH605", "symbolic link"),
    "a hard link": Case(of_kind(tarfile.LNKTYPE), "MH605", "hard link"),
    "a device": Case(of_kind(tarfile.CHRTYPE), "MH605", "device"),
    "a named pipe": Case(of_kind(tarfile.FIFOTYPE), "MH605", "pipe"),
    "a sparse file": Case(of_kind(b"S"), "MH605", "sparse"),
    "an extended header": Case(named("x" * 300, style=tarfile.PAX_FORMAT), "MH605", "extended header"),
    "a GNU long name": Case(named("x" * 300, style=tarfile.GNU_FORMAT), "MH605", "not a USTAR"),
    "one name twice": Case(named("SKILL.md"), "MH605", "place of another"),
    "two names that differ by case": Case(named("skill.MD"), "MH605", "place of another"),
    "a file where a folder is": Case(named("a/b", "a"), "MH605", "place of another"),
    "an archive bomb": Case(bad_archive(lambda: gzip.compress(BOMB, 1, mtime=0)), "MH605", "more than|not a USTAR"),
    "something after its end": Case(bad_archive(lambda: archive() + b"more"), "MH605", "follows its end"),
    "no archive at all": Case(bad_archive(lambda: b"not gzip"), "MH605", "not gzip"),
    "an archive larger than any": Case(bad_archive(archive, size=10**15), "MH605", "no archive has more than"),
    "another skill's archive": Case(bad_archive(lambda: archive_of(skill_files("docker", "2.0.1"))), "MH603",
                                    "expected digest"),
    "an older version's archive": Case(bad_archive(lambda: archive_of(skill_files("git", "1.1.0"))), "MH603",
                                       "expected digest"),
}  # fmt: skip


def moved(shard: bytes) -> bytes:
    """Give a shard an entry that belongs elsewhere."""
    document = json.loads(shard)
    skills = document.setdefault("skills", {})
    entry = next(iter(skills.values()), {"status": "active", "versions": {}})
    return canonical({**document, "skills": {**skills, **{f"stray-{n}": entry for n in range(9)}}})


def without_size(shard: bytes) -> bytes:
    return shard.replace(b'"size":', b'"seize":')


DOCUMENTS = {
    "a shard with others' entries": Case(lambda site: site.swap_shards(moved), "MH602", "belongs into another shard"),
    "a gzip bomb": Case(lambda site: site.swap_shards(lambda _shard: BOMB), "MH602", "unpacks to more than"),
    "a shard that is cut off": Case(
        lambda site: site.swap_shards(lambda shard: gzip.compress(shard)[:-9], packed=False), "MH602", "cut off"),
    "a shard that is no gzip": Case(lambda site: site.swap_shards(lambda shard: shard, packed=False), "MH602",
                                    "not gzip"),
    "a shard nested beyond reason": Case(lambda site: site.swap_shards(lambda _shard: b"[" * 200_000), "MH602",
                                         "not JSON"),
    "a number beyond reason": Case(lambda site: site.swap_shards(lambda _shard: b"9" * 9999), "MH602", "not JSON"),
    "text that is no Unicode": Case(
        lambda site: site.swap_shards(lambda _shard: b'{"a": "\xff"}'), "MH602", "not JSON"),
    "another document for a shard": Case(
        lambda site: site.swap_shards(lambda _shard: canonical({"format": "molthub.bot/1"})), "MH602",
        "expected a molthub.shard document"),
    "a newer format": Case(lambda site: site.rewrite(lambda root: root.update(format="molthub.registry/2")), "MH604",
                           "this molthub reads up to /1"),
    "a shard without sizes": Case(lambda site: site.swap_shards(without_size), "MH602", "missing or of the wrong type"),
    "a name that is a path": Case(
        lambda site: site.rewrite(lambda root: root["shards"].update(dict.fromkeys(root["shards"], "../../x"))),
        "MH602", "not a SHA-256"),
}  # fmt: skip


def newer(change: Callable[[Site, SignedIndex], object]) -> Callable[[Site], None]:
    """Publish a newer state, and then do something to it."""

    def arrange(site: Site) -> None:
        assert site.signed is not None
        site.index.skill("docker", "2.0.2")
        site.publish()
        change(site, site.signed)

    return arrange


def served(change: Callable[[dict[str, bytes], SignedIndex], dict[str, bytes]]) -> Callable[[Site], None]:
    """Serve other files of the newer state than those that were published."""

    def swap(site: Site, state: SignedIndex) -> None:
        site.server.files = change(dict(site.server.files), state)

    return newer(swap)


def signed(change: Callable[[SignedIndex], object]) -> Callable[[Site], None]:
    """Sign the newer state in another way."""

    def sign(site: Site, state: SignedIndex) -> None:
        change(state)
        site.server.files = {**site.server.files, **state.files}

    return newer(sign)


def gone_back(site: Site, state: SignedIndex) -> None:
    site.look()
    site.server.files = {**site.server.files, **state.older}


def expired() -> dict[str, datetime]:
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    return dict.fromkeys(("timestamp", "snapshot", "targets"), then)


def older(role: str) -> Callable[[dict[str, bytes], SignedIndex], dict[str, bytes]]:
    return lambda files, state: {**files, state.path(role): state.older[f"metadata/1.{role}.json"]}


def old_document(files: dict[str, bytes], state: SignedIndex) -> dict[str, bytes]:
    (old,) = (content for path, content in state.older.items() if path.endswith(".registry.json"))
    return {path: old if path.endswith(".registry.json") else content for path, content in files.items()}


def next_root(files: dict[str, bytes], state: SignedIndex) -> dict[str, bytes]:
    root = json.loads(state.files["metadata/1.root.json"])
    root["signed"]["version"] = 2
    return {**files, "metadata/2.root.json": json.dumps(root).encode()}


SIGNED = {
    "rollback": Case(newer(gone_back), "MH612", "has seen version 2"),
    "freeze": Case(signed(lambda state: state.publish(expires=expired())), "MH613", "has expired at"),
    "an old snapshot": Case(served(older("snapshot")), "MH614", "expected version 2 of the snapshot"),
    "old targets": Case(served(older("targets")), "MH614", "expected version 2 of targets"),
    "an old document under the new name": Case(served(old_document), "MH614", "registry.json"),
    "unsigned after signed": Case(
        served(lambda files, _state: {path: found for path, found in files.items() if "metadata/" not in path}),
        "MH611", "this registry is signed, but"),
    "signed by somebody else": Case(
        signed(lambda state: state.resign("timestamp", [CryptoSigner.generate_ed25519()])), "MH611",
        "timestamp.json has 0 good signatures"),
    "targets of somebody else": Case(
        signed(lambda state: state.resign("targets", [CryptoSigner.generate_ed25519()])), "MH611",
        "targets.json has 0 good signatures"),
    "a changed snapshot": Case(
        signed(lambda state: state.change("snapshot", lambda value: value.update(x=1), sign=False)), "MH611",
        "snapshot.json has 0 good signatures"),
    "a root that nobody has signed": Case(served(next_root), "MH611", "root.json has 0 good signatures"),
    "a page for the timestamp": Case(fault("metadata/timestamp.json", html), "MH602", "a web page came"),
    "metadata without end": Case(
        fault("metadata/timestamp.json", flood(CHUNKED, b"8000\r\n" + bytes(0x8000) + b"\r\n")), "MH602",
        "larger than 512000 bytes"),
}  # fmt: skip


@pytest.fixture
def index() -> IndexBuilder:
    builder = IndexBuilder()
    builder.skill("git", "1.1.0")
    builder.skill("git", "1.2.0")
    builder.skill("docker", "2.0.1")
    return builder


@pytest.fixture
def site(index: IndexBuilder) -> Iterator[Site]:
    with serve(index.files()) as server, serve({"registry.json": b"{}"}) as elsewhere:
        yield Site(index, server, elsewhere=elsewhere.url)


@pytest.fixture
def skills(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Skills:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".skills").mkdir()
    return lambda *arguments: run_skills(capsys, *arguments)


def judge(case: Case, site: Site, skills: Skills, patience: str = "20") -> None:
    """Install from the site: refused as the case says, nothing kept; then from the good site again."""
    before = dict(site.server.files)
    case.arrange(site)
    good = site.good if site.signed is not None and site.good else before
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setenv("MOLTHUB_TIMEOUT", patience)
        said = skills("install", "git@^1.2", "--registry", site.server.url, "--json")
    assert said.status == 1, said
    error = said.json["error"]
    assert re.search(case.id, error["id"]), said
    told = " ".join((error["message"], *(problem["message"] for problem in said.json.get("problems", ()))))
    assert re.search(case.says, told), said
    assert error["remedy"]
    written = {path.name for path in Path(".skills").rglob("*") if path.is_file()}
    assert {name for name in written if "lock" not in name} <= {"config.json"}
    kept = default_store().root
    assert not kept.exists() or [path for path in kept.rglob("*") if path.is_file()] == []
    site.server.faults = {}
    site.server.files = good
    again = skills("install", "git@^1.2", "--registry", site.server.url)
    assert again.out.startswith("+ git 1.2.0"), again


@pytest.mark.parametrize("name", SLOW)
def test_slowness(name: str, site: Site, skills: Skills) -> None:
    judge(SLOW[name], site, skills, patience="0.2")


@pytest.mark.parametrize("name", TRANSPORT)
def test_transport(name: str, site: Site, skills: Skills) -> None:
    judge(TRANSPORT[name], site, skills)


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(name: str, site: Site, skills: Skills) -> None:
    judge(ARCHIVES[name], site, skills)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str, site: Site, skills: Skills) -> None:
    judge(DOCUMENTS[name], site, skills)


@pytest.mark.parametrize("name", SIGNED)
def test_signed(name: str, site: Site, skills: Skills, tmp_path: Path) -> None:
    site.signed = SignedIndex(site.server.files["registry.json"])
    site.server.files = {**site.server.files, **site.signed.files}
    (tmp_path / "root.json").write_bytes(site.signed.files["metadata/1.root.json"])
    assert skills("registry", "add", site.server.url, "--root", tmp_path / "root.json").status == 0
    site.look = lambda: skills("search", "git", "--registry", site.server.url)
    judge(SIGNED[name], site, skills)


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(site: Site, skills: Skills) -> None:
    """A second answer behind the first (RFC 9112, section 11.2) would otherwise be read as the shard."""
    site.fault("root", desync(b"x" * 100_000))
    said = skills("install", "git", "--registry", site.server.url)
    assert said.out == "+ git 1.2.0\n", said


def test_text_of_a_hostile_index_cannot_steer_a_terminal(site: Site, skills: Skills) -> None:
    site.index.change_skill(
        "git", description="Nice\x1b]52;c;aGk=\x07\x1b[2J\x9b1m \u202eevil\x7f, na\u00efve \u2013 ok"
    )
    site.index.change_release("git", "1.2.0", yanked="Bad\x1b[31m")
    site.publish()
    for arguments in (("search", "git"), ("info", "git"), ("install", "git@1.2.0"), ("info", "git", "--json")):
        said = skills(*arguments, "--registry", site.server.url)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said.out + said.err), said
    assert "na\u00efve \u2013 ok" in skills("info", "git", "--registry", site.server.url).out
