"""What a controller answers as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html).

The table is what :mod:`.desk` does: tests ask a running controller for each of it, and hold the answers against this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from molthub import schema_files
from molthub.documents import canonical
from molthub.model import Json

PATH = "/v1/openapi.json"
_BOT = "/v1/bots/{fleet}/{bot}"
_JSON = "application/json"
_BYTES = "application/octet-stream"
_ABOUT = (
    "What `molthub reconcile --listen` answers to agents of bots on other machines, and to operators. Without a token "
    "that counts every answer is 401, whether there is such a thing or not, and 429 after 30 of them in a minute. "
    "Readers skip fields that they do not know; a document of a higher number (`molthub.assignment/2`) is refused."
)
_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "fleet": (r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "the bot's fleet"),
    "bot": (r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "the bot"),
    "hex": (r"[0-9a-f]{64}", "the SHA-256 of the document's bytes"),
    "path": (r".+", "a file of the index, as its slashes stand"),
}
_SMALL: Mapping[str, Mapping[str, str]] = {
    "Reported": {"reported": "The SHA-256 of the report."},
    "Nudged": {"asked": "Who will look now."},
}


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked. ``answer`` and ``body`` name a schema; none: bytes as they are, or nothing.

    ``other`` are the statuses besides 200 that it may have, and what they mean.
    """

    method: str
    path: str
    name: str
    says: str
    answer: str = ""
    body: str = ""
    query: Mapping[str, tuple[Json, str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[int, str] = field(default_factory=dict)
    kind: str = _JSON

    @property
    def is_operators(self) -> bool:
        """Whether an operator's token is wanted, and not a bot's."""
        return not self.path.startswith(_BOT)


_NONE = {404: "there is nothing of that name for this bot"}
_AGENT = {"Molthub-Agent": "the agent's own random name: a second agent of the same bot is refused",
          "Molthub-Machine": "where it runs, for people"}  # fmt: skip
_KNOWN = {"If-None-Match": "the ETag of what is known (RFC 9110, section 13.1.2)"}
_SAME = {304: "it is what the client knows"}
_TAKEN = {409: "another agent keeps this bot"}
_FORBIDDEN = {403: "the token's operator may not do that"}
OPERATIONS = (
    Operation("get", f"{_BOT}/assignment", "assignment", "what the bot is to have; also says that its agent is there",
              "assignment", other=_SAME | _TAKEN,
              headers={**_AGENT, **_KNOWN, "Prefer": "`wait=N` (RFC 7240, section 4.3): answer when something else "
                       "is to be had than what is known, or after N seconds, at most 55"},
              query={"interval": ({"type": "number", "minimum": 1}, "how often the agent asks, in seconds"),
                     "serial": ({"type": "integer", "minimum": 0}, "the highest number of an assignment it took")}),
    Operation("get", f"{_BOT}/documents/{{hex}}", "document", "the document that the bot is assigned", "bot-document",
              other=_NONE),
    Operation("get", f"{_BOT}/index/{{path}}", "index", "the bot's own part of the index", kind=_BYTES,
              headers=_KNOWN, other=_SAME | _NONE | {502: "the controller cannot get it from the index"}),
    Operation("post", f"{_BOT}/report", "report", "tell what became of the bot; of 1 MiB at most", "Reported", "report",
              headers=_AGENT, other=_TAKEN | {400: "this is no report of this bot", 413: "it is too large"}),
    Operation("get", "/v1/bots", "bots", "every bot on record", "observed-bots", other=_FORBIDDEN),
    Operation("post", "/v1/nudge", "nudge", "look at the index and at all bots now; a body is not read", "Nudged"),
    Operation("post", "/v1/commands", "command", "run a command, and say what it printed", "outcome", "order",
              other=_FORBIDDEN | {400: "this is no such order", 504: "it took too long"}),
    Operation("get", PATH, "openapi", "this document", "Document", other=_FORBIDDEN),
)  # fmt: skip
"""All that can be asked."""


@cache
def openapi() -> bytes:
    """Return the document as canonical JSON. It refers to nothing outside of itself."""
    components: dict[str, Any] = {name: _object(keys) for name, keys in _SMALL.items()}
    components["Document"] = {"type": "object", "required": ["openapi", "paths"]}
    message = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    components["Error"] = {"type": "object", "properties": {"error": message}, "required": ["error"]}
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = schema_files.embedded(_operation(one), components)
    token = {"type": "http", "scheme": "bearer"}
    return canonical(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "A controller of bots on other machines",
                "version": "1",
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "https://fleet.example.com:8443/", "description": "where the controller listens"}],
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "bot": {**token, "description": "The bot's token: `molthub agents token FLEET/BOT`."},
                    "operator": {**token, "description": "An operator's: `molthub agents token --operator`."},
                },
            },
        }
    )


def _object(keys: Mapping[str, str]) -> Json:
    properties = {key: {"type": "string", "description": says} for key, says in keys.items()}
    return {"type": "object", "properties": properties, "required": list(keys)}


def _operation(one: Operation) -> Json:
    named = [name for name in _PARAMETERS if f"{{{name}}}" in one.path]
    parameters = [_parameter("path", name, {"type": "string", "pattern": f"^{pattern}$"}, says)
                  for name, (pattern, says) in ((name, _PARAMETERS[name]) for name in named)]  # fmt: skip
    parameters += [_parameter("query", name, schema, says) for name, (schema, says) in one.query.items()]
    parameters += [_parameter("header", name, {"type": "string"}, says) for name, says in one.headers.items()]
    refused = {401: "the token does not count here", 429: "too many requests without a token that counts",
               503: "it cannot be done now", **one.other}  # fmt: skip
    responses: dict[str, Json] = {"200": {"description": one.says, "content": {one.kind: _schema(one.answer)}}}
    for status, says in sorted(refused.items()):
        content = {} if status == 304 else {"content": {_JSON: _schema("Error")}}  # noqa: PLR2004 (Not Modified)
        responses[str(status)] = {"description": says, **content}
    said: dict[str, Json] = {"operationId": one.name, "summary": one.says, "responses": responses,
                             "security": [{"operator" if one.is_operators else "bot": []}]}  # fmt: skip
    said |= {"parameters": parameters} if parameters else {}
    return said | ({"requestBody": {"required": True, "content": {_JSON: _schema(one.body)}}} if one.body else {})


def _parameter(where: str, name: str, schema: Json, says: str) -> Json:
    found: dict[str, Json] = {"name": name, "in": where, "description": says, "schema": schema}
    return {**found, "required": True} if where == "path" else found


def _schema(name: str) -> dict[str, Json]:
    if not name:
        return {}
    is_published = name in schema_files.names()
    target = f"{schema_files.BASE_URL}{name}{schema_files.SUFFIX}" if is_published else f"#/components/schemas/{name}"
    return {"schema": {"$ref": target}}
