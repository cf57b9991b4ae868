"""Writing values as YAML: maps in block style, lists and everything else on one line."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.model import Json
from molthub.yaml_scalars import scalar


def key_text(name: str) -> str:
    """Return one key; what some parser would take for anything but text is quoted."""
    return scalar(name, in_flow=True)


def inline(value: Json) -> str:
    """Return any value on one line, collections in flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return scalar(value, in_flow=True)


def is_block(value: Json) -> bool:
    """Whether a value takes lines of its own: a map that holds something."""
    return isinstance(value, Mapping) and bool(value)


def lines(members: Mapping[str, Json], indent: str, step: str) -> list[str]:
    """Return a map's members as lines."""
    found: list[str] = []
    for key, item in members.items():
        if is_block(item):
            found += [f"{indent}{key_text(key)}:", *lines(item, indent + step, step)]
        else:
            found.append(f"{indent}{key_text(key)}: {inline(item)}")
    return found
