"""What is known of a target's bots from its state folder alone, as an operator sees it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from molthub.errors import Problem
from molthub.model import DesiredState, Json
from molthub.observed import ObservedBot
from molthub.problem_ids import PROBLEMS
from molthub_reconciler.records.state import TargetState


def remembered(state: TargetState, bot: str) -> ObservedBot:
    """Return a bot as the last pass said that changed or found something."""
    last = next(iter(reversed(state.passes(bot))), {})
    return _as_told(bot, _packs_of(state.document(bot, state.receipt(bot)[0].document)), last)


def _packs_of(document: DesiredState | None) -> dict[str, int]:
    return {name: pack.version for name, pack in document.packs.items()} if document is not None else {}


def _as_told(bot: str, packs: Mapping[str, int], last: Mapping[str, Any]) -> ObservedBot:
    return ObservedBot(
        bot,
        packs=packs,
        state=last.get("state"),
        at=last.get("at"),
        desired=last.get("desired"),
        observed=last.get("observed"),
        problems=tuple(_problem(one) for one in last.get("problems", ())),
    )


def all_remembered(state: TargetState) -> dict[str, ObservedBot]:
    """Return every bot that is on record, by name: those on other machines in one look."""
    here = frozenset(state.homes())
    found = {bot: remembered(state, bot) for bot in here}
    new: dict[str, dict[str, int]] = {}
    for told in state.elsewhere.last_told():
        if told.bot not in here:
            packs = told.packs
            if packs is None:  # its document is another since the last time that somebody asked
                packs = new[told.bot] = _packs_of(state.document(told.bot, told.document))
            found[told.bot] = _as_told(told.bot, packs, told.line)
    if new:
        state.elsewhere.keep_packs(new)
    return dict(sorted(found.items()))


def known_bots(state: TargetState) -> list[Json]:
    """Return every bot that is on record, for ``molthub.bots/1``."""
    return [_to_json(bot) for bot in all_remembered(state).values()]


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
