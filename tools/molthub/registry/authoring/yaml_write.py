"""Plain values out, YAML as people would write it: block style, two spaces, double quotes where quotes are needed.

What is written here reads back as the same value with :mod:`molthub.yaml_text` and with any YAML 1.1 or 1.2 parser:
text that some parser would take for a number, a boolean, a date or a null is quoted.
"""

from __future__ import annotations

from typing import Any

from molthub.model import Json
from molthub.yaml_scalars import quoted, scalar

__all__ = ["OneLine", "block", "document", "inline", "is_block", "quoted", "scalar"]


class OneLine(dict[str, Any]):
    """A map that is written on one line: ``{version: 1.2.0, digest: "sha256:..."}``."""


def inline(value: Json) -> str:
    """Return any value on one line, collections in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return scalar(value, in_flow=True)


def beside(value: Json) -> str:
    """Return a value as it stands on the line of its key or dash, where that is in block style."""
    return inline(value) if isinstance(value, dict | list | tuple) else scalar(value)


def is_block(value: Json) -> bool:
    """Whether ``value`` takes lines of its own: a collection that holds something and is not a :class:`OneLine`."""
    return isinstance(value, dict | list | tuple) and bool(value) and not isinstance(value, OneLine)


def block(value: Json, indent: int = 0) -> list[str]:
    """Return a collection as lines in block style, each indented by ``indent`` spaces."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines += _entry(_key(key) + ":", item, indent, list_indent=2)
    else:
        for item in value:
            lines += _item(item, indent)
    return lines


def document(value: Json, *, schema: str | None = None) -> str:
    """Return a whole document. ``schema`` is the URL that editors find its JSON Schema at."""
    head = [f"# yaml-language-server: $schema={schema}"] if schema else []
    return "\n".join([*head, *block(value)]) + "\n"


def _key(key: str) -> str:
    """Return a key; numbers stand bare there, as in ``1: ...``: a key is text whatever it looks like."""
    return key if key.isascii() and key.isdecimal() else scalar(key, in_flow=True)


def _entry(head: str, item: Json, indent: int, *, list_indent: int) -> list[str]:
    pad = " " * indent
    if not is_block(item):
        return [f"{pad}{head} {beside(item)}"]
    inner = indent + 2 if isinstance(item, dict) else indent + list_indent
    return [pad + head, *block(item, inner)]


def _item(item: Json, indent: int) -> list[str]:
    if not is_block(item):
        return _entry("-", item, indent, list_indent=2)
    first, *rest = block(item, indent + 2)
    return [" " * indent + "- " + first[indent + 2 :], *rest]
