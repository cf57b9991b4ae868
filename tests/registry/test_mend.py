"""Mending SKILL.md: what breaks in real files is mended with its line, what loads stays byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import ManifestError
from molthub.registry.authoring.first_paragraph import first_paragraph, shortened
from molthub.registry.authoring.mend import is_bare_name, mend_skill_md, slug
from molthub.registry.reading.skill_spec import check_skill_md

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/publish/mends.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_cases(case: dict[str, object]) -> None:
    content = str(case["file"]).encode()
    if "refused" in case:
        with pytest.raises(ManifestError) as caught:
            mend_skill_md(content, folder="Some Folder")
        assert str(case["refused"]) in str(caught.value)
        return
    mended = mend_skill_md(content, folder="Some Folder")
    assert mended.content.decode() == case.get("mended", case["file"])
    assert [f"{mend.line}: {mend.message}" for mend in mended.mends] == case.get("mends", [])
    errors = [p for p in check_skill_md(mended.content, "SKILL.md", name=mended.name) if p.severity == "error"]
    assert errors == []
    again = mend_skill_md(mended.content, folder="other")
    assert (again.content, again.mends) == (mended.content, ())


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    mended = mend_skill_md(b"\xef\xbb\xbf---\r\nname: My Skill\r\ndescription: d\r\n---\r\nBody\r\n", folder="x")
    assert mended.content == b"---\r\nname: my-skill\r\ndescription: d\r\n---\r\nBody\r\n"
    assert [mend.line for mend in mended.mends] == [1, 2]


def test_frontmatter_is_added_with_the_line_ends_of_the_file() -> None:
    mended = mend_skill_md(b"Hello there.\r\n", folder="Greeter")
    assert mended.content == b"---\r\nname: greeter\r\ndescription: Hello there.\r\n---\r\n\r\nHello there.\r\n"


def test_bytes_that_are_no_utf_8_are_refused_with_their_line() -> None:
    with pytest.raises(ManifestError, match="not UTF-8") as caught:
        mend_skill_md(b"---\nname: a\ndescription: caf\xe9\n---\n", folder="a")
    assert caught.value.problems[0].line == 3


def test_a_wanted_name_is_written() -> None:
    mended = mend_skill_md(b"---\nname: a\ndescription: d\n---\n", folder="a", name="b")
    assert (mended.name, mended.content) == ("b", b"---\nname: b\ndescription: d\n---\n")


@given(
    st.dictionaries(st.sampled_from(["name", "description", "license"]), st.text("ab: #\"'[{>|@&*!-\\", max_size=10)),
    st.text("ab\n#-", max_size=10),
)
@settings(max_examples=400, deadline=None)
def test_whatever_comes_is_mended_to_something_that_loads_or_refused(head: dict[str, str], body: str) -> None:
    text = "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + "---\n" + body
    try:
        mended = mend_skill_md(text.encode(), folder="folder")
    except ManifestError:
        return
    errors = [p for p in check_skill_md(mended.content, "SKILL.md", name=mended.name) if p.severity == "error"]
    assert errors == []
    assert mended.content.decode().endswith(body)
    assert bool(mended.mends) == (mended.content != text.encode())


@given(st.text(max_size=80))
def test_a_slug_is_a_name_or_nothing(text: str) -> None:
    made = slug(text)
    assert made == "" or is_bare_name(made)
    assert slug(made) == made


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My Skill", "my-skill"),
        ("../../../etc", "etc"),
        ("org:foo_bar", "org-foo-bar"),
        ("Dépôt", "depot"),
        ("日本", ""),
    ],
)
def test_slugs(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("# T\n\nFirst **one**.\nMore [here](x).\n\nSecond.\n", "First one. More here."),
        ("# T\nRight below.\n", "Right below."),
        ("<!-- c -->\n```\ncode\n```\n\n---\n\nAfter.\n", "After."),
        ("# Only a title\n", "Only a title"),
        ("- item\n- other\n", "item - other"),
        ("", ""),
        ("###\n\n***\n", ""),
    ],
)
def test_the_first_paragraph(body: str, text: str) -> None:
    assert first_paragraph(body) == text


def test_a_long_text_is_cut_after_a_word() -> None:
    cut = shortened("word " * 400)
    assert len(cut) <= 1024
    assert cut.endswith("word…")
    assert len(shortened("x" * 2000)) == 1024
