"""Writing a value the way the text around it is written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from molthub.model import Json

_BARE_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_FIRST_NEWLINE = re.compile(r"\r\n|[\n\r]")
_FIRST_INDENT = re.compile(r"[\n\r]([ \t]+)(?=[^ \t\n\r])")


@dataclass(frozen=True, slots=True)
class Style:
    """How one file is written: its line end, one step of indentation, and whether keys are quoted."""

    newline: str = "\n"
    step: str = "  "
    quoted: bool = True

    @classmethod
    def of(cls, text: str, *, quoted: bool) -> Style:
        """Return the style of a text by its first line end and its first indented line."""
        newline, indent = _FIRST_NEWLINE.search(text), _FIRST_INDENT.search(text)
        return cls(newline[0] if newline else "\n", indent[1] if indent else "  ", quoted)

    def member(self, key: str | None, value: Json, indent: str | None) -> str:
        """Return a member (an item, where ``key`` is None) whose line begins with ``indent``; None: all on one line."""
        written = self.value(value, indent)
        return written if key is None else f"{self._key(key)}: {written}"

    def value(self, value: Json, indent: str | None) -> str:
        """Return a value; objects and lists of them take one line for each member unless ``indent`` is None."""
        if isinstance(value, dict) and value:
            inner = None if indent is None else indent + self.step
            return self._block("{}", [self.member(key, item, inner) for key, item in value.items()], indent)
        if isinstance(value, list | tuple) and value:
            nested = indent is not None and any(isinstance(item, dict | list | tuple) and item for item in value)
            inner = indent + self.step if nested and indent is not None else None
            return self._block("[]", [self.value(item, inner) for item in value], indent if nested else None)
        return _scalar(value)

    def _block(self, brackets: str, members: list[str], indent: str | None) -> str:
        if indent is None:
            return brackets[0] + ", ".join(members) + brackets[1]
        inner = self.newline + indent + self.step
        return brackets[0] + inner + f",{inner}".join(members) + self.newline + indent + brackets[1]

    def _key(self, key: str) -> str:
        return key if not self.quoted and _BARE_KEY.match(key) else _scalar(key)


def _scalar(value: Json) -> str:
    written = json.dumps(value, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8
        return json.dumps(value)
    return written
