"""What a skill needs where it runs, as shards and bots' documents say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from molthub.documents.names import ENV_KEY
from molthub.documents.reading import as_text, as_texts, checked, without_empty
from molthub.model import EnvNeed, Json, Needs


def needs_to_json(needs: Needs) -> dict[str, Json]:
    """Return the keys of an entry that say what a skill needs: only what it does."""
    return without_empty(
        {
            "mcpServers": list(needs.mcp_servers),
            "env": [env_need_to_json(need) for need in needs.env],
            "bins": list(needs.bins),
            "anyBins": [list(group) for group in needs.any_bins],
            "os": list(needs.systems),
            "skills": list(needs.skills),
            "settings": list(needs.settings),
            "installs": [{"program": program, "line": line} for program, line in needs.installs],
        }
    )


def needs_from_json(entry: Mapping[str, Any]) -> Needs:
    """Read the same keys of an entry. Raises :class:`ValueError`, :class:`TypeError` for what they cannot hold."""
    return Needs(
        mcp_servers=as_texts(entry.get("mcpServers")),
        env=tuple(_env_need(need) for need in entry.get("env") or ()),
        bins=as_texts(entry.get("bins")),
        any_bins=tuple(as_texts(group) for group in entry.get("anyBins") or ()),
        systems=as_texts(entry.get("os")),
        skills=as_texts(entry.get("skills")),
        settings=as_texts(entry.get("settings")),
        installs=tuple((as_text(one["program"]), as_text(one["line"])) for one in entry.get("installs") or ()),
    )


def env_need_to_json(need: EnvNeed) -> dict[str, Json]:
    """Return an environment need as shards and skill.yaml hold it (the description stays in skill.yaml)."""
    return {"name": need.name, "secret": need.secret, "required": need.required}


def _env_need(need: dict[str, Any]) -> EnvNeed:
    return EnvNeed(
        name=checked(ENV_KEY, need["name"], "an environment key"),
        secret=bool(need.get("secret", False)),
        required=bool(need.get("required", False)),
        description=as_text(need.get("description", "")),
    )
