"""What a bot's skills need and its layers do not give: MCP servers, variables, other skills. Pure.

What only the bot's machine can say, programs, its system and settings, is judged there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from molthub.errors import Problem
from molthub.model import Bot, EnvNeed, Json, Locked, Needs, Origin, bare_name
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.registry.resolving.availability import placed


def unmet(
    bot: Bot,
    skills: Mapping[str, Locked],
    needs: Mapping[str, Needs],
    desired: Mapping[str, Json],
    origins: Mapping[str, tuple[Origin, ...]],
) -> Iterator[Problem]:
    """Yield a warning for each server, skill and required variable that a skill needs and of which nothing is said.

    ``desired`` and ``origins`` are the bot's. What a layer takes away is said, and no mistake. A warning stands where
    the skill was attached.
    """
    if not needs:
        return
    known = desired.keys() | origins.keys()
    there = {bare_name(key.removeprefix("skill/")) for key in known if key.startswith("skill/")}
    there |= BUNDLED_SKILLS.get(bot.platform, frozenset())
    for name, needed in needs.items():
        who = f"{bot.path}: {name}@{skills[name].version}" if name in skills else f"{bot.path}: {name}"
        at = next((origin.at for origin in origins.get(f"skill/{name}", ())), bot.file)
        for server in needed.mcp_servers:
            if f"mcp/{server}" not in known:
                message = f"{who} uses the MCP server {server}, which no layer gives"
                yield placed(
                    "MH221", message, f"write under mcps: - {{name: {server}, command: ...}}", at, warning=True
                )
        for other in needed.skills:
            if bare_name(other) not in there:
                message = f"{who} counts on the skill {other}, which no layer gives"
                yield placed("MH224", message, f"write under skills: - {other}", at, warning=True)
        for need in needed.env:
            if need.required and f"env/{need.name}" not in known:
                message = f"{who} requires the variable {need.name}, which no layer gives"
                yield placed("MH222", message, f"write under envVars: {need.name}: {_value(need)}", at, warning=True)


def _value(need: EnvNeed) -> str:
    """Return what may stand there: a secret's own name is the variable's in lower case."""
    return f'"${{secrets.{need.name.lower()}}}"' if need.secret else "..."
