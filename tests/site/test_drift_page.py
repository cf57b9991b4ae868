"""Drift as a page, in a real browser: its policy lets it show itself and nothing else, and everybody can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage

from tests.reconciler.conftest import SERVER
from tests.reconciler.drifted import damaged
from tests.reconciler.site import DOCKER
from tests.reconciler.world import World

pytestmark = pytest.mark.peers

GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(tmp_path: Path, browser: Browser, axe: str, scheme: Literal["light", "dark"]) -> None:
    world = World(tmp_path)
    damaged(
        world, {"env/LEVEL": "debug", "mcp/github": SERVER, "skill/docker": world.site.skill("docker", "2.0.1", DOCKER)}
    )
    place = tmp_path / "drift.html"
    assert world.molthub("drift", "--format", "html", "--output", str(place)).status == 3

    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        wrong.append(message.text)

    with browser.new_context(color_scheme=scheme) as context:
        window = context.new_page()
        window.on("console", note)
        window.on("dialog", lambda dialog: wrong.append(dialog.message))
        window.goto(place.as_uri())
        assert window.evaluate("getComputedStyle(document.body).backgroundColor") == GROUND[scheme]
        assert "line 31" in window.locator("table.lines").nth(1).inner_text()
        window.screenshot(path=str(tmp_path / f"{scheme}.png"), full_page=True)
        assert wrong == []
    with browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 740}) as context:
        phone = context.new_page()
        phone.goto(place.as_uri())
        assert phone.evaluate("document.documentElement.scrollWidth") == 360
        assert "line 30" in phone.locator("table.lines").nth(1).inner_text()
        lines = phone.locator("table.lines .same").first.locator("td").all()
        assert [cell.is_visible() for cell in lines] == [True, True, False, False]
    with browser.new_context(color_scheme=scheme, bypass_csp=True) as context:
        window = context.new_page()
        window.goto(place.as_uri())
        window.evaluate(axe)
        found: Any = window.evaluate("axe.run(document)")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
