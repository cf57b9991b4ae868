from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.documents import file_entry, hex_of
from molthub.index.archives import compress, fits, pack_archive, pack_tar
from molthub.model import FileEntry

HELLO = b"---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n"
HI = b"#!/bin/sh\necho '{\"ok\": true}'\n"
GOLDEN = (
    (file_entry("SKILL.md", HELLO, executable=False), HELLO),
    (file_entry("scripts/hi.sh", HI, executable=True), HI),
)


def plain(path: str, content: bytes = b"x") -> tuple[FileEntry, bytes]:
    return file_entry(path, content, executable=False), content


def test_two_files_give_these_bytes_on_every_machine() -> None:
    assert hex_of(pack_tar(GOLDEN)) == "2a55a5a2119c29b5f620b0c1efa5f2699166729e93433b31c56d2055f696e2d8"
    assert hex_of(pack_archive(GOLDEN)) == "9a004309a65162750caf38503212818eae0538b9fd3dce8b059709f67ed08f67"


def test_python_reads_back_what_was_packed() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack_archive(reversed(GOLDEN))), mode="r:gz") as archive:
        members = archive.getmembers()
        assert [(member.name, member.mode, member.isreg()) for member in members] == [
            ("SKILL.md", 0o644, True),
            ("scripts/hi.sh", 0o755, True),
        ]
        assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in members} == {
            (0, 0, 0, "", "")
        }
        assert [archive.extractfile(member).read() for member in members] == [HELLO, HI]  # type: ignore[union-attr] # files


def test_gnu_tar_unpacks_every_path_as_it_was(tmp_path: Path) -> None:
    long = "references/" + "d" * 80 + "/" + "f" * 90 + ".md"
    files = [plain("SKILL.md"), plain(long, b"long"), plain("docs/übersicht 概要.md", b"named"), plain("empty", b"")]
    (tmp_path / "a.tar.gz").write_bytes(pack_archive(files))
    subprocess.run(["tar", "-xzf", "a.tar.gz", "--one-top-level=out"], cwd=tmp_path, check=True)
    found = {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert found == {entry.path: content for entry, content in files if content}
    assert (tmp_path / "out" / "empty").read_bytes() == b""


def test_the_gzip_header_says_nothing_about_where_and_when() -> None:
    packed = compress(b"content" * 100)
    assert packed[:10] == bytes.fromhex("1f8b08000000000000ff")
    assert gzip.decompress(packed) == b"content" * 100


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("a" * 100, True),
        ("a" * 101, False),
        ("d" * 155 + "/" + "f" * 100, True),
        ("d" * 156 + "/" + "f" * 100, False),
        ("d" * 155 + "/" + "f" * 101, False),
        ("/".join(["d" * 60] * 3), True),
        ("/".join(["d" * 60] * 4), False),
        ("ü" * 50, True),
        ("ü" * 51, False),
    ],
)
def test_ustar_holds_100_bytes_or_155_and_100_around_a_slash(path: str, holds: bool) -> None:
    assert fits(path) is holds
    if holds:
        with tarfile.open(fileobj=io.BytesIO(pack_tar([plain(path)]))) as archive:
            assert archive.getnames() == [path]
    else:
        with pytest.raises(ValueError, match="too long"):
            pack_tar([plain(path)])


segments = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: text not in (".", "..")
)
paths = st.lists(segments, min_size=1, max_size=5).map("/".join).filter(fits)


@given(st.dictionaries(paths, st.tuples(st.binary(max_size=1500), st.booleans()), max_size=6))
def test_any_files_come_back_with_bytes_and_exec_bits(files: dict[str, tuple[bytes, bool]]) -> None:
    packed = pack_tar((file_entry(path, content, executable=x), content) for path, (content, x) in files.items())
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = {
            member.name: (archive.extractfile(member).read(), bool(member.mode & 0o100))  # type: ignore[union-attr] # files
            for member in archive.getmembers()
        }
        assert list(found) == sorted(files, key=str.encode)
    assert found == files
