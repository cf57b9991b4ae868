"""``molthub skill-packs rollback``."""

from __future__ import annotations

import click

from molthub.cli import completing
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.options import now, sign_option, signatures
from molthub.console import Console, common_options


@click.command()
@click.argument("pack", metavar="PACK", shell_complete=completing.packs)
@click.option("--to", "number", type=click.IntRange(min=1), required=True, metavar="N", help="The version to be again.")
@sign_option
@editing_options
@common_options
def rollback(console: Console, *, pack: str, number: int, key: str | None, editing: Editing) -> None:
    """Write the next version of a pack, being what version N was.

    No version is ever taken back: bots that follow the newest get this one. What N was locked to and has moved on since
    is named exactly in it, so that the same versions come back; take that out when you want to move on.

    \b
    Examples:
      molthub skill-packs rollback standard-dev --to 2
      molthub skill-packs rollback standard-dev --to 2 --dry-run
    """
    from molthub.registry.authoring.rollback import roll_back
    from molthub.registry.catalog import read_catalog

    source = editing.checkout.source
    done = roll_back(source, read_catalog(source), pack, number, published=now())
    files = {**done.files, **({} if editing.dry_run else signatures(done.files, key))}
    version = done.version
    verb = "would make" if editing.dry_run else "made"
    console.result(f"{verb} pack {version.name} version {version.number}, which is what {number} was")
    for name, pinned in sorted(done.pins.items()):
        console.result(f"  {name} is named exactly: {pinned}")
    if done.differs:
        console.warn(f"version {version.number} differs from {number} all the same: {done.differs}")
    message = f"Roll the pack {version.name} back to {number}, as {version.number}"
    editing.finish(console, files, message, after=f"molthub skill-packs sync {version.name}")
    shown = {"pack": version.name, "version": version.number, "to": number, "pins": dict(done.pins)}
    console.json({**shown, "differs": done.differs, **editing.to_json()})
