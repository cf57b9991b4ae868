"""``molthub reconcile --install`` and ``--uninstall``: the machine keeps the very command running that was typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.console import Console
from molthub.errors import ExitStatus, UsageError
from molthub_reconciler.metrics.address import folder_of

if TYPE_CHECKING:
    from molthub_reconciler.commands.asked import Asked
    from molthub_reconciler.commands.remote import Remote
    from molthub_reconciler.startup.job import Job

_PLACES = frozenset({"context", "index", "target", "state"})
_HERE = frozenset({"install", "write", "uninstall", "dry_run", "as_json", "quiet", "no_color", "debug"})
_SECRET = ("token_file", "tls_key", "tls_certificate", "client_key", "client_certificate")
"""Files that a job of the system may not be able to read as who it runs as."""
_ONE_PASS = ("once", "planned", "force", "adopt", "allow_mass_removal")
_PRIVILEGED = 1024
_SOURCES = click.core.ParameterSource


def install(remote: Remote, asked: Asked, console: Console, *, dry_run: bool) -> ExitStatus:
    """Print what systemd (launchd on macOS) is to be told, or put it in its place. Raises :class:`MolthubError`."""
    from molthub_reconciler.startup.places import Startup

    startup = Startup.here()
    job = _job(remote, asked)
    place = startup.path(job.name)
    said = {"name": place.name, "path": str(place), "unit": startup.text(job), "written": False}
    if not remote.write or dry_run:
        console.result(str(said["unit"]).rstrip("\n"))
        console.json(said)
        console.say(f"--write puts it at {place}; then: {startup.to_start(job.name)}")
        return ExitStatus.DONE
    for folder in job.writable:  # systemd starts no unit whose folders are missing
        if startup.is_system and not folder.is_dir():
            remedy = "make it first, owned by whoever the bot's program runs as"
            raise UsageError("there is no such folder", place=str(folder), remedy=remedy)
    for option, file in job.files.items():
        if not file.is_file():
            raise UsageError(f"there is no such file for {option}", place=str(file), remedy="put it there first")
    is_there = place.exists()
    said["written"] = startup.put(job)
    console.result(f"wrote {place}" if said["written"] else f"{place} is like that already")
    console.json(said)
    console.say(f"next: {startup.to_start(job.name, again=is_there)}")
    if not startup.is_system and startup.kind == "systemd":
        console.say("to have it run while nobody is logged in: loginctl enable-linger")
    return ExitStatus.DONE


def uninstall(asked: Asked, console: Console, *, dry_run: bool) -> ExitStatus:
    """Take away what :func:`install` wrote; bots keep what they have. Raises :class:`MolthubError`."""
    from molthub_reconciler.startup.places import Startup

    startup = Startup.here()
    name = _name(asked)
    removed = [str(path) for path in startup.remove(name, dry_run=dry_run)]
    for path in removed:
        console.result(f"{'would remove' if dry_run else 'removed'} {path}")
    console.json({"name": startup.path(name).name, "removed": removed, "dryRun": dry_run})
    if not dry_run:
        console.say(f"it may be running still; next: {startup.to_stop(name)}")
    return ExitStatus.DONE


def _name(asked: Asked) -> str:
    from molthub_reconciler.startup.job import agent_name, target_name

    return agent_name(asked.bots[0]) if asked.bots else target_name(asked.target.resolve())


def _job(remote: Remote, asked: Asked) -> Job:
    """Return the job of the command that was typed. As root it is run by the owner of the bots' homes.

    Raises :class:`UsageError` for what makes no sense in one, or must not stand in its file.
    """
    from molthub.client.paths import state_folder
    from molthub_reconciler.startup.job import Job

    context = click.get_current_context()
    typed = {
        str(parameter.name): parameter
        for parameter in context.command.params
        if context.get_parameter_source(str(parameter.name)) in (_SOURCES.COMMANDLINE, _SOURCES.ENVIRONMENT)
    }
    for name in _ONE_PASS:
        if name in typed:
            raise UsageError(f"{max(typed[name].opts, key=len)} is for one pass", remedy="leave it out")
    if "notify" in typed:
        remedy = "write it into notify.yaml, which its owner alone reads"
        raise UsageError("the address of a webhook is a secret, and the file is for everybody to read", remedy=remedy)
    port = remote.checked_port()
    target, state = asked.target.resolve(), (asked.state or state_folder()).resolve()
    user = _owner(target)
    if user not in (None, "root") and asked.state is None:
        remedy = f"give --state DIR, a folder of {user}'s, here and to whatever else works with these bots"
        raise UsageError(f"{user}, who owns the bots' homes, cannot write into root's own state", remedy=remedy)
    index = asked.index if "://" in asked.index or not asked.index else str(Path(asked.index).resolve())
    command = [*_program(), "reconcile", *(["--index", index] if index else []), "--target", str(target)]
    command += ["--state", str(state)]
    files: dict[str, Path] = {}
    for name, parameter in typed.items():
        option, value = max(parameter.opts, key=len), context.params[name]
        if name in _SECRET and value is not None:
            files[option] = Path(value).resolve()
        elif name not in _PLACES | _HERE:
            command += _words(option, parameter, value)
    if "selector" not in typed:  # a context may say it
        command += [word for labels in asked.selector for word in ("--selector", str(labels))]
    about = f"molthub agent of {asked.bots[0]}" if remote.is_agent else f"molthub keeps the bots of {target}"
    writable = (target, state, *folder_of(context.params["metrics"]))
    return Job(_name(asked), about, command, user, files, writable,
               port if port is not None and 0 < port < _PRIVILEGED else None)  # fmt: skip


def _words(option: str, parameter: click.Parameter, value: Any) -> Iterator[str]:
    """Yield an option as it is typed, with whole paths."""
    for one in value if isinstance(value, tuple) else (value,):
        if one is True:
            yield option
        elif one not in (None, False):
            is_path = isinstance(parameter.type, click.Path)
            yield from (
                option,
                str(Path(one).resolve()) if is_path else f"{one:g}" if isinstance(one, float) else str(one),
            )


def _program() -> list[str]:
    program = Path(sys.argv[0])
    return [str(program.resolve())] if program.name == "molthub" else [sys.executable, "-m", "molthub.cli.main"]


def _owner(target: Path) -> str | None:
    """Return who runs a job of the system: the owner of the target's folder. None: it is a user's own."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwuid(target.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "root"
