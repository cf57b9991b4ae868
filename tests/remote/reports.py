"""Builders of what agents tell."""

from __future__ import annotations

from typing import Any

from molthub.documents import canonical_plain

DIGEST = "sha256:" + "1" * 64


def report_json(bot: str, /, **told: Any) -> dict[str, Any]:
    """Return a report of one bot in sync; ``told`` changes what is said of it."""
    said = {"bot": bot, "platform": "agents-dir", "state": "in-sync", "desired": DIGEST, "observed": DIGEST,
            "problems": [], "changes": []}  # fmt: skip
    return {"format": "molthub.report/1", "command": "reconcile", "at": "2026-11-21T12:00:00Z", "revision": "a" * 40,
            "summary": {}, "bots": [{**said, **told}], "document": "a" * 64, "generation": 1, "held": None}  # fmt: skip


def report(bot: str, /, **told: Any) -> bytes:
    """Return it as it is sent."""
    return canonical_plain(report_json(bot, **told))
