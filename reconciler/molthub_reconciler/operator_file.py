"""The operator's own files under ``~/.config/molthub``: what to do besides bringing bots in sync.

Whoever can write such a file can let programs run and messages be sent in the operator's name, so it must be the
operator's (or root's), and nobody else may write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molthub.client.paths import config_folder
from molthub.errors import FormatError, ManifestError
from molthub.secrets.private_file import unsafe

_DURATION = re.compile(r"([1-9][0-9]{0,4})(s|m)\Z")


@dataclass(frozen=True, slots=True)
class OperatorFile:
    """One parsed file: ``value``, and how to refuse a place of it."""

    path: Path
    value: Mapping[str, Any]
    line_of: Callable[[tuple[str | int, ...]], int]

    def refuse(self, message: str, *pointer: str | int) -> FormatError:
        """Return the error about one place."""
        return FormatError(message, place=f"{self.path}:{self.line_of(pointer)}", remedy="see docs/DRIFT.md")

    def check_keys(self, said: Any, known: Collection[str], *pointer: str | int) -> Mapping[str, Any]:
        """Return a map that has known keys only. Raises :class:`FormatError`."""
        if not isinstance(said, Mapping):
            raise self.refuse("this is no map", *pointer)
        for key in said:
            if key not in known:
                raise self.refuse(f"{key} has no place here; known: {', '.join(sorted(known))}", *pointer, key)
        return said

    def seconds(self, said: Any, *pointer: str | int) -> float:
        """Return the seconds that ``30s`` or ``2m`` mean. Raises :class:`FormatError`."""
        match = _DURATION.match(str(said))
        if match is None:
            raise self.refuse("this is no duration: a number and s or m", *pointer)
        return int(match[1]) * (60.0 if match[2] == "m" else 1.0)


def read_operator_file(name: str, folder: Path | None = None) -> OperatorFile | None:
    """Read a file of the configuration folder; None where there is none.

    Raises :class:`FormatError` for one that others may write, or that does not parse.
    """
    path = (folder or config_folder()) / name
    if not path.exists():
        return None
    from molthub.yaml_text import parse

    refused = unsafe(path)
    if refused is not None:
        raise FormatError(refused.message, place=str(path), remedy=refused.remedy or "look at that file")
    try:
        document = parse(path.read_text(encoding="utf-8"), str(path))
    except ManifestError as error:
        raise FormatError(error.message, place=error.place or str(path), remedy="see docs/DRIFT.md") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"it cannot be read: {error}", place=str(path), remedy="look at that file") from None
    value = document.value if document.value is not None else {}
    if not isinstance(value, dict):
        raise FormatError("this is no map", place=str(path), remedy="see docs/DRIFT.md")
    return OperatorFile(path, value, lambda pointer: document.key_mark(pointer).line)
