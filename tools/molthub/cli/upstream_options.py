"""The options of commands that may ask upstreams for the files of imported versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from molthub.cli.upstream_orders import USUAL

Command = TypeVar("Command", bound=Callable[..., Any])
PERMISSIONS = ("file", "http", "private")


def upstream_options(command: Command) -> Command:
    """Add ``--allow-upstream`` and ``--upstream-timeout``: what may be asked for imported versions, and how long."""
    text = "Also ask folders of this machine, http without encryption, or hosts of private networks. May be repeated."
    command = click.option(
        "--upstream-timeout", type=click.FloatRange(min=0.1), default=USUAL.seconds, show_default=True,
        metavar="SECONDS", help="How long fetching one imported version may take.",
    )(command)  # fmt: skip
    return click.option(
        "--allow-upstream", "allow_upstream", type=click.Choice(PERMISSIONS), multiple=True,
        envvar="MOLTHUB_ALLOW_UPSTREAM", show_envvar=True, help=text,
    )(command)  # fmt: skip
