"""Editing one value in a YAML file and nothing else.

An edit is spliced into the text at the place of the value, so that every other line stays byte for byte what its author
wrote, whatever the style. The laws, checked on every edit and not only in the tests:

* ``parse(edit(text)) == edit(parse(text))``: the document means what it meant, but for the value that was edited;
* every comment of the text is still there (those that stood inside a replaced or removed value move above it).

A text where a splice would break a law (an alias, a complex key) is refused with its place: it is edited by hand.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

from molthub.errors import ManifestError, RegistryError
from molthub.model import Json
from molthub.registry.authoring import yaml_splice
from molthub.registry.authoring.yaml_places import comments_between
from molthub.yaml_text import Pointer, parse, pointer_text


def set_value(text: str, pointer: Pointer, value: Json, *, file: str = "") -> str:
    """Return ``text`` with ``value`` at ``pointer``; maps on the way are made, an index past the end appends.

    Raises :class:`RegistryError` where the text cannot be edited in place, :class:`ManifestError` where it is no YAML.
    """
    return _edited(
        text, file, pointer, lambda t: yaml_splice.put(t, pointer, value), lambda tree: _plain_set(tree, pointer, value)
    )


def remove(text: str, pointer: Pointer, *, file: str = "") -> str:
    """Return ``text`` without the key or item at ``pointer``. Raises as :func:`set_value`, or KeyError: not there."""
    return _edited(
        text, file, pointer, lambda t: yaml_splice.take_out(t, pointer), lambda tree: _plain_remove(tree, pointer)
    )


def quote(text: str, pointer: Pointer, *, file: str = "") -> str:
    """Return ``text`` with the plain scalar at ``pointer`` in double quotes: it then means the text that was typed."""
    written = parse(text, file).written.get(pointer)
    return text if written is None else set_value(text, pointer, written, file=file)


def comments(text: str) -> list[str]:
    """Return every comment of ``text``, from ``#`` to the end of its line, in order."""
    return [match.group().rstrip() for match in comments_between(text, 0, len(text))]


# --- the laws ------------------------------------------------------------------------------------------------------


def _edited(text: str, file: str, pointer: Pointer, splice: Callable[[str], str], change: Callable[[Any], Any]) -> str:
    """Run ``splice`` on the text and ``change`` on its value, and hold one against the other."""
    crlf = "\r\n" in text
    bom, plain = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    plain = plain.replace("\r\n", "\n")
    expected = change(copy.deepcopy(parse(plain, file).value))
    edited = splice(plain)
    if not _holds(plain, edited, expected, file):
        mark = parse(plain, file).key_mark(pointer)
        raise RegistryError(
            f"{pointer_text(pointer) or 'the document'} cannot be edited in place",
            place=f"{file}:{mark.line}" if file else f"line {mark.line}",
            remedy="edit it by hand, or write it in block style without anchors and aliases first",
        )
    return bom + (edited.replace("\n", "\r\n") if crlf else edited)


def _holds(before: str, after: str, expected: Any, file: str) -> bool:
    try:
        value = parse(after, file).value
    except ManifestError:
        return False
    lost = Counter(comments(before)) - Counter(comments(after))
    return bool(value == expected) and not lost


def _plain_set(tree: Any, pointer: Pointer, value: Json) -> Any:
    if not pointer:
        return value
    head, *rest = pointer
    if tree is None:
        tree = [] if isinstance(head, int) else {}
    if isinstance(tree, list) and isinstance(head, int):
        item = _plain_set(tree[head] if head < len(tree) else None, tuple(rest), value)
        return [*tree[:head], item, *tree[head + 1 :]]
    if not isinstance(tree, dict):
        raise RegistryError(f"{pointer_text(pointer)} lies inside a value that is no map", remedy="edit it by hand")
    return tree | {str(head): _plain_set(tree.get(str(head)), tuple(rest), value)}


def _plain_remove(tree: Any, pointer: Pointer) -> Any:
    holder = tree
    for part in pointer[:-1]:
        holder = holder[part]
    del holder[pointer[-1]]
    return tree
