"""Reading YAML as text: what it means, and where each key and each value stands.

The library's parser reports events with their places; the tree made of them keeps what an edit must know and values
do not say: what is an alias, what is merged in, where a block's last content ends. Plain scalars mean what the core
schema of YAML 1.2 says; keys are text as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from molthub.model import Json
from molthub.platforms.document import TextError
from molthub.yaml_text import core_value

MAX_DEPTH = 100
MAX_VALUES = 200_000
_TYPED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_BLANK_END = re.compile(r"(?:\r?\n[ \t]*|\r[ \t]*)+\Z")
_LAST_NEWLINE = re.compile(r"(?:\r\n|\n|\r)\Z")


@dataclass(slots=True)
class Node:
    """One value. ``start`` is where it begins, its anchor and tag included; ``end`` is past its last content.

    ``flow``: in brackets. ``members`` are a map's keys and values; ``items`` a list's. An alias has the value it
    stands for as ``target``. An empty value begins where it ends.
    """

    kind: Literal["text", "map", "list", "alias"]
    start: int
    end: int
    text: str = ""
    style: str = ""
    tag: str | None = None
    flow: bool = False
    members: list[tuple[Node, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    target: Node | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all is written there, which means null."""
        return self.kind == "text" and not self.text and not self.style and self.tag is None

    def member(self, key: str) -> tuple[Node, Node] | None:
        """Return a map's own member of that key; what is merged in is no own member."""
        return next((member for member in self.members if _key_text(member[0]) == key), None)


@dataclass(frozen=True, slots=True)
class Tree:
    """One document. ``root`` is None where the text holds nothing but comments; ``closed``: it ends with ``...``."""

    root: Node | None
    closed: bool

    @property
    def value(self) -> Json:
        """What the document means, an empty one an empty object. Raises :class:`TextError`."""
        if self.root is None or self.root.is_nothing:
            return {}
        return _Meaning().of(self.root, 0)


def read_yaml(text: str) -> Tree:
    """Read one document. Raises :class:`TextError`, also for keys that stand twice in one map."""
    try:
        return _Composer(text).compose()
    except yaml.reader.ReaderError as error:
        raise TextError("a control character cannot stand here", min(error.position, len(text))) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        said = getattr(error, "problem", None) or "not YAML"
        raise TextError(said, min(mark.index, len(text)) if mark else 0) from None


class _Composer:
    """Makes the tree of a text's events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Node, list[Node]]] = []
        self._root: Node | None = None

    def compose(self) -> Tree:
        closed = False
        documents = 0
        event: Any
        for event in yaml.parse(self._text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise TextError("a second document begins here; programs read one", _span(event)[0])
            elif isinstance(event, yaml.DocumentEndEvent):
                closed = bool(event.explicit)
            elif isinstance(event, yaml.NodeEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
        return Tree(self._root, closed)

    def _begin(self, event: Any) -> None:
        start, end = _span(event)
        if isinstance(event, yaml.AliasEvent):
            target = self._anchors.get(str(event.anchor))
            if target is None:
                raise TextError(f"there is no anchor {event.anchor} before this alias", start)
            self._keep(Node("alias", start, end, target=target))
            return
        if isinstance(event, yaml.ScalarEvent):
            style = event.style or ""
            node = Node("text", start, self._content_end(start, end, style), event.value, style, event.tag)
            self._keep(node)
        else:
            kind: Literal["map", "list"] = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            node = Node(kind, start, end, tag=event.tag, flow=bool(event.flow_style))
            if len(self._open) >= MAX_DEPTH:
                raise TextError("nested too deeply", start)
            self._open.append((node, []))
        if event.anchor:
            self._anchors[event.anchor] = node

    def _close(self, event: Any) -> None:
        node, inner = self._open.pop()
        if node.kind == "map":
            node.members = list(zip(inner[::2], inner[1::2], strict=True))
            _refuse_duplicates(node)
        else:
            node.items = inner
        node.end = _span(event)[1] if node.flow else max((child.end for child in inner), default=node.end)
        self._keep(node)

    def _keep(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        inner = self._open[-1][1]
        if node.is_nothing and inner and self._open[-1][0].kind == "map" and len(inner) % 2:
            node.start = node.end = self._after_colon(inner[-1], node.start)
        inner.append(node)

    def _after_colon(self, key: Node, start: int) -> int:
        between = self._text[key.end : start]
        return key.end + between.index(":") + 1 if between.strip() == ":" else start

    def _content_end(self, start: int, end: int, style: str) -> int:
        """Return where a scalar ends: line end and blank lines that do not count are outside."""
        if style not in ("|", ">"):
            return end
        written = self._text[start:end]
        keeps = "+" in written.splitlines()[0] if written else False
        return start + len((_LAST_NEWLINE if keeps else _BLANK_END).sub("", written))


def _span(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


class _Meaning:
    """The plain value of a tree, aliases and merged maps written out."""

    def __init__(self) -> None:
        self._values = 0

    def of(self, node: Node, depth: int) -> Json:
        self._values += 1
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            raise TextError("aliases that multiply", node.start)
        if node.target is not None:
            return self.of(node.target, depth + 1)
        if node.kind == "map":
            own = {_key_text(key): self.of(value, depth + 1) for key, value in node.members if not _merges(key)}
            merged: dict[str, Json] = {}
            for value in self._merged(node, depth):
                merged = {**value, **merged}
            return {**merged, **own}
        if node.kind == "list":
            return [self.of(item, depth + 1) for item in node.items]
        if node.tag is None:
            return node.text if node.style else core_value(node.text)
        if node.tag in _TYPED_TAGS:
            return core_value(node.text)
        return node.text if node.tag in _TEXT_TAGS else f"{node.tag} {node.text}"

    def _merged(self, node: Node, depth: int) -> Iterator[dict[str, Json]]:
        """Yield what is merged into a map, what wins first."""
        for key, value in node.members:
            if _merges(key):
                found = self.of(value, depth + 1)
                yield from (part for part in (found if isinstance(found, list) else [found]) if isinstance(part, dict))


def _merges(key: Node) -> bool:
    return key.kind == "text" and key.text == "<<" and not key.style


def _key_text(key: Node) -> str:
    """Return a key as text; of a key that is a collection, a text that no pointer has."""
    key = key.target or key
    return key.text if key.kind == "text" else f"\0{key.start}"


def _refuse_duplicates(node: Node) -> None:
    seen: set[str] = set()
    for key, _ in node.members:
        text = _key_text(key)
        if text in seen:
            raise TextError(f"the key {text!r} stands here a second time", key.start)
        seen.add(text)
