"""A world in which bots drifted, for whatever tells of it."""

from __future__ import annotations

from molthub.model import Json, KeyRule, SyncPolicy
from tests.reconciler.site import GIT
from tests.reconciler.world import World

HOSTILE = "<script>alert(1)</script> ```\n| [x](javascript:alert(1)) @everyone \x1b[2J ]]> \N{RIGHT-TO-LEFT OVERRIDE}"
TOKEN = "ghp_" + "a1B2" * 9


def damaged(world: World, desired: dict[str, Json]) -> World:
    """Return the world after every sort of thing drifted in it, some of it with ill will."""
    files = {**GIT, "docs/long.md": "".join(f"line {number}\n" for number in range(60))}
    desired["skill/git"] = world.site.skill("git", "1.2.0", files)
    ignore = (KeyRule("env/MINE", reason="it is theirs"),)
    sync = SyncPolicy("correct", prune=True, ignore=ignore)
    world.site.bot("prod/ada", {**desired, "env/MINE": "x"}, platform="openclaw", sync=sync)
    world.site.bot("prod/bob", desired)
    world.site.publish()
    world.report("reconcile", status=0)
    skills = world.home("prod/ada") / ".openclaw/workspace/skills"
    (skills / "git/docs/long.md").write_text("".join(f"line {number}\n" for number in range(60) if number != 30))
    (skills / "git/SKILL.md").write_text(GIT["SKILL.md"] + f"{HOSTILE}\nGITHUB_TOKEN={TOKEN}\n")
    (skills / "git/picture.png").write_bytes(b"\x89PNG\xff")
    (skills / "git/scripts/run.sh").chmod(0o644)
    (skills / "mine").mkdir()
    (skills / "mine/SKILL.md").write_text("mine")
    servers = world.home("prod/ada") / ".openclaw/molthub/mcp.json5"
    servers.write_text(servers.read_text().replace("server-github", "server-<b>evil</b>").replace("${TOKEN}", TOKEN))
    return world
