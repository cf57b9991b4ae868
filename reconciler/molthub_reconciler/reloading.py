"""When running programs take up what was written, and the command that an operator has run then.

``~/.config/molthub/reconcile.yaml``::

    reload:
      command: [systemctl, --user, restart, openclaw]
      timeout: 30s

The command runs once for each bot of which something was changed, from an argument list and without a shell. Its
environment says what changed: ``MOLTHUB_BOT``, ``MOLTHUB_HOME`` (an absolute path), ``MOLTHUB_PLATFORM``,
``MOLTHUB_CHANGED`` (keys, one a line) and ``MOLTHUB_RELOAD`` (``hot``, ``session`` or ``restart``: when the program
would take it up by itself).
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from molthub.client.parallel import in_threads
from molthub.errors import Problem
from molthub.platforms import platform
from molthub_reconciler.operator_file import OperatorFile, read_operator_file
from molthub_reconciler.report import BotReport, Report

FILE = "reconcile.yaml"
DEFAULT_TIMEOUT = 30.0
_THREADS = 4
_MOST_SAID = 400
_SHOWN = 3
_WHEN = {"hot": "at once", "session": "in the next session", "restart": "when the program is started anew"}


@dataclass(frozen=True, slots=True)
class ReloadCommand:
    """A program with its arguments, and the seconds that it may take."""

    command: tuple[str, ...]
    timeout: float = DEFAULT_TIMEOUT


def read_reload_command(folder: Path | None = None) -> ReloadCommand | None:
    """Return the operator's command, None where there is none. Raises :class:`FormatError`."""
    file = read_operator_file(FILE, folder)
    if file is None:
        return None
    file.check_keys(file.value, {"reload", "prune"})
    return _command(file) if "reload" in file.value else None


def _command(file: OperatorFile) -> ReloadCommand:
    said = file.check_keys(file.value["reload"], {"command", "timeout"}, "reload")
    command = said.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) and word for word in command):
        raise file.refuse("the command is a list of words: [systemctl, --user, restart, openclaw]", "reload")
    timeout = file.seconds(said["timeout"], "reload", "timeout") if "timeout" in said else DEFAULT_TIMEOUT
    return ReloadCommand(tuple(command), timeout)


def changed_keys(bot: BotReport) -> list[str]:
    """Return the keys of which a pass changed something on a bot."""
    return [str(change["key"]) for change in bot.changes if change.get("result") == "applied"]


def sentences(report: Report) -> list[str]:
    """Say which bots take up what was just changed later than at once, a line for each program and time."""
    later: dict[tuple[str, str], list[str]] = {}
    for bot in report.bots:
        if bot.reload and bot.reload != "hot":
            later.setdefault((bot.platform, bot.reload), []).append(bot.bot)
    return [_sentence(name, reload, bots) for (name, reload), bots in sorted(later.items())]


def _sentence(name: str, reload: str, bots: list[str]) -> str:
    more = f" and {len(bots) - _SHOWN} more" if len(bots) > _SHOWN else ""
    hint = platform(name).reload.hint
    return f"{name} takes this up {_WHEN[reload]}{f' ({hint})' if hint else ''}: {', '.join(bots[:_SHOWN])}{more}"


def after_changes(report: Report, target: Path, command: ReloadCommand | None) -> Report:
    """Run the command for each bot that was changed; return the report with what went wrong."""
    if command is None:
        return report
    changed = [bot for bot in report.moved if changed_keys(bot)]
    if not changed:
        return report
    failed: dict[str, Problem] = {}

    def run(bot: BotReport) -> None:
        problem = _run(bot, target, command)
        if problem is not None:
            failed[bot.bot] = problem

    in_threads(run, changed, _THREADS)
    unlucky = [bot for bot in changed if bot.bot in failed]
    told = {bot.bot: replace(bot, problems=(*bot.problems, failed[bot.bot])) for bot in unlucky}
    return replace(report, bots=tuple(told.get(bot.bot, bot) for bot in report.bots))


def _run(bot: BotReport, target: Path, command: ReloadCommand) -> Problem | None:
    keys = changed_keys(bot)
    own = {
        "MOLTHUB_BOT": bot.bot,
        "MOLTHUB_HOME": str(target / (bot.home or bot.bot)),
        "MOLTHUB_PLATFORM": bot.platform,
        "MOLTHUB_CHANGED": "\n".join(keys),
        "MOLTHUB_RELOAD": bot.reload,
    }
    try:
        process = subprocess.Popen(
            command.command,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return _problem(f"cannot be started: {error.strerror or error}")
    try:
        said, _ = process.communicate(timeout=command.timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        return _problem(f"took longer than {command.timeout:g} s, and was ended")
    if process.returncode:
        last = said.decode(errors="replace").strip()[-_MOST_SAID:]
        return _problem(f"ended with status {process.returncode}" + (f": {last}" if last else ""))
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started."""
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _problem(what: str) -> Problem:
    remedy = f"try it by hand; it stands in {FILE}. What was written stays written"
    return Problem("MH721", f"the reload command {what}", remedy, severity="warning")
