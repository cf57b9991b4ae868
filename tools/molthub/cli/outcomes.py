"""What becomes of each thing that a command was given: a line for it, and below what was found on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from molthub.console import Console
from molthub.errors import Problem

if TYPE_CHECKING:
    from molthub.registry.authoring.checkout import Checkout


class Shown(NamedTuple):
    """One line with its findings. ``place`` is what the line names already."""

    line: str
    problems: Iterable[Problem]
    place: str = ""


def show_outcomes(
    console: Console, checkout: Checkout, outcomes: Iterable[Shown], words: Mapping[str, str] | None = None
) -> None:
    """Print outcomes; ``words`` says by a problem's id what to call it instead of its severity."""
    console.say(f"into {checkout.shown}" + (f", branch {checkout.branch}" if checkout.branch else ""))
    for outcome in outcomes:
        console.result(outcome.line)
        for problem in outcome.problems:
            word = (words or {}).get(problem.id, problem.severity)
            said = console.style(word, fg="red" if problem.severity == "error" else "yellow")
            place = f" {problem.place}" if problem.place not in ("", outcome.place) else ""
            console.result(f"    {said}{place}: {problem.message} ({problem.id})")
            if problem.remedy and problem.severity == "error":
                console.result(f"      {problem.remedy}")
