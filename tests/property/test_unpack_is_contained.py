"""Whatever an archive holds: it is refused, or all of it lands as plain files inside one new folder."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from molthub.client.cache import Store, read_tree
from molthub.client.verify import unpack
from molthub.documents import hex_of, tree_digest
from molthub.errors import IntegrityError
from molthub.model import Artifact
from tests.index_fixture import artifact_of

KINDS = [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE,
         tarfile.CHRTYPE, tarfile.CONTTYPE, b"x", b"g", b"L", b"K", b"S"]  # fmt: skip
STYLES = [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]
PARTS = ["a", "b", "..", ".", "", "SKILL.md", "skill.md", "C:", "con", "x" * 90, "ü", "\\", "a\\..\\b", "\n", "~", " "]


@dataclass(frozen=True)
class Entry:
    """One entry of an archive, as wrong as it may be."""

    name: str
    content: bytes
    kind: bytes
    target: str
    mode: int


names = st.builds(lambda root, parts: root + "/".join(parts), st.sampled_from(["", "/", "//", "./"]),
                  st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))  # fmt: skip
harmless = st.sampled_from(["SKILL.md", "a", "a/b", "docs/usage.md", "b/c/d"])
entries = st.builds(
    Entry,
    name=names | harmless,
    content=st.binary(max_size=700),
    kind=st.sampled_from(KINDS) | st.just(tarfile.REGTYPE),
    target=names,
    mode=st.sampled_from([0o644, 0o755, 0o4777, 0, 0o7777777]),
)
plain = st.builds(Entry, harmless, st.binary(max_size=700), st.just(tarfile.REGTYPE), st.just(""), st.just(0o644))


def pack(parts: list[Entry], style: int) -> bytes:
    """Return the archive, written by Python's own tarfile; what it cannot write is no example."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=style) as tar:
        for entry in parts:
            member = tarfile.TarInfo(entry.name)
            member.size = len(entry.content)
            member.type = entry.kind
            member.linkname = entry.target
            member.mode = entry.mode
            try:
                tar.addfile(member, io.BytesIO(entry.content))
            except ValueError:
                reject()
    return raw.getvalue()


def claim(parts: list[Entry], archive: bytes) -> Artifact:
    """Return what an index that means harm would say: right hash, right size, the digest of what it claims to hold."""
    files = {entry.name: (entry.content, bool(entry.mode & 0o100)) for entry in parts}
    artifact = artifact_of(files, archive=archive)
    return Artifact("1.0.0", artifact.digest, hex_of(archive), len(archive), artifact.unpacked, "hello")


def is_safe(path: str) -> bool:
    """Define safety in other words than the code: joined to a folder, the path stays strictly inside, on any system."""
    inside = os.path.normpath(f"/folder/{path}") == f"/folder/{path}" and path != ""
    return inside and not path.startswith("/") and "\\" not in path and ":" not in path and "\0" not in path


def contained(archive: bytes, artifact: Artifact) -> None:
    """Add to a store in a fresh place: either refused and nothing there, or exactly the claimed files."""
    with tempfile.TemporaryDirectory() as place:
        outside = Path(place) / "outside"
        outside.mkdir()
        store = Store(outside / "below" / "store")
        try:
            files = unpack(archive, artifact)
        except IntegrityError:
            try:
                store.add(artifact, archive)
            except IntegrityError:
                assert not store.has(artifact.digest)
                assert [path for path in outside.rglob("*") if not path.is_dir()] == []
                return
            raise
        assert all(is_safe(entry.path) for entry, _ in files)
        store.add(artifact, archive)
        store.copy(artifact.digest, outside / "below" / "copy")
        assert tree_digest(read_tree(outside / "below" / "copy")) == artifact.digest
        assert {path.name for path in outside.iterdir()} == {"below"}
        assert {path.name for path in (outside / "below").iterdir()} == {"store", "copy"}
        assert {path.name for path in store.root.iterdir()} == {".adding", store.path(artifact.digest).name}


@settings(deadline=None, max_examples=300)
@given(st.lists(entries, max_size=5), st.sampled_from(STYLES))
@example([Entry("../../evil", b"x", tarfile.REGTYPE, "", 0o644)], tarfile.USTAR_FORMAT)
@example([Entry("a", b"", tarfile.SYMTYPE, "/", 0o644), Entry("a/b", b"x", tarfile.REGTYPE, "", 0o644)],
         tarfile.USTAR_FORMAT)  # fmt: skip
def test_hostile_archives_are_contained(parts: list[Entry], style: int) -> None:
    archive = gzip.compress(pack(parts, style), mtime=0)
    contained(archive, claim(parts, archive))


@settings(deadline=None, max_examples=100)
@given(st.lists(plain, max_size=5, unique_by=lambda entry: entry.name))
def test_well_formed_archives_are_kept(parts: list[Entry]) -> None:
    parents = {entry.name for entry in parts}
    parts = [entry for entry in parts if not any(other.startswith(entry.name + "/") for other in parents)]
    archive = gzip.compress(pack(parts, tarfile.USTAR_FORMAT), mtime=0)
    files = unpack(archive, claim(parts, archive))
    assert {entry.path: content for entry, content in files} == {entry.name: entry.content for entry in parts}


@settings(deadline=None, max_examples=300)
@given(
    st.lists(plain, min_size=1, max_size=3, unique_by=lambda entry: entry.name),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6),
    st.integers(0, 600),
)
def test_damaged_archives_are_contained(parts: list[Entry], flips: list[tuple[float, int]], cut: int) -> None:
    tar = bytearray(pack(parts, tarfile.USTAR_FORMAT))
    for where, mask in flips:
        tar[int(where * len(tar))] ^= mask
    archive = gzip.compress(bytes(tar[: len(tar) - cut]), mtime=0)
    contained(archive, claim(parts, archive))
