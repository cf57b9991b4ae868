"""Groups of commands whose help is read: whole first sentences, under headings where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

Sections = Mapping[str, Mapping[str, str]]
"""Headings, below each its commands with a few words on them."""


class CommandGroup(click.Group):
    """A group whose list of commands is cut nowhere. What no section names stands under "More"."""

    def __init__(self, *args: object, sections: Sections | None = None, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type] # click's own arguments
        self.sections = sections or {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help."""
        names = self.list_commands(ctx)
        left = [name for name in names if not any(name in said for said in self.sections.values())]
        for heading, said in self.sections.items():
            _write(formatter, heading, [(name, words) for name, words in said.items() if name in names])
        _write(formatter, "More" if self.sections else "Commands", [*self._described(ctx, left)])

    def _described(self, ctx: click.Context, names: list[str]) -> Iterator[tuple[str, str]]:
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield name, command.get_short_help_str(_WHOLE)


_WHOLE = 1_000


def _write(formatter: click.HelpFormatter, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)
