"""Where an index is published, as its registry says."""

from __future__ import annotations

from molthub.model import Registry


def base_url(registry: Registry) -> str:
    """Return where the index is published, ending in ``/``; empty where the registry does not say."""
    return registry.url if registry.url.endswith("/") or not registry.url else f"{registry.url}/"
