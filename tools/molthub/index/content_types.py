"""What a web host says of each file of an index: its type, and for how long it may be kept without asking again."""

from __future__ import annotations

import os
import re

from molthub.index.publish import BLOB
from molthub.index.views.hosting import BRIEFLY, FOREVER

API = "api/v1/"
_SKILLS_OWN_FILES = re.compile(r"(?:.*/)?\.well-known/agent-skills/[^/]+/")

_TYPES = {
    ".json": "application/json",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".atom": "application/atom+xml",
    ".xml": "application/xml",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".conf": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}


def content_type(path: str) -> str:
    """Return a file's type. What skills bring themselves is shown as text and never run in the index's name."""
    suffix = os.path.splitext(path)[1]  # noqa: PTH122 (a path of the index, not of the disk)
    if _SKILLS_OWN_FILES.match(path):
        return _TYPES[".md"] if suffix == ".md" else _TYPES[".txt"]
    if path.startswith(API) and suffix == ".html":
        return _TYPES[".json"]
    return _TYPES.get(suffix, "application/octet-stream")


def lifetime(path: str) -> str:
    """Return the value of a file's ``Cache-Control``: those named after their bytes never change."""
    return FOREVER if BLOB.match(path) else BRIEFLY
