"""What is news: bots whose state is another one than was last told. Pure.

A pass repeats what it found, a message must not. So each channel is told of a bot once for each change of its state,
all bots of a pass in one message; a bot that was never told of and is in sync is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from molthub.model import Json
from molthub_reconciler.findings import State
from molthub_reconciler.formats.masked import masked
from molthub_reconciler.notify.settings import Channel
from molthub_reconciler.report import BotReport, Report, RolloutReport

MOST_BOTS = 50
_MOST_LINES = 45
_MOST_TEXT = 3000
"""What Slack takes in one block; of blocks it takes 50 (Block Kit), as many as there are lines at worst."""
_MOST_KEY = 64
_SHOWN = ("key", "action", "cause", "drift", "file", "origin", "result", "held")
_GOOD: tuple[State, ...] = ("in-sync",)
_ENDED = frozenset({"done", "superseded", "rolled-back", "undone"})
"""How a change ended that a channel was never told of: that was before its time."""


def news(report: Report, told: Mapping[str, str], channel: Channel) -> tuple[BotReport, ...]:
    """Return the bots that a channel is to be told of; ``told`` are the states that it knows, by bot."""
    return tuple(bot for bot in report.bots if _is_news(bot, told.get(bot.bot), channel))


def _is_news(bot: BotReport, before: str | None, channel: Channel) -> bool:
    if channel.fleets and bot.fleet not in channel.fleets:
        return False
    if bot.state == before or (before is None and bot.state in _GOOD):
        return False
    # Where only some states are told, the end of one that was told is news, too.
    return not channel.states or bot.state in channel.states or before in channel.states


def rollout_news(report: Report, told: Mapping[str, str], channel: Channel) -> tuple[RolloutReport, ...]:
    """Return the fleets of whose rollouts a channel is to be told; ``told`` has what it knows by the fleets' names."""
    return tuple(
        one
        for one in report.rollouts
        if told.get(one.fleet) != _step_of(one)
        and (one.fleet in told or one.state not in _ENDED)
        and (not channel.fleets or one.fleet in channel.fleets)
        and (not channel.states or one.state in channel.states)
    )


def _step_of(one: RolloutReport) -> str:
    return f"{one.state} {one.wave} {one.change}"


def states_of(report: Report, told: Mapping[str, str]) -> dict[str, str]:
    """Return the states that are known after a report."""
    rollouts = {one.fleet: _step_of(one) for one in report.rollouts}
    return {**told, **rollouts, **{bot.bot: bot.state for bot in report.bots}}


def document(report: Report, bots: tuple[BotReport, ...], rollouts: tuple[RolloutReport, ...] = ()) -> dict[str, Json]:
    """Return ``molthub.report/1`` of these bots, without any value: which keys, not what they hold."""
    shown = tuple(
        replace(
            bot,
            changes=tuple({key: change[key] for key in _SHOWN if key in change} for change in bot.changes),
            problems=tuple(replace(problem, message=masked(problem.message)) for problem in bot.problems),
        )
        for bot in bots[:MOST_BOTS]
    )
    masks = tuple(replace(one, said=masked(one.said)) for one in rollouts)
    whole = replace(report, bots=shown, rollouts=masks).to_json()
    left = {"omittedBots": len(bots) - MOST_BOTS} if len(bots) > MOST_BOTS else {}
    return {**whole, **left, "summary": replace(report, bots=bots).to_json()["summary"]}


def slack(report: Report, bots: tuple[BotReport, ...], rollouts: tuple[RolloutReport, ...] = ()) -> dict[str, Json]:
    """Return a message as Slack's incoming webhooks take it: ``text`` for notifications, ``blocks`` to read."""
    changed = f"{len(bots)} {'bot' if len(bots) == 1 else 'bots'} changed: {', '.join(_counts(bots))}" if bots else ""
    headline = "; ".join([*(f"rollout of {one.fleet}: {one.state}" for one in rollouts), *([changed] if bots else [])])
    lines = [_escaped(f"{one.fleet}: {masked(one.said)}") for one in rollouts]
    lines += [_line(bot) for bot in bots[: _MOST_LINES - len(lines)]]
    more = [f"and {len(bots) - _MOST_LINES} more"] if len(bots) > _MOST_LINES else []
    blocks: list[Json] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{headline}*"}}]
    blocks += [_section(text) for text in _together([*lines, *more])]
    at = f"{report.at}, git at {report.revision[:12]}" if report.revision else report.at
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": at}]})
    return {"text": headline, "blocks": blocks}


def _section(text: str) -> dict[str, Json]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _together(lines: list[str]) -> Iterator[str]:
    """Yield lines put together, as many as one text of a block may hold."""
    found: list[str] = []
    for line in lines:
        if found and sum(map(len, found)) + len(found) + len(line) > _MOST_TEXT:
            yield "\n".join(found)
            found = []
        found.append(line)
    if found:
        yield "\n".join(found)


def _line(bot: BotReport) -> str:
    keys = [str(change["key"]) for change in bot.changes if change.get("drift") != "extra"]
    shown = ", ".join(_brief(key) for key in keys[:5])
    shown += f" and {len(keys) - 5} more" if len(keys) > 5 else ""  # noqa: PLR2004 (a few)
    ids = " ".join(dict.fromkeys(problem.id for problem in bot.problems))
    return " ".join(filter(None, (f"`{_escaped(bot.bot)}` is *{bot.state}*", _escaped(shown), ids)))


def _brief(key: str) -> str:
    return key if len(key) <= _MOST_KEY else f"{key[: _MOST_KEY - 1]}…"


def _counts(bots: tuple[BotReport, ...]) -> list[str]:
    states = sorted({bot.state for bot in bots})
    return [f"{sum(bot.state == state for bot in bots)} {state}" for state in states]


def _escaped(text: str) -> str:
    """Return text that is no markup and mentions nobody (Slack, "Formatting text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def status(report: Report, channel: Channel) -> tuple[str, dict[str, Json]] | None:
    """Return the path and body of a commit status (GitHub or GitLab REST); None without a commit to write it to."""
    revision = report.revision or ""
    if len(revision) not in (40, 64) or revision.strip("0123456789abcdef"):
        return None
    bad = [bot for bot in report.bots if bot.state in ("failed", "conflict", "unresolved")]
    undone = [bot for bot in report.bots if bot.state in ("drifted", "pending")]
    good = len(report.bots) - len(bad) - len(undone)
    name = "molthub/reconcile"
    description = f"{good} of {len(report.bots)} bots as declared"
    description += f"; {', '.join(bot.bot for bot in bad)}"[:80] if bad else ""
    state = "failure" if bad else "pending" if undone else "success"
    if channel.kind == "gitlab-status":
        from urllib.parse import quote

        gitlab = "failed" if bad else state
        path = f"/projects/{quote(channel.repository, safe='')}/statuses/{revision}"
        return path, {"state": gitlab, "name": name, "description": description[:140]}
    return f"/repos/{channel.repository}/statuses/{revision}", {
        "state": state, "context": name, "description": description[:140]
    }  # fmt: skip


def body_of(value: Json) -> bytes:
    """Return the bytes that are sent, and signed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")
