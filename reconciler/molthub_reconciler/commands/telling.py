"""Telling a report on the command line: as a table, in detail, or in the forms of other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub_reconciler.report import Report
    from molthub_reconciler.workplace import Workplace

Written = TypeVar("Written", bound=Callable[..., Any])


_FORMS = ("table", "json", "csv", "sarif", "junit", "html", "markdown", "prometheus")


def form_options(command: Written) -> Written:
    """Add ``--format``, ``--output`` and ``--prefix``."""
    for option in (
        click.option("--prefix", default="", metavar="PATH", help="Where the registry is in its repository (sarif)."),
        click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                     help="Write it to a file (any --format but table)."),
        click.option("--format", "form", type=click.Choice(_FORMS),
                     default="table", show_default=True, help="How to say it; html: text files side by side."),
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True)
class How:
    """How a report is to be told."""

    form: str
    output: Path | None
    prefix: str
    detail: bool
    by_key: bool = False

    @property
    def is_for_a_terminal(self) -> bool:
        """Whether it is printed for a person, or as JSON where that is asked for."""
        return self.form == "table" and self.output is None

    def checked(self, console: Console) -> How:
        """Return it. Raises :class:`UsageError` where the options exclude each other."""
        if self.detail and self.by_key:
            raise UsageError("--detail and --by-key exclude each other", remedy="give one of the two")
        if self.is_for_a_terminal:
            return self
        if console.as_json and self.form not in ("table", "json"):
            raise UsageError("--json and --format exclude each other", remedy="give one of the two")
        if self.form == "table" and not console.as_json:
            raise UsageError("a table is for a terminal", remedy="choose a --format to write to --output")
        return self


def said(console: Console, place: Workplace, report: Report, how: How) -> ExitStatus:
    """Tell a report as it is asked for, and return the exit status it means."""
    if how.is_for_a_terminal:
        return tell(console, report, detail=how.detail, by_key=how.by_key)
    from molthub_reconciler.formats.written import rendered, write
    from molthub_reconciler.report import exit_status, problem_lines

    prefix = f"{how.prefix.strip('/')}/" if how.prefix else ""
    write(rendered(place.in_full(report), "json" if console.as_json else how.form, prefix=prefix), how.output)
    if how.output is not None:
        console.say(f"{how.output}: {len(report.bots)} bots")
    console.problems(problem_lines(report))
    return exit_status(report)


def tell(console: Console, report: Report, *, detail: bool = False, by_key: bool = False) -> ExitStatus:
    """Print a report, in ``detail`` or as a table (``by_key``: of keys), and return the exit status it means."""
    from molthub_reconciler.formats import by_key as shared
    from molthub_reconciler.formats.in_detail import COLORS, detailed
    from molthub_reconciler.reloading import sentences
    from molthub_reconciler.report import HEADERS, exit_status, fleet_lines, problem_lines, rows, to_do

    table = [] if detail else list(shared.rows(report) if by_key else rows(report))
    lines = list(detailed(report)) if detail else []
    if table:
        console.table(shared.HEADERS if by_key else HEADERS, table)
    for mark, line in lines:
        console.result(console.style(line, fg=COLORS[mark]) if mark in COLORS else line)
    if table or lines:
        console.result()
    for line in (*fleet_lines(report), *to_do(report)):
        console.result(line)
    if console.as_json:
        console.json(report.to_json())
    else:
        console.problems(problem_lines(report))
    for line in sentences(report):
        console.say(line)
    return exit_status(report)
