"""An index, a target folder and a state folder in one place, and the commands run in process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from molthub.cli.main import molthub_group
from molthub.console import run
from molthub.documents import hex_of
from tests.reconciler.site import Site


@dataclass
class World:
    """Everything below one folder. ``run`` is the command line as a person would type it."""

    folder: Path

    def __post_init__(self) -> None:
        self.site = Site(self.folder / "site")
        self.target = self.folder / "bots"
        self.state = self.folder / "state"

    def home(self, bot: str) -> Path:
        """Return a bot's home, named as the bot."""
        return self.target / bot

    def bot_state(self, bot: str) -> Path:
        """Return the state folder of one bot."""
        return self.state / "targets" / hex_of(str(self.target).encode())[:12] / "bots" / bot

    def molthub(self, command: str, *options: str) -> Outcome:
        """Run ``plan``, ``drift``, ``reconcile`` (one pass), ``rollback`` or ``history``."""
        once = ["--once"] if command == "reconcile" else []
        index = ["--index", str(self.site.folder)] if command != "history" else []
        places = [*index, "--target", str(self.target), "--state", str(self.state)]
        return run_molthub(command, *places, *once, *options)

    def report(self, command: str, *options: str, status: int) -> dict[str, Any]:
        """Run a command with ``--json``, check its exit status, and return its report."""
        outcome = self.molthub(command, "--json", *options)
        assert outcome.status == status, outcome
        report: dict[str, Any] = json.loads(outcome.stdout)
        return report


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str


def run_molthub(*arguments: str) -> Outcome:
    """Run the command line in this process."""

    @click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    @click.pass_context
    def door(context: click.Context) -> None:
        context.exit(run(molthub_group, context.args))

    result: Result = CliRunner().invoke(door, list(arguments))
    return Outcome(result.exit_code, result.stdout, result.stderr)


def changes_of(report: dict[str, Any], bot: str) -> dict[str, dict[str, Any]]:
    """Return a bot's changes in a report, by key."""
    found = next(row for row in report["bots"] if row["bot"] == bot)
    return {change["key"]: change for change in found["changes"]}


def state_of(report: dict[str, Any], bot: str) -> str:
    """Return a bot's state in a report."""
    return str(next(row["state"] for row in report["bots"] if row["bot"] == bot))
