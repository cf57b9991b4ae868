"""What a pass tells: ``molthub.report/1``, and the same as a table. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from molthub.errors import ExitStatus, Problem, said_once
from molthub.model import Artifact, Json
from molthub_reconciler.findings import State
from molthub_reconciler.policy.policy import Held

Command = Literal["plan", "drift", "reconcile", "rollback"]


@dataclass(frozen=True, slots=True)
class BotReport:
    """One bot. ``changes`` are as published; ``desired`` and ``observed`` are digests.

    ``versions`` names skill versions by digest, for people. ``held``: why differences are told and not mended;
    ``kept``: why they would be, whether anything differs or not.
    ``pinned`` says what a bot was rolled back to. ``reload`` is when the running program takes
    up what was changed. ``home`` is its folder below the target's,
    ``artifacts`` are the skills that differ, by digest. ``generation`` is that of the assignment which an agent on
    another machine acted upon; None of a bot that lives here.
    """

    bot: str
    state: State
    platform: str = ""
    desired: str | None = None
    observed: str | None = None
    problems: tuple[Problem, ...] = ()
    changes: tuple[Mapping[str, Json], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    held: Held | None = None
    kept: Held | None = None
    pinned: Mapping[str, Json] | None = None
    reload: str = ""
    home: str = ""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    generation: int | None = None

    @property
    def fleet(self) -> str:
        """The bot's fleet."""
        return self.bot.partition("/")[0]

    @property
    def differences(self) -> int:
        """How many changes keep the bot from being in sync."""
        return sum(change.get("drift") != "extra" and "ignored" not in change for change in self.changes)

    @property
    def is_as_meant(self) -> bool:
        """Whether people want the bot as it is, although it is not in sync: held by policy, or rolled back."""
        if self.state in _LOST:
            return self.state == "suspended" and all(problem.severity != "error" for problem in self.problems)
        return self.held is not None or self.state in _AS_MEANT

    def to_json(self) -> dict[str, Json]:
        """Return the bot's part of the published report."""
        return {
            "bot": self.bot,
            "platform": self.platform,
            "state": self.state,
            "desired": self.desired,
            "observed": self.observed,
            "problems": [problem.to_json() for problem in self.problems],
            "changes": [dict(change) for change in self.changes],
            **({"pinned": dict(self.pinned)} if self.pinned is not None else {}),
            **({"reload": self.reload} if self.reload else {}),
        }


