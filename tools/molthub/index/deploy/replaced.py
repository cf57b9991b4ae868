"""``replaced.json``: which roots an index had before, and until when they still keep their files. Pure.

A host of static files tells nobody when a root was replaced, so this file does: whoever sends the next index reads it
there, and leaves, or brings along, what readers of those roots may still ask for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from molthub.documents import HEX, canonical
from molthub.index.retention import KEPT_SECONDS

FORMAT = "molthub.replaced/1"
_TIME = "%Y-%m-%dT%H:%M:%SZ"

Replaced = Mapping[str, datetime]
"""The hex names of roots, each with the moment when another took its place."""


def read_replaced(content: bytes | None) -> dict[str, datetime]:
    """Read the file as it stands on a host. What is not of this form counts as not there: it only keeps old files."""
    try:
        document = json.loads(content or b"{}")
        if document.get("format") != FORMAT:
            return {}
        pairs = {name: datetime.strptime(when, _TIME).replace(tzinfo=UTC) for name, when in document["roots"].items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
    return {name: when for name, when in pairs.items() if HEX.match(name)}


def replaced_after(before: Replaced, live: str | None, ours: str, now: datetime) -> dict[str, datetime]:
    """Return what stands in the file once the root ``ours`` took the place of ``live``, newest first.

    A root that was replaced more than 30 days ago is no longer kept.
    """
    known = {**before, live: now} if live is not None else dict(before)
    oldest = now - timedelta(seconds=KEPT_SECONDS)
    kept = {name: when for name, when in known.items() if name != ours and oldest <= when <= now}
    return dict(sorted(kept.items(), key=lambda pair: (pair[1], pair[0]), reverse=True))


def replaced_document(replaced: Replaced) -> bytes:
    """Return the file's bytes."""
    return canonical({"format": FORMAT, "roots": {name: when.strftime(_TIME) for name, when in replaced.items()}})
