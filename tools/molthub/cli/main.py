"""The two commands, ``molthub`` and ``skills``: a table of where each subcommand lives, loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from molthub import __version__
from molthub.console import run

SKILLS_COMMANDS = {
    "search": "molthub.cli.browse:search",
    "list": "molthub.cli.browse:list_installed",
    "info": "molthub.cli.browse:info",
    "install": "molthub.cli.install:install",
    "uninstall": "molthub.cli.install:uninstall",
    "update": "molthub.cli.install:update",
    "verify": "molthub.cli.verify:verify",
    "registry": "molthub.cli.registries:registry",
    "publish": "molthub.cli.publish:publish",
    "unpublish": "molthub.cli.withdraw:unpublish",
    "deprecate": "molthub.cli.withdraw:deprecate",
    "archive": "molthub.cli.withdraw:archive",
}
MOLTHUB_COMMANDS = {
    "init": "molthub.cli.init:init",
    "check": "molthub.cli.check:check",
    "fmt": "molthub.cli.fmt:fmt",
    "skill-packs": "molthub.cli.skill_packs:skill_packs",
    "explain": "molthub.cli.explain:explain",
    "import": "molthub.cli.imports:import_",
    "build": "molthub.cli.build:build",
    "sign": "molthub.cli.sign:sign",
    "deploy": "molthub.cli.deploy:deploy",
    "mirror": "molthub.cli.mirror:mirror",
    "serve": "molthub.cli.serve:serve",
    "exec": "molthub.cli.exec:exec_",
    "completion": "molthub.cli.completion:completion",
}
ENTRY_POINTS = "molthub.commands"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed, so that every command starts fast."""

    def __init__(self, table: dict[str, str], *, entry_points: str | None = None, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type] # click's own keyword arguments
        self.table = table
        self.entry_points = entry_points

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command in the order of the table, then those of installed parts."""
        return [*self.table, *super().list_commands(ctx), *sorted(self._joined())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name in self.table:
            module, _, attribute = self.table[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        found = super().get_command(ctx, cmd_name)
        return found if found is not None else self._load_joined(cmd_name)

    def _joined(self) -> dict[str, object]:
        if self.entry_points is None:
            return {}
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=self.entry_points)}

    def _load_joined(self, name: str) -> click.Command | None:
        point = self._joined().get(name)
        command: click.Command | None = point.load() if point is not None else None  # type: ignore[attr-defined] # an EntryPoint
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run; an unknown one is answered with the nearest name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

skills_group = LazyGroup(
    SKILLS_COMMANDS,
    name="skills",
    context_settings=_SETTINGS,
    help="""Find, install, update and publish Agent Skills.

    \b
    Examples:
      skills registry add https://molthub.dev/
      skills search postgres
      skills install git docker@^2 pack/standard-dev
      skills list
    """,
)
molthub_group = LazyGroup(
    MOLTHUB_COMMANDS,
    entry_points=ENTRY_POINTS,
    name="molthub",
    context_settings=_SETTINGS,
    help="""GitOps for the skills, MCP servers, environment and secrets of AI agent fleets.

    \b
    Examples:
      molthub init my-registry            a new registry, ready to push
      molthub check                       what a pull request would be told
      molthub build --out site --fleets   the static index of one commit
      molthub plan --index site --target ./bots
      molthub reconcile --index site --target ./bots --once
    """,
)
molthub_group.add_command(skills_group)
for _group in (skills_group, molthub_group):
    click.version_option(__version__, prog_name=str(_group.name))(_group)


def molthub() -> None:
    """Run ``molthub``."""
    sys.exit(run(molthub_group))


def skills() -> None:
    """Run ``skills``."""
    sys.exit(run(skills_group))


if __name__ == "__main__":
    molthub()
