"""Run inside nanobot's own packages: load its configuration, connect to its servers, list its skills; print JSON."""

import asyncio
import json
import sys
from typing import Any

from nanobot.agent.skills import SkillsLoader
from nanobot.agent.tools.mcp import connect_mcp_servers
from nanobot.agent.tools.registry import ToolRegistry
from nanobot.config.loader import load_config, resolve_config_env_vars, save_config


async def tools_of(servers: dict[str, Any]) -> list[str]:
    registry = ToolRegistry()
    connections = await connect_mcp_servers(servers, registry)
    names = sorted(registry.tool_names)
    for connection in connections.values():
        await connection.aclose()
    return names


stored = load_config()
if sys.argv[1:] == ["save"]:
    save_config(stored)
config = resolve_config_env_vars(stored)
skills = SkillsLoader(config.workspace_path).list_skills(filter_unavailable=False)
found = {
    "servers": sorted(config.tools.mcp_servers),
    "tools": asyncio.run(tools_of(config.tools.mcp_servers)),
    "skills": {skill["name"]: skill["source"] for skill in skills},
}
print(json.dumps(found))
