"""Files as they shall be in a folder: all of them are written, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it shall be."""

    content: bytes
    executable: bool = False


@contextmanager
def all_or_nothing(folder: Path, files: Mapping[str, NewFile | None]) -> Iterator[None]:
    """Write ``files``; where that, or what follows, fails, put everything back as it was."""
    before = {path: _state(folder / path) for path in files}
    made = _missing_folders(folder, files)
    try:
        for path, file in files.items():
            if file is None:
                _take_away(folder, folder / path)
            else:
                _write(folder / path, file)
        yield
    except BaseException:
        for path, state in before.items():
            _restore(folder / path, state)
        for new in reversed(made):
            with suppress(OSError):
                new.rmdir()
        raise


def write_files(folder: Path, files: Mapping[str, NewFile | None]) -> None:
    """Write ``files`` (paths relative to ``folder``): all of them, or none where one cannot be written."""
    with all_or_nothing(folder, files):
        pass


def _state(path: Path) -> NewFile | None:
    if not path.is_file():
        return None
    return NewFile(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def _missing_folders(root: Path, files: Mapping[str, NewFile | None]) -> list[Path]:
    """Return the folders that writing ``files`` will make, outermost first."""
    wanted = {parent for path in files for parent in (root / path).parents if parent.is_relative_to(root)}
    return sorted((folder for folder in wanted if not folder.exists()), key=lambda folder: len(folder.parts))


def _write(path: Path, file: NewFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new"[:255])
    try:
        temporary.write_bytes(file.content)
        if os.name != "nt":
            bits = temporary.stat().st_mode & 0o666
            temporary.chmod(bits | (bits >> 2 & 0o111) if file.executable else bits)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _take_away(root: Path, path: Path) -> None:
    """Delete a file, and the folders above it, below ``root``, that hold nothing any more."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == root or any(folder.iterdir()):
            return
        folder.rmdir()


def _restore(path: Path, state: NewFile | None) -> None:
    with suppress(OSError):
        if state is None:
            path.unlink(missing_ok=True)
        else:
            _write(path, state)
