"""What a program does to a secret's value on its way to a server: values that would not arrive as they are.

Nothing of it can be helped in what is written, since a value is not known then; whoever knows one can tell
(:mod:`molthub.secrets.spoiled`) before the program meets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from molthub.model import Json
from molthub.references.secrets import placeholders

_EVERY = frozenset({"command", "args", "env", "url", "headers"})


@dataclass(frozen=True, slots=True)
class Pitfall:
    """One kind of value that a program spoils, in the declared ``fields`` of a server where it refers to variables.

    ``happens`` says what such a value looks like and what becomes of it, ``remedy`` what to do.
    """

    value: re.Pattern[str]
    happens: str
    remedy: str
    fields: frozenset[str] = _EVERY

    def spoils(self, value: str) -> bool:
        """Whether ``value`` is of this kind."""
        return self.value.search(value) is not None

    def concerns(self, server: Json, secret: str) -> bool:
        """Whether the secret named ``secret`` stands in a field of a declared server where such values are spoiled."""
        return any(secret in placeholders(server[field]) for field in self.fields if field in server)


_ELSE = "give the secret another value, or name a file that holds it"
EXPANDED_TWICE = Pitfall(
    re.compile(r"\$\w|\$\{|\\\$"),
    "`env` and `headers` are expanded twice: a value with `$NAME`, `${NAME}` or `\\$` in it arrives changed",
    _ELSE,
    frozenset({"env", "headers"}),
)
BREAKS_THE_FILE = Pitfall(
    re.compile(r'["\\\x00-\x1f]'),
    "values are put into the file's text before it is parsed: one with a quote, a backslash or a line end breaks it",
    _ELSE,
)
READS_FILES = Pitfall(
    re.compile(r"\{file:[^}]+\}"),
    "values are put into the file's text before files are read: one with `{file:...}` in it brings that file's content",
    _ELSE,
)
TAKEN_FOR_JSON = Pitfall(
    re.compile(r"""\A\s*(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|"[\s\S]*"|\[[\s\S]*\]|\{[\s\S]*\})\s*\Z"""),
    "a variable is taken for JSON where it is that: a value that is a number, `true` or in brackets reaches no header",
    _ELSE,
    frozenset({"headers"}),
)
