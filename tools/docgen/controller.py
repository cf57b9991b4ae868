"""The interface of a controller as an OpenAPI document."""

from __future__ import annotations

import json

from molthub_reconciler.remote.openapi import openapi


def pages() -> dict[str, str]:
    """Return the document."""
    return {"controller-openapi.json": json.dumps(json.loads(openapi()), indent=1, ensure_ascii=False) + "\n"}
