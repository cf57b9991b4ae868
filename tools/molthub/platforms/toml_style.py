"""Writing values as TOML: tables under headers of their own, everything else on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from molthub.model import Json

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def key(name: str) -> str:
    """Return one key, quoted where it must be."""
    return name if _BARE_KEY.match(name) else _string(name)


def dotted(path: Sequence[str]) -> str:
    """Return keys joined by dots."""
    return ".".join(map(key, path))


def inline(value: Json) -> str:
    """Return any value on one line. Raises :class:`ValueError` for null, which TOML does not have."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key(name)} = {inline(item)}" for name, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if value is None:
        raise ValueError("TOML has no null")
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124 (nan)
    return json.dumps(value)


def sections(path: Sequence[str], table: Mapping[str, Json], newline: str) -> str:
    """Return a table as sections: its own pairs, then the tables in it, a blank line between, no final newline."""
    return (newline * 2).join(_sections(path, table, newline))


def _sections(path: Sequence[str], table: Mapping[str, Json], newline: str) -> Iterator[str]:
    inner = {name: item for name, item in table.items() if isinstance(item, Mapping) and item}
    pairs = [f"{key(name)} = {inline(item)}" for name, item in table.items() if name not in inner]
    yield newline.join([f"[{dotted(path)}]", *pairs])
    for name, item in inner.items():
        yield from _sections([*path, name], item, newline)


def _string(text: str) -> str:
    """Return a basic string: JSON's escapes are TOML's, but for DEL; half a surrogate pair cannot be said."""
    text.encode()  # raises ValueError for half a surrogate pair
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
