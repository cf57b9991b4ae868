"""Every link of the pages people read leads to a file, and to a heading, that exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md"))
)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1`*[ ]*$|(`+)(?!`).+?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the targets of a page's links, without what stands in code."""
    return LINK.findall(CODE.sub("``", text))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the fragments of a page's headings as GitHub makes them; a repeated heading gets -1, -2."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?)\s*#*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        repeated = found.get(anchor, 0)
        found[anchor] = repeated + 1
        if repeated:
            found[f"{anchor}-{repeated}"] = 1
    return frozenset(found)


def broken(page: Path, target: str) -> str | None:
    """Say what is wrong with a link of ``page``; None when it leads somewhere or away from this repository."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not file.exists():
        return f"{target}: there is no {file}"
    if parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file):
        return f"{target}: {file.name} has no heading of that name"
    return None


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/GETTING_STARTED.md", "docs/adr/README.md", ".github/CONTRIBUTING.md"} <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    assert [told for target in links(page.read_text()) if (told := broken(page, target))] == []


def test_a_broken_link_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`, three\n## Same\n## Same\n[a](#one-two-three) [b](#same-1) [c](https://example.com/x#y)\n"
        '[d](gone.md) [e](#nowhere) [f](page.md#same "title") `[g](code.md)`\n```\n[h](fence.md)\n```\n'
    )
    assert links(page.read_text()) == [
        "#one-two-three",
        "#same-1",
        "https://example.com/x#y",
        "gone.md",
        "#nowhere",
        "page.md#same",
    ]
    told = [broken(page, target) is not None for target in links(page.read_text())]
    assert told == [False, False, False, True, True, False]
