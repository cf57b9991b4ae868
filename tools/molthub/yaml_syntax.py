"""What a YAML parser refuses, said as a problem that people can mend. Pure."""

from __future__ import annotations

import re

import yaml

from molthub.errors import Problem

MAX_DEPTH = 100
TOO_DEEP = f"the document is nested more than {MAX_DEPTH} levels deep"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml counts as the end of a line (YAML 1.1, section 4.2)."""


def syntax_problem(error: yaml.YAMLError, file: str, source: str) -> Problem:
    """Return what ``error`` says of the text ``source``; ``file`` only names the place."""
    if isinstance(error, yaml.reader.ReaderError):
        line, column = _line_and_column(source, error.position)
        what = f"the control character U+{ord(source[error.position]):04X} cannot stand here"
        remedy = "delete it, or write it escaped in double quotes"
        return Problem("MH002", what, remedy, file=file, line=line, column=column)
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    place = (mark.line + 1, mark.column + 1) if mark else (None, None)
    if what == TOO_DEEP:
        return Problem("MH004", what, "write it flatter, or split it", file=file, line=place[0], column=place[1])
    opened = getattr(error, "context_mark", None)
    if opened and "quoted scalar" in (getattr(error, "context", None) or ""):  # libyaml points at the end of the file
        what, place = "the quote that opens here is not closed", (opened.line + 1, opened.column + 1)
    elif mark and _begins_with_tab(source, mark.line):
        what = "a tab cannot indent"
    return Problem("MH002", f"not YAML: {what}", _syntax_remedy(what), file=file, line=place[0], column=place[1])


def _line_and_column(source: str, position: int) -> tuple[int, int]:
    before = source[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


def _begins_with_tab(source: str, line: int) -> bool:
    lines = _LINE_BREAK.split(source)
    text = lines[line] if line < len(lines) else ""  # libyaml may count a line after the last
    return "\t" in text[: len(text) - len(text.lstrip())]


_SYNTAX_REMEDIES = (
    (("single document", "another document"), "keep one document in a file"),
    (("mapping values are not allowed",), 'quote the value: it holds ": "'),
    (("a tab cannot indent",), "indent with spaces"),
    (("is not closed",), "close it where the text ends"),
    (
        ("cannot start any token", "expected ',' or", "flow"),
        "quote it, or write it in block style: @, `, ${...} and the like cannot stand bare in flow style",
    ),
    (("could not find expected ':'",), "a key ends with a colon and a space"),
)


def _syntax_remedy(what: str) -> str:
    found = (remedy for signs, remedy in _SYNTAX_REMEDIES if any(sign in what for sign in signs))
    return next(found, "check indentation and quotes near this place")
