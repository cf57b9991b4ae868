"""What pages promise whatever skills' authors write: links that lead somewhere, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest

from molthub.index.build import BuiltIndex
from molthub.index.pages.entry_pages import with_used_by
from molthub.index.pages.list_pages import ON_ONE_PAGE
from molthub.index.pages.render import POLICY
from molthub.index.pages.text import tag_path
from tests.builders import registry, skill
from tests.index.made import build, many_skills
from tests.site.registry import EXECUTABLE, URL, shown

VOID = {"meta", "link", "base", "input", "br", "hr", "img"}
LOADED = {"script": {"assets/site.js"}, "link": {"assets/site.css", "assets/icon.svg"}}
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


class Tag(NamedTuple):
    name: str
    attributes: dict[str, str]


class Page(HTMLParser):
    """The tags of a page, its ids and its text; every tag is closed in its turn."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(content.decode())
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[dict[str, str]]:
        return [tag.attributes for tag in self.tags if tag.name == name]

    @property
    def ids(self) -> list[str]:
        return [tag.attributes["id"] for tag in self.tags if "id" in tag.attributes]


@pytest.fixture(scope="module")
def index() -> BuiltIndex:
    return build(shown(), executable=EXECUTABLE)


@pytest.fixture(scope="module")
def pages(index: BuiltIndex) -> dict[str, Page]:
    return {path: Page(index.files[path]) for path in human_pages(index)}


