"""A group of commands as a table of where each of them lives, loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from molthub.command_group import CommandGroup


class LazyGroup(CommandGroup):
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
