"""Secrets whose values a bot's program would not hand on as they are: told before the program meets them.

Which values those are, each program's row says (:mod:`molthub.platforms.pitfalls`). A value is looked at once and
forgotten; what is kept of it are the kinds that it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from molthub.errors import MolthubError, Problem
from molthub.model import Json
from molthub.platforms import platform, platforms
from molthub.platforms.pitfalls import Pitfall
from molthub.references.secrets import placeholders
from molthub.secrets.value import SecretValue


def pitfalls_of(value: SecretValue) -> frozenset[Pitfall]:
    """Return the kinds that a value is of, among those that any program spoils."""
    text = value.reveal()
    known = {pitfall for name in platforms() for pitfall in platform(name).pitfalls}
    return frozenset(pitfall for pitfall in known if pitfall.spoils(text))


def spoiled(
    program: str, agent: str, desired: Mapping[str, Json], kinds: Mapping[str, Collection[Pitfall]]
) -> Iterator[Problem]:
    """Yield a warning for each secret that ``program`` would spoil on its way to a server.

    ``kinds`` says by a secret's name what its value is of. A server that is started by ``molthub exec`` gets the
    value itself.
    """
    adapter = platform(program)
    for key, server in sorted(desired.items()) if adapter.pitfalls else ():
        if not key.startswith("mcp/") or not isinstance(server, dict):
            continue
        struck = [
            (secret, pitfall)
            for secret in placeholders(server)
            for pitfall in adapter.pitfalls
            if pitfall in kinds.get(secret, ()) and pitfall.concerns(server, secret)
        ]
        if struck and not _is_wrapped(program, agent, key, server):
            for secret, pitfall in struck:
                message = f"secret {secret} does not reach {key} as it is: {pitfall.happens}"
                yield Problem("MH742", message, pitfall.remedy, severity="warning")


def _is_wrapped(program: str, agent: str, key: str, server: Json) -> bool:
    """Whether the server's entry in the program's file starts ``molthub exec``."""
    try:
        written = [entry.value for entry in platform(program).entries(agent, key, server)]
    except MolthubError:  # it is not written at all, which is told elsewhere
        return True
    return not any(_refers(value) for value in written if isinstance(value, dict) and value != server)


def _refers(entry: Mapping[str, Json]) -> bool:
    words = entry.get("command")
    first = words[0] if isinstance(words, list) and words else words or entry.get("cmd")
    return first != "molthub"
