"""Patterns over the keys of desired state and over what is inside their values.

A key and a place inside its value make one path: ``mcp/github`` and the JSON pointer ``/env/LOG_LEVEL`` (RFC 6901)
are ``mcp/github/env/LOG_LEVEL``; the file ``docs/a.md`` of a skill is ``skill/git/docs/a.md``. In a pattern ``*``
stands for anything within one step of a path, ``?`` for one character, ``**`` for any number of steps. A pattern that
matches a path also matches whatever is below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from molthub.model import KeyRule

KINDS = ("skill", "mcp", "env", "config")
MOST_WILDCARDS = 6
_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def path_of(key: str, inside: Sequence[str] = ()) -> str:
    """Return the path of a key, or of a place inside its value; steps are escaped as in a JSON pointer."""
    return "/".join([key, *(step.replace("~", "~0").replace("/", "~1") for step in inside)])


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression that a pattern means. Raises ValueError for one that could match nothing."""
    kind = pattern.partition("/")[0]
    if not any(re.fullmatch(_expression(kind), known) for known in KINDS) and not kind.startswith("**"):
        raise ValueError(f"a key begins with {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if len(re.findall(r"\*+", pattern)) > MOST_WILDCARDS:
        raise ValueError(f"more than {MOST_WILDCARDS} wildcards")
    return re.compile(_expression(pattern))


def _expression(pattern: str) -> str:
    return "".join(_MEANING.get(token, re.escape(token)) for token in _TOKENS.findall(pattern))


@dataclass(frozen=True, slots=True)
class KeyRules:
    """Rules in order: the first one that matches counts. Raises ValueError for a pattern that is none."""

    rules: tuple[KeyRule, ...] = ()
    _compiled: tuple[re.Pattern[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", tuple(compiled(rule.match) for rule in self.rules))

    def of_key(self, key: str) -> KeyRule | None:
        """Return the rule for a key as a whole."""
        return self._first([key])

    def of_part(self, key: str, inside: Sequence[str]) -> KeyRule | None:
        """Return the rule for a place inside a key's value: one for it, or for what it is inside of."""
        return self._first([path_of(key, inside[:depth]) for depth in range(len(inside) + 1)])

    def of_file(self, key: str, path: str) -> KeyRule | None:
        """Return the rule for one file of a skill: one for it, or for a folder that it is in."""
        steps = path.split("/")
        return self._first(["/".join([key, *steps[:depth]]) for depth in range(len(steps) + 1)])

    def may_reach_into(self, key: str) -> bool:
        """Whether a rule may match a part of the key's value and not the whole; cheap, and true rather than false."""
        own = key.split("/")
        return any(_may_reach(rule.match.split("/"), own) for rule in self.rules)

    def _first(self, paths: Iterable[str]) -> KeyRule | None:
        paths = list(paths)
        for rule, expression in zip(self.rules, self._compiled, strict=True):
            if any(expression.fullmatch(path) for path in paths):
                return rule
        return None


def _may_reach(pattern: Sequence[str], key: Sequence[str]) -> bool:
    for own, step in zip(key, pattern, strict=False):
        if "**" in step:
            return True
        if not re.fullmatch(_expression(step), own):
            return False
    return len(pattern) > len(key)
