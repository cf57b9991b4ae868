"""``skills unpublish``, ``deprecate`` and ``archive``: take versions and projects back, or let people move on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.next_step import say_next
from molthub.console import Console, common_options, counted
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.holders import Holders
    from molthub.registry.authoring.withdraw import Status, Target, Withdrawal, Word

_registry = click.option("--registry", metavar="DIR", default=".", help="The registry's checkout. Default: here.")
_dry_run = click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
_no_commit = click.option("--no-commit", is_flag=True, help="Leave the files in the work tree, do not commit.")
_reason = click.option("--reason", metavar="TEXT", help="Why, for everybody who meets it.")


@click.command()
@click.argument("what", metavar="NAME[@VERSION]")
@_reason
@click.option("--quarantine", is_flag=True, help="Nobody gets it until it was judged.")
@click.option("--remove", is_flag=True, help="Delete its content for good; the number stays taken.")
@click.option("--undo", is_flag=True, help="Take a yank or a quarantine back.")
@_registry
@click.option("-y", "--yes", is_flag=True, help="Remove without asking.")
@_dry_run
@_no_commit
@common_options
def unpublish(
    console: Console,
    what: str,
    *,
    reason: str | None,
    quarantine: bool,
    remove: bool,
    undo: bool,
    registry: str,
    yes: bool,
    dry_run: bool,
    no_commit: bool,
) -> None:
    """Take a version back: yank it, or quarantine or remove it. Packs are named pack/NAME@N.

    A yanked version is picked by no range any more; who names it exactly, or has it locked, still gets it, with a
    warning. A quarantined one is listed, and nobody gets it. A removed one is gone: a tombstone with its digest and the
    reason stays. Packs and bots of this registry that have it are named, with the next step.

    \b
    Examples:
      skills unpublish git@1.1.0 --reason "Its commit script skips hooks."
      skills unpublish git@1.1.0 --undo
      skills unpublish git@1.1.0 --quarantine --reason "Phones home?"
      skills unpublish git --quarantine --reason "Under review."      all of its versions
      skills unpublish git@1.1.0 --remove --reason "It held a key."
      skills unpublish pack/standard-dev@3 --reason "Use 4."
    """
    from molthub.registry.authoring.withdraw import restore, withdraw

    if quarantine and remove:
        raise UsageError("--quarantine and --remove exclude each other", remedy="give one of them")
    if undo and reason is not None:
        raise UsageError("--undo takes a reason away, and --reason gives one", remedy="leave one of them out")
    why = (reason or "").strip()
    if not undo and not why:
        remedy = 'say why, for everybody who meets it: --reason "..."'
        raise UsageError("a version is not taken back without a reason", remedy=remedy)
    word: Word = "removed" if remove else "quarantined" if quarantine else "yanked"
    target = _target(what)
    work = _Work(console, registry, dry_run=dry_run, commits=not no_commit)
    if undo:
        named = word if quarantine or remove else None
        done = restore(work.checkout.source, work.catalog, target, named)
    else:
        done = withdraw(work.checkout.source, work.catalog, target, word, why)
    if remove and done.files and not dry_run:
        _ask(console, done, yes=yes)
    work.finish(done, why)


@click.command()
@click.argument("name", metavar="NAME")
@_reason
@click.option("--undo", is_flag=True, help="Make it active again.")
@_registry
@_dry_run
@_no_commit
@common_options
def deprecate(
    console: Console, name: str, *, reason: str | None, undo: bool, registry: str, dry_run: bool, no_commit: bool
) -> None:
    """Tell people to move on from a skill (or pack/NAME). Everything goes on working; the reason is passed on.

    \b
    Examples:
      skills deprecate git-flow --reason "Use git instead."
      skills deprecate git-flow --undo
    """
    _change_status(
        console, name, "deprecated", reason, undo=undo, registry=registry, dry_run=dry_run, no_commit=no_commit
    )  # fmt: skip


@click.command()
@click.argument("name", metavar="NAME")
@_reason
@click.option("--undo", is_flag=True, help="Make it active again.")
@_registry
@_dry_run
@_no_commit
@common_options
def archive(
    console: Console, name: str, *, reason: str | None, undo: bool, registry: str, dry_run: bool, no_commit: bool
) -> None:
    """Say that a skill (or pack/NAME) gets no more versions. Those that are there go on working.

    \b
    Examples:
      skills archive git-flow
      skills archive git-flow --undo
    """
    _change_status(
        console, name, "archived", reason, undo=undo, registry=registry, dry_run=dry_run, no_commit=no_commit
    )  # fmt: skip


def _change_status(
    console: Console, name: str, status: Status, reason: str | None, *, undo: bool, registry: str, dry_run: bool,
    no_commit: bool
) -> None:  # fmt: skip
    from molthub.registry.authoring.withdraw import reactivate, set_status

    target = _target(name)
    if target.number is not None:
        remedy = f"leave the version out; to take one version back: skills unpublish {name}"
        raise UsageError(f"a whole project is {status}, not one version", remedy=remedy)
    work = _Work(console, registry, dry_run=dry_run, commits=not no_commit)
    if undo:
        done = reactivate(work.checkout.source, work.catalog, target, status)
    else:
        done = set_status(work.checkout.source, work.catalog, target, status, reason)
    work.finish(done, reason or "")


def _target(text: str) -> Target:
    from molthub.client.wanted import parse_wanted
    from molthub.registry.authoring.withdraw import Target

    wanted = parse_wanted(text)
    if wanted.range is not None and not wanted.exact:
        raise UsageError(f"{text!r} names a range, and one version is taken back", remedy="write NAME@1.2.0")
    return Target(wanted.kind, wanted.name, wanted.range)


class _Work:
    """One edit of a registry's checkout, from reading it to the next step."""

    def __init__(self, console: Console, registry: str, *, dry_run: bool, commits: bool) -> None:
        from molthub.registry.authoring.checkout import Checkout
        from molthub.registry.catalog import read_catalog

        self.console = console
        self.dry_run = dry_run
        self.checkout = Checkout(Path(registry), commits=commits)
        self.catalog = read_catalog(self.checkout.source)

    def finish(self, done: Withdrawal, reason: str) -> None:
        """Write the edit, unless nothing changes, and say whom it meets."""
        from molthub.registry.authoring.holders import Holders, holders
        from molthub.registry.authoring.new_files import NewFile

        target, commit = done.target, None
        found = holders(self.checkout.source, self.catalog, target, done.files) if done.files else Holders()
        if done.done not in ("yanked", "quarantined", "removed"):  # nothing has to move
            found = replace(found, updatable=(), stuck=())
        if not done.files:
            self.console.result(f"= {target} is {_STILL.get(done.done) or f'{done.done} already'}")
        else:
            self.console.result(f"{'would be: ' if self.dry_run else ''}{target} {done.done}")
            _show(self.console, target, found)
        if done.files and not self.dry_run:
            files = {path: None if content is None else NewFile(content) for path, content in done.files.items()}
            message = f"{_VERBS[done.done]} {target}" + (f"\n\n{reason}" if reason else "")
            commit = self.checkout.write(files, message)
            update = f"molthub skill-packs update {' '.join(found.updatable)}" if found.updatable else ""
            say_next(self.console, self.checkout, commit, first=update)
        self.console.json(
            {
                "kind": target.kind,
                "name": target.name,
                "version": target.number,
                "result": done.done if done.files else "unchanged",
                **found.to_json(),
                "files": {path: "removed" if content is None else "written" for path, content in done.files.items()},
                "commit": commit,
                "dryRun": self.dry_run,
            }
        )


