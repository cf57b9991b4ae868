"""The pages that list many: the first page, all by letter, tags, publishers, packs, feed and sitemap.

They are put together from rows, one for each skill and pack, which hold what is shown of it ready-made. So a page of a
thousand is a thousand copies of bytes, and a row that did not change need not be made again.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from molthub.documents import canonical
from molthub.index.address import base_url
from molthub.index.pages.entry_pages import page_path
from molthub.index.pages.feeds import MAX_NEWS, News, feed, sitemap, skill_news
from molthub.index.pages.render import assets, fragment, page, tag_path
from molthub.index.releases import is_withdrawn, latest_pack, latest_skill
from molthub.index.views import Files
from molthub.model import PackEntry, Registry, SkillEntry, bare_name

ON_ONE_PAGE = 500
"""A list of more names is cut by their first letters, as often as it takes."""

_NEWEST = 12
_PACKS = 12
_TAGS = 80
_NEWS_EACH = 5


class PageRow(NamedTuple):
    """What lists show of a skill or a pack, and where. ``needs`` are the skills that its latest version names."""

    kind: str
    name: str
    card: str
    published: str
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    needs: tuple[str, ...]
    news: tuple[News, ...]


def page_row(entry: SkillEntry | PackEntry) -> bytes | None:
    """Return an entry's row as canonical JSON; what may not be offered is in no list."""
    if is_withdrawn(entry):
        return None
    row = _skill_row(entry) if isinstance(entry, SkillEntry) else _pack_row(entry)
    return canonical(row._asdict() | {"news": [list(one) for one in row.news]})


def _skill_row(skill: SkillEntry) -> PageRow:
    number = latest_skill(skill)
    release = skill.releases[number] if number else None
    return PageRow(
        kind="skill",
        name=skill.name,
        card=_card(skill, number or "", skill.description),
        published=release.published if release else "",
        tags=skill.tags,
        owners=skill.owners,
        needs=tuple(release.dependencies) if release else (),
        news=tuple(skill_news(skill)[:_NEWS_EACH]),
    )


def _pack_row(pack: PackEntry) -> PageRow:
    number = latest_pack(pack)
    release = pack.releases[number] if number else None
    return PageRow(
        kind="pack",
        name=pack.name,
        card=_card(pack, str(number or ""), pack.description or pack.display_name),
        published=release.published if release else "",
        tags=(),
        owners=pack.owners,
        needs=tuple(release.skills) if release else (),
        news=(),
    )


def _card(entry: SkillEntry | PackEntry, latest: str, description: str) -> str:
    shown = {"path": page_path(entry), "name": entry.name, "latest": latest, "status": entry.status}
    kind = "skill" if isinstance(entry, SkillEntry) else "pack"
    return fragment("card.html", kind=kind, description=description, **shown).decode()


def read_rows(rows: Iterable[bytes]) -> list[PageRow]:
    """Read rows back, ordered by name without scope."""
    found = []
    for content in rows:
        row = json.loads(content)
        row |= {key: tuple(row[key]) for key in ("tags", "owners", "needs")}
        found.append(PageRow(**row | {"news": tuple(News(*one) for one in row["news"])}))
    return sorted(found, key=lambda row: (bare_name(row.name), row.name, row.kind))


def users_of(rows: Iterable[PageRow]) -> dict[str, list[tuple[str, str, str]]]:
    """Return what uses each skill: the (path of the page, name, kind) of skills and packs, by the skill's name."""
    users: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        for name in row.needs:
            users.setdefault(name, []).append((f"{row.kind}s/{row.name}/", row.name, row.kind))
    return users


def list_pages(registry: Registry, rows: Iterable[PageRow], names: Mapping[str, str] | None = None) -> Files:
    """Return every page that lists many. ``rows`` are ordered; ``names`` are the display names of publishers."""
    ordered = list(rows)
    skills = [row for row in ordered if row.kind == "skill"]
    packs = [row for row in ordered if row.kind == "pack"]
    tags = _by_tag(skills)
    owners = _by_owner(ordered)
    pages = {"index.html": _first_page(registry, skills, packs, tags)}
    pages |= _listing(registry, "skills/", "Skills", skills, parts="browse/")
    pages |= _listing(registry, "packs/", "Packs", packs)
    pages |= _overview(registry, "tags/", "Tags", [(tag_path(tag), tag, len(found)) for tag, found in tags.items()])
    for tag, found in tags.items():
        pages |= _listing(registry, tag_path(tag), tag, found, parent=("tags/", "Tags"))
    links = [(f"publishers/{owner}/", owner, len(found)) for owner, found in owners.items()]
    pages |= _overview(registry, "publishers/", "Publishers", links)
    for owner, found in owners.items():
        heading = (names or {}).get(owner) or owner
        pages |= _listing(registry, f"publishers/{owner}/", heading, found, parent=("publishers/", "Publishers"))
    pages["feed.atom"] = feed(registry, "", f"New in {registry.name}", _news(skills))
    if registry.url:
        folders = [path.removesuffix("index.html") for path in pages if path.endswith("index.html")]
        pages["sitemap.xml"] = sitemap(registry, [*folders, *(f"{row.kind}s/{row.name}/" for row in ordered)])
    return pages | assets()


