"""The fast parser of plain manifests, held against the strict one: the same value, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from molthub.errors import ManifestError
from molthub.registry.manifest import read_manifest
from molthub.registry.reading import plain_yaml
from molthub.registry.reading.plain_yaml import read_plain
from molthub.yaml_text import Pointer, YamlDocument, parse

PLAIN = [
    "name: git\nversion: 1.20.0\ntags: [a, 'b', \"c\"]\n",
    "description: Says R&D, 100% and 5 * 5!\n",
    'owners: [acme]\nversions:\n  1.0.0:\n    published: "2026-11-02T09:00:00Z"\n    digest: sha256:0b12\n',
    "env:\n  - {name: TOKEN, secret: true, required: false}\n",
    "a: no\nb: 0o17x\nc: 12:30:45\nd: 2024-01-01\ne: 1_000\nf: .5.5\n",
    "a: |\n  kept\n  as it is\nb: >-\n  folded\n  text\n",
    "a: \"\\u00e9\\n\"\nb: 'it''s'\nc: Grüße\n",
    "\ufeffa: b\n".removeprefix("\ufeff"),
    "{}",
    "text",
]
"""What the fast parser must read, or it is of no use."""

STRICT = [
    "a: 1.20", "a: 1", "a: +1", "a: -.5", "a: 1e400", "a: '1e400'", "a: 0x1F", "a: 0o17", "a: 0b1", "a: .inf",
    "a: .NaN", "a: 12345678901234567890123", "a: 00.5", "a: 017", "a: ~", "a: null", "a:", "a: !!str 1", "a: ! b",
    "a: !b c", "!a b: c", "a: &x b\nc: *x", "<<: {a: b}", "a: {<<: {b: c}}", "a: b\na: c", "1: a", "true: a", "~: a",
    "? [a]\n: b", "?", "a: b\n---\nc: d", "%YAML 1.1\n---\na: b", "\ufeffa: b", "a: b\u2028c: d", "a: b\x85c: d",
    "a: b\ufeff", "a: @b", "a: [b", "a: 'b", "a: b: c", "\ta: b", "a: \x07", "", "# nothing",
    "a: " + "[" * 9 + "]" * 9, "a: " + "b" * plain_yaml.MAX_BYTES, b"a: \xff",
]  # fmt: skip
"""What only the strict parser may read, or refuse."""

PIECES = st.sampled_from(
    ["a", "b: ", "c:", ": ", "- ", "? ", "\n", "\n  ", "\n ", "\r\n", "\r", "\t", " #", "'", '"', "[", "]", "{", "}",
     ",", "|", ">", "|2\n", ">-\n", "|+\n", "&x ", "*x", "!t ", "!!str ", "<<: ", "%", "---\n", "...\n", "no", "1.20",
     "017", "0x1F", "0o7", "0b1", ".inf", "1e400", "1e3", "12:30", "2024-01-01", "~", "null", "True", "\\n", "\\x41",
     "\\u0085", "é", "\u2028", "\x85", "\ufeff", "\x00", "\U0001f600", "name: x\n", "tags: [y, z]\n", "@", "`",
     "- k: v\n  w: u\n"]
)  # fmt: skip


def law(content: bytes) -> None:
    """Whatever the fast parser reads, the strict one reads alike, and finds at the same places."""
    value = read_plain(content)
    if value is None:
        return
    strict = parse(content, "a.yaml")
    assert repr(value) == repr(strict.value)
    assert all(text.lower() in ("true", "false") for text in strict.written.values())
    other = YamlDocument.read_by_another(value, content)
    for pointer in pointers(value, ()):
        assert (other.mark(pointer), other.key_mark(pointer)) == (strict.mark(pointer), strict.key_mark(pointer))


def pointers(value: Any, at: Pointer) -> Iterator[Pointer]:
    """Yield the place of every value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in inner:
        yield from pointers(item, (*at, part))


@given(st.lists(PIECES, max_size=14))
@example(["b: ", "|2\n", "  a", "\n"])
def test_what_is_read_fast_is_what_the_strict_reader_reads(pieces: list[str]) -> None:
    law("".join(pieces).encode())


@given(
    st.sampled_from(PLAIN),
    st.lists(st.tuples(st.integers(0, 200), PIECES), min_size=1, max_size=4),
)
def test_so_it_is_where_a_usual_manifest_was_changed_somewhere(text: str, changes: list[tuple[int, str]]) -> None:
    for at, piece in changes:
        text = text[:at] + piece + text[at:]
    law(text.encode())


@pytest.mark.parametrize("text", PLAIN)
def test_usual_manifests_are_read_fast(text: str) -> None:
    assert read_plain(text.encode()) is not None
    law(text.encode())


@pytest.mark.parametrize("text", STRICT)
def test_everything_else_is_left_to_the_strict_reader(text: str | bytes) -> None:
    assert read_plain(text if isinstance(text, bytes) else text.encode()) is None


def test_every_manifest_of_the_tests_means_the_same_either_way() -> None:
    files = sorted((Path(__file__).parent.parent / "schemas" / "valid").rglob("*.yaml"))
    assert files
    for file in files:
        law(file.read_bytes())


def test_the_place_of_a_version_is_found_when_it_is_asked_for() -> None:
    content = b'owners: [acme]\nversions:\n  1.0.0: # first\n    published: "2026-11-02T09:00:00Z"\n'
    content += b"    digest: sha256:" + b"0" * 64 + b"\n"
    manifest, problems = read_manifest("skill-project", content, "project.yaml")
    assert manifest is not None
    assert not problems
    assert not manifest.document.knows_places
    assert manifest.place(("versions", "1.0.0"))() == "project.yaml:3"
    slow, _ = read_manifest("skill-project", content + b"reason: !!str x\n", "project.yaml")
    assert slow is not None
    assert slow.document.knows_places
    assert slow.place(("versions", "1.0.0"))() == "project.yaml:3"


def test_what_a_schema_refuses_is_explained_by_the_strict_reader() -> None:
    manifest, problems = read_manifest("skill-project", b"owners: [acme]\nversionz: {}\n", "project.yaml")
    assert manifest is None
    with pytest.raises(ManifestError):
        parse(b"a: b\na: c\n", "project.yaml")
    assert any(problem.line == 2 for problem in problems)
