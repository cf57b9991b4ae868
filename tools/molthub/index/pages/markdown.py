"""SKILL.md as HTML: GitHub's Markdown, then a sanitiser that lets through what text needs and nothing else.

Raw HTML is left out by the first and would be by the second. Links within the skill lead to its files on the same
page; links elsewhere are marked as an author's own (``rel=ugc``). An image is a link to what it shows: a page loads
nothing from other hosts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from posixpath import normpath
from urllib.parse import quote, unquote

import cmarkgfm
import nh3

MAX_MARKDOWN = 256 * 1024
"""Longer texts are shown as they are."""

_TAGS = set(
    re.findall(
        r"\w+",
        "a blockquote br code dd del div dl dt em h2 h3 h4 h5 h6 hr kbd li ol p pre strong sub sup table tbody td th "
        "thead tr ul",
    )
)
_ATTRIBUTES = {"*": set[str](), "a": {"href", "title"}, "td": {"align"}, "th": {"align"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_RELATED = "nofollow noopener noreferrer ugc"
_HEADING = re.compile(r"<(/?)h([1-6])>")
_HEADING_TEXT = re.compile(r"<h([2-6])>(.*?)</h\1>", re.DOTALL)
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*/?>')
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def to_html(text: str, here: str, files: Collection[str]) -> str:
    """Return Markdown as HTML for the page at ``here``. ``files`` are the paths that links may lead to.

    Headings begin at level 2 and have an ``id`` that begins with ``doc-``.
    """
    html = cmarkgfm.github_flavored_markdown_to_html(text)
    html = _IMAGE.sub(r'<a href="\1">\2</a>', html)
    html = _HEADING.sub(lambda match: f"<{match[1]}h{min(int(match[2]) + 1, 6)}>", html)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel=_RELATED,
        attribute_filter=_links(here, files),
    )
    clean = _TABLE.sub(lambda match: f'<div class="wide" tabindex="0">{match[0]}</div>', clean)
    return _with_ids(clean)


def _links(here: str, files: Collection[str]) -> Callable[[str, str, str], str | None]:
    """Return what becomes of an attribute's value; None takes it away."""

    def rewritten(tag: str, name: str, value: str) -> str | None:
        if tag != "a" or name != "href" or _ABSOLUTE.match(value):
            return value
        path, _, part = value.partition("#")
        if not path and not part:
            return None
        if not path:
            return f"{here}#doc-{quote(unquote(part).lower(), safe='-_')}"
        inside = normpath(unquote(path))
        return f"{here}#file-{quote(inside, safe='')}" if inside in files else None

    return rewritten


def _with_ids(html: str) -> str:
    """Give headings the ids that GitHub gives them, so that links within a document work."""
    seen: dict[str, int] = {}

    def named(match: re.Match[str]) -> str:
        words = re.sub(r"<[^>]*>|&[a-z#0-9]+;", "", match[2]).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-") or "section"
        number = seen[slug] = seen.get(slug, -1) + 1
        name = slug if number == 0 else f"{slug}-{number}"
        return f'<h{match[1]} id="doc-{name}">{match[2]}</h{match[1]}>'

    return _HEADING_TEXT.sub(named, html)
