"""What a web host says of each file of an index: its type, and for how long it may be kept without asking again."""

from __future__ import annotations

import os
import re

from molthub.index.folder import BLOB

FOREVER = "public, max-age=31536000, immutable"
"""How long a file may be kept whose name is the SHA-256 of its bytes."""

BRIEFLY = "public, max-age=60"
"""How long every other file may be kept without asking again."""

BLOB_FOLDERS = ("archives", "shards", "search", "signatures", "log/tile")
"""Folders that hold nothing but files that never change."""

API = "api/v1/"
JSON_ROUTES = r"(?:(?:s/(?:@[^/]+/)?[^/]+/)?api/v1|v0\.1|npm)/"
"""A regular expression of where routes answer in JSON, so that ``index.html`` holds that too."""

SKILLS_OWN_FILES = r"(?:.*/)?\.well-known/agent-skills/[^/]+/"
"""A regular expression of where files stand that skills brought themselves."""

_json_routes = re.compile(JSON_ROUTES)
_skills_own_files = re.compile(SKILLS_OWN_FILES)

TYPES = {
    ".json": "application/json",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
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
"""The types of files by their suffix."""


_TILES = "log/tile/"


def content_type(path: str) -> str:
    """Return a file's type. What skills bring themselves is shown as text and never run in the index's name."""
    if path.startswith(_TILES):
        return "application/octet-stream"
    suffix = os.path.splitext(path)[1]  # noqa: PTH122 (a path of the index, not of the disk)
    if _skills_own_files.match(path):
        return TYPES[".md"] if suffix == ".md" else TYPES[".txt"]
    if is_json_route(path) and suffix not in TYPES.keys() - {".html", ""}:
        return "application/zip" if path.endswith("/api/v1/download") else TYPES[".json"]
    return TYPES.get(suffix, "application/octet-stream")


def is_json_route(path: str) -> bool:
    """Whether a path is that of a route which answers in JSON."""
    return _json_routes.match(path) is not None


def lifetime(path: str) -> str:
    """Return the value of a file's ``Cache-Control``: those named after their bytes never change, nor do tiles."""
    return FOREVER if BLOB.match(path) or path.startswith(_TILES) else BRIEFLY
