"""Credentials from a program: git's credential protocol (git-credential(1), "INPUT/OUTPUT FORMAT").

So every credential helper of git serves, and ``git credential fill`` itself. What it answers is kept in memory alone.
"""

from __future__ import annotations

import os
import shlex
import subprocess

from molthub.client.access.credentials import Credentials, basic, bearer
from molthub.client.addresses import Address
from molthub.errors import DeniedError

_SECONDS = 60


def from_helper(command: str, address: Address) -> Credentials:
    """Run ``command`` and return what it answers for ``address``. Raises :class:`DeniedError`."""
    words = _words(command)
    host = str(address.origin).partition("://")[2]
    path = address.path.strip("/")
    asked = f"capability[]=authtype\nprotocol={address.origin.scheme}\nhost={host}\n{f'path={path}' if path else ''}"
    try:
        done = subprocess.run(
            words,
            input=f"{asked.rstrip()}\n\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # whatever it says there may hold what nobody should read in a log
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"},
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise _failed(words[0], f"cannot be run ({type(error).__name__})", address) from None
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.returncode != 0:
        raise _failed(words[0], f"ended with status {done.returncode}", address)
    source = f"the helper {words[0]}"
    if said.get("authtype", "").lower() == "bearer" and said.get("credential"):
        return bearer(said["credential"], source)
    if said.get("username") and "password" in said:
        return basic(said["username"], said["password"], source)
    raise _failed(words[0], "names no username and password", address)


def _words(command: str) -> list[str]:
    words = shlex.split(command)
    words[0] = os.path.expanduser(words[0])  # noqa: PTH111 (a word of a command line, not yet a path)
    return words


def _failed(program: str, what: str, address: Address) -> DeniedError:
    return DeniedError(
        f"the credential helper {program} {what}",
        place=str(address),
        remedy="run it by hand, with the lines protocol=, host= and an empty one on its input; or log in anew: "
        f"skills registry login {address}",
    )
