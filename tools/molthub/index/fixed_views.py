"""The files of an index that speak of no entry."""

from __future__ import annotations

from molthub.index.api import openapi
from molthub.index.pages.render import assets
from molthub.index.views import Views
from molthub.index.views.hosting import host_rules, schemas, texts
from molthub.model import Registry


def fixed_views(registry: Registry, views: Views) -> dict[str, bytes]:
    """Return the views that speak of no entry, and the rules for hosts."""
    files = host_rules(registry)
    if views.for_clients:
        files |= schemas() | {openapi.PATH: openapi.openapi()}
    if views.for_people:
        files |= texts(registry) | assets()
    return files
