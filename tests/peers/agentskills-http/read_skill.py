"""Reads one skill from a host with ``agentskills-http`` and prints what it found. Usage: read_skill.py BASE NAME."""

import asyncio
import json
import sys
import warnings
from typing import Any

from agentskills_core import SkillRegistry
from agentskills_http import HTTPStaticFileSkillProvider

warnings.simplefilter("ignore")


async def main(base: str, name: str) -> None:
    """Print the skill as JSON: its metadata, resources and files."""
    wanted: dict[str, Any] = {"resource_manifest": True, "file_manifest": True, "allow_private_network": True}
    async with HTTPStaticFileSkillProvider(base, **wanted) as host:
        skills = SkillRegistry()
        await skills.register(name, host)
        paths = await host.list_files(name)
        found = {
            "metadata": await skills.get_skill(name).get_metadata(),
            "resources": await host.list_resources(name),
            "files": {path: (await host.read_file(name, path)).decode() for path in paths},
        }
        print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
