"""MCP servers as Claude Code's files say them: in ``.claude.json``, in ``.mcp.json``, in a plugin. As of 2.1.197."""

from __future__ import annotations

import re

from molthub.model import Json
from molthub.references.interpolation import Interpolation

EXPANDED = Interpolation(re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}"))
"""The program knows no escape: whatever looks like a variable is expanded, a default after ``:-`` too."""


def server_entry(name: str, server: Json) -> Json:
    """Return the value of ``mcpServers.<name>``, with ``${NAME}`` where the declared server has a secret.

    Raises :class:`molthub.errors.PlatformValueError` (MH707) where the program would read something else.
    """
    written = EXPANDED.written(f"mcp/{name}", server)
    if "url" not in written:
        return {"type": "stdio", **written}
    fields = {field: value for field, value in written.items() if field != "transport"}
    return {"type": written.get("transport", "http"), **fields}