@dataclass(frozen=True, slots=True)
class RolloutReport:
    """How far a ``fleet``'s rollout is: its ``state``, the ``change`` (its id) and ``wave`` at hand, in words ``said``.

    States are ``in-wave``, ``held``, ``stopped``, ``going-back``, and how the last change ended.
    """

    fleet: str
    state: str
    change: str = ""
    wave: str = ""
    said: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return its part of the published report."""
        return {"fleet": self.fleet, "state": self.state, "change": self.change, "wave": self.wave, "said": self.said}


@dataclass(frozen=True, slots=True)
class Report:
    """All bots of one pass. ``at`` is RFC 3339 in UTC. ``unmoved`` are those told as in the pass before."""

    command: Command
    at: str
    revision: str | None
    bots: tuple[BotReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    unmoved: frozenset[str] = frozenset()
    rollouts: tuple[RolloutReport, ...] = ()

    @property
    def moved(self) -> list[BotReport]:
        """The bots of which something may be new."""
        return [bot for bot in self.bots if bot.bot not in self.unmoved] if self.unmoved else list(self.bots)

    def count(self, *states: State) -> int:
        """Return how many bots are in one of ``states``."""
        return sum(bot.state in states for bot in self.bots)

    def to_json(self) -> dict[str, Json]:
        """Return the document ``molthub.report/1``."""
        summary = {
            "bots": len(self.bots),
            "inSync": self.count("in-sync"),
            "drifted": self.count("drifted"),
            "failed": self.count("failed"),
            "changes": sum(bot.differences for bot in self.bots),
        }
        head = {"format": "molthub.report/1", "command": self.command, "at": self.at, "revision": self.revision}
        problems = {"problems": [problem.to_json() for problem in self.problems]} if self.problems else {}
        rollouts = {"rollouts": [one.to_json() for one in self.rollouts]} if self.rollouts else {}
        return {**head, "summary": summary, **problems, **rollouts, "bots": [bot.to_json() for bot in self.bots]}


def drift_alone(report: Report) -> Report:
    """Return the report without what only git changed: what a bot has, against what we last wrote."""

    def is_drift(change: Mapping[str, Json]) -> bool:
        return change["cause"] != "declared" or bool(change.get("drift")) or "ignored" in change

    bots = (replace(bot, changes=tuple(filter(is_drift, bot.changes))) for bot in report.bots)
    return replace(report, bots=tuple(bots))


def exit_status(report: Report) -> ExitStatus:
    """Return what the command tells the shell.

    ``plan`` and ``drift``: is there anything to do? ``reconcile``: is everything in sync now? A bot that is only
    watched is no work for it, nor is an orphan that is kept as its fleet wants. Going back waits for
    agents on other machines.
    """
    undone = [bot for bot in report.bots if not _is_done(bot, report.command)]
    lost = [bot for bot in undone if bot.state in _LOST and not bot.is_as_meant]
    refused = any(problem.severity == "error" for problem in report.problems)
    if report.bots and len(lost) == len(report.bots):
        return ExitStatus.FAILED
    if report.command == "rollback" and undone and not refused and all(bot.state in _ELSEWHERE for bot in undone):
        return ExitStatus.PENDING
    if report.command in _ACTING:
        return ExitStatus.PARTLY_DONE if undone or refused else ExitStatus.DONE
    if report.count("failed"):
        return ExitStatus.PARTLY_DONE
    return ExitStatus.PENDING if undone or refused else ExitStatus.DONE


_ACTING: frozenset[Command] = frozenset({"reconcile", "rollback"})
_AS_MEANT: frozenset[State] = frozenset({"rolled-back", "revoked"})
_ELSEWHERE: frozenset[State] = frozenset({"pending", "offline"})
_LOST: frozenset[State] = frozenset({"failed", "unresolved", "suspended"})


def _is_done(bot: BotReport, command: Command) -> bool:
    if bot.is_as_meant and (command in _ACTING or (bot.state == "suspended" and not bot.differences)):
        return True
    if bot.state == "orphaned":
        return all(change.get("result") == "applied" for change in bot.changes)
    return bot.state == "in-sync"


# --- the table -----------------------------------------------------------------------------------------------------

HEADERS = ("bot", "key", "action", "cause", "what", "origin")


def fleet_lines(report: Report) -> Iterator[str]:
    """Yield one line per fleet: how many bots are in which state."""
    for fleet in sorted({bot.fleet for bot in report.bots}):
        bots = [bot for bot in report.bots if bot.fleet == fleet]
        states = Counter((_ORDER.index(bot.state), _HELD.get(bot.held or "", "")) for bot in bots)
        counts = (f"{states[order, held]} {_ORDER[order].replace('-', ' ')}{held}" for order, held in sorted(states))
        yield f"{fleet}: {_counted(len(bots), 'bot')}, {', '.join(counts)}"


def to_do(report: Report) -> Iterator[str]:
    """Yield the line that sums a plan up, where it says that anything differs."""
    changes = [change for bot in report.bots for change in bot.changes if "ignored" not in change]
    if report.command != "plan" or not changes:
        return
    done = Counter(str(change["action"]) for change in changes if not change.get("held"))
    held = sum(bool(change.get("held")) for change in changes)
    counts = [f"{done[action]} to {action}" for action in ("create", "update", "delete")]
    counts += [f"{done['keep']} left as they are"] if done["keep"] else []
    counts += [f"{held} held back"] if held else []
    yield f"plan: {', '.join(counts)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_HELD = {"detect": " (only watched)", "window": " (waiting for a window)"}
_ORDER: Sequence[State] = (
    "in-sync", "rolled-back", "revoked", "pending", "drifted", "conflict",
    "unresolved", "orphaned", "suspended", "offline", "failed",
)  # fmt: skip


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield one row per change, under :data:`HEADERS`. On ``reconcile`` the action is what became of it.

    Among several bots, one that gets everything for the first time is a single row.
    """
    for bot in report.bots:
        actions = {_action(change) for change in bot.changes}
        if len(report.bots) > 1 and len(bot.changes) > 1 and len(actions) == 1 and all(map(_is_first, bot.changes)):
            kinds = Counter(change["key"].partition("/")[0] for change in bot.changes)
            counts = ", ".join(_counted(kinds[kind], noun) for kind, noun in _NOUNS.items() if kinds[kind])
            yield (bot.bot, f"{len(bot.changes)} keys", actions.pop(), "declared", counts, "")
            continue
        for change in bot.changes:
            cause = "extra" if change.get("drift") == "extra" else "ignored" if "ignored" in change else change["cause"]
            yield (bot.bot, change["key"], _action(change), cause, what(change, bot.versions), _origin(change))


