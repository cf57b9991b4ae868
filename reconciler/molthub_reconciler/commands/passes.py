"""``molthub plan``, ``drift`` and ``reconcile``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus
from molthub_reconciler.commands.acting import Acting, act, acting_options, adoption, agents_plan
from molthub_reconciler.commands.asked import Asked, asked_options, workplace
from molthub_reconciler.commands.installing import install, uninstall
from molthub_reconciler.commands.remote import Remote, remote_options
from molthub_reconciler.commands.telling import How, form_options, said, tell

if TYPE_CHECKING:
    from molthub_reconciler.report import Command, Report
    from molthub_reconciler.surroundings import Unmet
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
@click.option("--by-key", is_flag=True, help="Tell each difference once, and how many bots have it.")
@form_options
@common_options
def drift(
    console: Console,
    *,
    asked: Asked,
    full: bool,
    show_ignored: bool,
    detail: bool,
    by_key: bool,
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
      molthub drift --index site --target ./bots --by-key
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
    how = How(form, output, prefix, detail=detail, by_key=by_key).checked(console)
    return said(console, *_looked(asked, "drift", full=full, show_ignored=show_ignored), how)


@click.command()
@asked_options
@acting_options
@remote_options
@common_options
def reconcile(console: Console, *, asked: Asked, acting: Acting, remote: Remote) -> ExitStatus:
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
      molthub reconcile --index https://skills.example.com/ --target /srv/bots --install --write
      molthub reconcile --target /srv/bots --uninstall

    \b
    Exit status:
      0  every bot is in sync
      1  no bot could be brought in sync
      4  some bots are not in sync: failed, unresolved or in conflict

    A bot whose mode is `detect`, that is suspended, rolled back, or waits for a window is told, and has no say in the
    exit status.
    """
    acting.check(asked, remote)
    if remote.install:
        return install(remote, asked, console, dry_run=acting.dry_run)
    if remote.uninstall:
        return uninstall(asked, console, dry_run=acting.dry_run)
    if not acting.dry_run:
        return act(acting, asked, remote, console)
    if remote.is_agent:
        return tell(console, agents_plan(acting, asked, remote, console))
    _place, report = _looked(asked, "plan", full=acting.full, adopting=console.warn if acting.adopt else None)
    return tell(console, report)


def _looked(
    asked: Asked,
    command: Command,
    *,
    full: bool,
    show_ignored: bool = False,
    unmet: Unmet | None = None,
    adopting: Callable[[str], None] | None = None,
) -> tuple[Workplace, Report]:
    """Do a pass that only looks. ``adopting``: as with --adopt; it is told of secrets that cannot be looked for."""
    from molthub_reconciler.reconcile import Rules
    from molthub_reconciler.report import drift_alone

    place = workplace(asked)
    if command == "drift":
        place.need_target()
    place.check()
    rules = Rules(full=full, show_ignored=show_ignored)
    rules = replace(rules, adoption=adoption(place, adopting)) if adopting is not None else rules
    report = place.once(command, rules if unmet is None else replace(rules, unmet=unmet))
    return place, drift_alone(report) if command == "drift" else report
