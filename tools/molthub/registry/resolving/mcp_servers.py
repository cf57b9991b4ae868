"""MCP servers of a bot: layers merged field by field, the command split, and which server gets which variable. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from molthub.errors import Problem
from molthub.model import Json, Origin
from molthub.registry.resolving.attachments import Attached
from molthub.registry.resolving.availability import placed
from molthub.registry.resolving.layers import ConflictError, Stack, Word, clear_text_findings, origins, settle

_MAPS = ("env", "headers")
_OF_COMMAND = ("args", "env")
_OF_URL = ("headers", "transport")


@dataclass(frozen=True, slots=True)
class Server:
    """One merged server. ``value`` is None where a layer took it away."""

    name: str
    value: dict[str, Json] | None
    at: str
    origins: tuple[Origin, ...]


def merge_servers(stack: Stack, secret: Mapping[str, str]) -> tuple[dict[str, Server], list[Problem]]:
    """Merge the servers of every layer, without the bot's environment.

    ``secret`` maps the variables that a skill's contract calls secret to that skill.
    """
    servers: dict[str, Server] = {}
    problems: list[Problem] = []
    for name in sorted({use.name for layer in stack.layers for use in layer.mcps}):
        try:
            server, found = _merged(name, stack, secret)
        except ConflictError as conflict:
            problems.append(conflict.problem)
            continue
        problems += found
        servers[name] = server
    return servers, problems


def _merged(name: str, stack: Stack, secret: Mapping[str, str]) -> tuple[Server, list[Problem]]:
    presence = [
        Word(layer.name, use.at, use.enabled or None, stack.is_pack(layer))
        for layer in stack.layers
        for use in layer.mcps
        if use.name == name
    ]
    key = f"mcp/{name}"
    winner = settle(key, presence, stack.over)
    where = origins(winner, presence)
    if winner.value is None:
        return Server(name, None, winner.at, where), []
    words = _field_words(name, stack)
    fields: dict[str, Json] = {}
    problems: list[Problem] = []
    for path, said in words.items():
        value = settle("/".join((key, *path)), said, stack.over).value
        if path[0] in _MAPS:
            contract = secret.get(path[1]) if path[0] == "env" else None
            problems += clear_text_findings("/".join((key, *path)), said, contract)
        _put(fields, path, value)
    value, finding = _complete(name, fields, winner.at)
    return Server(name, value, winner.at, where), [*problems, *([finding] if finding else [])]


def _field_words(name: str, stack: Stack) -> dict[tuple[str, ...], list[Word]]:
    """Return every layer's word on every field of a server; of maps, on every key."""
    words: dict[tuple[str, ...], list[Word]] = {}
    for layer in stack.layers:
        for use in layer.mcps:
            if use.name != name:
                continue
            for path, value in _leaves(use.fields):
                words.setdefault(path, []).append(Word(layer.name, use.at, value, stack.is_pack(layer)))
    return words


def _leaves(fields: Mapping[str, Json]) -> Iterator[tuple[tuple[str, ...], Json]]:
    for name, value in fields.items():
        if name in _MAPS:
            yield from (((name, key), inner) for key, inner in (value or {}).items())
        else:
            yield (name,), value


def _put(fields: dict[str, Json], path: tuple[str, ...], value: Json) -> None:
    if value is None:
        return
    if len(path) == 1:
        fields[path[0]] = value
    else:
        fields.setdefault(path[0], {})[path[1]] = value


def _complete(name: str, fields: dict[str, Json], at: str) -> tuple[dict[str, Json], Problem | None]:
    """Return the server as programs start it: the command split as a POSIX shell does, ``args`` after it."""
    if ("command" in fields) == ("url" in fields):
        message = (
            f"the MCP server {name} has {'both command and url' if fields.get('url') else 'no command and no url'}"
        )
        return {}, placed("MH209", message, "give it one of the two; null takes the other away", at)
    misfits = [field for field in (_OF_URL if "command" in fields else _OF_COMMAND) if field in fields]
    if misfits:
        kind = "started by a command" if "command" in fields else "reached by url"
        message = f"the MCP server {name} is {kind}, so {' and '.join(misfits)} mean nothing"
        return {}, placed("MH209", message, "take them away with null", at)
    if "url" in fields:
        return {"url": fields["url"], "transport": fields.get("transport", "http"), **_some(fields, "headers")}, None
    try:
        words = shlex.split(fields["command"])
    except ValueError:
        words = []
    if not words:
        message = f"the command of the MCP server {name} does not split into words"
        return {}, placed("MH209", message, "close its quotes, or give its words under args", at)
    args = [*words[1:], *fields.get("args", [])]
    return {"command": words[0], **({"args": args} if args else {}), **_some(fields, "env")}, None


def _some(fields: Mapping[str, Json], name: str) -> dict[str, Json]:
    return {name: dict(sorted(fields[name].items()))} if fields.get(name) else {}


# --- which server gets which variable ------------------------------------------------------------------------------


def with_environment(
    servers: Mapping[str, Server], env: Mapping[str, str], packs: Sequence[Attached]
) -> dict[str, dict[str, Json]]:
    """Return the servers' values with the variables that are theirs.

    A variable that packs declare goes to the servers of those packs, one that no pack declares to all; a server's own
    value wins. So no server receives the token of a pack that it does not belong to. A server reached by url starts no
    program and gets none.
    """
    audience = _audience(packs)
    found: dict[str, dict[str, Json]] = {}
    for name, server in servers.items():
        if server.value is None:
            continue
        value = dict(server.value)
        if "command" in value:
            given = {key: text for key, text in env.items() if key not in audience or name in audience[key]}
            whole = {**given, **value.pop("env", {})}
            value |= {"env": dict(sorted(whole.items()))} if whole else {}
        found[name] = value
    return found


def _audience(packs: Sequence[Attached]) -> dict[str, set[str]]:
    """Return, for every variable that a pack declares, the servers of the packs that do."""
    audience: dict[str, set[str]] = {}
    for pack in packs:
        servers = {use.name for version in pack.chain for use in version.layer.mcps}
        for key in _declared(pack):
            audience.setdefault(key, set()).update(servers)
    return audience


def _declared(pack: Attached) -> Collection[str]:
    last = {use.key: use.value for version in pack.chain for use in version.layer.env}
    return [key for key, value in last.items() if value is not None]
