"""Atom feeds of new versions (RFC 4287), the sitemap (sitemaps.org), and what they are made of.

Times come from what the registry recorded. Addresses in a feed are absolute where the registry says its own; a feed of
a registry that has none is relative to wherever it was fetched from (RFC 4287, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from molthub import versions
from molthub.index.pages.text import url_path, visible
from molthub.model import Registry, SkillEntry

MAX_NEWS = 50
"""How many versions a feed tells of."""

_EARLIEST = "1970-01-01T00:00:00Z"


class News(NamedTuple):
    """A version that was published. ``path`` is the folder of its page."""

    published: str
    path: str
    name: str
    number: str
    summary: str
    author: str


def skill_news(skill: SkillEntry) -> list[News]:
    """Return the versions of a skill that may be installed, newest first."""
    if skill.status in ("quarantined", "removed"):
        return []
    author = ", ".join(skill.owners)
    available = {number: release for number, release in skill.releases.items() if release.available}
    ordered = sorted(available, key=versions.sort_key, reverse=True)
    news = [
        News(available[number].published, f"skills/{skill.name}/", skill.name, number, skill.description, author)
        for number in ordered
    ]
    return sorted(news, key=lambda one: one.published, reverse=True)[:MAX_NEWS]


def skill_feed(registry: Registry, skill: SkillEntry) -> bytes:
    """Return the feed of one skill."""
    return feed(registry, f"skills/{skill.name}/", f"{skill.name}: new versions", skill_news(skill))


def feed(registry: Registry, path: str, title: str, news: Iterable[News]) -> bytes:
    """Return the feed at ``path`` + ``feed.atom``."""
    base = _base(registry, path)
    entries = [_entry(registry, base, one) for one in news]
    updated = max((time for time, _entry in entries), default=_EARLIEST)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{_text(title)}</title>",
        f"<id>{_text(_id(registry, path))}</id>",
        f"<updated>{updated}</updated>",
        f"<author><name>{_text(registry.name)}</name></author>",
        f'<link rel="self" href={_quoted(f"{base}{url_path(path)}feed.atom")}/>',
        f"<link href={_quoted(f'{base}{url_path(path)}')}/>",
        *(text for _time, text in entries),
        "</feed>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _entry(registry: Registry, base: str, one: News) -> tuple[str, str]:
    lines = [
        "<entry>",
        f"<title>{_text(f'{one.name} {one.number}')}</title>",
        f"<id>{_text(_id(registry, f'{one.path}{one.number}'))}</id>",
        f"<updated>{_text(one.published)}</updated>",
        f"<link href={_quoted(f'{base}{url_path(one.path)}')}/>",
        f"<author><name>{_text(one.author or registry.name)}</name></author>",
        f"<summary>{_text(one.summary)}</summary>",
        "</entry>",
    ]
    return one.published, "\n".join(lines)


def _base(registry: Registry, path: str) -> str:
    return f"{registry.url.rstrip('/')}/" if registry.url else "../" * path.count("/")


def _id(registry: Registry, path: str) -> str:
    """Return an identifier that never changes: the address, or a name made of the registry's."""
    return (
        f"{registry.url.rstrip('/')}/{url_path(path)}"
        if registry.url
        else f"urn:molthub:{registry.name}:{url_path(path)}"
    )


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'


def _text(text: str) -> str:
    """Return text for XML 1.0, which has no control characters but three."""
    return escape(visible(text), quote=False)


def sitemap(registry: Registry, paths: Iterable[str]) -> bytes:
    """Return the list of all pages, by the folders they stand in."""
    base = _base(registry, "")
    lines = [f"<url><loc>{_text(base + url_path(path))}</loc></url>\n" for path in paths]
    head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return (head + "".join(lines) + "</urlset>\n").encode()
