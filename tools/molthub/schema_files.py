"""The JSON Schema files, as shipped: `molthub/schemas` in a wheel, `schemas/` in a checkout.

Nothing here knows JSON Schema; whoever validates brings a validator.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

BASE_URL = "https://molthub.dev/schemas/"
"""What every schema's `$id` starts with; the file's name follows."""

SUFFIX = ".schema.json"


def names() -> tuple[str, ...]:
    """Return the kinds that have a schema, sorted; `common`, which holds the shared definitions, is one of them."""
    return tuple(
        sorted(entry.name.removesuffix(SUFFIX) for entry in _folder().iterdir() if entry.name.endswith(SUFFIX))
    )


def text(kind: str) -> bytes:
    """Return the bytes of the schema of `kind`, as the index publishes them.

    Raises:
        KeyError: there is no schema of that name.
    """
    # The name is looked up, so that a kind that holds a path reads no other file.
    if kind not in names():
        raise KeyError(kind)
    return (_folder() / (kind + SUFFIX)).read_bytes()


@cache
def load(kind: str) -> dict[str, Any]:
    """Return the schema of `kind`, parsed once and shared: do not change it.

    Raises:
        KeyError: there is no schema of that name.
    """
    schema: dict[str, Any] = json.loads(text(kind))
    return schema


def embedded(value: Any, components: dict[str, Any]) -> Any:
    """Return a value whose references to published schemas lead to OpenAPI's ``components``, where those are put."""
    if isinstance(value, list):
        return [embedded(item, components) for item in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref")
    if not isinstance(target, str) or not target.startswith(BASE_URL):
        return {key: embedded(item, components) for key, item in value.items()}
    kind, _, place = target.removeprefix(BASE_URL).partition(f"{SUFFIX}#/$defs/")
    name = f"{kind}.{place}" if place else kind.removesuffix(SUFFIX)
    if name not in components:
        components[name] = {}  # a schema may refer to itself
        schema = load(kind)["$defs"][place] if place else load(name)
        said = {key: item for key, item in schema.items() if key not in ("$schema", "$id")}
        components[name] = embedded(said, components)
    return {**value, "$ref": f"#/components/schemas/{name}"}


@cache
def _folder() -> Traversable:
    from importlib.resources import files

    shipped = files("molthub") / "schemas"
    if shipped.is_dir():
        return shipped
    # An editable install imports from tools/molthub, where the wheel's copy is missing.
    return Path(__file__).resolve().parents[2] / "schemas"
