"""Nothing of an archive is kept unless all of it is plain files below its own folder."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable

import pytest

from molthub.client.ustar import MAX_FILES, members, path_fault
from molthub.client.verify import check_hex, gunzip, unpack
from molthub.documents import hex_of
from molthub.errors import FormatError, IntegrityError, UnsafeArchiveError
from molthub.model import Artifact
from tests.index_fixture import archive_of, artifact_of, entries_of, skill_files

FILES = skill_files("hello", "1.0.0")
Change = Callable[[tarfile.TarInfo], None]


def tar_of(*entries: tuple[str, bytes, Change | None], style: int = tarfile.USTAR_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=style) as tar:
        for name, content, change in entries:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if change is not None:
                change(member)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def of_type(kind: bytes, target: str = "") -> Change:
    def change(member: tarfile.TarInfo) -> None:
        member.type = kind
        member.linkname = target

    return change


def refused(tar: bytes, match: str) -> None:
    with pytest.raises(UnsafeArchiveError, match=match):
        list(members(tar, "here"))


def test_what_the_index_packs_is_unpacked() -> None:
    archive = archive_of(FILES)
    assert unpack(archive, artifact_of(FILES)) == tuple(entries_of(FILES))


def test_a_path_may_be_as_long_as_ustar_allows() -> None:
    path = "a" * 150 + "/" + "b" * 99
    assert [member.path for member in members(tar_of((path, b"x", None)), "here")] == [path]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("../evil", "leaves"),
        ("a/../../evil", "leaves"),
        ("/etc/passwd", "absolute"),
        ("//server/share", "absolute"),
        ("./SKILL.md", "leaves"),
        ("a//b", "leaves"),
        ("..\\evil", "backslash"),
        ("C:evil", "colon"),
        ("SKILL.md:stream", "colon"),
        ("a\nb", "control"),
        ("\x7f", "control"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, fault: str) -> None:
    assert fault in str(path_fault(path))
    refused(tar_of((path, b"x", None)), fault)


@pytest.mark.parametrize("path", ["SKILL.md", "docs/ü.md", "a b/c", ".skill/openai.json", "..a", "a..b/c"])
def test_an_odd_but_harmless_path_is_accepted(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.DIRTYPE, "folder"),
        (tarfile.CONTTYPE, "unknown kind"),
    ],
)
def test_what_is_no_plain_file_is_refused(kind: bytes, word: str) -> None:
    refused(tar_of(("odd", b"", of_type(kind, "/etc/passwd"))), word)


def test_extended_headers_are_refused() -> None:
    refused(tar_of(("a" * 300, b"x", None), style=tarfile.PAX_FORMAT), "extended header")


def test_gnu_long_names_are_refused() -> None:
    refused(tar_of(("a" * 300, b"x", None), style=tarfile.GNU_FORMAT), "not a USTAR")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SKILL.md", "SKILL.md"),
        ("SKILL.md", "skill.md"),
        ("a/Ä", "A/a\N{COMBINING DIAERESIS}"),
        ("docs", "docs/usage.md"),
        ("docs/usage.md", "docs"),
        ("DOCS/usage.md", "docs"),
    ],
)
def test_two_paths_of_one_file_are_refused(first: str, second: str) -> None:
    refused(tar_of((first, b"1", None), (second, b"2", None)), "place of another")


def test_too_many_files_are_refused() -> None:
    refused(tar_of(*((f"f{number}", b"", None) for number in range(MAX_FILES + 1))), "more than")


def test_an_archive_that_lies_about_a_size_is_refused() -> None:
    tar = bytearray(tar_of(("a", b"x" * 600, None)))
    cut = bytes(tar[:1024])
    refused(cut, "cut off")


def test_padding_that_is_not_empty_is_refused() -> None:
    tar = bytearray(tar_of(("a", b"x", None)))
    tar[512 + 100] = 7
    refused(bytes(tar), "cut off")


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024) + b"x" * 512, bytes(1024 + 7)])
def test_an_end_that_is_not_one_is_refused(end: bytes) -> None:
    refused(tar_of(("a", b"x", None))[:1024] + end, "its end|cut off")


@pytest.mark.parametrize("place", [124, 100, 148, 257, 0])
def test_a_damaged_header_is_refused(place: int) -> None:
    tar = bytearray(tar_of(("a", b"x", None)))
    tar[place] ^= 0x40
    refused(bytes(tar), "checksum|octal|not a USTAR")


def test_a_size_in_base_256_is_refused() -> None:
    header = bytearray(tar_of(("a", b"x", None)))
    header[124:136] = b"\x80" + (1).to_bytes(11, "big")
    total = sum(header[:148]) + sum(header[156:512]) + 8 * 32
    header[148:156] = b"%06o\0 " % total
    refused(bytes(header), "octal")


def test_a_name_that_is_not_utf8_is_refused() -> None:
    header = bytearray(tar_of(("aaaa", b"x", None)))
    header[0:4] = b"\xff\xfe\xfd\xfc"
    total = sum(header[:148]) + sum(header[156:512]) + 8 * 32
    header[148:156] = b"%06o\0 " % total
    refused(bytes(header), "not UTF-8")


def test_the_checks_come_in_their_order() -> None:
    archive = archive_of(FILES)
    artifact = artifact_of(FILES)

    def refusal(**wrong: object) -> str:
        fields = {"version": "1.0.0", "digest": artifact.digest, "archive": artifact.archive, "size": artifact.size,
                  "unpacked": artifact.unpacked, "name": "hello"} | wrong  # fmt: skip
        with pytest.raises(IntegrityError) as error:
            unpack(archive, Artifact(**fields))  # type: ignore[arg-type] # a dictionary of fields
        return error.value.message

    digest = f"sha256:{'0' * 64}"
    assert "bytes" in refusal(size=1, archive="0" * 64, digest=digest)
    assert "SHA-256" in refusal(archive="0" * 64, digest=digest)
    assert "digest" in refusal(digest=digest)
    assert "another size" in refusal(unpacked=1)


def test_an_archive_is_unpacked_only_after_its_hash_is_right() -> None:
    bomb = gzip.compress(bytes(300 * 1024 * 1024), compresslevel=9)
    with pytest.raises(IntegrityError, match="SHA-256"):
        unpack(bomb, Artifact("1.0.0", f"sha256:{'0' * 64}", "0" * 64, len(bomb), 1))


def test_a_bomb_is_refused_even_with_the_right_hash() -> None:
    bomb = gzip.compress(bytes(60 * 1024 * 1024), compresslevel=9)
    with pytest.raises(UnsafeArchiveError, match="more than"):
        unpack(bomb, Artifact("1.0.0", f"sha256:{'0' * 64}", hex_of(bomb), len(bomb), 1))


@pytest.mark.parametrize(
    "broken", [b"", b"no gzip", gzip.compress(b"x", mtime=0)[:-4], gzip.compress(b"x", mtime=0) * 2]
)
def test_what_is_not_one_gzip_member_is_refused(broken: bytes) -> None:
    with pytest.raises(FormatError):
        gunzip(broken, 100, "here")


@pytest.mark.parametrize(("size", "limit"), [(0, 0), (10, 10), (10_000, 10_000)])
def test_gunzip_gives_up_to_its_limit(size: int, limit: int) -> None:
    packed = zlib.compress(bytes(size), wbits=31)
    if size:
        with pytest.raises(FormatError):
            gunzip(packed, limit - 1, "here")
    assert gunzip(packed, limit or 1, "here") == bytes(size)


def test_a_hash_that_differs_names_both() -> None:
    with pytest.raises(IntegrityError) as error:
        check_hex(b"x", "0" * 64, "https://skills.example.com/shards/x")
    assert hex_of(b"x") in error.value.message
    assert "0" * 64 in error.value.message
    assert error.value.place == "https://skills.example.com/shards/x"
    assert error.value.remedy
