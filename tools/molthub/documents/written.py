"""JSON as files of ours hold it that people read and edit."""

from __future__ import annotations

import json

from molthub.model import Json


def readable(value: Json) -> bytes:
    """Return ``value`` as JSON that people read and edit: indented, keys in their order, one line end behind it."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
