"""A job as a unit of systemd (systemd.service(5), systemd.exec(5)). Pure.

A user's own unit where a user installs it; one of the system, run as the owner of the bots' homes, where root does.
Files with secrets are handed over as credentials (https://systemd.io/CREDENTIALS/).
"""

from __future__ import annotations

from pathlib import Path

from molthub.errors import MolthubError
from molthub_reconciler.startup.job import MARK, Job

SUFFIX = ".service"
WANTED_BY = {True: "multi-user.target", False: "default.target"}
"""What starts a unit: of the system (True), or a user's own."""
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 (nothing is put there)
_FILTERED = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)
"""What a user's own systemd can do as well. MemoryDenyWriteExecute would stop what compiles while it runs: Node.js,
which reload commands, gates and secret providers may be."""
_APART = (
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "KeyringMode=private",
    "RemoveIPC=yes",
)
"""PrivateUsers would show everything of others as nobody's, also what is judged by its owner."""


def unit(job: Job) -> str:
    """Return the unit's file."""
    is_system = job.user is not None
    lines = [
        f"# {MARK}; changes of your own belong into {job.name}{SUFFIX}.d/",
        "[Unit]",
        f"Description={_text(job.about)}",
        *(["Wants=network-online.target", "After=network-online.target"] if is_system else []),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={_command(job)}",
        *(f"LoadCredential={_credential(option)}:{_text(str(path))}" for option, path in job.files.items()),
        *([f"User={job.user}"] if is_system else []),
        "Restart=always",
        "RestartSec=5",
        "TimeoutStopSec=60",
        "UMask=0077",
        *(_kept_apart(job) if is_system else []),
        *_FILTERED,
        "",
        "[Install]",
        f"WantedBy={WANTED_BY[is_system]}",
    ]
    return "\n".join(lines) + "\n"


def _command(job: Job) -> str:
    handed = [word for option in job.files for word in (option, f"%d/{_credential(option)}")]
    return " ".join([*map(quoted, job.command), *handed])


def _credential(option: str) -> str:
    return option.removeprefix("--")


def _kept_apart(job: Job) -> list[str]:
    """Return what keeps a unit of the system from the rest of the machine, with a cache of its own.

    With a temporary folder of its own it would not see what lies in the machine's, and not start (226/NAMESPACE).
    """
    paths = (*job.writable, Path(job.command[0]))
    is_shared = any(path.is_relative_to(shared) for path in paths for shared in _TEMPORARY)
    ports = "CAP_NET_BIND_SERVICE" if job.port is not None else ""
    return [
        f"ReadWritePaths={' '.join(quoted(str(place)) for place in job.writable)}",
        f"CacheDirectory={job.name}",
        f"Environment=XDG_CACHE_HOME=%C/{job.name}",
        f"CapabilityBoundingSet={ports}",
        f"AmbientCapabilities={ports}",
        *([] if is_shared else ["PrivateTmp=yes"]),
        *_APART,
    ]


def quoted(word: str) -> str:
    """Return one word of a command line of a unit: in quotes where it needs them, specifiers and variables as text."""
    text = _text(word).replace("$", "$$")
    if text and not set(text) & set(" \t'\"\\;"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: str) -> str:
    """Return a setting's text, which goes to the end of its line."""
    if any(char < " " for char in value):
        raise MolthubError("a systemd unit holds no line ends", place=value, remedy="use a path without them")
    return value.replace("%", "%%")
