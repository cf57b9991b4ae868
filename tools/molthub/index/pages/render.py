"""Templates, compiled once for each process, and what all pages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from molthub.index.pages.text import anchor, day, encoded, shown_size, tag_path, url_path
from molthub.model import Registry

HERE = Path(__file__).parent
ASSETS = "assets"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'self'; form-action 'self'"
)
"""The Content-Security-Policy of every page: nothing from elsewhere, nothing inline."""


def page(template: str, registry: Registry, path: str, **values: Any) -> bytes:
    """Return the page at ``path`` (a folder, ending in ``/``, or empty for the root)."""
    head = {"registry": registry, "here": path, "root": "../" * path.count("/") or "./", "policy": POLICY}
    return encoded(_template(template).render(head | values))


def fragment(template: str, **values: Any) -> bytes:
    """Return a part that many pages share."""
    return encoded(_template(template).render(values))


@cache
def _template(name: str) -> Template:
    return _templates().get_template(name)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": shown_size, "path": url_path, "day": day, "tag_path": tag_path, "anchor": anchor}
    return environment


def assets() -> dict[str, bytes]:
    """Return the style, the script and the icon."""
    return {f"{ASSETS}/{file.name}": file.read_bytes() for file in sorted((HERE / "assets").iterdir())}
