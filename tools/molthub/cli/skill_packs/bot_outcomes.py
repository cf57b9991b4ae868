"""What becomes of each bot that a command on packs was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from molthub.cli.skill_packs.options import words
from molthub.console import Console
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.attach import BotOutcome, Edited


def named_bots(bot: tuple[str, ...], bots: tuple[str, ...]) -> list[str]:
    """Return the bots that ``--bot`` and ``--bots`` name."""
    return words((*bot, *bots))


def need_one_place(names: Sequence[str], fleet: str | None, selector: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` unless either bots or a fleet are named."""
    if bool(names) == (fleet is not None):
        raise UsageError(
            "name bots, or a fleet" + (", not both" if names else ""),
            remedy="--bot prod/ada, --bots bot-1,bot-2, or --fleet prod",
        )
    if selector and fleet is None:
        raise UsageError("--selector chooses among the bots of a fleet", remedy="give --fleet too")


def show_bots(console: Console, outcomes: Iterable[BotOutcome], what: str) -> None:
    """Print a line for each bot, and below why it was refused."""
    for outcome in outcomes:
        name = outcome.bot or outcome.asked
        if not outcome.error:
            sign = console.style("-", fg="red") if outcome.done == "detached" else console.style("+", fg="green")
            console.result(f"{sign} {name}  {outcome.done} {what}")
            continue
        console.result(f"{console.style('!', fg='red')} {name}  {outcome.error}")
        for problem in outcome.problems[1:]:
            console.result(f"    {problem.message}")
        if outcome.remedy:
            console.result(f"    {outcome.remedy}")


def bots_status(edited: Edited) -> ExitStatus:
    """Return what a command on several bots tells the shell."""
    if not edited.failed:
        return ExitStatus.DONE
    return ExitStatus.PARTLY_DONE if edited.successful else ExitStatus.FAILED
