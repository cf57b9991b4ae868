"""Drift as one page of HTML that needs nothing else: no script, no other file, nothing from the network.

What bots' files hold is escaped wherever it stands, and the page's Content-Security-Policy allows its own style alone.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.model import Json
from molthub_reconciler.formats.by_key import by_key
from molthub_reconciler.formats.masked import masked
from molthub_reconciler.formats.text_differences import side_by_side
from molthub_reconciler.formats.told import SORTS, Told, sort_of
from molthub_reconciler.report import fleet_lines, to_do, what

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent


def page(told: Told) -> str:
    """Return the page. Raises :class:`molthub.errors.MissingExtraError` without the library that writes it."""
    style = (_HERE / "drift.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return _template().render(
        told=told,
        report=told.report,
        fleets=[*fleet_lines(told.report), *to_do(told.report)],
        shared=by_key(told.report),
        sorts=SORTS,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        sort_of=sort_of,
        what=what,
        side_by_side=side_by_side,
        shown=_shown,
    )


def _shown(value: Json) -> str:
    import json

    if value is None:
        return "nothing"
    return masked(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        from molthub.errors import missing_extra

        raise missing_extra("reconciler", "drift as a page") from None
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("drift.html.jinja")
