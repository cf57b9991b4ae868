"""The options of commands that may ask upstreams for the files of imported versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from molthub.cli.upstream_orders import USUAL

Command = TypeVar("Command", bound=Callable[..., Any])
PERMISSIONS = ("file", "http", "private")


def upstream_options(command: Command) -> Command:
    """Add ``--allow-upstream`` and ``--upstream-timeout``: what may be asked for imported versions, and how long."""
    text = "Also ask folders of this machine (file), http without encryption, or hosts of private networks."
    command = click.option(
        "--upstream-timeout", type=click.FloatRange(min=0.1), default=USUAL.seconds, show_default=True,
        metavar="SECONDS", help="How long fetching one imported version may take.",
    )(command)  # fmt: skip
    return click.option(
        "--allow-upstream", multiple=True, callback=_permissions, metavar="file|http|private,...",
        envvar="MOLTHUB_ALLOW_UPSTREAM", show_envvar=True, help=text,
    )(command)  # fmt: skip


def _permissions(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is allowed, each word once, however the words are separated."""
    words = dict.fromkeys(word for text in given for word in re.split(r"[,\s]+", text) if word)
    for word in words:
        if word not in PERMISSIONS:
            raise click.BadParameter(f"{word!r} is none of {', '.join(PERMISSIONS)}")
    return tuple(words)
