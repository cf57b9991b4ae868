"""Strict YAML: text in, plain values with their places out.

Manifests are read by people first, so a scalar means what was typed. Plain scalars follow the core schema of YAML 1.2
(section 10.3.2): ``no``, ``017``, ``12:30`` and ``2024-01-01`` are text. Numbers, booleans and null keep what was
written beside their value (:attr:`YamlDocument.written`), so that :func:`as_typed` can give a schema that wants
text the text. Duplicate keys, tags, merge keys, more than one document, aliases that multiply and files beyond the
limits are refused, all of a file's findings at once where the parser can go on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import yaml

from molthub.errors import ManifestError, Problem
from molthub.yaml_syntax import MAX_DEPTH, TOO_DEEP, syntax_problem

MAX_BYTES = 1024 * 1024
MAX_NODES = 50_000
_SUSPICIOUS_OPENERS = 1000

Pointer = tuple[str | int, ...]

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_STANDARD_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class Mark(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class _Loader(yaml.CSafeLoader):
    """Composes nodes and resolves nothing: a plain scalar's meaning is decided here, a tag that shows was written."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own way to configure a loader)


@dataclass(frozen=True)
class YamlDocument:
    """One parsed document: ``value`` is plain Python, ``written`` the text of scalars that did not stay text.

    Places are looked for when somebody asks; of a document that somebody else has read, in ``_source``.
    """

    value: Any
    written: Mapping[Pointer, str]
    _node: yaml.Node | None = field(repr=False, default=None)
    _source: bytes | None = field(repr=False, default=None)

    @classmethod
    def read_by_another(cls, value: Any, source: bytes) -> YamlDocument:
        """Take the ``value`` of a document without numbers and null that another parser has read, as this one does."""
        return cls(value, {}, None, source)

    @property
    def knows_places(self) -> bool:
        """Whether places are known by now, and need not be looked for in the text."""
        return self._source is None

    @cached_property
    def _marks(self) -> tuple[dict[Pointer, Mark], dict[Pointer, Mark]]:
        values: dict[Pointer, Mark] = {}
        keys: dict[Pointer, Mark] = {}
        top = self._node if self._source is None else _compose(_as_text(self._source, ""))
        if top is not None:
            values[()] = _mark(top)
            for pointer, key, node in _below(top, ()):
                values[pointer] = _mark(node)
                if key is not None:
                    keys[pointer] = _mark(key)
        return values, keys

    def mark(self, pointer: Pointer) -> Mark:
        """Return where the value at ``pointer`` begins, or the nearest value around it."""
        return _nearest(self._marks[0], pointer)

    def key_mark(self, pointer: Pointer) -> Mark:
        """Return where the key of ``pointer`` stands (for list items: the value), or the nearest one around it."""
        values, keys = self._marks
        return keys[pointer] if pointer in keys else _nearest(values, pointer)


def parse(text: bytes | str, file: str) -> YamlDocument:
    """Parse one document of strict YAML.

    ``file`` only names the place in problems. Raises :class:`ManifestError` with every problem found.
    """
    source = _as_text(text, file)
    try:
        node = _compose(source)
    except yaml.YAMLError as error:
        raise _refused(file, [syntax_problem(error, file, source)]) from None
    if node is None:
        return YamlDocument(None, {}, None)
    builder = _Builder(file)
    value = builder.build(node, (), 0)
    if builder.problems:
        raise _refused(file, builder.problems)
    return YamlDocument(value, builder.written, node)


