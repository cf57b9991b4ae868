"""Splicing a value into a YAML text at its place, or out of it; every other line stays as it is.

Whether the text then means what it should is for :mod:`molthub.registry.edit` to check.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from molthub.model import Json
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.yaml_places import (
    Place,
    column,
    comments_between,
    end_of,
    entry_value,
    line_start,
    line_stop,
    next_entry,
    next_line,
    walk,
)
from molthub.yaml_text import Pointer, pointer_text


def put(text: str, pointer: Pointer, value: Json) -> str:
    """Return ``text`` with ``value`` at ``pointer``; maps on the way are made, an index past the end appends."""
    places, missing = walk(text, pointer)
    if not places:
        return _with_line_end(text) + "\n".join(yaml_write.block(_nested(missing, value))) + "\n"
    if not missing:
        return _replace(text, pointer, places, value)
    nested = _nested(missing[1:], value)
    holder = places[-1]
    entry = [nested] if isinstance(holder.node, yaml.SequenceNode) else {str(missing[0]): nested}
    if not isinstance(holder.node, yaml.CollectionNode) or not holder.node.value:
        return _replace(text, pointer[: len(pointer) - len(missing)], places, entry)
    if holder.in_flow or holder.node.flow_style:
        last = end_of(entry_value(holder.node, -1), text)
        return text[:last] + ", " + yaml_write.inline(entry)[1:-1] + text[last:]
    indent = column(holder.node)
    at = _past_own_comments(text, next_line(text, holder.end), indent)
    lines = "\n".join(yaml_write.block(entry, indent)) + "\n"
    return _with_line_end(text[:at]) + lines + text[at:]


def take_out(text: str, pointer: Pointer) -> str:
    """Return ``text`` without the key or item at ``pointer``. Raises KeyError where there is none."""
    places, missing = walk(text, pointer)
    if missing or len(places) < 2:  # noqa: PLR2004 (the root and something in it)
        raise KeyError(pointer_text(pointer))
    place, holder = places[-1], places[-2]
    if len(holder.node.value) == 1:
        return _replace(text, pointer[:-1], places[:-1], {} if place.key is not None else [])
    start = int(place.key.start_mark.index) if place.key is not None else place.after - (0 if place.in_flow else 1)
    follower = next_entry(text, holder, place.index)
    if place.in_flow:
        stop = follower if follower is not None else place.end
        start = start if follower is not None else end_of(entry_value(holder.node, place.index - 1), text)
        gone = comments_between(text, start, stop)
        return _above(text[:start] + text[stop:], places[-2], gone) if gone else text[:start] + text[stop:]
    if text[line_start(text, start) : start].strip():  # stands behind a dash: the next key takes its place there
        stop = follower if follower is not None else line_stop(text, place.end)
    else:
        start, stop = line_start(text, start), next_line(text, place.end)
    gone = comments_between(text, start, stop)
    return _above(text[:start] + text[stop:], place, gone)


def _nested(pointer: Pointer, value: Json) -> Json:
    for part in reversed(pointer):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def _past_own_comments(text: str, at: int, indent: int) -> int:
    """Step over comment lines that directly follow and are indented like the collection: they belong to it."""
    while match := re.compile(rf" {{{max(indent, 1)},}}#[^\n]*(?:\n|\Z)").match(text, at):
        at = match.end()
    return at


def _with_line_end(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _replace(text: str, pointer: Pointer, places: list[Place], value: Json) -> str:
    place = places[-1]
    inside = comments_between(text, place.after, max(place.end, place.start))
    if inside and isinstance(place.node, yaml.MappingNode) and isinstance(value, dict) and value:
        return _merge(text, pointer, place.node, value)
    if place.holder is None:
        lines = yaml_write.block(value) if yaml_write.is_block(value) else [yaml_write.inline(value)]
        kept = [match.group() for match in inside]
        return text[: place.start] + "\n".join([*kept, *lines]) + text[place.end :]
    one_line = "\n" not in text[place.after : place.end]
    if place.in_flow or (one_line and not yaml_write.is_block(value)):
        written = yaml_write.inline(value) if place.in_flow else yaml_write.beside(value)
        gap = " " if place.key is not None or not place.in_flow else ""
        result = text[: place.after] + gap + written + text[place.end :]
        return _above(result, place, inside) if inside else result
    stop = line_stop(text, place.end)
    shown = comments_between(text, place.after, stop)
    return _above(text[: place.after] + _rendered(place, value) + text[stop:], place, shown)


def _rendered(place: Place, value: Json) -> str:
    """Return what follows the colon or the dash of ``place`` when ``value`` stands there."""
    if not yaml_write.is_block(value):
        return f" {yaml_write.beside(value)}"
    if place.key is not None:
        return "\n" + "\n".join(yaml_write.block(value, int(place.key.start_mark.column) + 2))
    indent = column(place.holder) + 2 if place.holder is not None else 0
    return " " + "\n".join(yaml_write.block(value, indent)).lstrip(" ")


def _above(text: str, place: Place, shown: list[re.Match[str]]) -> str:
    """Put comments that lost their place on lines of their own above ``place``."""
    anchor = place.key or place.node
    indent = int(anchor.start_mark.column if place.key is not None else column(place.holder or anchor))
    at = line_start(text, int(anchor.start_mark.index) if place.key is not None else place.after - 1)
    return text[:at] + "".join(" " * indent + match.group() + "\n" for match in shown) + text[at:]


def _merge(text: str, pointer: Pointer, node: yaml.MappingNode, value: dict[str, Any]) -> str:
    """Replace a map key by key, so that the comments inside it stay where they are."""
    for key, item in value.items():
        text = put(text, (*pointer, key), item)
    for key_node, _ in node.value:
        if key_node.value not in value:
            text = take_out(text, (*pointer, key_node.value))
    return text
