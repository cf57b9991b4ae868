"""How a program expands variables in its files, and how a desired value is written so that it means the same there.

What is written is read back the way the program reads it: the literal text and the secrets that come out must be those
that were declared. So nothing depends on knowing every way in which a ``$`` may meet what stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from molthub.model import Json
from molthub.references.secrets import Piece, Secret, declared_text, pieces, reference, render, value_error, variable_of

_UNSAFE_KEYS = frozenset({"__proto__", "constructor", "prototype"})


@dataclass(frozen=True, slots=True)
class Interpolation:
    """A program's expansion of environment variables, in one pass from left to right.

    ``token`` matches what the program acts on: group ``name`` is a variable to expand, group ``text`` what an escape
    stands for; a match with neither is something that must not be written. ``escape`` writes literal text.
    ``refused_keys`` are keys of objects that the program acts on as well. ``reference`` is how a variable is referred
    to, with ``%s`` for its name.
    """

    token: re.Pattern[str]
    escape: Callable[[str], str] = str
    refused_keys: frozenset[str] = frozenset()
    reference: str = "${%s}"

    def written(self, key: str, value: Json, at: str = "") -> Json:
        """Return the value of desired ``key``, or the part of it at the pointer ``at``, as the program must find it.

        Raises :class:`PlatformValueError` (MH707) where the program would read something else than is meant.
        """
        own_name = key.rpartition("/")[2]
        for place, name in (("", own_name), *_names(value, at)):
            if name in self.refused_keys | _UNSAFE_KEYS:
                raise value_error(key, f"the program does not take the name {name!r}{place}", "choose another name")
        for place, text in _texts(value, at):
            if self._read(self._write(text)) != _referred(text):
                problem = f"the text{place} holds something that the program would expand or change, as ${{NAME}}"
                raise value_error(key, problem, "write it another way, or give the whole text as one secret")
        return render(value, self._reference_text, self.escape)

    def read_back(self, key: str, text: str, at: str = "") -> str:
        """Return what would have to be declared for a program's own ``text``: the inverse of :meth:`written`.

        Raises :class:`PlatformValueError` (MH707) where no declaration means the same.
        """
        found = self._read(text)
        names = [piece.name.lower() if isinstance(piece, Secret) else "" for piece in found]
        for piece, name in zip(found, names, strict=True):
            if isinstance(piece, Secret) and (name[:1] in ("", "_") or variable_of(name) != piece.name):
                place = f" at {at}" if at else ""
                problem = f"the text{place} holds something that the program expands and that is no plain variable"
                raise value_error(key, problem, "name a variable of capitals, digits and _ alone, or leave it as it is")
            if name:
                reference(name)
        return declared_text(Secret(name) if name else piece for piece, name in zip(found, names, strict=True))

    def _write(self, text: str) -> str:
        written = render(text, self._reference_text, self.escape)
        return str(written)

    def _reference_text(self, secret: str) -> str:
        return self.reference % reference(secret)

    def _read(self, text: str) -> tuple[Piece, ...]:
        found: list[Piece] = []
        start = 0
        for match in self.token.finditer(text):
            groups = match.groupdict()
            found.append(text[start : match.start()])
            found.append(groups["text"] if groups.get("text") is not None else Secret(groups.get("name") or ""))
            start = match.end()
        return _joined([*found, text[start:]])


def _referred(text: str) -> tuple[Piece, ...]:
    """Return a desired text's pieces, each secret as the variable that holds it."""
    return tuple(Secret(reference(piece.name)) if isinstance(piece, Secret) else piece for piece in pieces(text))


def _joined(parts: list[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return tuple(joined)


def _names(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield every key of an object in a value, with words for its place."""
    for at, inner in _walk(value, pointer):
        if isinstance(inner, dict):
            yield from ((at, name) for name in inner)


def _texts(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a value, with words for its place."""
    return ((at, inner) for at, inner in _walk(value, pointer) if isinstance(inner, str))


def _walk(value: Json, pointer: str) -> Iterator[tuple[str, Json]]:
    yield f" at {pointer}" if pointer else "", value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _walk(item, f"{pointer}/{number}")
