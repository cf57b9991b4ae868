"""Acting on bots: what the options of ``molthub reconcile`` say, and one pass, or passes until it is told to stop."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.errors import ExitStatus, UsageError
from molthub_reconciler.commands.asked import Asked, agent_workplace, workplace
from molthub_reconciler.commands.remote import Remote, listening
from molthub_reconciler.commands.telling import tell
from molthub_reconciler.metrics.address import address_of, whole_place

if TYPE_CHECKING:
    from molthub.console import Console
    from molthub_reconciler.metrics.outlets import Outlet
    from molthub_reconciler.notify.outbox import Outbox
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.report import Report
    from molthub_reconciler.surroundings import Adoption
    from molthub_reconciler.workplace import Workplace

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


@dataclass(frozen=True)
class Acting:
    """How bots are to be brought in sync.

    ``interval`` is in seconds; ``notify`` holds addresses of webhooks, ``metrics`` a file or an address; ``planned`` is
    the file of a plan that was kept.
    """

    once: bool
    interval: float
    allow_mass_removal: bool
    full: bool
    notify: tuple[str, ...]
    metrics: str | None
    force: bool
    adopt: bool
    run_gates: bool
    planned: Path | None
    dry_run: bool

    def check(self, asked: Asked, remote: Remote) -> None:
        """Raise :class:`UsageError` for options that do not go together."""
        if self.force and not (asked.bots and self.once):
            raise UsageError("--force is for bots by name, once", remedy="add --once and --bot FLEET/BOT")
        if self.adopt and not (asked.names_some and (self.once or self.dry_run)):
            remedy = "add --once, and --bot FLEET/BOT, --fleet FLEET or --selector LABELS"
            raise UsageError("--adopt is for bots that are named, once", remedy=remedy)
        if self.planned is not None and (not self.once or self.adopt or self.dry_run or remote.is_agent):
            remedy = "add --once, without --adopt and --dry-run"
            raise UsageError("--plan is for one pass on this machine", remedy=remedy)
        remote.check(asked, once=self.once, dry_run=self.dry_run)

    def rules(self, place: Workplace, warn: Callable[[str], None]) -> Rules:
        """Return the rules of a pass that acts; ``warn`` is told of secrets that cannot be looked for."""
        from molthub_reconciler.reconcile import Rules
        from molthub_reconciler.surroundings import Adoption

        return Rules(
            act=True,
            full=self.full,
            allow_mass_removal=self.allow_mass_removal,
            forced=place.choice.bots if self.force else frozenset(),
            run_gates=self.run_gates,
            adoption=adoption(place, warn) if self.adopt else Adoption(),
        )


def acting_options(command: Wrapped) -> Wrapped:
    """Add the options; the command gets an :class:`Acting`."""

    @click.option("--once", is_flag=True, help="One pass, then stop.")
    @click.option("--interval", type=click.FloatRange(min=1), default=60.0, show_default=True, metavar="S",
                  help="Seconds between looks at the index, give or take 10%.")  # fmt: skip
    @click.option("--allow-mass-removal", is_flag=True, help="Remove also where it is suspiciously much (one pass).")
    @click.option("--full", is_flag=True, help="Read every file again, also where the system says that nothing moved.")
    @click.option("--notify", "notify", multiple=True, metavar="URL",
                  help="Tell a webhook when a bot's state changes (repeatable; besides notify.yaml).")  # fmt: skip
    @click.option(
        "--metrics",
        metavar="FILE|ADDR:PORT",
        callback=lambda _context, _parameter, given: whole_place(given),
        help="Tell Prometheus how bots are: FILE.prom for node_exporter, or an address to be scraped at.",
    )
    @click.option("--force", is_flag=True, help="Do not wait for a window; only bots that --bot names.")
    @click.option(
        "--adopt",
        is_flag=True,
        help="Take over what was written by hand, where it differs by secrets alone; with --bot, --fleet or -l.",
    )
    @click.option("--run-gates", is_flag=True, help="Run the commands that gates of rollouts name, as this user.")
    @click.option("--plan", "planned", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
                  help="Do what `molthub plan --out FILE` said, and nothing else (with --once).")  # fmt: skip
    @click.option("--dry-run", is_flag=True,
                  help="The same as `molthub plan`; with --install or --uninstall: write nothing.")  # fmt: skip
    @functools.wraps(command)
    def with_acting(*args: Any, **kwargs: Any) -> Any:
        acting = Acting(**{field.name: kwargs.pop(field.name) for field in fields(Acting)})
        return command(*args, acting=acting, **kwargs)

    return with_acting  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click


def adoption(place: Workplace, warn: Callable[[str], None]) -> Adoption:
    """Return what may be taken over: of the chosen bots, what differs by secrets that this machine has."""
    from molthub_reconciler.environment import this_machine
    from molthub_reconciler.surroundings import Adoption

    return Adoption(place.chosen(), this_machine(warn).missing)


def act(acting: Acting, asked: Asked, remote: Remote, console: Console) -> ExitStatus:
    """Bring the bots to their desired state once, or keep them there, and return the exit status this means."""
    place = _workplace(acting, asked, remote, console)
    outbox = _outbox(place, acting.notify)
    place.make_target()
    rules = acting.rules(place, console.warn)
    metrics = _metrics(acting, console)
    with place.state.lock():
        if acting.once:
            return _one_pass(acting, place, rules, outbox, console, metrics=metrics)
        from molthub_reconciler.controller import Controller

        with listening(remote, place, console), metrics.open() if metrics else nullcontext() as url:
            if url:
                console.say(f"numbers of the passes are at {url}")
            return Controller(place, rules, acting.interval, console, outbox, metrics).run()


def agents_plan(acting: Acting, asked: Asked, remote: Remote, console: Console) -> Report:
    """Return what the agent of a controller would do."""
    from molthub_reconciler.reconcile import Rules

    place = agent_workplace(asked, remote.link(), acting.interval, console.warn)
    return place.once("plan", Rules(full=acting.full))


def _workplace(acting: Acting, asked: Asked, remote: Remote, console: Console) -> Workplace:
    from molthub_reconciler.pruning.daily import kept_for
    from molthub_reconciler.reloading import read_reload_command

    if remote.is_agent:
        place = agent_workplace(asked, remote.link(), acting.interval, console.warn)
    else:
        place = workplace(asked, warn=console.warn)
    # Who keeps bots for long may name one that is declared later; a name without its fleet must be looked up.
    if acting.once or not all("/" in bot for bot in asked.bots):
        place.check()
    place.reload, place.prune_after = read_reload_command(), kept_for()
    return place


def _outbox(place: Workplace, notify: tuple[str, ...]) -> Outbox:
    from molthub_reconciler.notify.outbox import Outbox
    from molthub_reconciler.notify.settings import read_channels, webhook

    return Outbox(place.state, (*read_channels(), *map(webhook, notify)))


def _metrics(acting: Acting, console: Console) -> Outlet | None:
    if acting.metrics is None:
        return None
    from molthub_reconciler.metrics.outlets import Outlet

    if acting.once and address_of(acting.metrics) is not None:
        raise UsageError("nobody can ask one pass for its numbers", remedy="leave --once out, or give --metrics FILE")
    return Outlet(acting.metrics, counts=not acting.once, warn=console.warn)


def _one_pass(
    acting: Acting, place: Workplace, rules: Rules, outbox: Outbox, console: Console, *, metrics: Outlet | None
) -> ExitStatus:
    report = _as_planned(place, rules, acting.planned) if acting.planned else place.once("reconcile", rules)
    if metrics is not None:
        metrics.add(report, is_whole=True)
    outbox.add(report, is_whole=place.choice.is_all)
    status = tell(console, report)
    console.problems(outbox.flush())
    place.pruned()
    return status


def _as_planned(place: Workplace, rules: Rules, planned: Path) -> Report:
    from molthub_reconciler.kept_plan import carry_out, read_plan

    return carry_out(place, rules, read_plan(planned))
