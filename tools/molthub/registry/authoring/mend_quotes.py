"""Quotes around values that make frontmatter parse again. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from molthub.errors import ManifestError, Problem
from molthub.yaml_text import parse

_VALUE_LINE = re.compile(r"(?P<head>[ ]*(?:- )?[\w.-]+[ \t]*:[ \t]+)(?P<value>\S.*?)(?P<end>[ \t]*\r?\n?)\Z")
KEY_LINE = re.compile(r"[\w.-]+[ \t]*:(?:[ \t]|\r?\n|\Z)")
"""A line that a key of the outermost map stands on."""


def fault_of(yaml: str) -> Problem | None:
    """Return the first thing that keeps a text from parsing; None: it parses."""
    try:
        parse(yaml, "")
    except ManifestError as error:
        return error.problems[0]
    return None


@dataclass(frozen=True, slots=True)
class Quoting:
    """A text with one more value in quotes: that of ``key``, in ``line`` (from 1)."""

    text: str
    line: int
    key: str


def quoted(yaml: str, fault: Problem) -> Quoting | None:
    """Return the text with the one value in quotes whose quotes let it parse, or parse further; None: none does."""
    return next((one for one in _quotings(yaml, fault) if _is_better(one, fault)), None)


def _is_better(quoting: Quoting, fault: Problem) -> bool:
    """Whether the text parses now, or at least further than before."""
    left = fault_of(quoting.text)
    return left is None or (left.line or 0) > (fault.line or 0)


def _quotings(yaml: str, fault: Problem) -> Iterator[Quoting]:
    """Yield the text with one more value in quotes: the faulty line's, then its key's, then any other."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", yaml)
    at = min((fault.line or 1) - 1, len(lines) - 1)
    tops = [number for number, line in enumerate(lines) if KEY_LINE.match(line)]
    above = [number for number in tops if number <= at]
    for number in dict.fromkeys([at, *above[-1:], *tops]):
        match = _VALUE_LINE.match(lines[number])
        if match is None:
            continue
        last = number
        while number in tops and last + 1 < len(lines) and lines[last + 1][:1] in (" ", "\t"):
            last += 1
        tail = "".join(lines[number + 1 : last + 1])
        value = match["value"] + (match["end"] + tail.rstrip() if tail.strip() else "")
        end = match["end"] if not tail.strip() else tail[len(tail.rstrip()) :]
        text = "".join(lines[:number]) + match["head"] + _in_quotes(value) + end + "".join(lines[last + 1 :])
        yield Quoting(text, number + 1, match["head"].strip(" -:\t"))


def _in_quotes(value: str) -> str:
    """Return faulty text as a double-quoted scalar, line breaks as they are; old quotes around it go."""
    for opener in ('"', "'"):
        if len(value) > 1 and value.startswith(opener) and value.endswith(opener):
            value = value[1:-1].replace('\\"', '"') if opener == '"' else value[1:-1].replace("''", "'")
            break
    else:
        value = re.sub(r"\A[|>][+-]?[ \t]+(?=\S)", "", value)  # `description: > Use when ...` on one line
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
