r"""Lines ``NAME=value``, as ``.env`` files and systemd's ``EnvironmentFile`` hold them. Pure; never quotes a line.

A value is literal in single quotes; in double quotes ``\n``, ``\t``, ``\r``, ``\"``, ``\\`` and ``\$`` are
escapes; both may run over lines. Without quotes it ends before ``#`` after a space, or with the line. Nothing is
expanded: what stands there is the secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SPACE = re.compile(r"(?:\s|#[^\n]*(?:\n|\Z))*")
_ENTRY = re.compile(
    r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*"
    r"(?:'(?P<literal>[^']*)'|\"(?P<escaped>(?:[^\"\\]|\\.)*)\"|(?P<plain>(?!['\"])[^\n]*?))"
    r"[ \t]*(?:(?<=[ \t])#[^\n]*)?\r?(?:\n|\Z)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_./:+=@%,-]+\Z")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class DotenvError(ValueError):
    """A line is no entry; ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is no NAME=value")
        self.line = line


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the values by name; of a name that stands twice, the last. Raises :class:`DotenvError`."""
    return {match["name"]: _value(match) for match in _entries(text)}


def with_entry(text: str, name: str, value: str) -> str:
    """Return the text with another value for ``name``, or with a line more. All else stays byte for byte.

    Raises :class:`DotenvError`.
    """
    entries = [match for match in _entries(text) if match["name"] == name]
    if entries:
        start, end = _span(entries[-1])
        return text[:start] + _quoted(value) + text[end:]
    line_end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{line_end}{name}={_quoted(value)}\n"


def without_entry(text: str, name: str) -> str:
    """Return the text without any line of ``name``. Raises :class:`DotenvError`."""
    for match in reversed([match for match in _entries(text) if match["name"] == name]):
        text = text[: match.start()] + text[match.end() :]
    return text


def _entries(text: str) -> Iterator[re.Match[str]]:
    at = _next(text, 0)
    while at < len(text):
        match = _ENTRY.match(text, at)
        if match is None:
            raise DotenvError(text.count("\n", 0, at) + 1)
        yield match
        at = _next(text, match.end())


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return where an entry's value stands, with its quotes."""
    if match["plain"] is not None:
        return match.span("plain")
    start, end = match.span("literal" if match["literal"] is not None else "escaped")
    return start - 1, end + 1


def _quoted(value: str) -> str:
    """Return a value as any reader of such files takes it: nothing in it is expanded."""
    if _BARE.match(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value)
    return f'"{escaped}"'


def _next(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _value(match: re.Match[str]) -> str:
    if match["literal"] is not None:
        return match["literal"]
    if match["escaped"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["escaped"])
    return match["plain"]
