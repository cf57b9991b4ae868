"""The MCP servers of packs, as the MCP registry lists servers (its OpenAPI document of 2025-12-01, GETs alone).

    v0.1/servers                                          all of them
    v0.1/servers/<namespace>/<pack>.<server>/versions     one
    v0.1/servers/<namespace>/<pack>.<server>/versions/latest, .../<version>

https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml. Each is a folder's
``index.html`` that holds JSON. A server belongs to the newest version of its pack, ``3`` being 3.0.0; two packs may
start a server of one name differently, so the pack's name is part of its. The namespace is the index's host, reversed.
A secret is an input that the client asks for. A query is not answered: there is one page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from molthub.errors import PlatformValueError
from molthub.index.address import base_url
from molthub.index.releases import Archived, latest_pack
from molthub.index.views import Files, as_json
from molthub.model import Json, PackEntry, Registry
from molthub.references.secrets import Secret, pieces, reference

ROOT = "v0.1/servers"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
OFFICIAL = "io.modelcontextprotocol.registry/official"
OURS = "io.modelcontextprotocol.registry/publisher-provided"
MAX_TEXT = 100

_NPX_FLAGS = frozenset({"-y", "--yes"})
_NPM_PACKAGE = re.compile(r"(?P<name>(?:@[a-z0-9._~-]+/)?[a-z0-9._~-]+)(?:@(?P<version>[0-9][0-9A-Za-z.+-]*))?\Z")
_PYTHON_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:(?:==|@)(?P<version>[0-9][0-9A-Za-z.+!-]*))?\Z")


def server_routes(registry: Registry, archived: Archived, pack: PackEntry) -> Files:
    """Return the routes of the servers of one pack."""
    files: Files = {}
    for answer in _answers(registry, archived, pack):
        server = answer["server"]
        versions = f"{ROOT}/{server['name']}/versions"
        files[f"{versions}/index.html"] = _list([answer])
        for number in ("latest", server["version"]):
            files[f"{versions}/{number}/index.html"] = as_json(answer)
    return files


def server_list(registry: Registry, archived: Archived) -> Files:
    """Return the list of the servers of all packs."""
    if not registry.url:
        return {}
    answers = [answer for pack in archived.packs.values() for answer in _answers(registry, archived, pack)]
    return {f"{ROOT}/index.html": _list(answers)}


def _list(answers: Sequence[Json]) -> bytes:
    return as_json({"servers": list(answers), "metadata": {"count": len(answers)}})


def _answers(registry: Registry, archived: Archived, pack: PackEntry) -> list[Json]:
    number = latest_pack(pack)
    if number is None or not registry.url:
        return []
    published = pack.releases[number].published
    status = "deprecated" if pack.status == "deprecated" else "active"
    official = {"status": status, "publishedAt": published, "updatedAt": published, "isLatest": True}
    official |= {"statusMessage": pack.reason[:500]} if pack.reason else {}
    return [
        {"server": _detail(registry, pack, number, name, server), "_meta": {OFFICIAL: official}}
        for name, server in sorted(archived.servers.get(pack.name, {}).items())
    ]


def _detail(registry: Registry, pack: PackEntry, number: int, name: str, server: Json) -> dict[str, Json]:
    detail: dict[str, Json] = {
        "$schema": SCHEMA,
        "name": f"{namespace(registry)}/{pack.name}.{name}",
        "title": name,
        "description": _short(f"{name}, as the pack {pack.display_name or pack.name} runs it"),
        "version": f"{number}.0.0",
        "websiteUrl": f"{base_url(registry)}packs/{pack.name}/",
    }
    ours: dict[str, Json] = {"pack": pack.name, "version": number, "server": name}
    try:
        if "url" in server:
            detail["remotes"] = [_remote(server)]
        elif (package := _package(server)) is not None:
            detail["packages"] = [package]
        else:
            ours |= {"command": [server["command"], *server.get("args", ())]}
            ours |= {"environmentVariables": inputs} if (inputs := _inputs(server.get("env", {}))) else {}
    except PlatformValueError as error:  # a secret's name that would steer programs
        ours["leftOut"] = error.message
    return detail | {"_meta": {OURS: {"dev.molthub": ours}}}


def namespace(registry: Registry) -> str:
    """Return the reverse-DNS namespace of an index: ``dev.molthub`` of ``https://molthub.dev/``."""
    host = urlsplit(registry.url).hostname or ""
    return ".".join(reversed(host.split("."))) if re.search("[a-z]", host) else host.replace(":", "-") or registry.name


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


# --- how a server is started or reached ------------------------------------------------------------------------------


def _remote(server: Json) -> Json:
    said, variables = _template(server["url"])
    kind = "sse" if server.get("transport") == "sse" else "streamable-http"
    remote: dict[str, Json] = {"type": kind, "url": said}
    remote |= {"variables": variables} if variables else {}
    headers = _inputs(server.get("headers", {}))
    return remote | ({"headers": headers} if headers else {})


def _package(server: Json) -> Json | None:
    """Return the package that a command runs; None where it is no plain call of ``npx`` or ``uvx``."""
    args = list(server.get("args", ()))
    flags: list[str] = []
    if server["command"] == "npx":
        while args and args[0] in _NPX_FLAGS:
            flags.append(args.pop(0))
        kind, named = "npm", _NPM_PACKAGE.match(args[0]) if args else None
    elif server["command"] == "uvx":
        kind, named = "pypi", _PYTHON_PACKAGE.match(args[0]) if args else None
    else:
        return None
    if named is None:
        return None
    package: dict[str, Json] = {"registryType": kind, "identifier": named["name"], "transport": {"type": "stdio"}}
    package |= {"version": named["version"]} if named["version"] else {}
    package["runtimeHint"] = server["command"]
    package |= {"runtimeArguments": [{"type": "named", "name": flag} for flag in flags]} if flags else {}
    package |= {"packageArguments": [_argument(text) for text in args[1:]]} if args[1:] else {}
    inputs = _inputs(server.get("env", {}))
    return package | ({"environmentVariables": inputs} if inputs else {})


def _argument(text: str) -> Json:
    """Return a positional argument. One that is a secret as a whole has a hint in place of a value."""
    found = _input(text)
    return {"type": "positional", **found, **({} if "value" in found else {"valueHint": _only_secret(text)})}


def _inputs(values: Mapping[str, str]) -> list[Json]:
    return [{"name": name, **_input(text)} for name, text in sorted(values.items())]


def _input(text: str) -> dict[str, Json]:
    """Return a value, or what the client must ask for: a secret as a whole, or one within a text."""
    if _only_secret(text):
        return {"isRequired": True, "isSecret": True}
    said, variables = _template(text)
    return {"value": said} | ({"variables": variables, "isRequired": True, "isSecret": True} if variables else {})


def _only_secret(text: str) -> str:
    found = pieces(text)
    return reference(found[0].name).lower() if len(found) == 1 and isinstance(found[0], Secret) else ""


def _template(text: str) -> tuple[str, dict[str, Json]]:
    """Return a text with ``{name}`` for each secret, and what these names stand for."""
    said, variables = "", {}
    for piece in pieces(text):
        if isinstance(piece, Secret):
            name = reference(piece.name).lower()
            variables[name] = {"isRequired": True, "isSecret": True}
            said += f"{{{name}}}"
        else:
            said += piece
    return said, variables
