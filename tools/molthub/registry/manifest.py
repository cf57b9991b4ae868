"""One manifest: strict YAML, judged by its schema, with the place of everything that is said.

A scalar where the schema wants text is the text that was typed (``version: 1.20`` is ``1.20``), with a warning to quote
it. Values are never repeated in findings, because one of them may be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from molthub.errors import ManifestError, Problem, Severity
from molthub.model import Place
from molthub.registry.reading.clear_secrets import clear_secrets
from molthub.registry.reading.plain_yaml import read_plain
from molthub.registry.reading.schema_findings import schema_findings
from molthub.registry.reading.schemas import accepts, wants_text
from molthub.yaml_text import Mark, Pointer, YamlDocument, as_typed, parse, pointer_text

LAYERED = frozenset({"skillpack", "profile", "overlay", "bot"})
"""Kinds whose values may hold placeholders of secrets."""


@dataclass(frozen=True)
class Manifest:
    """One manifest that its schema accepts. ``kind`` is the schema's name, ``file`` relative to the registry."""

    kind: str
    file: str
    value: dict[str, Any]
    document: YamlDocument = field(repr=False)

    def at(self, pointer: Pointer = ()) -> str:
        """Return ``file:line`` of what stands at ``pointer``: of its key, or of a list's item."""
        return f"{self.file}:{self.document.key_mark(pointer).line}"

    def place(self, pointer: Pointer) -> Place:
        """Return what says :meth:`at`: where looking takes as long as reading, not before it is asked."""
        return partial(str, self.at(pointer)) if self.document.knows_places else partial(self.at, pointer)

    def problem(
        self, problem_id: str, pointer: Pointer, message: str, remedy: str = "", severity: Severity = "error"
    ) -> Problem:
        """Return a finding on what stands at ``pointer``."""
        return _placed((self.file, self.document.mark(pointer), pointer), problem_id, message, remedy, severity)


def read_manifest(kind: str, content: bytes, file: str) -> tuple[Manifest | None, list[Problem]]:
    """Read a manifest of ``kind`` (the name of its schema).

    The manifest is None where something is wrong with it; warnings leave it usable.
    """
    plain = read_plain(content) if kind not in LAYERED else None
    if plain is not None and accepts(kind, plain):
        return Manifest(kind, file, plain, YamlDocument.read_by_another(plain, content)), []
    try:
        document = parse(content, file)
    except ManifestError as error:
        return None, list(error.problems)
    value, problems = _typed(kind, document, file)
    if not accepts(kind, value):
        problems += schema_findings(kind, value, document, file)
    elif kind in LAYERED:
        problems += [
            _placed((file, document.mark(found.pointer), found.pointer), found.id, found.message, found.remedy, "error")
            for found in clear_secrets(value["spec"], ("spec",))
        ]
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return Manifest(kind, file, value, document), problems


def _typed(kind: str, document: YamlDocument, file: str) -> tuple[Any, list[Problem]]:
    """Return the value with text where the schema wants text, and a warning for each scalar that should be quoted."""
    if not document.written:
        return document.value, []
    wanted = {pointer for pointer in document.written if wants_text(kind, pointer, _value_at(document.value, pointer))}
    value, changed = as_typed(document, wanted)
    message = "text that YAML reads as something else"
    return value, [
        _placed((file, document.mark(pointer), pointer), "MH007", message, "quote it", "warning") for pointer in changed
    ]


def _value_at(value: Any, pointer: Pointer) -> Any:
    for part in pointer:
        value = value[part]
    return value


def _placed(
    place: tuple[str, Mark, Pointer], problem_id: str, message: str, remedy: str, severity: Severity
) -> Problem:
    file, mark, pointer = place
    at = pointer_text(pointer) or None
    return Problem(problem_id, message, remedy, severity, file, mark.line, mark.column, at)
