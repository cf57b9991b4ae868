"""What is known of a target's bots from its state folder alone, as an operator sees it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from molthub.errors import Problem
from molthub.model import Json
from molthub.observed import ObservedBot
from molthub.problem_ids import PROBLEMS
from molthub_reconciler.records.state import TargetState


def remembered(state: TargetState, bot: str) -> ObservedBot:
    """Return a bot as the last pass said that changed or found something."""
    last = next(iter(reversed(state.passes(bot))), {})
    document = state.document(bot, state.receipt(bot)[0].document)
    return ObservedBot(
        bot,
        packs={name: pack.version for name, pack in document.packs.items()} if document is not None else {},
        state=last.get("state"),
        at=last.get("at"),
        desired=last.get("desired"),
        observed=last.get("observed"),
        problems=tuple(_problem(one) for one in last.get("problems", ())),
    )


def known_bots(state: TargetState) -> list[Json]:
    """Return every bot that has a receipt, for ``molthub.bots/1``."""
    return [_to_json(remembered(state, bot)) for bot in state.bots()]


def _to_json(bot: ObservedBot) -> dict[str, Json]:
    said: dict[str, Json] = {"bot": bot.bot, "packs": dict(bot.packs), "state": bot.state, "at": bot.at}
    problems = [problem.to_json() for problem in bot.problems]
    return {**said, "desired": bot.desired, "observed": bot.observed, "problems": problems}


def bot_from_json(said: Mapping[str, Any]) -> ObservedBot:
    """Read one bot of ``molthub.bots/1``. Raises KeyError, TypeError or ValueError."""
    return ObservedBot(
        str(said["bot"]),
        packs={str(name): int(number) for name, number in said["packs"].items()},
        state=said["state"],
        at=said["at"],
        desired=said["desired"],
        observed=said["observed"],
        problems=tuple(_problem(one) for one in said["problems"]),
    )


def _problem(said: Mapping[str, Any]) -> Problem:
    known = str(said["id"]) if said.get("id") in PROBLEMS else "MH735"
    return Problem(known, str(said.get("message", "")), str(said.get("remedy", "")), said.get("severity", "error"))
