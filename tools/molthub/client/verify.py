"""The checks between bytes from somebody else's server and anything that uses them. Pure: bytes in, or an error out.

An archive is checked in this order: size, SHA-256, safe unpacking, digest. Each check stands before the work that
it protects: a wrong size is never hashed, a wrong hash never decompressed, and nothing is written before all have
passed.
"""

from __future__ import annotations

import zlib
from hashlib import sha256

from molthub.client.ustar import MAX_TAR, Member, members
from molthub.documents import file_entry, tree_digest
from molthub.errors import FormatError, IntegrityError, UnsafeArchiveError
from molthub.model import Artifact, FileEntry

UnpackedFiles = tuple[tuple[FileEntry, bytes], ...]
"""The files of a version with their bytes, in the archive's order."""

_GZIP = 16 + zlib.MAX_WBITS
_TAMPERED = (
    "nothing of it was kept; try again, and if it stays so, tell whoever runs this index: "
    "it is damaged, or somebody on the way changes it"
)


def check_size(content: bytes, size: int, where: str) -> None:
    """Raise :class:`IntegrityError` unless ``content`` has ``size`` bytes."""
    if len(content) != size:
        raise IntegrityError(f"expected {size} bytes, got {len(content)}", place=where, remedy=_TAMPERED)


def check_archive_size(artifact: Artifact, where: str) -> None:
    """Raise :class:`UnsafeArchiveError` for an archive that says it is larger than any can be: it is never fetched."""
    if artifact.size > MAX_TAR:
        message = f"it would have {artifact.size} bytes, and no archive has more than {MAX_TAR}"
        raise UnsafeArchiveError(message, place=where, remedy=_TAMPERED)


def check_hex(content: bytes, hex_name: str, where: str) -> None:
    """Raise :class:`IntegrityError` unless the SHA-256 of ``content`` is ``hex_name``."""
    found = sha256(content).hexdigest()
    if found != hex_name:
        raise IntegrityError(f"expected SHA-256 {hex_name}, got {found}", place=where, remedy=_TAMPERED)


def gunzip(content: bytes, limit: int, where: str) -> bytes:
    """Decompress one gzip member (RFC 1952) of at most ``limit`` bytes. Raises :class:`FormatError`."""
    stream = zlib.decompressobj(_GZIP)
    try:
        unpacked = stream.decompress(content, limit)
        more = stream.decompress(stream.unconsumed_tail, 1) if stream.unconsumed_tail else b""
    except zlib.error:
        raise FormatError("it is not gzip, or it is damaged", place=where, remedy=_TAMPERED) from None
    if more:
        raise FormatError(f"it unpacks to more than {limit} bytes", place=where, remedy=_TAMPERED)
    if not stream.eof or stream.unused_data:
        raise FormatError("it is cut off, or something follows its end", place=where, remedy=_TAMPERED)
    return unpacked


def unpack(archive: bytes, artifact: Artifact) -> UnpackedFiles:
    """Return the files of an archive after every check has passed.

    Raises :class:`IntegrityError` for bytes that are not what ``artifact`` says, its subclass
    :class:`UnsafeArchiveError` for an archive that holds anything but plain files below its own folder.
    """
    where = f"{artifact.name or 'archive'}@{artifact.version} (archives/{artifact.archive}.tar.gz)"
    check_size(archive, artifact.size, where)
    check_hex(archive, artifact.archive, where)
    files = unpack_digest(archive, artifact.digest, where)
    if sum(entry.size for entry, _ in files) != artifact.unpacked:
        raise IntegrityError("its files have another size than the index says", place=where, remedy=_TAMPERED)
    return files


def unpack_digest(archive: bytes, digest: str, where: str) -> UnpackedFiles:
    """Return the files of an archive that must have a digest; how it was compressed does not matter.

    Raises :class:`IntegrityError`, and :class:`UnsafeArchiveError` as :func:`unpack` does.
    """
    try:
        tar = gunzip(archive, MAX_TAR, where)
    except FormatError as error:
        raise UnsafeArchiveError(error.message, place=where, remedy=error.remedy) from None
    files = tuple((_entry(member), member.content) for member in members(tar, where))
    found = tree_digest(entry for entry, _ in files)
    if found != digest:
        raise IntegrityError(f"expected digest {digest}, got {found}", place=where, remedy=_TAMPERED)
    return files


def _entry(member: Member) -> FileEntry:
    return file_entry(member.path, member.content, executable=member.executable)
