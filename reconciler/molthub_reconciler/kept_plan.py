"""A plan that was kept, and carrying it out: what was agreed upon is done, and nothing else.

Between a plan and its doing git may move, and so may bots. So under the target's lock every bot is compared anew; one
of which anything else would be done than the plan says is left alone, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from molthub.client.index_cache import timestamp
from molthub.errors import FormatError, MolthubError, Problem
from molthub.model import Json
from molthub_reconciler.problems import refused
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.report import BotReport, Report
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace

_FORMAT = "molthub.report/1"


def read_plan(path: Path) -> Mapping[str, Mapping[str, Json]]:
    """Return what a kept plan says of each bot. Raises :class:`FormatError` for anything else."""
    try:
        found: Any = json.loads(path.read_bytes())
        is_plan = found["format"] == _FORMAT and found["command"] == "plan"
        bots = {str(bot["bot"]): bot for bot in found["bots"]} if is_plan else {}
    except OSError as error:
        raise refused(error, str(path)) from None
    except (ValueError, KeyError, TypeError):
        is_plan, bots = False, {}
    if not is_plan:
        remedy = "make one with `molthub plan --out FILE`"
        raise FormatError("this is no plan", place=str(path), remedy=remedy)
    return bots


def carry_out(place: Workplace, rules: Rules, planned: Mapping[str, Mapping[str, Json]]) -> Report:
    """Do what was planned of each bot that is still to be changed in that very way, and tell the others.

    Bots that the plan says nothing of are not looked at. Raises :class:`MolthubError` where there is no plan for any.
    """
    chosen = [bot for bot in planned if place.choice.has(bot)]
    if not chosen:
        raise MolthubError("the plan says nothing of these bots", remedy="make one: `molthub plan --out FILE`")
    known = {bot.bot: bot for bot in place.once("plan", replace(rules, act=False), Choice()).bots}
    moved = {bot: _moved(known.get(bot), planned[bot]) for bot in chosen}
    as_planned = frozenset(bot for bot in chosen if moved[bot] is None)
    done = place.once("reconcile", rules, Choice(bots=as_planned)) if as_planned else None
    left = [_left(bot, known.get(bot), why) for bot, why in moved.items() if why is not None]
    report = done or Report("reconcile", timestamp(), place.revision(online=True))
    return replace(report, bots=tuple(sorted((*report.bots, *left), key=lambda bot: bot.bot)))


def _moved(now: BotReport | None, planned: Mapping[str, Json]) -> str | None:
    """Return why what would be done now is not what was planned; None: it is."""
    if now is None:
        return "nobody knows this bot any more"
    said = json.loads(json.dumps(now.to_json()))
    if said["desired"] != planned.get("desired"):
        return "git asks for something else by now"
    if said["changes"] != planned.get("changes") or said["observed"] != planned.get("observed"):
        return "the bot has moved since"
    return None


def _left(bot: str, now: BotReport | None, why: str) -> BotReport:
    problem = Problem("MH739", f"not as it was planned: {why}", "look at a new plan: `molthub plan --out FILE`")
    found = now or BotReport(bot, "failed")
    return replace(found, state="failed", changes=(), problems=(problem,))
