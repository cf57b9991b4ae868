"""Become a program that needs secrets: read the manifest, ask the providers, replace this process.

Nothing is printed and nothing written. What goes wrong is said before anything is started.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from molthub.errors import MolthubError, UsageError
from molthub.platforms.base import MANIFEST_FILE
from molthub.secrets.assemble import resolver_for
from molthub.secrets.bot_manifest import BotManifest, read_manifest
from molthub.secrets.read_settings import read_settings
from molthub.secrets.settings import Settings
from molthub.secrets.spawn import Spawn, environment_spawn, server_spawn

BOT_VARIABLE = "MOLTHUB_BOT"
_REMEDIES = {
    errno.E2BIG: "a secret is larger than the system gives to programs (on Linux 128 KiB): hand its file's name over",
    errno.ENOEXEC: "it is no program: a script begins with #! and what runs it",
    errno.EACCES: "give the user that runs the bot the right to run it",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. Without ``server`` the program gets the bot's environment."""

    server: str | None
    arguments: tuple[str, ...]
    home: Path | None = None
    manifest: Path | None = None
    settings: Path | None = None
    bot: str | None = None


def start(asked: Asked) -> int:
    """Become the program that was asked for; return its exit status where that cannot be (Windows).

    Raises :class:`MolthubError`.
    """
    if asked.server is None and not asked.arguments:
        remedy = "molthub exec --env -- COMMAND ARGS..., or molthub exec --server NAME"
        raise UsageError("no program is named", remedy=remedy)
    manifest = read_manifest(asked.manifest or (asked.home or Path.home()) / MANIFEST_FILE)
    settings = read_settings(asked.settings)
    resolver = resolver_for(settings, bot_of(manifest, settings, asked.bot))
    if asked.server is None:
        spawn = environment_spawn(manifest, asked.arguments, resolver, os.environ)
    else:
        spawn = server_spawn(manifest, asked.server, asked.arguments, resolver, os.environ)
    return become(spawn)


def bot_of(manifest: BotManifest, settings: Settings, named: str | None = None) -> str | None:
    """Return the bot whose secrets count: the one that is named, or the manifest's own; None where none is known.

    Raises :class:`UsageError` where it makes a difference which of a home's bots it is.
    """
    given = named or os.environ.get(BOT_VARIABLE)
    if given:
        if given.count("/") != 1:
            raise UsageError(f"{given!r} names no bot", remedy="write it as FLEET/BOT")
        return given
    if len(manifest.bots) > 1 and settings.tells_bots_apart:
        bots = ", ".join(manifest.bots)
        raise UsageError(
            f"several bots live here ({bots}), and their secrets differ",
            place=manifest.where,
            remedy=f"name one: --bot FLEET/BOT, or {BOT_VARIABLE}=FLEET/BOT",
        )
    return manifest.bots[0] if manifest.bots else None


def become(spawn: Spawn) -> int:
    """Replace this process by the program. Raises :class:`MolthubError` where it cannot be run."""
    try:
        if os.name == "nt":
            import subprocess

            return subprocess.run(spawn.arguments, env=dict(spawn.environment), check=False).returncode
        _replace_process(spawn)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "install it, or look whether PATH leads to it where the bot runs")
        raise MolthubError(f"it cannot be run: {error.strerror}", place=spawn.shown, remedy=remedy) from None


def _replace_process(spawn: Spawn) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, which a program that it becomes would inherit
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(spawn.arguments[0], spawn.arguments, spawn.environment)  # noqa: S606 (no shell is the point)
