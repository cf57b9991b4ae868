"""Where the values and comments of a YAML text stand in it, by the marks of its nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from molthub.yaml_text import Pointer

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_COMMENT = re.compile(r"(?:^|(?<=[ \t\n]))#[^\n]*", re.MULTILINE)


@dataclass(frozen=True)
class Place:
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
        """Where the value itself begins, behind white space and comments."""
        return int(self.node.start_mark.index)


def _composed(text: str) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node


def walk(text: str, pointer: Pointer) -> tuple[list[Place], Pointer]:
    """Return the places along ``pointer`` as far as they exist, and the part of the pointer that does not."""
    root = _composed(text)
    if root is None:
        return [], pointer
    places = [Place(root, None, None, 0, root.start_mark.index, end_of(root, text), in_flow=False)]
    for depth, part in enumerate(pointer):
        found = _child(text, places[-1], part)
        if found is None:
            return places, pointer[depth:]
        places.append(found)
    return places, ()


def _child(text: str, place: Place, part: str | int) -> Place | None:
    holder = place.node
    in_flow = place.in_flow or bool(getattr(holder, "flow_style", False))
    if isinstance(holder, yaml.MappingNode):
        for index, (key, node) in enumerate(holder.value):
            if key.value == part:
                after = text.index(":", key.end_mark.index) + 1
                return Place(node, holder, key, index, after, max(after, end_of(node, text)), in_flow)
    if isinstance(holder, yaml.SequenceNode) and isinstance(part, int) and part < len(holder.value):
        node = holder.value[part]
        start = node.start_mark.index
        after = start if in_flow else text.rindex("-", 0, start) + 1
        return Place(node, holder, None, part, after, max(after, end_of(node, text)), in_flow)
    return None


def end_of(node: yaml.Node, text: str) -> int:
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
        return max(text.index(":", key.end_mark.index) + 1, end_of(value, text))
    return max(end_of(last, text), int(last.start_mark.index))


def line_start(text: str, index: int) -> int:
    """Return where the line of ``index`` begins."""
    return text.rfind("\n", 0, index) + 1


def next_line(text: str, index: int) -> int:
    """Return where the line after the one of ``index`` begins; a text without a last line break is as long as that."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def comments_between(text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the comments that begin in ``text[start:end]``: whatever looks like one and lies in no scalar."""
    hidden = bytearray(len(text) + 1)
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.ScalarToken):
            first, last = token.start_mark.index, token.end_mark.index
            if token.style in ("|", ">"):  # a block scalar's header line may carry a comment
                first = next_line(text, first)
            hidden[first:last] = b"\x01" * (last - first)
    found = []
    at = start
    while (match := _COMMENT.search(text, at, len(text))) is not None and match.start() < end:
        at = match.start() + 1 if hidden[match.start()] else match.end()
        if not hidden[match.start()]:
            found.append(match)
    return found


def column(node: yaml.Node) -> int:
    """Return the column of a block collection's keys or dashes."""
    return int(node.start_mark.column)


def line_stop(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, before its line break."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def entry_value(node: yaml.Node, index: int) -> yaml.Node:
    """Return the value of a map's or list's entry, counted from 0; from -1 backwards."""
    item = node.value[index]
    value: yaml.Node = item[1] if isinstance(item, tuple) else item
    return value


def next_entry(text: str, holder: Place, index: int) -> int | None:
    """Return where the next entry of a collection begins, or None for the last one."""
    if index + 1 >= len(holder.node.value):
        return None
    follower = holder.node.value[index + 1]
    if isinstance(follower, tuple):
        return int(follower[0].start_mark.index)
    start = int(follower.start_mark.index)
    in_flow = holder.in_flow or bool(getattr(holder.node, "flow_style", False))
    return start if in_flow else text.rindex("-", 0, start)
