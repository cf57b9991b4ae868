"""One module per agent program: desired state and that program's files."""

from __future__ import annotations

from molthub.errors import MolthubError
from molthub.platforms.base import Platform


def platforms() -> tuple[str, ...]:
    """Return the names of the platforms that bots may run on."""
    return ("agents-dir", "claude-code", "openclaw")


def platform(name: str) -> Platform:
    """Return the adapter of one platform. Raises :class:`MolthubError` for a name that is none."""
    if name == "agents-dir":
        from molthub.platforms.agents_dir import AgentsDir

        return AgentsDir()
    if name == "claude-code":
        from molthub.platforms.claude_code import ClaudeCode

        return ClaudeCode()
    if name == "openclaw":
        from molthub.platforms.openclaw import OpenClaw

        return OpenClaw()
    known = ", ".join(platforms())
    raise MolthubError(f"there is no platform {name!r}", remedy=f"this molthub knows {known}; a newer one may know it")
