"""Editing one value in a YAML file and nothing else.

An edit is spliced into the text at the place of the value, so that every other line stays byte for byte what its author
wrote, whatever the style. The laws, checked on every edit and not only in the tests:

* ``parse(edit(text)) == edit(parse(text))``: the document means what it meant, but for the value that was edited;
* every comment of the text is still there (those that stood inside a replaced or removed value move above it).

A text where a splice would break a law (an alias, a complex key) is refused with its place: it is edited by hand.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from molthub.errors import ManifestError, RegistryError
from molthub.model import Json
from molthub.registry.authoring import yaml_write
from molthub.yaml_text import Pointer, parse, pointer_text

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_COMMENT = re.compile(r"(?:^|(?<=[ \t\n]))#[^\n]*", re.MULTILINE)


def set_value(text: str, pointer: Pointer, value: Json, *, file: str = "") -> str:
    """Return ``text`` with ``value`` at ``pointer``; maps on the way are made, an index past the end appends.

    Raises :class:`RegistryError` where the text cannot be edited in place, :class:`ManifestError` where it is no YAML.
    """
    return _edited(
        text, file, pointer, lambda t: _set(t, pointer, value), lambda tree: _plain_set(tree, pointer, value)
    )


def remove(text: str, pointer: Pointer, *, file: str = "") -> str:
    """Return ``text`` without the key or item at ``pointer``. Raises as :func:`set_value`, or KeyError: not there."""
    return _edited(text, file, pointer, lambda t: _remove(t, pointer), lambda tree: _plain_remove(tree, pointer))


def quote(text: str, pointer: Pointer, *, file: str = "") -> str:
    """Return ``text`` with the plain scalar at ``pointer`` in double quotes: it then means the text that was typed."""
    written = parse(text, file).written.get(pointer)
    return text if written is None else set_value(text, pointer, written, file=file)


def comments(text: str) -> list[str]:
    """Return every comment of ``text``, from ``#`` to the end of its line, in order."""
    return [match.group().rstrip() for match in _comments_between(text, 0, len(text))]


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


# --- where things stand --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """A node, what holds it, and where its own text begins (``after`` the colon or dash) and ends."""

    node: yaml.Node
    holder: yaml.Node | None
    key: yaml.Node | None
    index: int
    after: int
    end: int
    in_flow: bool

    @property
    def start(self) -> int:
        return int(self.node.start_mark.index)


def _compose(text: str) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node


def _walk(text: str, pointer: Pointer) -> tuple[list[_Place], Pointer]:
    """Return the places along ``pointer`` as far as they exist, and the part of the pointer that does not."""
    root = _compose(text)
    if root is None:
        return [], pointer
    places = [_Place(root, None, None, 0, root.start_mark.index, _end(root, text), in_flow=False)]
    for depth, part in enumerate(pointer):
        found = _child(text, places[-1], part)
        if found is None:
            return places, pointer[depth:]
        places.append(found)
    return places, ()


def _child(text: str, place: _Place, part: str | int) -> _Place | None:
    holder = place.node
    in_flow = place.in_flow or bool(getattr(holder, "flow_style", False))
    if isinstance(holder, yaml.MappingNode):
        for index, (key, node) in enumerate(holder.value):
            if key.value == part:
                after = text.index(":", key.end_mark.index) + 1
                return _Place(node, holder, key, index, after, max(after, _end(node, text)), in_flow)
    if isinstance(holder, yaml.SequenceNode) and isinstance(part, int) and part < len(holder.value):
        node = holder.value[part]
        start = node.start_mark.index
        after = start if in_flow else text.rindex("-", 0, start) + 1
        return _Place(node, holder, None, part, after, max(after, _end(node, text)), in_flow)
    return None


def _end(node: yaml.Node, text: str) -> int:
    """Return the index after the node's last character, its last line break apart.

    A block collection's own end mark lies before the next token, after comments, so its last child is asked.
    """
    if isinstance(node, yaml.ScalarNode):
        end: int = node.end_mark.index
        if node.style not in ("|", ">"):
            return end
        header = text[node.start_mark.index : text.find("\n", node.start_mark.index)]
        return end - 1 if "+" in header.partition("#")[0] else len(text[:end].rstrip())
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    if isinstance(node, yaml.MappingNode):
        key, value = last
        return max(text.index(":", key.end_mark.index) + 1, _end(value, text))
    return max(_end(last, text), int(last.start_mark.index))


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _next_line(text: str, index: int) -> int:
    """Return where the line after the one of ``index`` begins; a text without a last line break is as long as that."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _comments_between(text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the comments that begin in ``text[start:end]``: whatever looks like one and lies in no scalar."""
    hidden = bytearray(len(text) + 1)
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.ScalarToken):
            first, last = token.start_mark.index, token.end_mark.index
            if token.style in ("|", ">"):  # a block scalar's header line may carry a comment
                first = _next_line(text, first)
            hidden[first:last] = b"\x01" * (last - first)
    found = []
    at = start
    while (match := _COMMENT.search(text, at, len(text))) is not None and match.start() < end:
        at = match.start() + 1 if hidden[match.start()] else match.end()
        if not hidden[match.start()]:
            found.append(match)
    return found


# --- splices -------------------------------------------------------------------------------------------------------


