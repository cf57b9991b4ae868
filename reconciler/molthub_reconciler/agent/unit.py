"""The systemd unit of an agent (systemd.service(5), systemd.exec(5)). Pure, but for :func:`put`.

A user's own unit where a user installs it; one of the system, run as the owner of the bots' homes, where root does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.errors import MolthubError

CREDENTIAL = "agent-token"
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 (nothing is put there)


@dataclass(frozen=True, slots=True)
class Unit:
    """What the unit is made of. ``command`` starts the agent; ``token`` is the file with its token, if there is one.

    ``user`` is who runs it; None in a user's own unit. ``writable`` are the folders that it writes into.
    """

    bot: str
    controller: str
    command: Sequence[str]
    token: Path | None
    user: str | None
    writable: Sequence[Path] = ()

    @property
    def name(self) -> str:
        """The name of its file: letters, digits, hyphens and dots alone, as bots' names are."""
        return f"molthub-agent-{self.bot.replace('/', '.')}.service"

    def text(self) -> str:
        """Return the file."""
        command = [*self.command, *(["--token-file", f"%d/{CREDENTIAL}"] if self.token is not None else [])]
        line = " ".join(word if word == f"%d/{CREDENTIAL}" else quoted(word) for word in command)
        lines = [
            "[Unit]",
            f"Description=molthub agent of {self.bot}",
            f"# It follows {self.controller}",
            "Documentation=https://molthub.dev/",
            *(["Wants=network-online.target", "After=network-online.target"] if self.user is not None else []),
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={line}",
            *([f"LoadCredential={CREDENTIAL}:{_path(self.token)}"] if self.token is not None else []),
            *([f"User={self.user}"] if self.user is not None else []),
            "Restart=always",
            "RestartSec=5",
            "KillSignal=SIGTERM",
            "TimeoutStopSec=60",
            "UMask=0077",
            "NoNewPrivileges=yes",
            *(self._hardened() if self.user is not None else []),
            "",
            "[Install]",
            f"WantedBy={'multi-user.target' if self.user is not None else 'default.target'}",
        ]
        return "\n".join(lines) + "\n"

    def _hardened(self) -> list[str]:
        """Return what keeps a unit of the system from the rest of the machine, with a cache of its own.

        With a temporary folder of its own it would not see what lies in the machine's, and not start (226/NAMESPACE).
        """
        paths = (*self.writable, Path(self.command[0]))
        private = (
            [] if any(path.is_relative_to(shared) for path in paths for shared in _TEMPORARY) else ["PrivateTmp=yes"]
        )
        cache = self.name.removesuffix(".service")
        places = " ".join(quoted(str(place)) for place in self.writable)
        return ["ProtectSystem=strict", f"ReadWritePaths={places}", f"CacheDirectory={cache}",
                f"Environment=XDG_CACHE_HOME=%C/{cache}", *private, "ProtectKernelTunables=yes",
                "ProtectControlGroups=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes"]  # fmt: skip


def quoted(word: str) -> str:
    """Return one word of a command line of a unit: in quotes where it needs them, specifiers and variables as text."""
    if any(char < " " for char in word):
        raise MolthubError("a systemd unit holds no line ends", place=word, remedy="use a path without them")
    text = word.replace("%", "%%").replace("$", "$$")
    if text and not set(text) & set(" \t'\"\\;"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _path(path: Path) -> str:
    """Return a path as a setting holds it: to the end of the line."""
    if any(char < " " for char in str(path)):
        raise MolthubError("a systemd unit holds no line ends", place=str(path), remedy="use a path without them")
    return str(path).replace("%", "%%")


def put(unit: Unit, folder: Path) -> Path:
    """Write the unit into ``folder`` and return its path. Raises :class:`MolthubError` where that is not allowed."""
    place = folder / unit.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(place, unit.text().encode(), 0o644)
    except OSError as error:
        message = f"the unit cannot be written: {error.strerror or error}"
        raise MolthubError(message, place=str(place), remedy="without --write it is printed") from None
    return place
