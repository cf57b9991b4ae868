"""The pages that list many: the first page, all by letter, tags, publishers, packs, feed and sitemap.

They are put together from shelves (:mod:`molthub.index.pages.shelves`). Each page says by its ``signature`` what it is
made from before it is made: whoever remembers signatures makes no page twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from heapq import nlargest
from typing import NamedTuple

from molthub.index.address import base_url
from molthub.index.pages.entry_pages import page_path
from molthub.index.pages.feeds import feed, sitemap, skill_news
from molthub.index.pages.render import fragment, page
from molthub.index.pages.shelves import ALL_PACKS, ALL_SKILLS, OWNER, TAG, PageRow, Placed, Shelves
from molthub.index.pages.text import tag_path
from molthub.index.releases import is_withdrawn, latest_pack, latest_skill
from molthub.index.views import Files
from molthub.model import PackEntry, Registry, SkillEntry

ON_ONE_PAGE = 500
"""A list of more names is cut by their first letters, as often as it takes."""

_NEWEST = 12
_PACKS = 12
_TAGS = 80
_NEWS_EACH = 5


class ListPage(NamedTuple):
    """A page that is yet to be made. Equal signatures of one path: equal bytes.

    It lists what of its shelf has a name without scope that begins with ``beginning``.
    """

    path: str
    sign: Callable[[], str]
    make: Callable[[], bytes]
    beginning: str = ""


def page_row(entry: SkillEntry | PackEntry) -> PageRow | None:
    """Return what lists show of an entry; what may not be offered is in none."""
    if is_withdrawn(entry):
        return None
    return _skill_row(entry) if isinstance(entry, SkillEntry) else _pack_row(entry)


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


def list_pages(registry: Registry, shelves: Shelves) -> Files:
    """Return every page that lists many."""
    pages = {
        one.path: one.make() for label in (None, *every_label(shelves)) for one in pages_of(registry, shelves, label)
    }
    return pages | new_versions(registry, shelves) | all_pages(registry, shelves, pages)


def every_label(shelves: Shelves) -> list[str]:
    """Return the shelves that have pages: everything has one, be it empty."""
    return sorted({ALL_SKILLS, ALL_PACKS, *shelves.labels()})


def pages_of(registry: Registry, shelves: Shelves, label: str | None) -> list[ListPage]:
    """Return the pages of one shelf; without a label those that list the shelves themselves."""
    if label is None:
        return list(_overviews(registry, shelves))
    listing = _Listing(registry, shelves, label)
    if label == ALL_SKILLS:
        return listing.pages("skills/", "Skills", parts="browse/")
    if label == ALL_PACKS:
        return listing.pages("packs/", "Packs")
    if not shelves.count(label):
        return []
    spelled = shelves.spelled(label)
    if label.startswith(TAG):
        return listing.pages(tag_path(spelled), spelled, parent=("tags/", "Tags"))
    return listing.pages(f"publishers/{spelled}/", spelled, parent=("publishers/", "Publishers"))


def new_versions(registry: Registry, shelves: Shelves) -> Files:
    """Return the feed of new versions."""
    return {"feed.atom": feed(registry, "", f"New in {registry.name}", shelves.news())}


def all_pages(registry: Registry, shelves: Shelves, paths: Iterable[str]) -> Files:
    """Return the list of all pages, those at ``paths`` among them; none where nobody knows their address."""
    if not registry.url:
        return {}
    folders = sorted(path.removesuffix("index.html") for path in paths)
    return {"sitemap.xml": sitemap(registry, [*folders, *shelves.pages()])}


def _overviews(registry: Registry, shelves: Shelves) -> Iterator[ListPage]:
    """Yield the first page, and the lists of tags and publishers."""
    tags, owners = shelves.counts(TAG), shelves.counts(OWNER)
    yield _first_page(registry, shelves, tags)
    yield _links(registry, "tags/", "Tags", [(tag_path(tag), tag, count) for tag, count in tags], len(tags))
    links = [(f"publishers/{owner}/", owner, count) for owner, count in owners]
    yield _links(registry, "publishers/", "Publishers", links, len(links))


def _first_page(registry: Registry, shelves: Shelves, tags: list[tuple[str, int]]) -> ListPage:
    common = nlargest(_TAGS, tags, key=lambda item: item[1])  # of equals the first ones
    values = {
        "counts": {"skills": shelves.count(ALL_SKILLS), "packs": shelves.count(ALL_PACKS)},
        "packs": shelves.first(ALL_PACKS, _PACKS),
        "newest": shelves.newest_skills(_NEWEST),
        "tags": sorted(common, key=lambda item: item[0].lower()),
    }
    return ListPage(
        "index.html",
        lambda: _signature(values),
        lambda: page("index.html", registry, "", base=base_url(registry), **values),
    )


def _links(registry: Registry, path: str, heading: str, links: list[tuple[str, str, int]], count: int) -> ListPage:
    """Return a page that leads to others."""
    values: Mapping[str, object] = {"heading": heading, "count": count, "links": links}
    return ListPage(
        f"{path}index.html",
        lambda: _signature(values),
        lambda: page("list.html", registry, path, parent=None, groups=[], **values),
    )


def _signature(*what: object) -> str:
    return sha256(repr(what).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class _Listing:
    """The pages of one shelf."""

    def __init__(self, registry: Registry, shelves: Shelves, label: str) -> None:
        self._registry = registry
        self._shelves = shelves
        self._label = label

    def pages(
        self, path: str, heading: str, *, parent: tuple[str, str] | None = None, parts: str = ""
    ) -> list[ListPage]:
        """Return one page with everything, or, of too many, a page for each beginning that few enough names have.

        Those stand in the folder ``parts``, which is the page's own unless names would be in the way.
        """
        count = self._shelves.count(self._label)
        if count <= ON_ONE_PAGE:
            return [self._page(path, heading, "", parent)]
        folder = parts or path
        cut = self._shelves.parts(self._label, ON_ONE_PAGE)
        links = [(f"{folder}{beginning}/", beginning, some) for beginning, some in cut.items()]
        return [
            _links(self._registry, path, heading, links, count),
            *(self._page(f"{folder}{one}/", f"{heading}: {one}", one, (path, heading)) for one in cut),
        ]

    def _page(self, path: str, heading: str, beginning: str, parent: tuple[str, str] | None) -> ListPage:
        def groups() -> list[tuple[str, list[Placed]]]:
            placed = self._shelves.on(self._label, beginning, most=ON_ONE_PAGE)
            return _groups(placed) if not beginning and len(placed) > _NEWEST * 2 else [("", placed)]

        def sign() -> str:
            said = [(one.name, one.kind, one.mark) for _letter, group in groups() for one in group]
            return _signature(heading, len(said), parent, said)

        def make() -> bytes:
            shown = [(letter, "".join(self._shelves.cards(group))) for letter, group in groups()]
            count = sum(len(group) for _letter, group in groups())
            values = {"heading": heading, "count": count, "parent": parent, "links": [], "groups": shown}
            return page("list.html", self._registry, path, **values)

        return ListPage(f"{path}index.html", sign, make, beginning)


def _groups(placed: Iterable[Placed]) -> list[tuple[str, list[Placed]]]:
    found: dict[str, list[Placed]] = {}
    for one in placed:
        found.setdefault(one.bare[0], []).append(one)
    return list(found.items())
