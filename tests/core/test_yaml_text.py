"""Strict YAML: what was typed is what is meant, and every fault has a place."""

from __future__ import annotations

import pytest

from molthub.errors import ManifestError
from molthub.yaml_text import MAX_BYTES, Mark, as_typed, parse, pointer_text

MANIFEST = """\
spec:
  skills: [code-review]
  envVars: {LOG_LEVEL: warning}
  mcps:
    - name: github
      env: null
"""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("017", "017"), ("12:30:45", "12:30:45"), ("0x1f", "0x1f"),
        ("2024-01-01", "2024-01-01"), (".inf", ".inf"), ("1.2.3", "1.2.3"), ("00.5", "00.5"), ("'1'", "1"),
        ("1_000", "1_000"), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("12", 12), ("-3", -3), ("1.5e3", 1500.0),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(typed: str, meant: object) -> None:
    assert parse(f"key: {typed}", "f.yaml").value == {"key": meant}


def test_a_scalar_where_text_is_wanted_is_what_was_typed() -> None:
    document = parse("a: 1.20\nb: [true, 3]\nc: 1.20\n", "f.yaml")
    value, changed = as_typed(document, {("a",), ("b", 0)})
    assert value == {"a": "1.20", "b": ["true", 3], "c": 1.2}
    assert changed == [("a",), ("b", 0)]


def test_places_count_from_one_and_fall_back_to_what_surrounds() -> None:
    document = parse(MANIFEST, "f.yaml")
    assert document.mark(("spec", "skills", 0)) == Mark(2, 12)
    assert document.key_mark(("spec", "envVars", "LOG_LEVEL")) == Mark(3, 13)
    assert document.key_mark(("spec", "mcps", 0)) == Mark(5, 7)
    assert document.mark(("spec", "mcps", 0, "command")) == Mark(5, 7)
    assert parse("", "f.yaml").mark(()) == Mark(1, 1)


def test_pointers_are_written_as_rfc_6901_says() -> None:
    assert pointer_text(("spec", 0, "a/b", "c~d")) == "/spec/0/a~1b/c~0d"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"a: 1\na: 2\n<<: 3\nb: !!python/name:os.system 3", ["f:2:1 MH003", "f:3:1 MH006", "f:4:4 MH006"]),
        (b"b: {T: ${secrets.x}}", ["f:1:9 MH002"]),
        (b"x: [-y, @a/b]", ["f:1:9 MH002"]),
        (b"a\n---\nb", ["f:2:1 MH002"]),
        (b"description: one: two", ["f:1:17 MH002"]),
        (b"? [a]\n: b", ["f:1:3 MH006"]),
        (b"\xff", ["f:1 MH001"]),
        (b"ok: 1\n# \xe9", ["f:2 MH001"]),
        (b"[" * 100_000, ["f:1:101 MH004"]),
        (b"- " * 100_000, ["f:1:201 MH004"]),
        (b"a: &a [*a]", ["f:1:4 MH004"]),
        (b"\n".join(b"%c: &%c [%s]" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9) if n else b"x")
                    for n in range(9)), ["f:1:8 MH004"]),
        (b"x" * (MAX_BYTES + 1), ["f MH005"]),
    ],
)  # fmt: skip
def test_every_fault_has_its_place_and_remedy(text: bytes, faults: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text, "f")
    assert [f"{problem.place} {problem.id}" for problem in caught.value.problems] == faults
    assert all(problem.remedy for problem in caught.value.problems)


def test_a_quoted_placeholder_and_many_list_items_are_fine() -> None:
    text = 'b: {T: "${secrets.x}"}\n' + "l:\n" + "  - x\n" * 2000
    assert parse(text, "f").value["b"] == {"T": "${secrets.x}"}


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("text", ["a: b{}c: [{}", "a:{}b: @{}c"])
def test_a_mistake_behind_any_line_break_of_yaml_is_told(text: str, line_break: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text.format(line_break, line_break), "a.yaml")
    assert caught.value.problems[0].id == "MH002"