def _by_tag(skills: Iterable[PageRow]) -> dict[str, list[PageRow]]:
    """Return the skills of each tag. Of tags that differ in case alone the first one seen names all."""
    spelled: dict[str, str] = {}
    found: dict[str, list[PageRow]] = {}
    for row in skills:
        for tag in dict.fromkeys(spelled.setdefault(tag.lower(), tag) for tag in row.tags):
            found.setdefault(tag, []).append(row)
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _by_owner(rows: Iterable[PageRow]) -> dict[str, list[PageRow]]:
    found: dict[str, list[PageRow]] = {}
    for row in rows:
        for owner in dict.fromkeys(row.owners):
            found.setdefault(owner, []).append(row)
    return dict(sorted(found.items()))


def _news(skills: Iterable[PageRow]) -> list[News]:
    news = [one for row in skills for one in row.news]
    return sorted(news, key=lambda one: (one.published, one.name, one.number), reverse=True)[:MAX_NEWS]


def _first_page(
    registry: Registry, skills: list[PageRow], packs: list[PageRow], tags: Mapping[str, list[PageRow]]
) -> bytes:
    newest = sorted(skills, key=lambda row: row.published, reverse=True)[:_NEWEST]
    counted = Counter({tag: len(found) for tag, found in tags.items()})
    common = sorted(counted.most_common(_TAGS), key=lambda item: item[0].lower())
    return page(
        "index.html",
        registry,
        "",
        counts={"skills": len(skills), "packs": len(packs)},
        base=base_url(registry),
        packs=[_cards([row]) for row in packs[:_PACKS]],
        newest=[_cards([row]) for row in newest],
        tags=common,
    )


def _cards(rows: Iterable[PageRow]) -> str:
    return "".join(row.card for row in rows)


def _overview(
    registry: Registry, path: str, heading: str, links: list[tuple[str, str, int]], count: int | None = None
) -> Files:
    shown = len(links) if count is None else count
    content = page("list.html", registry, path, heading=heading, count=shown, parent=None, links=links, groups=[])
    return {f"{path}index.html": content}


def _listing(
    registry: Registry,
    path: str,
    heading: str,
    rows: list[PageRow],
    *,
    parent: tuple[str, str] | None = None,
    parts: str = "",
) -> Files:
    """Return one page with all rows, or, of too many, a page for each beginning that few enough names have.

    Those stand in the folder ``parts``, which is the page's own unless names would be in the way.
    """
    if len(rows) > ON_ONE_PAGE:
        return _in_parts(registry, path, heading, rows, parts or path)
    groups = _groups(rows) if len(rows) > _NEWEST * 2 else [("", rows)]
    content = page(
        "list.html",
        registry,
        path,
        heading=heading,
        count=len(rows),
        parent=parent,
        links=[],
        groups=[(letter, _cards(group)) for letter, group in groups],
    )
    return {f"{path}index.html": content}


def _in_parts(registry: Registry, path: str, heading: str, rows: list[PageRow], folder: str) -> Files:
    cut = _parts(rows, 1)
    links = [(f"{folder}{beginning}/", beginning, len(part)) for beginning, part in cut.items()]
    pages = _overview(registry, path, heading, links, count=len(rows))
    for beginning, part in cut.items():
        at = f"{folder}{beginning}/"
        pages[f"{at}index.html"] = page(
            "list.html",
            registry,
            at,
            heading=f"{heading}: {beginning}",
            count=len(part),
            parent=(path, heading),
            links=[],
            groups=[("", _cards(part))],
        )
    return pages


def _groups(rows: Iterable[PageRow]) -> list[tuple[str, list[PageRow]]]:
    found: dict[str, list[PageRow]] = {}
    for row in rows:
        found.setdefault(bare_name(row.name)[0], []).append(row)
    return list(found.items())


def _parts(rows: list[PageRow], length: int) -> dict[str, list[PageRow]]:
    """Return rows by the first letters of their names, which order them: as few letters as leave few enough rows."""
    names = [bare_name(row.name) for row in rows]
    cut: dict[str, list[PageRow]] = {}
    at = 0
    while at < len(rows):
        beginning = names[at][:length]
        # A name that ends here is not followed by longer ones of its own: it has a part for itself.
        end = bisect_right(names, beginning if len(beginning) < length else f"{beginning}\U0010ffff", at)
        part = rows[at:end]
        cut |= _parts(part, length + 1) if len(part) > ON_ONE_PAGE and len(beginning) == length else {beginning: part}
        at = end
    return cut
