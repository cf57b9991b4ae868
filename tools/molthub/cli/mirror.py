"""``molthub mirror``: a copy of an index, for networks that cannot reach it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.client_options import open_skills
from molthub.console import Console, common_options
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub.mirror.copy import Mirrored
    from molthub.mirror.folder import MirrorFolder
    from molthub.mirror.selection import Selection


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="[URL|FILE|DIR] DIR")
@click.option("--only", multiple=True, metavar="NAME|pack/NAME|@SCOPE",
              help="Only this, with what it depends on (repeatable). The mirror is then a part.")  # fmt: skip
@click.option("--latest", is_flag=True, help="Only the newest version of each. The mirror is then a part.")
@click.option("--fleet", "fleets", multiple=True, metavar="FLEET",
              help="Only what this fleet's bots need (repeatable). The mirror is then a part.")  # fmt: skip
@click.option(
    "--root",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The index's root of trust, N.root.json (default: what this user trusts, else the first one seen).",
)
@click.option("--no-metadata", is_flag=True, help="Do not carry the signed metadata: the mirror gets keys of its own.")
@click.option("--bundle", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the mirror to this tar file too, to be carried.")  # fmt: skip
@click.option(
    "--keep-going", is_flag=True, help="Mirror the rest where archives are missing or not what they should be."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=8, show_default=True, help="How many files are fetched at a time."
)
@click.option("--dry-run", is_flag=True, help="Say what would be fetched and removed, and write nothing.")
@common_options
def mirror(
    console: Console,
    *,
    places: tuple[str, ...],
    only: tuple[str, ...],
    latest: bool,
    fleets: tuple[str, ...],
    root: Path | None,
    no_metadata: bool,
    bundle: Path | None,
    keep_going: bool,
    jobs: int,
    dry_run: bool,
) -> ExitStatus:
    """Copy an index into a folder, and keep the copy up to date.

    All that clients read is fetched and verified: what is there already is not fetched again, but hashed. Readers of
    the folder see the old mirror, then the new one, also when this is killed. A whole mirror carries the origin's
    signed metadata, so that clients with its root of trust believe it as they believe the origin, for as long as the
    timestamp lasts. A part (--only, --latest, --fleet) has a root of its own, which nobody has signed; sign it with
    molthub sign and keys of your own. A mirror that was made before is updated by its folder alone.

    \b
    Examples:
      molthub mirror https://skills.example.com/ /srv/skills
      molthub mirror /srv/skills                                   again, from the same place
      molthub mirror https://skills.example.com/ part --only pack/dev --only @acme --latest
      molthub mirror https://skills.example.com/ /srv/skills --bundle skills.tar
      molthub mirror skills.tar /srv/skills --root 1.root.json     on the other side

    \b
    Exit status:
      0  the mirror is what the origin publishes
      1  the mirror is as it was
      4  the mirror is new, and lacks what is named (--keep-going)
    """
    from molthub.client.config import pin_for
    from molthub.client.fetch import open_fetcher
    from molthub.mirror.copy import Wish
    from molthub.mirror.copy import mirror as bring
    from molthub.mirror.folder import MirrorFolder
    from molthub.mirror.selection import Selection

    if len(places) > 2:  # noqa: PLR2004 (an origin and a folder)
        raise click.UsageError("give where to read and a folder, or the folder of a mirror alone")
    folder = MirrorFolder(Path(places[-1]), dry=dry_run)
    selection = Selection(only, latest, fleets)
    origin, selection, metadata = _asked(folder, places, selection, metadata=not no_metadata)
    fetcher = open_fetcher(origin)
    console.say(f"reading {fetcher.where}")
    content = root.read_bytes() if root is not None else None
    pin = pin_for(origin, open_skills(console).configs)
    wish = Wish(selection, metadata, keep_going, jobs, content, pin, console.progress)
    try:
        done = bring(fetcher, folder, wish)
    finally:
        fetcher.close()
    written = _bundle(console, folder, bundle) if bundle is not None and not dry_run else None
    _show(console, done, folder, fetcher.where, written)
    return ExitStatus.PARTLY_DONE if done.refused else ExitStatus.DONE


def _asked(
    folder: MirrorFolder, places: tuple[str, ...], selection: Selection, *, metadata: bool
) -> tuple[str, Selection, bool]:
    """Return the origin and what to mirror: as it was done before, where the folder alone is given."""
    note = folder.note()
    if len(places) == 1:
        if note is None:
            raise UsageError("this is no mirror yet", place=places[0], remedy=f"molthub mirror URL {places[0]}")
        return note.origin, note.selection if selection.is_whole else selection, metadata and note.metadata
    return places[0], selection, metadata


def _bundle(console: Console, folder: MirrorFolder, target: Path) -> dict[str, object]:
    from molthub.mirror.bundle import write_bundle

    with console.progress("bundling") as step:
        files = write_bundle(folder, target, step)
    return {"file": str(target), "files": files, "bytes": target.stat().st_size}


def _show(console: Console, done: Mirrored, folder: MirrorFolder, where: str, bundle: dict[str, object] | None) -> None:
    console.problems(() if console.as_json else done.refused)
    more: dict[str, object] = {"bundle": bundle} if bundle else {}
    console.json({"mirror": str(folder.path), "origin": where, "dryRun": folder.dry, **done.to_json(), **more})
    counts = done.counts
    what = f"{counts['skills']} skills ({counts['versions']} versions), {counts['packs']} packs"
    what += f", {counts['bots']} bots" if counts["bots"] else ""
    console.result(
        f"{folder.path}: {'a part: ' if done.part else ''}{what}, revision {done.published.root.revision[:12]}"
    )
    verb = "would be fetched" if folder.dry else "fetched"
    gone = "would be removed" if folder.dry else "removed"
    console.result(
        f"{done.fetched} files {verb} ({done.size} bytes), {done.present} were there"
        f"{f', {done.mended} of them damaged' if done.mended else ''}, {len(done.removed)} {gone}"
    )
    if bundle:
        console.result(f"{bundle['file']}: {bundle['files']} files, {bundle['bytes']} bytes")
    _say_signed(console, done, folder)


def _say_signed(console: Console, done: Mirrored, folder: MirrorFolder) -> None:
    if done.published.taken:
        console.warn(
            f"nobody said which root of trust is right, so the first one seen is trusted from now on: "
            f"{done.published.taken}; compare it with what the registry's owner says, or give --root"
        )
    if done.signed == "by the origin":
        until = done.published.expires
        console.say(f"it is signed by its origin, and clients believe that until {until}: mirror it again before")
    elif done.part:
        console.say(f"the root of a part is not signed; to sign it: molthub sign --index {folder.path} --keys YOURS")
    else:
        console.say("it is not signed: what readers get is whole, but nothing says that it is the newest")
