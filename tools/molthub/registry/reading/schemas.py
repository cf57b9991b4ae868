"""Ask a kind's JSON Schema two things quickly: whether it accepts a value, and whether it wants text at a place.

Nearly every manifest is valid, and saying so must cost microseconds in a registry of 100,000 versions. So each schema
is compiled once into plain functions that only answer yes or no; what they refuse, the JSON Schema library explains
(:mod:`molthub.registry.reading.schema_findings`). Both read the same files, and the tests hold them against each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from molthub import schema_files
from molthub.yaml_text import Pointer

Accepts = Callable[[Any], bool]

_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "default", "format"})
_JSON_TYPES: dict[str, Accepts] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def accepts(kind: str, value: Any) -> bool:
    """Whether the schema of ``kind`` accepts ``value``."""
    return _compiled(f"{schema_files.BASE_URL}{kind}{schema_files.SUFFIX}")(value)


def wants_text(kind: str, pointer: Pointer, value: Any) -> bool:
    """Whether the schema of ``kind`` wants text at ``pointer``, where the scalar ``value`` is not welcome as it is."""
    schema = schema_at(kind, pointer)
    types = schema.get("type", ())
    allowed = [types] if isinstance(types, str) else list(types)
    return "string" in allowed and not any(_JSON_TYPES[name](value) for name in allowed)


def schema_at(kind: str, pointer: Pointer) -> Mapping[str, Any]:
    """Return the part of a kind's schema that speaks of ``pointer``; empty where it says nothing."""
    schema = _followed(schema_files.load(kind))
    for part in pointer:
        schema = _followed(_step(schema, part))
    return schema


def _step(schema: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    if isinstance(part, int):
        found = schema.get("items", {})
    elif part in schema.get("properties", {}):
        found = schema["properties"][part]
    else:
        fitting = (inner for pattern, inner in schema.get("patternProperties", {}).items() if re.search(pattern, part))
        found = next(fitting, schema.get("additionalProperties", {}))
    return found if isinstance(found, Mapping) else {}


def _followed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = _resolve(schema["$ref"])
    return schema


@cache
def _resolve(reference: str) -> Mapping[str, Any]:
    """Return what a reference into our own schemas points at; nothing is ever fetched."""
    url, _, fragment = reference.partition("#")
    kind = url.removeprefix(schema_files.BASE_URL).removesuffix(schema_files.SUFFIX)
    schema: Any = schema_files.load(kind)
    for part in fragment.split("/")[1:]:
        schema = schema[part]
    found: Mapping[str, Any] = schema
    return found


# --- compiling -----------------------------------------------------------------------------------------------------


@cache
def _compiled(reference: str) -> Accepts:
    return _compile(_resolve(reference))


def _compile(schema: Any) -> Accepts:
    """Return a function that says whether a value is valid.

    It knows the keywords that our schemas use; raises NotImplementedError at any other, so that none goes unheeded.
    """
    if isinstance(schema, bool):
        return lambda _value: schema
    if "$ref" in schema:
        return _compiled(schema["$ref"])
    unknown = set(schema) - _ANNOTATIONS - _KEYWORDS
    if unknown:
        raise NotImplementedError(f"schema keywords {sorted(unknown)}")
    checks = [check for make in _MAKERS for check in make(schema)]
    return checks[0] if len(checks) == 1 else _all_of(checks)


def _all_of(checks: list[Accepts]) -> Accepts:
    # Loops, here and below, and no generators: every value of every manifest passes through.
    def accepted(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 (a loop)
            if not check(value):
                return False
        return True

    return accepted


def _of_type(schema: Mapping[str, Any]) -> list[Accepts]:
    types = schema.get("type")
    if types is None or (types == "string" and schema.keys() & _OF_TEXT):  # which the checks of text ask too
        return []
    if isinstance(types, str):
        return [_JSON_TYPES[types]]
    tests = [_JSON_TYPES[name] for name in types]
    return [lambda value: any(test(value) for test in tests)]


def _of_choice(schema: Mapping[str, Any]) -> list[Accepts]:
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return [] if choices is None else [lambda value: any(_same(value, choice) for choice in choices)]


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


_OF_TEXT = frozenset({"minLength", "maxLength", "pattern"})


def _of_text(schema: Mapping[str, Any]) -> list[Accepts]:
    if not schema.keys() & _OF_TEXT:
        return []
    least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    search = re.compile(schema.get("pattern", "")).search
    if schema.get("type") == "string":
        return [lambda value: isinstance(value, str) and least <= len(value) <= most and search(value) is not None]
    return [lambda value: not isinstance(value, str) or (least <= len(value) <= most and search(value) is not None)]


def _of_number(schema: Mapping[str, Any]) -> list[Accepts]:
    if not schema.keys() & {"minimum", "maximum"}:
        return []
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    is_number = _JSON_TYPES["number"]
    return [lambda value: not is_number(value) or least <= value <= most]


def _of_list(schema: Mapping[str, Any]) -> list[Accepts]:
    if not schema.keys() & {"items", "minItems", "maxItems", "uniqueItems"}:
        return []
    least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    item, unique = _compile(schema.get("items", True)), schema.get("uniqueItems", False)

    def accepted(value: Any) -> bool:
        if not isinstance(value, list):
            return True
        if not least <= len(value) <= most:
            return False
        for inner in value:
            if not item(inner):
                return False
        return not unique or len(value) < 2 or _all_differ(value)  # noqa: PLR2004 (one differs from no other)

    return [accepted]


def _all_differ(items: list[Any]) -> bool:
    texts = items if all(type(item) is str for item in items) else [json.dumps(item, sort_keys=True) for item in items]
    return len(set(texts)) == len(items)


def _of_map(schema: Mapping[str, Any]) -> list[Accepts]:
    keywords = {
        "properties",
        "patternProperties",
        "additionalProperties",
        "required",
        "minProperties",
        "maxProperties",
    }
    if not schema.keys() & keywords:
        return []
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", float("inf"))
    required = frozenset(schema.get("required", ()))
    named = {key: _compile(inner) for key, inner in schema.get("properties", {}).items()}
    patterns = [
        (re.compile(pattern).search, _compile(inner)) for pattern, inner in schema.get("patternProperties", {}).items()
    ]
    others = _compile(schema.get("additionalProperties", True))

    @lru_cache(maxsize=4096)
    def tests_of(key: str) -> list[Accepts]:
        tests = [test for search, test in patterns if search(key)]
        return [*tests, *([named[key]] if key in named else [])] or [others]

    def accepted(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        if not least <= len(value) <= most or not required <= value.keys():
            return False
        for key, inner in value.items():
            for test in tests_of(key):
                if not test(inner):
                    return False
        return True

    return [accepted]


def _of_condition(schema: Mapping[str, Any]) -> list[Accepts]:
    if "if" not in schema:
        return []
    test, then, otherwise = (_compile(schema.get(name, True)) for name in ("if", "then", "else"))
    return [lambda value: then(value) if test(value) else otherwise(value)]


_MAKERS = (_of_type, _of_choice, _of_text, _of_number, _of_list, _of_map, _of_condition)
_KEYWORDS = (
    frozenset({"type", "enum", "const", "minLength", "maxLength", "pattern", "minimum", "maximum", "items", "minItems"})
    | {"maxItems", "uniqueItems", "properties", "patternProperties", "additionalProperties", "required"}
    | {"minProperties", "maxProperties", "if", "then", "else"}
)
