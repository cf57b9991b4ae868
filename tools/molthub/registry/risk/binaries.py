"""MH807: files that nobody can read: programs, archives, and files that are not what their names say. Pure.

Judged by their first bytes, as ``file`` does; an archive's list of names is read, its content is not unpacked.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from molthub.errors import Severity
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.words import words_in

_PROGRAMS: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "a Linux program (ELF)"),
    (b"MZ", "a Windows program (PE)"),
    (b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"\xfe\xed\xfa\xcf", "a macOS program (Mach-O)"),
    (b"\xfe\xed\xfa\xce", "a macOS program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "compiled Java, or a macOS program"),
    (b"dex\n", "a compiled Android program"),
    (b"!<arch>\n", "a package or library (ar)"),
    (b"\xed\xab\xee\xdb", "a package (RPM)"),
    (b"xar!", "a macOS installer (pkg)"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (b"MSCF", "a Windows cabinet"),
)
_ARCHIVES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_DOCUMENTS = words_in(
    """
    .docx .dotx .docm .xlsx .xlsm .xltx .pptx .potx .odt .ods .odp .epub .vsdx .sketch .fig .kmz .key .numbers
    """
)
_PROGRAM_SUFFIXES = words_in(
    """
    .exe .dll .scr .com .msi .msix .pif .lnk .hta .jar .class .pyc .pyo .pyd .so .dylib .dmg .pkg .apk .deb .rpm
    .appimage .node
    """
)
_LOOKED_AT = words_in(
    """
    .png .jpg .jpeg .gif .webp .svg .pdf .ico .bmp .mp3 .mp4 .wav .ttf .otf .woff .woff2 .md .txt .csv .json .yaml
    """
)
_PLAIN = words_in(
    """
    .md .txt .csv .json .yaml .yml .py .sh .js .ts .html .xml .toml
    """
)
REMEDY = "ship the source; a program is fetched from its maker, pinned by its digest, when it is needed"
_ENCRYPTED = 0x1


def look(path: str, content: bytes) -> Iterator[Finding]:
    """Yield what is wrong with a file's bytes, whatever its text says."""
    suffix = PurePosixPath(path).suffix.lower()
    program = _named(content, _PROGRAMS)
    if program and _is_program(content, program):
        yield Finding("MH807", "error", path, f"{program}{_under_a_false_name(suffix)}", REMEDY)
    elif content.startswith(b"\x00asm"):
        yield Finding("MH807", "warning", path, "compiled WebAssembly, which nobody can review", REMEDY)
    elif suffix in (".pyc", ".pyo") or content[-512:-508] == b"koly":
        what = "compiled Python" if suffix.startswith(".py") else "a macOS disk image"
        yield Finding("MH807", "error", path, f"{what}, which nobody can review", REMEDY)
    else:
        yield from _archive(path, suffix, content)


def _archive(path: str, suffix: str, content: bytes) -> Iterator[Finding]:
    archive = _named(content, _ARCHIVES)
    if archive is None and content[257:262] == b"ustar":
        archive = "a tar archive"
    if archive is None:
        if suffix in _PLAIN and b"\x00" in content[:8192]:
            yield Finding("MH807", "warning", path, f"bytes that are no text in a file called {suffix}", REMEDY)
        return
    severity, message = _inside(content, archive) if archive == "a ZIP archive" else ("warning", archive)
    if suffix in _LOOKED_AT:
        severity, message = "error", f"{archive}{_under_a_false_name(suffix)}"
    if severity == "error" or suffix not in _DOCUMENTS:
        yield Finding("MH807", severity, path, f"{message}, whose content no review shows", REMEDY)


def _inside(content: bytes, archive: str) -> tuple[Severity, str]:
    """Return how bad a ZIP archive is by the names in it; nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            members = opened.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "warning", f"{archive} that does not open"
    if any(member.flag_bits & _ENCRYPTED for member in members):
        return "error", f"{archive} with a password"
    program = next((m.filename for m in members if PurePosixPath(m.filename.lower()).suffix in _PROGRAM_SUFFIXES), None)
    if program or any(m.filename == "META-INF/MANIFEST.MF" for m in members):
        return "error", f"{archive} with a program in it ({program or 'compiled Java'})"
    return "warning", archive


def _named(content: bytes, magic: tuple[tuple[bytes, str], ...]) -> str | None:
    return next((name for head, name in magic if content.startswith(head)), None)


def _is_program(content: bytes, program: str) -> bool:
    """Two letters are no proof: a Windows program names its PE header, and text does not begin with these bytes."""
    if not program.startswith("a Windows program"):
        return True
    at = int.from_bytes(content[60:64], "little")
    return content[at : at + 4] == b"PE\x00\x00" or b"\x00" in content[:64]


def _under_a_false_name(suffix: str) -> str:
    return f" in a file called {suffix}" if suffix in _LOOKED_AT else ""
