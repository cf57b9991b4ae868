"""What lies on a machine and serves nobody: found, and told with why. Nothing is changed here.

Whatever any target's state names by its digest is in use: what bots have, what they shall have, and what they can go
back to. The state is searched as text, so that a digest counts wherever it stands, also in a form of later versions.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from molthub.client.cache import Archive, Store
from molthub.documents import hex_of
from molthub_reconciler.records.elsewhere import Elsewhere
from molthub_reconciler.targets.inside import STAGING

Kind = Literal["archive", "download", "index", "staging", "temporary", "bot", "receipt", "target"]
WORDS: dict[Kind, str] = {
    "archive": "skill archives that no bot has or can go back to",
    "download": "downloads that were cut off",
    "index": "copies of indexes that nobody asks any more",
    "staging": "staging folders of passes that were killed",
    "temporary": "files that were cut off while they were written",
    "bot": "records of bots of which nothing is left",
    "receipt": "receipts that could not be read and were put aside",
    "target": "records of targets whose folder is gone",
}
_HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_BLOCK, _ACROSS = 1 << 22, 65
_TEMPORARY = re.compile(r"\..*\.(?:tmp|staged)\Z")
_WRITING_SECONDS = 3600.0
"""Nothing of molthub takes this long to write one file."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing to take away: where it is and its size in bytes. Of the store's, the ``archive``."""

    kind: Kind
    path: Path
    size: int
    archive: Archive | None = None


@dataclass(frozen=True, slots=True)
class KnownTarget:
    """The state of one target: its ``folder``, and the ``address`` of the bots' homes, empty where it does not say."""

    folder: Path
    address: str

    @property
    def is_gone(self) -> bool:
        """Whether the homes' folder is not there."""
        return self.address != "" and not Path(self.address).is_dir()


def known_targets(states: Iterable[Path]) -> list[KnownTarget]:
    """Return the targets that have a record in any of the state folders."""
    folders = sorted({folder for state in states for folder in (state / "targets").glob("*") if folder.is_dir()})
    return [KnownTarget(folder, _address(folder)) for folder in folders]


def _address(folder: Path) -> str:
    try:
        found = json.loads((folder / "target.json").read_bytes())
        address = str(found["address"])
        is_its_own = found["kind"] == "directory" and folder.name == hex_of(address.encode())[:12]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return address if is_its_own else ""


def named_in(targets: Iterable[KnownTarget]) -> set[str]:
    """Return every digest that the state of any target names. Raises :class:`OSError` where one cannot be read."""
    found: set[bytes] = set()
    for target in targets:
        for folder, _, files in os.walk(target.folder, onerror=_stop):
            for name in files:
                with contextlib.suppress(FileNotFoundError):
                    found.update(_hex_in(Path(folder, name)))
    return {f"sha256:{one.decode()}" for one in found}


def _hex_in(path: Path) -> Iterator[bytes]:
    """Yield what looks like a digest in a file of any size; what stands across two blocks is in both."""
    with path.open("rb") as file:
        last = b""
        while block := file.read(_BLOCK):
            yield from _HEX.findall(last + block)
            last = block[-_ACROSS:]


def _stop(error: OSError) -> None:
    raise error


def of_store(store: Store, targets: Iterable[KnownTarget], oldest: float) -> Iterator[Leftover]:
    """Yield the archives that no target names and nobody asked for since ``oldest``, and cut off downloads."""
    unused = [archive for archive in store.archives() if archive.used < oldest]
    in_use = named_in(targets) if unused else set()  # reading all states takes its time
    for archive in unused:
        if archive.digest not in in_use:
            yield Leftover("archive", store.path(archive.digest), archive.size, archive)
    for path, size in store.leftovers():
        yield Leftover("download", path, size)


def of_indexes(cache: Path, oldest: float) -> Iterator[Leftover]:
    """Yield what was fetched of indexes that nobody asked since ``oldest``."""
    for folder in sorted(cache.glob("index/*")):
        if _newest(folder) < oldest:
            yield Leftover("index", folder, size_of(folder))


def of_target(target: KnownTarget, oldest: float, now: float) -> Iterator[Leftover]:
    """Yield what killed passes left in a target's state and in its homes, and what is on record of nobody."""
    for path in sorted(target.folder.rglob(".*")):
        if _TEMPORARY.match(path.name) and path.is_file() and _newest(path) < now - _WRITING_SECONDS:
            yield Leftover("temporary", path, size_of(path))
    elsewhere = Elsewhere(target.folder).bots()
    for bot in sorted(target.folder.glob("bots/*/*")):
        aside = bot / "receipt.unreadable.json"
        if aside.is_file() and _newest(aside) < oldest:
            yield Leftover("receipt", aside, size_of(aside))
        is_known = (bot / "receipt.json").exists() or (bot / "pin.json").exists()
        is_known |= f"{bot.parent.name}/{bot.name}" in elsewhere
        if bot.is_dir() and not is_known and _newest(bot) < oldest:
            yield Leftover("bot", bot, size_of(bot))
    if target.address:
        yield from _staging(Path(target.address))


def _staging(homes: Path) -> Iterator[Leftover]:
    """Yield the staging folders in bots' homes; none that a link leads to."""
    for path in sorted(homes.glob(f"*/*/{STAGING}")):
        if not any(place.is_symlink() for place in (path, path.parent, path.parent.parent)):
            yield Leftover("staging", path, size_of(path))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder, links not followed."""
    return sum(size for size, _ in _statuses(path))


def _newest(path: Path) -> float:
    """Return when anything of it was last written; what is gone by now was just touched."""
    return max((written for _, written in _statuses(path)), default=float("inf"))


def _statuses(path: Path) -> Iterator[tuple[int, float]]:
    """Yield the size of each file (0 of a folder), and when it was written."""
    below = (Path(folder, name) for folder, folders, files in os.walk(path) for name in (*folders, *files))
    for place in (path, *below):
        with contextlib.suppress(OSError):
            status = os.lstat(place)
            yield 0 if stat.S_ISDIR(status.st_mode) else status.st_size, status.st_mtime
