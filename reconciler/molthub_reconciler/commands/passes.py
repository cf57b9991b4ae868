"""``molthub plan``, ``drift`` and ``reconcile``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus, UsageError
from molthub_reconciler.commands.asked import Asked, agent_workplace, asked_options, workplace
from molthub_reconciler.commands.remote import Remote, install, listening, remote_options
from molthub_reconciler.commands.telling import How, form_options, said, tell

if TYPE_CHECKING:
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.report import Command, Report
    from molthub_reconciler.surroundings import Adoption, Unmet
    from molthub_reconciler.workplace import Workplace

_show_ignored = click.option("--show-ignored", is_flag=True, help="Tell also what `sync.ignore` leaves to the bots.")
_detail = click.option("--detail", is_flag=True, help="Show every key, part by part, bot by bot.")


@click.command()
@asked_options
@click.option("--full", is_flag=True, help="Read every file again, also where the system says that nothing moved.")
@_show_ignored
@click.option(
    "--elsewhere", is_flag=True, help="The bots run on another machine: look for no programs and secrets here."
)
@_detail
@form_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Keep the plan, for `molthub reconcile --once --plan FILE`.")  # fmt: skip
@common_options
def plan(
    console: Console,
    *,
    asked: Asked,
    full: bool,
    show_ignored: bool,
    elsewhere: bool,
    detail: bool,
    form: str,
    output: Path | None,
    prefix: str,
    out: Path | None,
) -> ExitStatus:
    """Say what a reconcile would do, and do nothing.

    It says too which bot lacks what on this machine: programs that skills need, secrets that do not resolve, a skill
    for another system. A plan that was kept is carried out as it is or, of a bot that has moved since, not at all.

    \b
    Examples:
      molthub plan --index site --target ./bots
      molthub plan --index site --target ./bots --detail
      molthub plan --index site --target ./bots --format markdown --output plan.md
      molthub plan --index site --target ./bots --out plan.json
      molthub plan --index https://skills.example.com/ --target ./bots --bot prod/ada --json

    \b
    Exit status:
      0  every bot is in sync
      1  no bot could be looked at
      3  something would be done, or waits for a person
      4  some bots could not be looked at
    """
    from molthub_reconciler.environment import unmet_on_this_machine

    unmet = None if elsewhere else unmet_on_this_machine(console.warn)
    how = How(form, output, prefix, detail=detail).checked(console)
    place, report = _looked(asked, "plan", full=full, show_ignored=show_ignored, unmet=unmet)
    if out is not None:
        from molthub_reconciler.formats.told import Told
        from molthub_reconciler.formats.written import rendered, write

        write(rendered(Told(report), "json"), out)
        console.say(f"kept in {out}: `molthub reconcile --once --plan {out}` does this and nothing else")
    return said(console, place, report, how)


@click.command()
@asked_options
@click.option("--full", is_flag=True, help="Read every file again, also where the system says that nothing moved.")
@_show_ignored
@_detail
@form_options
@common_options
def drift(
    console: Console,
    *,
    asked: Asked,
    full: bool,
    show_ignored: bool,
    detail: bool,
    form: str,
    output: Path | None,
    prefix: str,
) -> ExitStatus:
    """Say what bots have that they should not, and the other way round, to the byte.

    What only git changed since the last reconcile is not drift: `molthub plan` shows it.

    \b
    Examples:
      molthub drift --index site --target ./bots
      molthub drift --index site --target ./bots --detail
      molthub drift --index site --target ./bots --json | jq '.bots[] | select(.state == "drifted")'
      molthub drift --index site --target ./bots --format html --output drift.html
      molthub drift --index site --target ./bots --format sarif --prefix registry-index > drift.sarif

    \b
    Exit status:
      0  every bot is in sync
      1  no bot could be looked at
      3  something drifted, or git is ahead
      4  some bots could not be looked at
    """
    how = How(form, output, prefix, detail=detail).checked(console)
    return said(console, *_looked(asked, "drift", full=full, show_ignored=show_ignored), how)


@click.command()
@asked_options
@click.option("--once", is_flag=True, help="One pass, then stop.")
@click.option("--interval", type=click.FloatRange(min=1), default=60.0, show_default=True, metavar="S",
              help="Seconds between looks at the index, give or take 10%.")  # fmt: skip
@click.option("--allow-mass-removal", is_flag=True, help="Remove also where it is suspiciously much (one pass).")
@click.option("--full", is_flag=True, help="Read every file again, also where the system says that nothing moved.")
@click.option("--notify", "notify", multiple=True, metavar="URL",
              help="Tell a webhook when a bot's state changes (repeatable; besides notify.yaml).")  # fmt: skip
@click.option("--force", is_flag=True, help="Do not wait for a window; only bots that --bot names.")
@click.option(
    "--adopt",
    is_flag=True,
    help="Take over what was written by hand, where it differs by secrets alone; only bots that --bot names.",
)
@click.option("--run-gates", is_flag=True, help="Run the commands that gates of rollouts name, as this user.")
@remote_options
@click.option("--plan", "planned", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="Do what `molthub plan --out FILE` said, and nothing else (with --once).")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="The same as `molthub plan`.")
@common_options
def reconcile(
    console: Console,
    *,
    asked: Asked,
    once: bool,
    interval: float,
    allow_mass_removal: bool,
    full: bool,
    notify: tuple[str, ...],
    force: bool,
    adopt: bool,
    run_gates: bool,
    planned: Path | None,
    dry_run: bool,
    remote: Remote,
) -> ExitStatus:
    """Bring bots to their desired state; without --once, keep them there.

    What a bot's owner has beside it is never touched. Without --once it follows the index, watches the bots' folders
    and mends within a second or two of a change, until it is told to stop (Ctrl-C, SIGTERM).

    \b
    Examples:
      molthub reconcile --index site --target ./bots --once
      molthub reconcile --index https://skills.example.com/ --target /srv/bots
      molthub reconcile --index site --target ./bots --bot prod/ada --interval 10
      molthub reconcile --index site --target ./bots --bot prod/ada --once --force
      molthub reconcile --index site --target ./bots --bot prod/ada --once --adopt
      molthub reconcile --index site --target ./bots --once --plan plan.json
      molthub reconcile --index site --target /srv/bots --listen 0.0.0.0:8443 --tls-certificate c.pem --tls-key k.pem
      molthub reconcile --index https://skills.example.com/ --target ~/bots --bot prod/ada \\
        --controller https://fleet.example.com:8443/ --token-file ada.token

    \b
    Exit status:
      0  every bot is in sync
      1  no bot could be brought in sync
      4  some bots are not in sync: failed, unresolved or in conflict

    A bot whose mode is `detect`, that is suspended, rolled back, or waits for a window is told, and has no say in the
    exit status.
    """
    if force and not (asked.bots and once):
        raise UsageError("--force is for bots by name, once", remedy="add --once and --bot FLEET/BOT")
    if adopt and not (asked.bots and (once or dry_run)):
        raise UsageError("--adopt is for bots by name, once", remedy="add --once and --bot FLEET/BOT")
    if planned is not None and (not once or adopt or dry_run or remote.is_agent):
        raise UsageError("--plan is for one pass on this machine", remedy="add --once, without --adopt and --dry-run")
    remote.check(asked, once=once, dry_run=dry_run)
    if remote.install:
        return install(remote, asked, interval, console)
    if dry_run and not remote.is_agent:
        return _look(console, "plan", asked, full=full, adopt=adopt)
    from molthub_reconciler.notify.outbox import Outbox
    from molthub_reconciler.notify.settings import read_channels, webhook
    from molthub_reconciler.pruning.daily import kept_for
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.reloading import read_reload_command

    if not remote.is_agent:
        place = workplace(asked, warn=console.warn)
    else:
        place = agent_workplace(asked, remote.link(), interval, console.warn)
        if dry_run:
            return tell(console, place.once("plan", Rules(full=full)))
    if once or not all("/" in bot for bot in asked.bots):
        place.check()
    place.reload, place.prune_after = read_reload_command(), kept_for()
    outbox = Outbox(place.state, (*read_channels(), *map(webhook, notify)))
    place.make_target()
    forced = place.choice.bots if force else frozenset()
    rules = Rules(act=True, full=full, allow_mass_removal=allow_mass_removal, forced=forced, run_gates=run_gates)
    rules = replace(rules, adoption=_adoption(place, console.warn)) if adopt else rules
    with place.state.lock():
        if once:
            report = _as_planned(place, rules, planned) if planned else place.once("reconcile", rules)
            outbox.add(report, is_whole=place.choice.is_all)
            status = tell(console, report)
            console.problems(outbox.flush())
            place.pruned()
            return status
        from molthub_reconciler.controller import Controller

        with listening(remote, place, console):
            return Controller(place, rules, interval, console, outbox).run()


def _look(
    console: Console,
    command: Command,
    asked: Asked,
    *,
    full: bool,
    show_ignored: bool = False,
    unmet: Unmet | None = None,
    adopt: bool = False,
) -> ExitStatus:
    found = _looked(asked, command, full=full, show_ignored=show_ignored, unmet=unmet, adopt=adopt, warn=console.warn)
    return tell(console, found[1])


def _looked(
    asked: Asked,
    command: Command,
    *,
    full: bool,
    show_ignored: bool,
    unmet: Unmet | None = None,
    adopt: bool = False,
    warn: Callable[[str], None] = lambda _message: None,
) -> tuple[Workplace, Report]:
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.report import drift_alone

    place = workplace(asked)
    if command == "drift":
        place.need_target()
    place.check()
    rules = Rules(full=full, show_ignored=show_ignored)
    rules = replace(rules, adoption=_adoption(place, warn)) if adopt else rules
    report = place.once(command, rules if unmet is None else replace(rules, unmet=unmet))
    return place, drift_alone(report) if command == "drift" else report


def _as_planned(place: Workplace, rules: Rules, planned: Path) -> Report:
    from molthub_reconciler.kept_plan import carry_out, read_plan

    return carry_out(place, rules, read_plan(planned))


def _adoption(place: Workplace, warn: Callable[[str], None]) -> Adoption:
    from molthub_reconciler.environment import this_machine
    from molthub_reconciler.surroundings import Adoption

    return Adoption(place.choice.bots, this_machine(warn).missing)