def _set(text: str, pointer: Pointer, value: Json) -> str:
    places, missing = _walk(text, pointer)
    if not places:
        return _with_line_end(text) + "\n".join(yaml_write.block(_nested(missing, value))) + "\n"
    if not missing:
        return _replace(text, pointer, places, value)
    nested = _nested(missing[1:], value)
    holder = places[-1]
    if not isinstance(holder.node, yaml.CollectionNode) or not holder.node.value:
        whole = [nested] if isinstance(holder.node, yaml.SequenceNode) else {str(missing[0]): nested}
        return _replace(text, pointer[: len(pointer) - len(missing)], places, whole)
    entry = [nested] if isinstance(holder.node, yaml.SequenceNode) else {str(missing[0]): nested}
    if holder.in_flow or holder.node.flow_style:
        last = _end(_value(holder.node, -1), text)
        return text[:last] + ", " + yaml_write.inline(entry)[1:-1] + text[last:]
    indent = _column(holder.node)
    at = _past_own_comments(text, _next_line(text, holder.end), indent)
    lines = "\n".join(yaml_write.block(entry, indent)) + "\n"
    return _with_line_end(text[:at]) + lines + text[at:]


def _nested(pointer: Pointer, value: Json) -> Json:
    for part in reversed(pointer):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def _column(node: yaml.Node) -> int:
    """Return the column of a block collection's keys or dashes."""
    return int(node.start_mark.column)


def _past_own_comments(text: str, at: int, indent: int) -> int:
    """Step over comment lines that directly follow and are indented like the collection: they belong to it."""
    while match := re.compile(rf" {{{max(indent, 1)},}}#[^\n]*(?:\n|\Z)").match(text, at):
        at = match.end()
    return at


def _with_line_end(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _replace(text: str, pointer: Pointer, places: list[_Place], value: Json) -> str:
    place = places[-1]
    inside = _comments_between(text, place.after, max(place.end, place.start))
    if inside and isinstance(place.node, yaml.MappingNode) and isinstance(value, dict) and value:
        return _merge(text, pointer, place.node, value)
    if place.holder is None:
        lines = yaml_write.block(value) if yaml_write.is_block(value) else [yaml_write.inline(value)]
        kept = [match.group() for match in inside]
        return text[: place.start] + "\n".join([*kept, *lines]) + text[place.end :]
    one_line = "\n" not in text[place.after : place.end]
    if place.in_flow or (one_line and not yaml_write.is_block(value)):
        written = yaml_write.inline(value) if place.in_flow or isinstance(value, dict | list) else _scalar(value)
        gap = " " if place.key is not None or not place.in_flow else ""
        result = text[: place.after] + gap + written + text[place.end :]
        return _above(result, place, inside) if inside else result
    stop = _line_stop(text, place.end)
    shown = _comments_between(text, place.after, stop)
    return _above(text[: place.after] + _rendered(place, value) + text[stop:], place, shown)


def _scalar(value: Json) -> str:
    return yaml_write.scalar(value)


def _rendered(place: _Place, value: Json) -> str:
    """Return what follows the colon or the dash of ``place`` when ``value`` stands there."""
    if not yaml_write.is_block(value):
        return " " + (yaml_write.inline(value) if isinstance(value, dict | list) else _scalar(value))
    if place.key is not None:
        return "\n" + "\n".join(yaml_write.block(value, int(place.key.start_mark.column) + 2))
    indent = _column(place.holder) + 2 if place.holder is not None else 0
    return " " + "\n".join(yaml_write.block(value, indent)).lstrip(" ")


def _line_stop(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _above(text: str, place: _Place, shown: list[re.Match[str]]) -> str:
    """Put comments that lost their place on lines of their own above ``place``."""
    anchor = place.key or place.node
    indent = int(anchor.start_mark.column if place.key is not None else _column(place.holder or anchor))
    at = _line_start(text, int(anchor.start_mark.index) if place.key is not None else place.after - 1)
    return text[:at] + "".join(" " * indent + match.group() + "\n" for match in shown) + text[at:]


def _merge(text: str, pointer: Pointer, node: yaml.MappingNode, value: dict[str, Any]) -> str:
    """Replace a map key by key, so that the comments inside it stay where they are."""
    for key, item in value.items():
        text = _set(text, (*pointer, key), item)
    for key_node, _ in node.value:
        if key_node.value not in value:
            text = _remove(text, (*pointer, key_node.value))
    return text


def _remove(text: str, pointer: Pointer) -> str:
    places, missing = _walk(text, pointer)
    if missing or len(places) < 2:  # noqa: PLR2004 (the root and something in it)
        raise KeyError(pointer_text(pointer))
    place, holder = places[-1], places[-2]
    if len(holder.node.value) == 1:
        return _replace(text, pointer[:-1], places[:-1], {} if place.key is not None else [])
    start = int(place.key.start_mark.index) if place.key is not None else place.after - (0 if place.in_flow else 1)
    follower = _following(text, holder, place.index)
    if place.in_flow:
        stop = follower if follower is not None else place.end
        start = start if follower is not None else _end(_value(holder.node, place.index - 1), text)
        gone = _comments_between(text, start, stop)
        return _above(text[:start] + text[stop:], places[-2], gone) if gone else text[:start] + text[stop:]
    if text[_line_start(text, start) : start].strip():  # stands behind a dash: the next key takes its place there
        stop = follower if follower is not None else _line_stop(text, place.end)
    else:
        start, stop = _line_start(text, start), _next_line(text, place.end)
    gone = _comments_between(text, start, stop)
    return _above(text[:start] + text[stop:], place, gone)


def _value(node: yaml.Node, index: int) -> yaml.Node:
    item = node.value[index]
    value: yaml.Node = item[1] if isinstance(item, tuple) else item
    return value


def _following(text: str, holder: _Place, index: int) -> int | None:
    """Return where the next entry of a collection begins, or None for the last one."""
    if index + 1 >= len(holder.node.value):
        return None
    follower = holder.node.value[index + 1]
    if isinstance(follower, tuple):
        return int(follower[0].start_mark.index)
    start = int(follower.start_mark.index)
    in_flow = holder.in_flow or bool(getattr(holder.node, "flow_style", False))
    return start if in_flow else text.rindex("-", 0, start)
