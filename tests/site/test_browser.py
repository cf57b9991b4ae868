"""The pages in a real browser: nothing runs or loads that should not, everybody can use them, search finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from molthub.client.index import Index
from molthub.index.publish import publish
from molthub.index.serve import make_server
from tests.builders import pack, registry, skill
from tests.index.made import build, locks
from tests.loopback import serving
from tests.site.registry import EXECUTABLE, shown

pytestmark = pytest.mark.peers

PAGES = {
    "first": "",
    "results": "?q=many",
    "nothing-found": "?q=qqqqqqq",
    "skill": "skills/full/",
    "hostile": "skills/hostile/",
    "scoped": "skills/@acme/scoped/",
    "deprecated": "skills/old/",
    "quarantined": "skills/watched/",
    "removed": "skills/gone/",
    "pack": "packs/dev/",
    "skills": "skills/",
    "packs": "packs/",
    "tags": "tags/",
    "tag": "tags/vcs/",
    "publishers": "publishers/",
    "publisher": "publishers/acme/",
}
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site") / "index"
    publish(build(shown(), executable=EXECUTABLE), place)
    return place


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    yield from _served(folder)


def _served(folder: Path) -> Iterator[str]:
    with serving(make_server(folder)) as server:
        yield server.url


class Visit:
    """One browser window, and everything that went wrong in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def go(self, path: str, until: Literal["load", "networkidle"] = "networkidle") -> Page:
        self.page.goto(self.url + path, wait_until=until)
        return self.page

    def names(self) -> list[str]:
        """Return the names of the results, when they are there."""
        expect(self.page.locator("#said")).not_to_be_empty()
        return self.page.locator("#rows a").all_text_contents()

    def close(self) -> None:
        outside = [address for address in self.requests if not address.startswith(self.url)]
        assert outside == [], "pages load nothing from elsewhere"
        assert self.wrong == [], "no error, and nothing that the policy had to stop"


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    with browser.new_context() as context:
        opened = Visit(context, url)
        yield opened
        opened.close()


# --- everybody can use them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(name: str, size: str, scheme: Any, browser: Browser, *, url: str, axe: str) -> None:
    with browser.new_context(viewport=SIZES[size], color_scheme=scheme, bypass_csp=True) as context:
        page = Visit(context, url).go(PAGES[name])
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.add_script_tag(content=axe)
        found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        violations = [(one["id"], [node["html"][:150] for node in one["nodes"]]) for one in found["violations"]]
        assert violations == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, "a page never scrolls sideways"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_scheme_is_the_readers(scheme: Any, browser: Browser, url: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:
        page = Visit(context, url).go("")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_keyboard_is_enough(visit: Visit) -> None:
    page = visit.go("")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url == f"{visit.url}#main"
    page.keyboard.press("/")
    page.keyboard.type("many")
    expect(page.locator("#said")).to_have_text("26 results.")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "many-a"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visit.url}skills/many-a/")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.keyboard.press("Tab")
    assert page.evaluate(outline) != "none"


def test_results_are_said_to_screen_readers(visit: Visit) -> None:
    page = visit.go("?q=many")
    visit.names()
    assert page.get_by_role("status").text_content() == "26 results."
    assert page.get_by_role("list", name="Results").get_by_role("listitem").count() == 26
    page.get_by_role("searchbox", name="Search skills and packs").fill("full")
    expect(page.locator("#said")).to_have_text(re.compile("^2 "))


# --- nothing runs that an author wrote -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["skills/hostile/", "?q=document", "tags/", "skills/"])
def test_what_authors_write_is_inert(path: str, visit: Visit) -> None:
    page = visit.go(path)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for link in page.locator("main a[href]").all():
        address = link.evaluate("(one) => one.href")
        assert address.startswith(("http://", "https://", "mailto:")), address
    for element in page.locator("main *").all()[:400]:
        element.dispatch_event("mouseover")
    assert page.evaluate("document.title") != "owned"


def test_the_policy_stops_what_would_run(browser: Browser, url: str) -> None:
    with browser.new_context() as context:
        visit = Visit(context, url)
        page = visit.go("skills/full/")
        page.evaluate("""() => {
            const script = document.createElement('script');
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            document.body.append(Object.assign(new Image(), { src: 'https://evil.example/pixel.png' }));
        }""")
        page.wait_for_timeout(200)
        assert page.evaluate("document.title") != "owned"
        assert len([said for said in visit.wrong if "Content Security Policy" in said]) >= 2


