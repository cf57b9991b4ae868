"""Giving a command to a controller elsewhere: it is run there, and its words come back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from molthub.errors import UsageError
from molthub_reconciler.remote.link import ControllerLink
from molthub_reconciler.remote.orders import is_known, order_of


def run_there(controller: ControllerLink) -> NoReturn:
    """Have the controller run the command at hand instead, and end as it ended there.

    Raises :class:`UsageError` for a command that only its own machine can run, :class:`MolthubError`.
    """
    context = click.get_current_context()
    command = context.command_path.partition(" ")[2]
    if not is_known(command):
        remedy = "run it on the controller's machine"
        raise UsageError("this works on bots' folders, not through a controller", place=controller.where, remedy=remedy)
    typed = {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name) in (_SOURCES.COMMANDLINE, _SOURCES.ENVIRONMENT)
    }
    file = _file(typed)
    outcome = controller.order(order_of(command, typed))
    if file is None:
        sys.stdout.write(outcome.output)
    else:
        file.write_text(outcome.output)
    click.echo(outcome.errors, err=True, nl=False)
    context.exit(outcome.status)


_SOURCES = click.core.ParameterSource


def _file(typed: dict[str, Any]) -> Path | None:
    """Return the file of this machine that the result is for."""
    file = typed.get("output")
    if file is not None and typed.get("form", "table") == "table" and not typed.get("as_json"):
        raise UsageError("a table is for a terminal", remedy="choose a --format to write to --output")
    return file
