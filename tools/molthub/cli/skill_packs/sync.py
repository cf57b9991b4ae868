"""``molthub skill-packs sync``."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli import completing
from molthub.cli.operating import Operating, operating_options
from molthub.cli.skill_packs.holders import pack_holders
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, FormatError, IntegrityError, UnreachableError

if TYPE_CHECKING:
    from molthub.observed import ObservedBot, ObservedTarget

_POLL = 1.0
_IDLE = frozenset({"unresolved", "conflict", "suspended", "orphaned", "rolled-back"})
"""States that a person has to end: no waiting does."""
_OFFLINE_GRACE = 3.0
"""Seconds in which an agent that was asked may still come: machines are just starting, and reports are on their way."""
_HELD = {
    "detect": "it is only watched (sync: mode: detect)",
    "window": "it waits for a window",
    "suspended": "it is suspended",
    "fight": "somebody keeps undoing what is written",
}


@click.command()
@click.argument("pack", metavar="PACK", shell_complete=completing.packs)
@click.option("--fleet", metavar="FLEET", shell_complete=completing.fleets, help="Only this fleet.")
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, metavar="S",
              help="Seconds to wait in all.")  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Ask the target to look now, and do not wait for it.")
@click.option("--once", is_flag=True, help="Bring the bots in sync from here, where no `molthub reconcile` runs.")
@operating_options
@common_options
def sync(
    console: Console,
    *,
    pack: str,
    fleet: str | None,
    timeout: float,
    no_wait: bool,
    once: bool,
    operating: Operating,
) -> ExitStatus:
    """Wait until every bot that has a pack is as git says.

    First until the index holds the commit (of --rev, or HEAD) that is looked at here; a registry's checkout is needed
    for that. Then whoever keeps the target is asked to look now, and the bots are watched until they have what the
    index declares. Bots that still have the pack although nothing attaches it any more are watched too.

    \b
    Examples:
      molthub skill-packs sync standard-dev
      molthub skill-packs sync standard-dev --index site --target ./bots --once
      molthub skill-packs sync standard-dev --context prod --timeout 60 --json

    Exit status: 0 every bot is in sync, 4 some are not (each is named), or the index does not hold the commit yet.
    """
    from molthub.contexts.context_file import need

    need(operating.place, "index", "target")
    target = operating.target
    assert target is not None  # noqa: S101 (need has seen to it)
    watch = _Watch(console, target, operating, time.monotonic() + timeout)
    holders = pack_holders(console, operating, pack, fleet)
    left = {bot for bot, seen in target.remembered().items()
            if pack in seen.packs and fleet in (None, bot.partition("/")[0])}  # fmt: skip
    bots = sorted({bot for bot, holder in holders.items() if not holder.is_pattern} | left)
    if not watch.published(wait=not no_wait):
        return _tell_unpublished(console, pack, bots, watch)
    who = target.nudge()
    if who is not None:
        console.say(f"asked {who} to look now")
    elif once:
        target.reconcile(bots)
    else:
        console.say("no `molthub reconcile` runs on this target: start it, or bring the bots in sync with --once")
    if no_wait:
        console.say(f"not waiting; molthub skill-packs bots {pack} says how far they are")
        console.json({"pack": pack, "commit": watch.commit, "revision": watch.revision, "asked": who, "bots": bots})
        return ExitStatus.DONE
    watch.until_in_sync(bots, patient=who is not None)
    return _tell(console, pack, bots, watch)


@dataclass
class _Watch:
    """Waiting, until ``deadline``: for the index, then for bots. ``seen`` is what was last seen of each."""

    console: Console
    target: ObservedTarget
    operating: Operating
    deadline: float
    commit: str | None = None
    revision: str = ""
    began: float = 0.0
    seen: dict[str, ObservedBot] = field(default_factory=dict)
    wanted: dict[str, str | None] = field(default_factory=dict)

    def published(self, *, wait: bool) -> bool:
        """Wait until the index holds the registry's commit; return whether it does. Without a checkout it does."""
        reading = self.operating.reading
        index = self.operating.index
        self.revision = index.root().revision
        if reading is None or reading.source.revision.startswith("folder-"):
            return True
        self.commit = reading.source.revision
        told = ""
        while not self._holds(reading.registry):
            if told != self.revision:
                told = self.revision
                self.console.say(f"the index is at {self.revision[:12]}; waiting for {self.commit[:12]}"
                                 f"{_hint(reading.registry, index.where, self.commit)}")  # fmt: skip
            if not wait or not self._pause():
                return False
            with self._outlasting():
                index.refresh()
            self.revision = index.root().revision
        return True

    @contextmanager
    def _outlasting(self) -> Iterator[None]:
        """Go on waiting while an index cannot be read: it may be just being replaced."""
        try:
            yield
        except (UnreachableError, FormatError, IntegrityError) as error:
            if time.monotonic() >= self.deadline:
                raise
            self.console.say(f"{error}; trying again")

    def _holds(self, directory: str) -> bool:
        from molthub.registry.trees.ancestry import is_ancestor

        assert self.commit is not None  # noqa: S101 (set by the caller)
        return self.revision == self.commit or bool(is_ancestor(Path(directory), self.commit, self.revision))

    def until_in_sync(self, bots: Collection[str], *, patient: bool) -> None:
        """Look at bots until they have what the index declares, or waiting does not help. Only laggards are asked."""
        lagging, self.began = list(bots), time.monotonic()
        with self.console.progress("bots in sync", len(lagging)) as done:
            while lagging:
                with self._outlasting():
                    self._look(lagging)
                late = [bot for bot in lagging if not self.is_in_sync(bot)]
                done(len(lagging) - len(late))
                if len(late) != len(lagging) and late and not sys.stderr.isatty():
                    self.console.say(f"{len(bots) - len(late)} of {counted(len(bots), 'bot')} in sync")
                lagging = late
                if not patient or all(self._is_idle(bot) for bot in lagging) or not self._pause():
                    return

    def _look(self, bots: Collection[str]) -> None:
        index = self.operating.index
        index.refresh()
        for fleet in {bot.partition("/")[0] for bot in bots} & {*index.fleets()}:
            self.wanted |= {f"{fleet}/{bot}": ref.digest for bot, ref in index.fleet(fleet).bots.items()}
        self.seen |= self.target.observe(bots)

    def is_in_sync(self, bot: str) -> bool:
        """Whether a bot has what the index declares; one that is declared no more has nothing to wait for."""
        seen = self.seen.get(bot)
        if bot not in self.wanted:
            return seen is None
        return seen is not None and seen.observed is not None and seen.observed == self.wanted[bot]

    def _is_idle(self, bot: str) -> bool:
        seen = self.seen.get(bot)
        if seen is None:
            return False
        if seen.state == "offline":
            return time.monotonic() - self.began >= _OFFLINE_GRACE
        return bool(seen.held) or seen.state in _IDLE

    def _pause(self) -> bool:
        """Wait for a moment; return whether there is time left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_POLL, left))
        return True


def _hint(directory: str, where: str, commit: str) -> str:
    """Say what the commit may be waiting for, as far as that shows."""
    from molthub.registry.authoring.checkout import is_pushed

    if "://" not in where:
        return f": molthub build --out {where} --fleets"
    return "" if is_pushed(Path(directory), commit) else " (it is not pushed yet: git push)"


def _tell_unpublished(console: Console, pack: str, bots: Collection[str], watch: _Watch) -> ExitStatus:
    commit = (watch.commit or "")[:12]
    console.result(f"{pack}: the index does not hold {commit} yet; {counted(len(bots), 'bot')} wait: {', '.join(bots)}")
    shown = [{"bot": bot, "inSync": False} for bot in bots]
    console.json(_document(pack, watch, {"bots": len(bots), "inSync": 0}, shown, is_there=False))
    return ExitStatus.PARTLY_DONE


def _document(
    pack: str, watch: _Watch, summary: Mapping[str, int], bots: Collection[Mapping[str, Any]], *, is_there: bool
) -> dict[str, Any]:
    head = {"pack": pack, "commit": watch.commit, "revision": watch.revision, "published": is_there}
    return {**head, "summary": dict(summary), "bots": list(bots)}


def _tell(console: Console, pack: str, bots: Collection[str], watch: _Watch) -> ExitStatus:
    late = [bot for bot in bots if not watch.is_in_sync(bot)]
    shown = [_to_json(bot, pack, watch, in_sync=bot not in late) for bot in bots]
    summary = {"bots": len(bots), "inSync": len(bots) - len(late)}
    console.json(_document(pack, watch, summary, shown, is_there=True))
    if late:
        console.table(("BOT", "STATE", "WHY"), _rows(late, watch.seen))
    console.result(f"{pack}: {summary['inSync']} of {counted(len(bots), 'bot')} in sync at {watch.revision[:12]}")
    return ExitStatus.PARTLY_DONE if late else ExitStatus.DONE


def _rows(late: Collection[str], seen: Mapping[str, ObservedBot]) -> Iterator[tuple[str, str, str]]:
    for bot in late:
        known = seen.get(bot)
        why = known.problems[0].message if known is not None and known.problems else ""
        if not why and known is not None and known.held:
            why = _HELD.get(known.held, f"nobody mends it now: {known.held}")
        yield bot, (known.state if known is not None else None) or "unknown", why


def _to_json(bot: str, pack: str, watch: _Watch, *, in_sync: bool) -> dict[str, Any]:
    known = watch.seen.get(bot)
    shown: dict[str, Any] = {"bot": bot, "inSync": in_sync, "desired": watch.wanted.get(bot)}
    if known is None:
        return shown
    shown |= {"state": known.state, "observed": known.observed, "version": known.packs.get(pack)}
    return shown | {"problems": [problem.to_json() for problem in known.problems]}
