"""``molthub prune``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, UsageError
from molthub_reconciler.places import context_option, said_place, state_option


@click.command()
@context_option
@state_option
@click.option("--older-than", metavar="AGE", help="Keep what was needed within this time (36h, 30d). [default: 30d]")
@click.option(
    "--forget-gone", is_flag=True, help="Forget targets whose folder is gone: histories, receipts, rollbacks."
)
@click.option("--dry-run", is_flag=True, help="Say what would be taken away, and take nothing.")
@common_options
def prune(
    console: Console,
    *,
    context: str | None,
    state: Path | None,
    older_than: str | None,
    forget_gone: bool,
    dry_run: bool,
) -> ExitStatus:
    """Take away what nothing refers to any more on this machine.

    Skill archives that no bot has or can go back to, and that nobody asked for in a month; copies of indexes that
    nobody asks any more; what killed passes left. No bot is changed, and nothing that `molthub rollback` needs goes.
    `reconcile` does the first two by itself once a day (`prune:` in ~/.config/molthub/reconcile.yaml).

    \b
    Examples:
      molthub prune --dry-run
      molthub prune --older-than 7d

    \b
    Exit status:
      0  done, or there was nothing to do
      3  with --dry-run: something would be taken away
      4  something was left out: another process works on it, or it cannot be removed
    """
    from molthub.client.cache import default_store
    from molthub.client.paths import cache_folder, state_folder
    from molthub_reconciler.pruning.prune import HEADERS, Machine, shown_size
    from molthub_reconciler.pruning.prune import prune as prune_machine

    found = said_place(context, None, None, state)
    machine = Machine((Path(found.state) if found.state else state_folder()).resolve(), default_store(), cache_folder())
    age = _seconds(older_than)
    result = prune_machine(machine, older_than=age, now=time.time(), dry_run=dry_run, forget_gone=forget_gone)
    rows = list(result.rows())
    if rows:
        console.table(HEADERS, rows)
        console.result()
    verb = "would be taken away" if dry_run else "taken away"
    taken = f"{counted(len(result.taken), 'thing')} {verb}, {shown_size(result.size)}"
    kept = f"{counted(result.kept, 'archive')} kept, {shown_size(result.kept_bytes)}"
    console.result(f"{taken if result.taken else 'nothing to take away'}; {kept}")
    console.json(result.to_json())
    if not console.as_json:
        console.problems(result.problems)
    if any(problem.id != "MH737" for problem in result.problems):
        return ExitStatus.PARTLY_DONE
    return ExitStatus.PENDING if dry_run and result.taken else ExitStatus.DONE


def _seconds(said: str | None) -> float:
    from molthub.windows import WindowError, length
    from molthub_reconciler.pruning.prune import LEAST_AGE, USUAL_AGE

    if said is None:
        return USUAL_AGE
    try:
        age = length(said).total_seconds()
    except WindowError as error:
        raise UsageError(str(error), remedy="write --older-than 36h, or 30d") from None
    if age < LEAST_AGE:
        raise UsageError(f"--older-than {said} is too short", remedy="two days are the least: the store takes note of "
                         "use once a day, so what is younger may be about to be used")  # fmt: skip
    return age