_STILL = {
    "no longer yanked": "not yanked",
    "no longer quarantined": "not quarantined",
    "active again": "active",
}
_VERBS = {
    "yanked": "Yank",
    "quarantined": "Quarantine",
    "removed": "Remove",
    "deprecated": "Deprecate",
    "archived": "Archive",
    "no longer yanked": "No longer yank",
    "no longer quarantined": "No longer quarantine",
    "active again": "Reactivate",
}


def _ask(console: Console, done: Withdrawal, *, yes: bool) -> None:
    gone = sum(content is None for content in done.files.values())
    console.say(
        f"{done.target} goes for good: {counted(gone, 'file')} here, its archive when the index is built next\n"
        "  a tombstone with its digest and the reason stays, and the number is never used again\n"
        "  it stays in git's history: rewrite that, or replace what leaked\n"
        "  bots that have it keep it until their packs have moved on"
    )
    console.confirm(f"Remove {done.target} for good?", yes=yes)


def _show(console: Console, target: Target, found: Holders) -> None:
    for pack in found.packs:
        console.result(f"  pack/{pack} locks it")
    for bot, version in found.bots.items():
        console.result(f"  bot {bot} {_moves(target, version)}")
    for bot in found.regained:
        console.result(f"  bot {bot} gets it again")
    for pack in found.stuck:
        console.warn(f"pack/{pack} has nothing to move to: publish another version, or write the pack without it")


def _moves(target: Target, version: str | None) -> str:
    if version is None:
        return "needs it, and keeps what it has until it resolves again"
    return "holds it, and keeps it" if target.number in (None, version) else f"holds it, and moves to {version}"
