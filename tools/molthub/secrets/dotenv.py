r"""Lines ``NAME=value``, as ``.env`` files and systemd's ``EnvironmentFile`` hold them. Pure; never quotes a line.

A value is literal in single quotes; in double quotes ``\n``, ``\t``, ``\r``, ``\"``, ``\\`` and ``\$`` are
escapes; both may run over lines. Without quotes it ends before ``#`` after a space, or with the line. Nothing is
expanded: what stands there is the secret.
"""

from __future__ import annotations

import re

_SPACE = re.compile(r"(?:\s|#[^\n]*(?:\n|\Z))*")
_ENTRY = re.compile(
    r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*"
    r"(?:'(?P<literal>[^']*)'|\"(?P<escaped>(?:[^\"\\]|\\.)*)\"|(?P<plain>(?!['\"])[^\n]*?))"
    r"[ \t]*(?:(?<=[ \t])#[^\n]*)?\r?(?:\n|\Z)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class DotenvError(ValueError):
    """A line is no entry; ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is no NAME=value")
        self.line = line


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the values by name; of a name that stands twice, the last. Raises :class:`DotenvError`."""
    found: dict[str, str] = {}
    at = _next(text, 0)
    while at < len(text):
        match = _ENTRY.match(text, at)
        if match is None:
            raise DotenvError(text.count("\n", 0, at) + 1)
        found[match["name"]] = _value(match)
        at = _next(text, match.end())
    return found


def _next(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _value(match: re.Match[str]) -> str:
    if match["literal"] is not None:
        return match["literal"]
    if match["escaped"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["escaped"])
    return match["plain"]