_NOUNS = {"skill": "skill", "mcp": "server", "env": "variable", "config": "setting"}


def _action(change: Mapping[str, Json]) -> str:
    """Return the action, with what became of it where it was not done."""
    action, result = str(change["action"]), change.get("result", "applied")
    return action if result == "applied" or action == "keep" else f"{action} ({result})"


def _is_first(change: Mapping[str, Json]) -> bool:
    """Whether the change makes what never was."""
    return (change["action"], change["cause"]) == ("create", "declared")


def _origin(change: Mapping[str, Json]) -> str:
    """Return where the value comes from that differs: of a single part, its own place."""
    parts = change.get("parts") or []
    own = parts[0].get("origin") if len(parts) == 1 else None
    return own or change.get("origin") or ""


def what(change: Mapping[str, Json], versions: Mapping[str, str]) -> str:
    """Say in a few words what differs; ``versions`` names skill versions by digest."""
    if change.get("ignored"):
        return f"ignored ({change['ignored']}): {change.get('file', '')}"
    drift = change.get("drift")
    if drift in ("missing", "extra", "unreadable", "secret-rotated"):
        return f"{drift}: {', '.join(change.get('secrets', ())) or change.get('file', '')}"
    if drift in ("stale", "revoked"):
        return f"{drift}: {_difference(change, versions)}"
    return _difference(change, versions)


def _difference(change: Mapping[str, Json], versions: Mapping[str, str]) -> str:
    parts = change.get("parts")
    if parts:
        more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
        return f"{parts[0]['part']}: {_sides(parts[0], versions)}{more}"
    return _sides(change, versions) if "before" in change else str(change.get("file", ""))


def _sides(sides: Mapping[str, Json], versions: Mapping[str, str]) -> str:
    before, after = (_short(versions.get(str(sides[side]), sides[side])) for side in ("before", "after"))
    return after if sides["before"] in (None, sides["after"]) else f"{before} -> {after}"


def _short(value: Json) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else _compact(value)
    if text.startswith("sha256:"):
        return text[: len("sha256:") + _DIGITS]
    if len(text) == _HEX_DIGITS and not text.strip("0123456789abcdef"):
        return text[:_DIGITS]
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


_DIGITS = 8
_HEX_DIGITS = 64
_WIDTH = 40


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def problem_lines(report: Report) -> Iterable[Problem]:
    """Return every problem of the report; a bot's own say which bot they are about.

    What is missing on the machine, what stands in the way of one key, and of whose agents nothing is heard, is said
    once for all bots.
    """
    yield from report.problems
    shared: list[Problem] = []
    for bot in report.bots:
        for problem in bot.problems:
            placed = problem.in_file(f"{bot.bot}: {problem.file}" if problem.file else bot.bot)
            if problem.id in _SAID_ONCE:
                shared.append(placed)
            else:
                yield placed
    yield from sorted(said_once(shared), key=lambda one: one.id)


_SAID_ONCE = frozenset({
    "MH704", "MH705", "MH710", "MH725", "MH731", "MH732", "MH733", "MH734", "MH736", "MH741", "MH742",
})  # fmt: skip
