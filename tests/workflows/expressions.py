"""The expressions of workflows, as far as ours use them: contexts, texts, ``==``, ``!=``, ``&&``, ``||``, ``!``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|!|\(|\))|([A-Za-z_][\w.-]*))")
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}")


def filled(text: Any, contexts: Mapping[str, Any]) -> str:
    """Return a value of a workflow as text, expressions in it evaluated."""
    return _EMBEDDED.sub(lambda match: _text(evaluate(match[1], contexts)), _text(text))


def is_true(condition: str, contexts: Mapping[str, Any]) -> bool:
    """Whether an ``if`` holds."""
    found = _EMBEDDED.fullmatch(condition.strip())
    return bool(evaluate(found[1] if found else condition, contexts))


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """Return the value of an expression. What a context does not have is empty."""
    return _Parser(expression, contexts).value()


class _Parser:
    def __init__(self, expression: str, contexts: Mapping[str, Any]) -> None:
        self._contexts = contexts
        self._tokens: list[str] = []
        at = 0
        while expression[at:].strip():
            match = _TOKEN.match(expression, at)
            assert match is not None, f"not understood: {expression[at:]}"
            self._tokens.append(match[0].strip())
            at = match.end()

    def value(self) -> Any:
        found = self._or()
        assert not self._tokens, f"left over: {self._tokens}"
        return found

    def _or(self) -> Any:
        found = self._and()
        while self._take("||"):
            other = self._and()
            found = found or other
        return found

    def _and(self) -> Any:
        found = self._comparison()
        while self._take("&&"):
            other = self._comparison()
            found = found and other
        return found

    def _comparison(self) -> Any:
        found = self._one()
        if self._take("=="):
            return _text(found) == _text(self._one())
        if self._take("!="):
            return _text(found) != _text(self._one())
        return found

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            found = self._or()
            assert self._take(")")
            return found
        token = self._tokens.pop(0)
        return token[1:-1].replace("''", "'") if token.startswith("'") else self._context(token)

    def _context(self, path: str) -> Any:
        found: Any = self._contexts
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _take(self, token: str) -> bool:
        if self._tokens[:1] == [token]:
            del self._tokens[0]
            return True
        return False


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
