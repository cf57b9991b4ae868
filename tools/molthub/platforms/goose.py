"""Goose: a YAML file of extensions. Secrets are named in ``env_keys``, and found in the environment or the keyring.

A server that is started gets each variable that ``env_keys`` names under its own name. In headers, and nowhere else,
``$NAME`` and ``${NAME}`` stand for those variables and for the extension's ``envs``. What cannot be said that way is
started by ``molthub exec``. Formats as of the sources of August 2026 (block/goose 0b282cf).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from molthub.model import Json
from molthub.platforms.expansion import LITERAL
from molthub.platforms.read_back import declared_server, texts_of, with_named
from molthub.platforms.table import Form
from molthub.platforms.table_program import TableProgram
from molthub.references.exec_wrapper import handed_server, variables
from molthub.references.interpolation import Interpolation
from molthub.references.secrets import is_sensitive, value_error

_TIMEOUT = 300
_DECLARED = {"cmd": "command", "envs": "env", "uri": "url"}
_REFUSED_VARIABLES = frozenset(
    {
        *("APPINIT_DLLS", "CLASSPATH", "COMSPEC", "DYLD_FRAMEWORK_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH"),
        *("GEM_HOME", "GEM_PATH", "GO111MODULE", "GOROOT", "HOMEDRIVE", "HOMEPATH", "LD_ASSUME_KERNEL", "LD_AUDIT"),
        *(
            "LD_BIND_NOW",
            "LD_DEBUG",
            "LD_LIBRARY_PATH",
            "LD_PRELOAD",
            "LOCALAPPDATA",
            "NODE_OPTIONS",
            "PATH",
            "PATHEXT",
        ),
        *("PYTHONHOME", "PYTHONPATH", "RUBYOPT", "SESSIONNAME", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "WINDIR"),
    }
)
"""Variables that Goose leaves out with a warning, or refuses the extension for, in whatever case they are written."""


class Goose(TableProgram):
    """The platform ``goose``. A home has one agent."""

    def _server(self, name: str, server: Json) -> Json:
        written = _started(name, server) if "command" in server else _reached(f"mcp/{name}", server)
        return {"name": name, "description": "", "enabled": True, "timeout": _TIMEOUT, **written}

    def _read_back(self, key: str, server: dict[str, Json]) -> Json:
        fields = {field: item for field, item in server.items() if field not in ("name", "type")}
        names = texts_of(key, "env_keys", fields.pop("env_keys", []))
        fields = {_DECLARED.get(field, field): item for field, item in fields.items()}
        if server.get("type") == "stdio":
            found = declared_server(key, fields, ((None, Form()),), lambda _field: LITERAL)
            return with_named(key, found, "env", {name: name for name in names})
        if server.get("type") != "streamable_http":
            raise value_error(key, "this kind of extension cannot be declared", "it stays as it is, the owner's")
        headers = _expanded(names)
        return declared_server(
            key, fields, (("http", Form()),), lambda field: headers if field == "headers" else LITERAL
        )


def _started(name: str, server: Json) -> Json:
    refused = sorted(key for key in server.get("env", {}) if key.upper() in _REFUSED_VARIABLES)
    if refused:
        raise value_error(f"mcp/{name}", f"Goose gives no server the variable {refused[0]}", "take it away")
    written = handed_server(name, server)
    fields = {"type": "stdio", "cmd": written["command"], "args": written.get("args", [])}
    return {**fields, "envs": written.get("env", {}), **_env_keys(server)}


def _reached(key: str, server: Json) -> Json:
    if server.get("transport") == "sse":
        raise value_error(key, "Goose no longer speaks SSE", "take the http address of the server")
    if is_sensitive(server["url"]):
        raise value_error(key, "Goose expands nothing in a url", "give the secret in a header")
    headers = _expanded(variables(server)).written(key, server.get("headers", {}), "/headers")
    return {
        "type": "streamable_http",
        "uri": LITERAL.written(key, server["url"], "/url"),
        "headers": headers,
        **_env_keys(server),
    }


def _expanded(names: Iterable[str]) -> Interpolation:
    """Return how the program expands headers of an extension that has the variables ``names``, and no others."""
    known = "|".join(names) or "(?!)"
    return Interpolation(re.compile(rf"\$(?:\{{\s*(?P<name>{known})\s*\}}|(?P<plain>(?:{known})(?!\w)))"))


def _env_keys(server: Json) -> dict[str, Json]:
    names = sorted(variables(server))
    return {"env_keys": names} if names else {}
