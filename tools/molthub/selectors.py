"""Which bots a person means by their labels, as ``kubectl -l`` reads it: ``team=a,tier!=edge,env in (dev,test)``. Pure.

After Kubernetes, "Labels and Selectors": ``=``, ``==``, ``!=``, ``in``, ``notin``, a key alone (it is there) and
``!key`` (it is not); all that is said must hold. A bot without the label fits ``!=`` and ``notin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from molthub.errors import UsageError

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_TERM = re.compile(
    rf"\s*(?:(?P<key>{_KEY})\s*(?P<sign>==?|!=)\s*(?P<value>{_VALUE})"
    rf"|(?P<of>{_KEY})\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<absent>!?)\s*(?P<there>{_KEY}))\s*(?:,|\Z)"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the label ``key`` has one of ``values``, or none of them; without values, it is there, or not."""

    key: str
    values: frozenset[str] | None
    is_wanted: bool

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are as it says."""
        found = self.key in labels if self.values is None else labels.get(self.key) in self.values
        return found == self.is_wanted


def selector(texts: Iterable[str]) -> tuple[Term, ...]:
    """Return the conditions of ``--selector``. Raises :class:`UsageError`."""
    return tuple(term for text in texts if text.strip() for term in _terms(text))


def _terms(text: str) -> Iterator[Term]:
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            remedy = "write team=payments,tier!=edge,env in (dev,test),canary,!old"
            raise UsageError(f"{text!r} selects nothing: {text[at:].strip()!r} is no condition", remedy=remedy)
        at = match.end()
        if match["key"] is not None:
            yield Term(match["key"], frozenset({match["value"]}), match["sign"] != "!=")
        elif match["of"] is not None:
            values = frozenset(value.strip() for value in match["values"].split(","))
            yield Term(match["of"], values, match["set"] == "in")
        else:
            yield Term(match["there"], None, not match["absent"])
