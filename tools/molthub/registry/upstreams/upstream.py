"""What ``project.yaml`` says of where an imported version came from. Pure.

An upstream is the index of another registry, or a folder of another repository at one commit. What is published is its
files, with the SKILL.md and skill.yaml of the version's folder in their place: the first is always the upstream's own,
the second may be made or renamed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from molthub.model import Json, VersionRecord

OWN_FILES = ("SKILL.md", "skill.yaml")
"""What the folder of an imported version keeps."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where one version came from.

    ``location`` is the address of the index or repository; ``path`` is ``skills/<name>`` or ``packs/<name>`` of an
    index, the skill's folder in a repository (empty: the repository itself) at ``commit``. ``digest`` is what is there.
    """

    kind: Literal["index", "git"]
    location: str
    path: str
    digest: str
    commit: str = ""

    @property
    def name(self) -> str:
        """The name that an index has for it."""
        return self.path.partition("/")[2]

    @property
    def shown(self) -> str:
        """How messages name it."""
        if self.kind == "index":
            return f"{self.name} of {self.location}"
        return f"{self.path or 'the repository'} at {self.commit[:12]} of {self.location}"

    def same_place(self, other: Upstream) -> bool:
        """Whether both are versions of one thing."""
        return self.location.rstrip("/") == other.location.rstrip("/") and self.path == other.path

    def to_json(self, digest: str) -> dict[str, Json]:
        """Return the entry's ``upstream`` for a version with this ``digest``."""
        place = {"url": self.location} if self.kind == "index" else {"git": self.location, "commit": self.commit}
        own = {"digest": self.digest} if self.digest != digest else {}
        return {**place, **({"path": self.path} if self.path else {}), **own}


def upstream_of(record: VersionRecord) -> Upstream | None:
    """Return where a version came from, or None: it was published here."""
    said = record.upstream
    if said is None:
        return None
    return _read(said, str(said.get("digest", record.digest)))


def _read(said: Mapping[str, Json], digest: str) -> Upstream:
    path = str(said.get("path", ""))
    if "git" in said:
        return Upstream("git", str(said["git"]), path, digest, str(said["commit"]))
    return Upstream("index", str(said["url"]), path, digest)


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported version whose files are wanted: its full name, number, digest, and where it came from.

    A pack's name begins with ``pack/``.
    """

    name: str
    version: str
    digest: str
    upstream: Upstream
