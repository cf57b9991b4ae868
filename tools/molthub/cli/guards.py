"""The options of commands that guard against taking away what nobody meant to."""

from __future__ import annotations

import click

max_delete_option = click.option(
    "--max-delete",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    metavar="PERCENT",
    help="Stop where more of the skills, or of the bots, would be taken away (ten may always go).",
)