def xml(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 (what we wrote ourselves)


def human_pages(index: BuiltIndex) -> list[str]:
    return [path for path, content in index.files.items() if path.endswith(".html") and b"<base href=" in content]


def links(pages: dict[str, Page]) -> Iterator[tuple[str, str]]:
    """Yield page and address of every link, as a browser resolves it."""
    for path, page in pages.items():
        (base,) = page.of("base")
        root = urljoin(URL + path, base["href"])
        for tag in page.tags:
            for name in ("href", "src", "action"):
                if name in tag.attributes and tag.name != "base":
                    yield path, urljoin(root, tag.attributes[name])


# --- where links lead ----------------------------------------------------------------------------------------------


def test_every_kind_of_page_is_there(pages: dict[str, Page]) -> None:
    expected = {"index.html", "skills/index.html", "packs/index.html", "tags/index.html", "publishers/index.html"}
    expected |= {
        f"skills/{name}/index.html" for name in ("full", "hostile", "@acme/scoped", "early", "watched", "gone")
    }
    expected |= {"packs/dev/index.html", "publishers/acme/index.html", "tags/vcs/index.html"}
    assert expected <= set(pages)


def test_every_base_is_the_root(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert [urljoin(URL + path, base["href"]) for base in page.of("base")] == [URL], path


def test_every_link_leads_to_a_file_and_every_fragment_to_an_id(index: BuiltIndex, pages: dict[str, Page]) -> None:
    ids = {path: {unquote(one) for one in page.ids} for path, page in pages.items()}
    for path, address in links(pages):
        parts = urlsplit(address)
        if not address.startswith(URL):
            assert parts.scheme in {"https", "http", "mailto"}, (path, address)
            continue
        target = unquote(address.removeprefix(URL).partition("#")[0].partition("?")[0])
        target += "index.html" if target.endswith("/") or not target else ""
        assert target in index.files, (path, address)
        if parts.fragment and not parts.fragment.startswith("doc-"):
            assert unquote(parts.fragment) in ids[target], (path, address)


def test_links_within_a_document_lead_to_its_headings_and_files(pages: dict[str, Page]) -> None:
    page = pages["skills/hostile/index.html"]
    found = {link.get("href") for link in page.of("a")}
    assert "skills/hostile/#doc-second-heading" in found
    assert "doc-second-heading" in page.ids
    assert "skills/hostile/#file-references%2Fnotes.md" in found


def test_ids_are_unique(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert len(set(page.ids)) == len(page.ids), path


def test_pages_load_nothing_but_the_index_own_assets(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert {tag["src"] for tag in page.of("script")} == LOADED["script"], path
        loading = [tag for tag in page.of("link") if tag["rel"] in ("stylesheet", "icon")]
        assert {tag["href"] for tag in loading} == LOADED["link"], path
        assert not {"img", "iframe", "object", "embed", "video", "audio", "style", "svg"} & {t.name for t in page.tags}


def test_the_policy_comes_before_anything_that_loads(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        named = [tag.name for tag in page.tags]
        at = next(at for at, tag in enumerate(page.tags) if "http-equiv" in tag.attributes)
        assert page.tags[at].attributes == {"http-equiv": "Content-Security-Policy", "content": POLICY}, path
        assert not {"script", "link", "base"} & set(named[:at]), path
        assert sum("http-equiv" in tag.attributes for tag in page.tags) == 1, path


# --- what authors write is text ------------------------------------------------------------------------------------


def test_nothing_that_authors_write_runs(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        for tag in page.tags:
            assert not any(name.startswith("on") or name in ("style", "srcdoc") for name in tag.attributes), (path, tag)
        assert len(page.of("script")) == len(page.of("form")) == len(page.of("base")) == 1, path
        assert len(page.of("h1")) == 1, path


def test_addresses_that_run_are_no_links(pages: dict[str, Page]) -> None:
    for path, address in links(pages):
        assert urlsplit(address).scheme in {"https", "http", "mailto"}, (path, address)


def test_links_of_authors_are_marked(pages: dict[str, Page]) -> None:
    outside = [a for page in pages.values() for a in page.of("a") if "elsewhere" in a.get("href", "")]
    assert outside
    assert all({"nofollow", "ugc", "noopener"} <= set(link["rel"].split()) for link in outside)


def test_what_was_written_is_shown(pages: dict[str, Page]) -> None:
    text = pages["skills/hostile/index.html"].text
    assert '<script>document.title = "owned"</script>' in text
    assert "{{ 7 * 7 }}" in text
    assert "Why & how <b>" in pages["skills/full/index.html"].text
    assert "It <lost> files." in pages["skills/full/index.html"].text
    assert "Dev <stack>" in pages["packs/dev/index.html"].text


def test_signs_that_turn_text_around_are_shown_and_not_obeyed(index: BuiltIndex) -> None:
    for path in human_pages(index):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", index.files[path].decode()), path
    assert "⟨U+202E⟩dlrow" in index.files["skills/hostile/index.html"].decode()


def test_an_author_cannot_close_the_gap_of_users(index: BuiltIndex) -> None:
    content = index.files["skills/hostile/index.html"]
    filled = with_used_by(content, [("skills/full/", "full", "skill")])
    assert Page(filled).text.count("Used by") == 1
    assert with_used_by(filled, []) == content


# --- what a page says ----------------------------------------------------------------------------------------------


def test_a_skills_page_says_what_people_ask(pages: dict[str, Page]) -> None:
    page = pages["skills/full/index.html"]
    for said in (
        "Shows everything.", "Apache-2.0", "Needs git.", "github", "TOKEN", "required, secret", "https://home.example/",
        "^1.0", "roundtable", "1.2.0", "latest", "yanked", "scripts/run.sh", "executable", "echo '<hi>'", "2026-11-02",
        f"skills install full \\\n  --registry {URL}", f"npx skills add \\\n  {URL}s/full",
        f"{URL}s/full/.well-known/agent-skills/",
    ):  # fmt: skip
        assert said in page.text, said
    assert "x" * 1000 not in page.text, "long files are linked, not shown"


def test_users_stand_on_the_page_of_what_they_use(pages: dict[str, Page]) -> None:
    base = pages["skills/base/index.html"]
    assert {"skills/full/", "packs/dev/"} <= {link["href"] for link in base.of("a")}
    assert "Used by" in base.text
    assert "Used by" not in pages["skills/early/index.html"].text


@pytest.mark.parametrize(("name", "word"), [("watched", "It calls home."), ("gone", "Malware."), ("old", "Use full.")])
def test_a_withdrawn_skill_says_why_and_offers_nothing(name: str, word: str, pages: dict[str, Page]) -> None:
    page = pages[f"skills/{name}/index.html"]
    assert word in page.text
    offered = any(link["href"].startswith("archives/") for link in page.of("a"))
    assert offered == (name == "old")
    assert ("skills install" in page.text) == (name == "old")
    listed = {link["href"] for link in pages["skills/index.html"].of("a")}
    assert (f"skills/{name}/" in listed) == (name == "old")


def test_without_script_everything_is_listed_by_letter(pages: dict[str, Page]) -> None:
    listed = {link["href"] for link in pages["skills/index.html"].of("a")}
    assert {"skills/full/", "skills/@acme/scoped/", "skills/many-z/"} <= listed
    assert "letter-m" in pages["skills/index.html"].ids
    assert "noscript" in [tag.name for tag in pages["index.html"].tags]


def test_tags_that_differ_in_case_share_a_page(pages: dict[str, Page]) -> None:
    listed = {link["href"] for link in pages["tags/vcs/index.html"].of("a")}
    assert {"skills/full/", "skills/hostile/", "skills/@acme/scoped/"} <= listed


@pytest.mark.parametrize("tag", ["C/C++", "..", ".", "con", "a b", "Über", "-x", "x" * 64, "a/../../b", "%2e%2e", ""])
def test_a_tags_folder_is_a_plain_name(tag: str) -> None:
    assert re.fullmatch(r"tags/[a-z0-9-]+/", tag_path(tag))
    assert tag_path(tag) != "tags/con/"


def test_every_page_is_in_the_sitemap(index: BuiltIndex, pages: dict[str, Page]) -> None:
    urls = {loc.text or "" for loc in xml(index.files["sitemap.xml"]).iter(f"{SITEMAP}loc")}
    folders = {URL + path.removesuffix("index.html") for path in pages}
    withdrawn = {f"{URL}skills/{name}/" for name in ("watched", "gone")}
    assert {unquote(url) for url in urls} == folders - withdrawn
    assert f"Sitemap: {URL}sitemap.xml" in index.files["robots.txt"].decode()


@pytest.mark.parametrize("path", ["feed.atom", "skills/full/feed.atom", "skills/hostile/feed.atom"])
def test_a_feed_names_what_may_be_installed(path: str, index: BuiltIndex) -> None:
    feed = xml(index.files[path])
    entries = feed.findall(f"{ATOM}entry")
    assert entries
    for element in (feed, *entries):
        assert all(element.findtext(f"{ATOM}{name}") for name in ("title", "id", "updated"))
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert not {"full 1.1.0", "watched 1.0.0", "gone 1.0.0"} & set(titles)
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert all(str(one).startswith(URL) for one in ids)


def test_a_registry_without_an_address_has_relative_feeds_and_no_sitemap() -> None:
    index = build(registry(skill("git"), locked=False))
    assert "sitemap.xml" not in index.files
    feed = xml(index.files["skills/git/feed.atom"])
    assert feed.findtext(f"{ATOM}id") == "urn:molthub:acme:skills/git/"
    assert [link.get("href") for link in feed.findall(f"{ATOM}link")] == [
        "../../skills/git/feed.atom",
        "../../skills/git/",
    ]
    assert "--registry" not in Page(index.files["skills/git/index.html"]).text


def test_an_empty_registry_has_pages() -> None:
    index = build(registry())
    assert "0 skills and 0 packs" in Page(index.files["index.html"]).text


# --- size ----------------------------------------------------------------------------------------------------------


def test_style_and_scripts_are_small(index: BuiltIndex) -> None:
    sizes = {path: len(content) for path, content in index.files.items() if path.startswith("assets/")}
    assert sizes["assets/site.css"] < 12_000
    assert sizes["assets/site.js"] < 6_000
    assert sizes["assets/search.js"] < 10_000


def test_a_long_list_is_cut_by_letters() -> None:
    index = build(many_skills(ON_ONE_PAGE + 50))
    pages = {path: Page(index.files[path]) for path in human_pages(index)}
    cut = [path for path in pages if path.startswith("browse/")]
    assert len(cut) > 5
    for path in cut:
        assert 0 < len([a for a in pages[path].of("a") if a["href"].startswith("skills/skill-")]) <= ON_ONE_PAGE
    reached = {a["href"] for path in cut for a in pages[path].of("a")}
    assert {f"skills/skill-{number}/" for number in range(ON_ONE_PAGE + 50)} <= reached
    assert {a["href"] + "index.html" for a in pages["skills/index.html"].of("a")} >= set(cut)
    assert all(len(index.files[path]) < 300_000 for path in pages)


def test_pages_are_the_same_each_time(index: BuiltIndex) -> None:
    again = build(shown(), executable=EXECUTABLE)
    assert again.files == index.files