def pointer_text(pointer: Pointer) -> str:
    """Return ``pointer`` as RFC 6901 writes it: ``("spec", 0)`` -> ``/spec/0``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


def as_typed(document: YamlDocument, wants_text: Collection[Pointer]) -> tuple[Any, list[Pointer]]:
    """Return the document's value with the scalars at the pointers of ``wants_text`` as they were typed.

    The second part of the answer lists the pointers that changed: they should be quoted.
    """
    changed = [pointer for pointer in document.written if pointer in wants_text]
    value = _replaced(document.value, (), {pointer: document.written[pointer] for pointer in changed})
    return value, changed


def _replaced(value: Any, pointer: Pointer, texts: Mapping[Pointer, str]) -> Any:
    if pointer in texts:
        return texts[pointer]
    if not texts:
        return value
    if isinstance(value, dict):
        return {key: _replaced(item, (*pointer, key), texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, (*pointer, index), texts) for index, item in enumerate(value)]
    return value


def _as_text(text: bytes | str, file: str) -> str:
    if len(text) > MAX_BYTES:
        problem = Problem(
            "MH005", f"the file has {len(text)} bytes, the limit is {MAX_BYTES}", "split it or leave content out"
        )
        raise _refused(file, [problem.in_file(file)])
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        problem = Problem("MH001", f"byte {error.start} is not UTF-8", "save the file as UTF-8", file=file, line=line)
        raise _refused(file, [problem]) from None


def _compose(source: str) -> yaml.Node | None:
    _guard_depth(source)
    loader = _Loader(source)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


def _guard_depth(source: str) -> None:
    """Refuse nesting that would overflow libyaml's recursive composer. Only texts that could nest so deep are read."""
    if sum(source.count(opener) for opener in ("[", "{", "- ", "? ")) < _SUSPICIOUS_OPENERS:
        return
    depth = 0
    event: Any
    for event in yaml.parse(source, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=event.start_mark)


class _Builder:
    """Turns a node tree into plain values, gathering every problem and the text behind typed scalars."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.written: dict[Pointer, str] = {}
        self._nodes = 0
        self._spent = False

    def build(self, node: Any, pointer: Pointer, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            self._give_up(node, pointer)
            return None
        if node.tag not in _STANDARD_TAGS:
            self._add("MH006", f"tag {node.tag} is not used in manifests", "remove the tag", node, pointer)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*pointer, index), depth + 1) for index, item in enumerate(node.value)]
        text: str = node.value
        value = text if node.style else core_value(text)
        if not isinstance(value, str):
            self.written[pointer] = text
        return value

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if self._spent:
                break
            key = key_node.value
            if not isinstance(key, str):
                self._add("MH006", "a key must be plain text", "quote the key", key_node, pointer)
            elif key == "<<" and not key_node.style:
                self._add("MH006", "merge keys (<<) are not used in manifests", "write it out", key_node, pointer)
            elif key in result:
                remedy = "keep one of the two"
                self._add("MH003", f"key {key!r} stands here a second time", remedy, key_node, (*pointer, key))
            else:
                result[key] = self.build(value_node, (*pointer, key), depth + 1)
        return result

    def _give_up(self, node: yaml.Node, pointer: Pointer) -> None:
        if not self._spent:
            self._spent = True
            message = f"the document unfolds to more than {MAX_NODES} values or {MAX_DEPTH} levels"
            self._add("MH004", message, "write it without aliases, or split it", node, pointer)

    def _add(self, problem_id: str, message: str, remedy: str, node: yaml.Node, pointer: Pointer) -> None:
        line, column = _mark(node)
        problem = Problem(
            problem_id, message, remedy, file=self.file, line=line, column=column, at=pointer_text(pointer)
        )
        self.problems.append(problem)


def core_value(text: str) -> Any:
    """Return what a plain scalar means. Octal, hexadecimal, infinity and not-a-number stay text: JSON has none."""
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    return text


def _below(node: yaml.Node, pointer: Pointer) -> Iterator[tuple[Pointer, yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            inner = (*pointer, key_node.value)
            yield inner, key_node, value_node
            yield from _below(value_node, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*pointer, index), None, item
            yield from _below(item, (*pointer, index))


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _nearest(marks: Mapping[Pointer, Mark], pointer: Pointer) -> Mark:
    for length in range(len(pointer), -1, -1):
        if pointer[:length] in marks:
            return marks[pointer[:length]]
    return Mark(1, 1)


def _refused(file: str, problems: list[Problem]) -> ManifestError:
    return ManifestError(problems[0].message, place=problems[0].place or file, problems=problems)
