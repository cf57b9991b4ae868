"""What a version is made of: its files, how it is fetched, what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file of a version. ``path`` is relative to the version's folder, with ``/``."""

    path: str
    sha256: str
    size: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class SignatureRef:
    """What a shard or a bot's document says of a signature: whose it is, the key, and the file that lists it."""

    publisher: str
    signer: str
    file: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """How to get a version and what it is. ``size`` is the archive's, ``unpacked`` the sum of the files'.

    Of a removed version only the digest is left: ``archive`` is empty. ``signature`` is None where it is not signed.
    """

    version: str
    digest: str
    archive: str
    size: int
    unpacked: int
    name: str = ""
    signature: SignatureRef | None = None


@dataclass(frozen=True, slots=True)
class EnvNeed:
    """An environment variable that a skill reads."""

    name: str
    secret: bool = False
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a skill needs where it runs, beside its own files.

    Of each group in ``any_bins`` one program is enough. ``systems`` are those that it is made for (``linux``,
    ``macos``, ``windows``); none: every one. ``skills`` are others that it counts on, ``settings`` those of OpenClaw
    that must hold, as dotted paths. ``installs`` are pairs of a program and a line by which its author would install
    it.
    """

    mcp_servers: tuple[str, ...] = ()
    env: tuple[EnvNeed, ...] = ()
    bins: tuple[str, ...] = ()
    any_bins: tuple[tuple[str, ...], ...] = ()
    systems: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    installs: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether it needs anything."""
        of_machine = self.bins or self.any_bins or self.systems or self.settings
        return bool(self.mcp_servers or self.env or self.skills or of_machine)


def bare_name(name: str) -> str:
    """Return a skill's name without ``@scope/``."""
    return name.rpartition("/")[2]
