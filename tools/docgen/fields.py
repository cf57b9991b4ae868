"""From a JSON Schema to the rows of a table of fields. Knows the keywords that our schemas use, no others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docgen.markdown import anchor, code
from molthub import schema_files

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

VALUES_PAGE = "kinds/values.md"

_TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "map", "array": "list"}
_KEYS = {
    "skillName": "<skill>",
    "semver": "<version>",
    "packNumberKey": "<number>",
    "packKey": "pack/<pack>",
    "envKey": "<KEY>",
    "hostName": "<host>",
    "dnsLabel": "<name>",
    "mcpServerName": "<server>",
    "digest": "<digest>",
}
"""How the key of a map is written where its pattern is that of a shared definition."""


@dataclass(frozen=True)
class Field:
    """One row: `path` as in `spec.skills[].name`; `required` within the map that holds it."""

    path: str
    kind: str
    required: bool
    default: str
    meaning: str


def fields(schema: Schema, *, values_page: str) -> list[Field]:
    """Return every field below `schema`; types that are shared values link to `values_page`."""
    return list(_below(resolved(schema), "", values_page))


def shared_values() -> dict[str, Schema]:
    """Return the shared definitions of single values (text with a pattern, numbers), by name."""
    definitions: dict[str, Schema] = schema_files.load("common")["$defs"]
    single = {name: schema for name, schema in definitions.items() if schema.get("type") in ("string", "integer")}
    return {name: schema for name, schema in single.items() if "pattern" in schema or "minimum" in schema}


def resolved(schema: Schema) -> Schema:
    """Return `schema` with its `$ref` replaced by what it names; what stands beside the `$ref` wins."""
    if "$ref" not in schema:
        return schema
    name = _name(schema)
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**resolved(schema_files.load("common")["$defs"][name]), **beside}


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _below(schema: Schema, path: str, values_page: str) -> Iterator[Field]:
    for key, inner in schema.get("properties", {}).items():
        required = key in schema.get("required", ())
        yield from _field(inner, f"{path}.{key}" if path else key, values_page, required=required)
    for pattern, inner in schema.get("patternProperties", {}).items():
        yield from _field(inner, f"{path}.{_key(pattern)}" if path else _key(pattern), values_page)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _field(schema["additionalProperties"], f"{path}.<key>", values_page)
    if "items" in schema:
        yield from _items(schema["items"], path + "[]", values_page)


def _field(schema: Schema, path: str, values_page: str, *, required: bool = False) -> Iterator[Field]:
    whole = resolved(schema)
    default = code(json.dumps(whole["default"])) if "default" in whole else ""
    yield Field(path, _kind(schema, values_page), required, default, whole["description"])
    yield from _below(whole, path, values_page)


def _items(schema: Schema, path: str, values_page: str) -> Iterator[Field]:
    """Give items a row of their own only where they have fields: the list's row has said the rest."""
    yield from _below(resolved(schema), path, values_page)


def _kind(schema: Schema, values_page: str) -> str:
    name = _name(schema)
    if name in shared_values():
        return f"[{words(name)}]({values_page}#{anchor(words(name))})"
    whole = resolved(schema)
    if "const" in whole:
        return code(str(whole["const"]))
    if "enum" in whole:
        return "one of " + ", ".join(code(json.dumps(value).strip('"')) for value in whole["enum"])
    kinds = [_plain(kind, whole, values_page) for kind in _types(whole)]
    return (", or " if "array" in _types(whole) else " or ").join(kinds) or "anything"


def _types(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _plain(kind: str, schema: Schema, values_page: str) -> str:
    if kind == "array":
        item = _kind(schema["items"], values_page)
        return f"list of {item}" if item.startswith("one of") else f"list of: {item}"
    return _TYPES.get(kind, kind)


def words(name: str) -> str:
    """Return a definition's name as words: `skillName` -> `skill name`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _key(pattern: str) -> str:
    """Return how a map's key is written: by the shared definition that its pattern is, with a prefix or without."""
    for name, shown in _KEYS.items():
        core = schema_files.load("common")["$defs"][name]["pattern"].removeprefix("^")
        prefix = pattern.removeprefix("^").removesuffix(core)
        if pattern == f"^{prefix}{core}" and not set(prefix) & set("[({\\"):
            return prefix + shown
    return "<key>"
