"""Credentials from ``~/.netrc`` (or ``$NETRC``), as curl(1) and git read it.

Only an entry that names the host counts: ``default`` would send a password to whoever answers.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from molthub.client.access.credentials import Credentials, basic
from molthub.client.addresses import Origin
from molthub.errors import FormatError, UsageError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def from_netrc(origin: Origin) -> Credentials | None:
    """Return the user and password of the host, or None. Raises :class:`FormatError`, :class:`UsageError`."""
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None  # /dev/null, as people write who want none
    from netrc import NetrcParseError, netrc

    try:
        entry = netrc(str(path)).hosts.get(origin.host)
    except NetrcParseError as error:
        if origin.host.encode() not in path.read_bytes():
            return None  # whatever is wrong in it, it is about others
        # The error's message may quote what it could not read, and that may be a password.
        raise FormatError("it cannot be read", place=f"{path}:{error.lineno}", remedy=_FORM) from None
    except (OSError, UnicodeDecodeError):
        return None
    if entry is None or not entry[2]:
        return None
    if os.name == "posix" and (found.st_mode & _OTHERS or found.st_uid != os.getuid()):
        raise UsageError(
            "other users of this machine may read the passwords in it", place=str(path), remedy=f"chmod 600 {path}"
        )
    return basic(entry[0], entry[2], str(path))


_FORM = "write: machine skills.example.com login NAME password PASSWORD"
