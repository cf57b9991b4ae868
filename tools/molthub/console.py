"""What every command shares: results on stdout, talk on stderr, one way to fail.

A command takes :func:`common_options` and gets a :class:`Console` as its first argument. It raises
:class:`molthub.errors.MolthubError` for what it cannot do and returns an :class:`molthub.errors.ExitStatus` (or None).
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from molthub.errors import ExitStatus, MolthubError, Problem, UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_COLORS = {"error": "red", "warning": "yellow"}


@dataclass
class Console:
    """Where a command writes. ``as_json``: stdout holds one JSON document and nothing else."""

    as_json: bool = False
    quiet: bool = False
    color: bool = True
    debug: bool = False

    def result(self, text: str = "") -> None:
        """Print a line of the result for people; with ``--json`` it is left out."""
        if not self.as_json:
            click.echo(text, color=self._color_of(sys.stdout))

    def json(self, value: Any) -> None:
        """Print the result for programs, only with ``--json``."""
        if self.as_json:
            click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def say(self, text: str) -> None:
        """Say something about the work on stderr, unless ``--quiet``."""
        if not self.quiet:
            click.echo(text, err=True, color=self._color_of(sys.stderr))

    def warn(self, text: str) -> None:
        """Say on stderr what a person should know even with ``--quiet``."""
        click.echo(f"{self.style('warning', fg='yellow')}: {text}", err=True, color=self._color_of(sys.stderr))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is written; ``yes`` answers. Raises :class:`UsageError` where nobody can be asked."""
        if yes:
            return
        if not sys.stdin.isatty() or self.as_json:
            raise UsageError("nobody can be asked here", remedy="run it with --yes, or look first with --dry-run")
        click.confirm(question, abort=True, err=True)

    def style(self, text: str, **style: Any) -> str:
        """Return ``text`` with colour where colour is wanted."""
        return click.style(text, **style) if self.color else text

    def problems(self, problems: Iterable[Problem], *, err: bool = True) -> None:
        """Show findings, one line each; a remedy stands below the last of those in a row that share it."""
        shown = list(problems)
        for number, problem in enumerate(shown):
            severity = self.style(problem.severity, fg=_COLORS[problem.severity])
            place = f"{problem.place}: " if problem.place else ""
            stream = sys.stderr if err else sys.stdout
            click.echo(f"{place}{severity} {problem.id}: {problem.message}", err=err, color=self._color_of(stream))
            if problem.remedy and [problem.remedy] != [after.remedy for after in shown[number + 1 : number + 2]]:
                click.echo(f"  {problem.remedy}", err=err)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print aligned columns. The last column is cut to the terminal's width when a person looks."""
        lines = [list(headers), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(headers) - 1)]
        room = _terminal_width() - sum(widths) - 2 * len(widths) if sys.stdout.isatty() else 0
        for number, line in enumerate(lines):
            last = line[-1] if room < _LEAST_ROOM else _cut(line[-1], room)
            cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=True)]
            text = "  ".join([*cells, last]).rstrip()
            self.result(self.style(text, bold=True) if number == 0 else text)

    @contextmanager
    def progress(self, label: str, length: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a progress bar on stderr when a person is looking. Yields a function to call with finished steps."""
        if self.quiet or self.as_json or not sys.stderr.isatty():
            yield lambda _steps: None
            return
        with click.progressbar(length=length or 0, label=label, file=sys.stderr) as bar:
            yield bar.update

    def _color_of(self, stream: Any) -> bool | None:
        return None if self.color and stream.isatty() else False


def counted(count: int, noun: str) -> str:
    """Return "1 file", "2 files"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_LEAST_ROOM = 20


def _terminal_width() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def common_options(command: Command) -> Command:
    """Add ``--json``, ``--quiet``, ``--no-color`` and ``--debug``; the command gets a :class:`Console` first."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but warnings and errors.")
    @click.option("--no-color", is_flag=True, help="Print without colour (as the environment's NO_COLOR does).")
    @click.option("--debug", is_flag=True, help="Show a traceback when something unforeseen happens.")
    @functools.wraps(command)
    def with_console(*args: Any, as_json: bool, quiet: bool, no_color: bool, debug: bool, **kwargs: Any) -> Any:
        color = not (no_color or os.environ.get("NO_COLOR"))
        console = Console(as_json=as_json, quiet=quiet, color=color, debug=debug)
        click.get_current_context().find_root().obj = console
        return command(console, *args, **kwargs)

    return with_console  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click


def run(group: click.Group, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status. Nothing but ``--debug`` ever shows a traceback."""
    completing = os.environ.get(completion_variable(group))
    if completing:
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, str(group.name), completion_variable(group), completing)
    context: click.Context | None = None
    try:
        with group.make_context(group.name, list(sys.argv[1:] if arguments is None else arguments)) as context:
            status = group.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except KeyboardInterrupt:
        return failed(click.exceptions.Abort(), _console(context))
    except Exception as error:  # noqa: BLE001 (the last door: a person gets one line, not a traceback)
        return failed(error, _console(context))
    return int(status) if isinstance(status, int) else int(ExitStatus.DONE)


def failed(error: Exception, console: Console) -> int:
    """Say what went wrong, once, in the form that was asked for; return the exit status."""
    if console.debug:
        import traceback

        traceback.print_exception(error)
    match error:
        case click.exceptions.Abort():
            click.echo("interrupted", err=True)
            return _INTERRUPTED
        case click.ClickException():
            error.show()
            return int(ExitStatus.USAGE if isinstance(error, click.UsageError) else ExitStatus.FAILED)
        case BrokenPipeError():
            _silence_stdout()
            return int(ExitStatus.FAILED)
        case MolthubError():
            return _told(error, console)
        case _:
            return _told(MolthubError(_what_happened(error), remedy=_remedy_of(error)), console)


_INTERRUPTED = 130


def completion_variable(group: click.Group) -> str:
    """Return the environment variable by which a shell asks ``group`` for completions, as click names it."""
    return f"_{str(group.name).upper()}_COMPLETE"


def _console(context: click.Context | None) -> Console:
    console = context.obj if context is not None else None
    return console if isinstance(console, Console) else Console(color=False)


def _told(error: MolthubError, console: Console) -> int:
    console.json(error.to_json())
    if len(error.problems) > 1 and error.problems[0].message == error.message:
        console.problems(error.problems)  # the error is the first of them
        return int(error.exit_status)
    findings = [problem for problem in error.problems if problem.message != error.message]
    console.problems(findings)
    name = " ".join(filter(None, (console.style("error", fg="red"), error.problem_id)))
    click.echo(f"{name}: {error}", err=True)
    if error.remedy and error.remedy not in {problem.remedy for problem in findings}:
        click.echo(f"  {error.remedy}", err=True)
    return int(error.exit_status)


def _what_happened(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return f"unforeseen {type(error).__name__}: {error}"


def _remedy_of(error: Exception) -> str:
    from errno import EACCES, ENOSPC, EPERM, EROFS

    if isinstance(error, OSError):
        if error.errno == ENOSPC:
            return "free some space on that disk, then run it again; nothing half-written is used"
        if error.errno in (EACCES, EPERM, EROFS):
            return "give this user the right to read and write there, or choose another folder"
        return "check that path, then run it again"
    return "run it again with --debug and report what it shows"


def _silence_stdout() -> None:
    """Keep Python from complaining at exit when the reader of stdout has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