# --- search --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["many", "full", "vcs", "use", "synonym", "ful", "gihtub", "does what", "@acme/scoped"]
)
def test_the_page_finds_what_the_command_finds(query: str, folder: Path, visit: Visit) -> None:
    visit.go("")
    visit.page.get_by_role("searchbox").type(query)
    found = Index.open(str(folder)).search(query).rows
    expect(visit.page.locator("#rows a")).to_have_count(min(len(found), 60))
    assert visit.names() == [row.name for row in found]


def test_a_search_can_be_narrowed_down_linked_and_left(visit: Visit) -> None:
    page = visit.go("?q=vcs")
    assert visit.names() == ["@acme/scoped", "full", "hostile"]
    page.get_by_role("button", name="mcp:github").click()
    expect(page.locator("#rows a")).to_have_count(1)
    expect(page.get_by_role("button", name="mcp:github")).to_be_focused()
    assert page.get_by_role("button", name="mcp:github").get_attribute("aria-pressed") == "true"
    address = page.url
    page.goto(address)
    assert visit.names() == ["full"]
    page.get_by_role("link", name="full").click()
    page.wait_for_url(f"{visit.url}skills/full/")
    page.go_back()
    assert visit.names() == ["full"]
    page.get_by_role("searchbox").fill("")
    page.wait_for_selector("#browse", state="visible")
    assert page.url == visit.url


def test_every_page_searches(visit: Visit) -> None:
    page = visit.go("skills/full/")
    page.get_by_role("searchbox").fill("scoped")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visit.url}?q=scoped")
    assert visit.names() == ["@acme/scoped"]


def test_a_misspelled_word_is_mended_and_said(visit: Visit) -> None:
    page = visit.go("?q=scopde")
    assert visit.names() == ["@acme/scoped"]
    assert "searched for “scoped”" in (page.get_by_role("status").text_content() or "")


def test_a_search_list_that_cannot_be_read_is_said(tmp_path: Path, browser: Browser) -> None:
    publish(build(registry(skill("git"), locked=False)), tmp_path / "index")
    for url in _served(tmp_path / "index"):
        with browser.new_context() as context:
            visit = Visit(context, url)
            next((tmp_path / "index" / "search").iterdir()).unlink()
            visit.go("?q=git", until="load")
            assert visit.names() == []
            assert "cannot be read" in (visit.page.get_by_role("status").text_content() or "")


def test_a_large_index_is_searched_by_few_requests(tmp_path: Path, browser: Browser) -> None:
    tree = registry(*(skill(f"made-{number}", tags=[f"tag{number % 7}"]) for number in range(2100)), locked=False)
    tree |= pack("dev", {"skills": ["made-7"], "resolved": locks(tree, **{"made-7": "1.0.0"})})
    publish(build(tree), tmp_path / "index")
    index = Index.open(str(tmp_path / "index"))
    for url in _served(tmp_path / "index"):
        for query in ("made-77", "tag3", "dev", "does made"):
            with browser.new_context() as context:
                visit = Visit(context, url)
                visit.go(f"?q={query}")
                assert visit.names() == [row.name for row in index.search(query).rows[:60]]
                assert len([address for address in visit.requests if "/search/" in address]) <= 3
                visit.close()


# --- without script ------------------------------------------------------------------------------------------------


def test_without_script_everything_but_search_works(browser: Browser, url: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        visit = Visit(context, url)
        page = visit.go("")
        page.get_by_role("link", name="Skills", exact=True).click()
        assert page.get_by_role("link", name="many-q").is_visible()
        page.get_by_role("link", name="full").click()
        assert page.get_by_role("heading", level=1).text_content() == "full 1.2.0 "
        notes = page.get_by_text("A < B & C")
        assert not notes.is_visible()
        page.get_by_text("references/notes.md", exact=True).click()
        assert notes.is_visible()
        page.get_by_role("link", name="base").click()
        assert page.get_by_role("heading", name="Used by").is_visible()
        visit.close()


def test_a_link_in_a_text_opens_the_file_it_names(visit: Visit) -> None:
    page = visit.go("skills/full/")
    page.get_by_role("link", name="it", exact=True).click()
    assert page.url == f"{visit.url}skills/full/#file-references%2Fnotes.md"
    page.wait_for_selector("text=A < B & C", state="visible")
