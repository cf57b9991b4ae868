"""``molthub skill-packs``: make packs of skills, MCP servers and variables, give them to bots, keep them there."""

from __future__ import annotations

from molthub.cli.lazy_group import LazyGroup

skill_packs = LazyGroup(
    {
        "create": "molthub.cli.skill_packs.create:create",
        "update": "molthub.cli.skill_packs.update:update",
        "attach": "molthub.cli.skill_packs.attach:attach",
        "detach": "molthub.cli.skill_packs.detach:detach",
        "sync": "molthub.cli.skill_packs.sync:sync",
        "bots": "molthub.cli.skill_packs.bots:pack_bots",
        "list": "molthub.cli.skill_packs.show:list_packs",
        "show": "molthub.cli.skill_packs.show:show",
        "diff": "molthub.cli.skill_packs.diff:diff",
        "rollback": "molthub.cli.skill_packs.rollback:rollback",
        "import": "molthub.cli.skill_packs.imports:import_packs",
        "export": "molthub.cli.skill_packs.export:export",
    },
    name="skill-packs",
    help="""Make SkillPacks and their next versions, and give them to bots.

    A pack is a set of skills, MCP servers and environment variables that bots get together. Its versions are 1, 2, 3;
    each is locked to exact skill versions, so a bot moves only when its pack does.

    \b
    Examples:
      molthub skill-packs create --name "Dev Stack" --skills git,docker
      molthub skill-packs attach dev-stack --fleet prod
      molthub skill-packs update dev-stack --mcp "github=npx -y @modelcontextprotocol/server-github"
      molthub skill-packs diff dev-stack
    """,
)
