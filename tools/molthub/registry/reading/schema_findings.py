"""Say in plain words what a JSON Schema refuses in a manifest, where, and how to mend it.

The values themselves are never repeated: one of them may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from molthub import schema_files
from molthub.errors import Problem
from molthub.nearest import did_you_mean
from molthub.yaml_text import Pointer, YamlDocument, pointer_text

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

Refusal = Any
"""A ``jsonschema.ValidationError``, whose own types allow for schemas that ours never are."""

Finding = tuple[str, Pointer, bool, str, str]
"""Id, pointer, whether the place is the key's rather than the value's, message, remedy."""

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
    "null": "null",
}


def schema_findings(kind: str, value: Any, document: YamlDocument, file: str) -> list[Problem]:
    """Return everything that the schema of ``kind`` refuses in ``value``, in the order of the file."""
    found = [
        _placed(file, document, finding)
        for error in _validator(kind).iter_errors(value)
        for finding in _explained(error)
    ]
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0, problem.message))


@cache
def _validator(kind: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    schemas = [schema_files.load(name) for name in schema_files.names()]
    resources = [(schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(schema_files.load(kind), registry=registry)


def _placed(file: str, document: YamlDocument, finding: Finding) -> Problem:
    problem_id, pointer, is_key, message, remedy = finding
    mark = document.key_mark(pointer) if is_key else document.mark(pointer)
    at = pointer_text(pointer) or None
    return Problem(problem_id, message, remedy, "error", file, mark.line, mark.column, at)


def _explained(error: Refusal) -> Iterator[Finding]:
    pointer: Pointer = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, pointer)
    elif error.validator == "required":
        yield from _missing_key(error, pointer)
    else:
        explain = _EXPLAIN.get(str(error.validator), _unforeseen)
        message, remedy = explain(error)
        yield "MH101", pointer, False, message, remedy


def _unknown_keys(error: Refusal, pointer: Pointer) -> Iterator[Finding]:
    known = list(error.schema.get("properties", {}))
    patterns = list(error.schema.get("patternProperties", {}))
    for key in error.instance:
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        if patterns:
            yield "MH101", (*pointer, key), True, f"{key!r} cannot be a key of {_holder(pointer)}", _about(error.schema)
        else:
            yield "MH102", (*pointer, key), True, f"unknown key {key!r}", _near(key, known)


def _holder(pointer: Pointer) -> str:
    keys = [part for part in pointer if isinstance(part, str)]
    return repr(keys[-1]) if keys else "the document"


def _missing_key(error: Refusal, pointer: Pointer) -> Iterator[Finding]:
    # jsonschema yields one error per missing key, and only its message says which.
    key = error.message.partition("' is a required")[0].lstrip("'")
    about = error.schema.get("properties", {}).get(key, {}).get("description", "")
    yield "MH101", pointer, True, f"the key {key!r} is missing", f"add it: {about}" if about else "add it"


def _near(word: str, known: list[str]) -> str:
    return did_you_mean(word, known, f"known here: {', '.join(known)}")


def _about(schema: Any) -> str:
    about: str = schema.get("description", "")
    examples = [str(example) for example in schema.get("examples", []) if isinstance(example, str | int)]
    example = f", for example {examples[0]}" if examples else ""
    return f"expected: {about.rstrip('.')}{example}" if about else "see the page of this kind in the documentation"


def _type(error: Refusal) -> tuple[str, str]:
    wanted = error.validator_value
    names = [_TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted)]
    return f"expected {' or '.join(names)}, found {_type_of(error.instance)}", _about(error.schema)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", int: "a number", float: "a number", dict: "a map", list: "a list"}
    return kinds.get(type(value), "nothing")


def _choice(error: Refusal) -> tuple[str, str]:
    choices = [str(choice) for choice in error.validator_value if choice is not None]
    remedy = did_you_mean(str(error.instance), choices, "choose one of these")
    return f"the value must be one of {', '.join(choices)}", remedy


def _constant(error: Refusal) -> tuple[str, str]:
    return f"the value must be {error.validator_value}", f"write {error.validator_value}"


def _pattern(error: Refusal) -> tuple[str, str]:
    return f"{_named(error)} does not have the form that is wanted here", _about(error.schema)


def _named(error: Refusal) -> str:
    """Name what is refused by its key; its value may be a secret."""
    keys = [part for part in error.absolute_path if isinstance(part, str)]
    return f"the text of {keys[-1]!r}" if keys else "the text"


def _bound(words: str) -> Callable[[Refusal], tuple[str, str]]:
    return lambda error: (words.format(error.validator_value), _about(error.schema))


def _unforeseen(error: Refusal) -> tuple[str, str]:
    return "the value is not what is wanted here", _about(error.schema)


_EXPLAIN: dict[str, Callable[[Refusal], tuple[str, str]]] = {
    "type": _type,
    "enum": _choice,
    "const": _constant,
    "pattern": _pattern,
    "minLength": _bound("the text is shorter than {} characters"),
    "maxLength": _bound("the text is longer than {} characters"),
    "minItems": _bound("the list holds fewer than {} items"),
    "maxItems": _bound("the list holds more than {} items"),
    "uniqueItems": lambda error: ("the list holds an item twice", "keep one of the two"),  # noqa: ARG005 (one shape)
    "minProperties": _bound("the map holds fewer than {} keys"),
    "maxProperties": _bound("the map holds more than {} keys"),
    "minimum": _bound("the number is below {}"),
    "maximum": _bound("the number is above {}"),
}
