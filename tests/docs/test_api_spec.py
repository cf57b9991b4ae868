"""The page of routes: every route is on it, and what it shows is what the schemas of the OpenAPI document say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from molthub.index.api.routes import JSON, ROUTES, Route

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "API_SPEC.md").read_text()
DOCUMENT = json.loads((DOCS / "openapi.json").read_text())
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^### GET ", PAGE, flags=re.MULTILINE)[1:]}
SHOWN = [route for route in ROUTES if route.type == JSON and "signed" not in route.only and route.schema]


def test_every_route_has_its_section() -> None:
    assert list(SECTIONS) == [route.path for route in ROUTES]


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: str(route.path))
def test_an_answer_is_shown_and_is_what_the_document_says(route: Route) -> None:
    found = re.search(r"```json\n(.*?)\n```", SECTIONS[route.path], flags=re.DOTALL)
    assert found is not None
    schema = DOCUMENT["paths"][route.path]["get"]["responses"]["200"]["content"][JSON]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(json.loads(found[1]))
