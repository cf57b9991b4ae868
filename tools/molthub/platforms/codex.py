"""Codex CLI: a TOML file in which nothing is expanded, and fields that name variables instead.

``env_vars`` hands variables of Codex's own environment to a server under their own names, ``bearer_token_env_var`` and
``env_http_headers`` take a header's whole value from one. What cannot be said that way is started by ``molthub exec``,
to which the same variables are handed. Codex keeps its own environment from the servers it starts. Plain variables go
to ``shell_environment_policy.set``, for the commands that the agent runs. Formats as of version 0.169.0.
"""

from __future__ import annotations

from molthub.model import Json
from molthub.platforms.expansion import LITERAL
from molthub.platforms.read_back import texts_of, with_named
from molthub.platforms.table_program import TableProgram
from molthub.references.exec_wrapper import handed_server, variable_of_text, variables
from molthub.references.secrets import is_sensitive, value_error


class Codex(TableProgram):
    """The platform ``codex``. A home has one agent."""

    def _server(self, name: str, server: Json) -> Json:
        return _started(name, server) if "command" in server else _reached(f"mcp/{name}", server)

    def _read_back(self, key: str, server: dict[str, Json]) -> Json:
        fields = dict(server)
        named = fields.pop("env_vars", [])
        bearer, of_headers = fields.pop("bearer_token_env_var", None), fields.pop("env_http_headers", {})
        fields |= {"headers": fields.pop("http_headers")} if "http_headers" in fields else {}
        found = super()._read_back(key, fields)
        if "command" in found and bearer is None and not of_headers:
            return with_named(key, found, "env", {name: name for name in texts_of(key, "env_vars", named)})
        if "url" in found and not named:
            headers = with_named(key, found, "headers", texts_of(key, "env_http_headers", of_headers))
            bearers = {"Authorization": bearer} if bearer is not None else {}
            return with_named(key, headers, "headers", bearers, before="Bearer ")
        raise value_error(key, "variables are named that this kind of server does not get", "take them away first")


def _started(name: str, server: Json) -> Json:
    names = sorted(variables(server))
    return {**handed_server(name, server), **({"env_vars": names} if names else {})}


def _reached(key: str, server: Json) -> Json:
    if server.get("transport") == "sse":
        raise value_error(key, "Codex reaches servers over streamable HTTP only", "take the http address of the server")
    if is_sensitive(server["url"]):
        raise value_error(key, "Codex expands nothing in a url", "give the secret in a header")
    written: dict[str, Json] = {"url": LITERAL.written(key, server["url"], "/url")}
    for header, text in server.get("headers", {}).items():
        variable = variable_of_text(text)
        bearer = variable_of_text(text.removeprefix("Bearer ")) if header.lower() == "authorization" else None
        if variable is not None:
            written.setdefault("env_http_headers", {})[header] = variable
        elif bearer is not None:
            written["bearer_token_env_var"] = bearer
        elif is_sensitive(text):
            problem = f"Codex takes the header {header} whole from a variable, or not at all"
            raise value_error(key, problem, "make the whole header one secret")
        else:
            written.setdefault("http_headers", {})[header] = LITERAL.written(key, text, f"/headers/{header}")
    return written
