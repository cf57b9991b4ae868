"""``molthub deploy``: send a built index to where it is served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.guards import max_delete_option
from molthub.console import Console, common_options
from molthub.errors import missing_extra

if TYPE_CHECKING:
    from molthub.index.deploy.deploy import Deployed, Wanted
    from molthub.index.deploy.places import Place


@click.command()
@click.option("--to", "address", required=True, metavar="PLACE", help="A folder, s3://..., rsync://... or HOST:PATH.")
@click.option(
    "--index",
    "site",
    type=click.Path(path_type=Path),
    default="site",
    show_default=True,
    help="The built index.",
)
@click.option("--live", metavar="URL", help="What is published now, where --to is a folder that replaces it whole.")
@max_delete_option
@click.option("--delete/--no-delete", default=True, help="Remove what no index of the last 30 days names (default).")
@click.option("--dry-run", is_flag=True, help="Say what would be sent and removed, and do nothing.")
@common_options
def deploy(
    console: Console,
    *,
    address: str,
    site: Path,
    live: str | None,
    max_delete: int,
    delete: bool,
    dry_run: bool,
) -> None:
    """Send a built index to PLACE: only what changed, and so that its readers always find a whole one.

    Whatever a file names is there before it, the roots come last: breaking it off leaves the old index or the new one,
    and running it again completes it. Files of replaced indexes stay for 30 days, for readers that have just begun.

    A bucket gets types and lifetimes as metadata. It is named by the usual variables: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL for another S3 than AWS's.

    \b
    Examples:
      molthub deploy --to /srv/skills --dry-run
      molthub deploy --to s3://my-bucket/skills
      molthub deploy --to deploy@web1:/srv/skills
      molthub deploy --to upload --live https://skills.example.com/     for hosts that take a whole folder
    """
    from molthub.index.deploy.deploy import Wanted

    wanted = Wanted(max_delete=max_delete / 100, delete=delete, dry_run=dry_run)
    place = _open(address, live)
    done = _run(console, site, place, wanted)
    _show(console, done, place.where, wanted)


def _open(address: str, live: str | None) -> Place:
    try:
        from molthub.index.deploy.addresses import open_place
    except ModuleNotFoundError as error:
        raise missing_extra("registry", "molthub deploy") from error
    return open_place(address, live=_reader(live) if live is not None else None)


def _reader(url: str) -> Callable[[str], bytes]:
    from molthub.client.fetch import NOT_FOUND, open_fetcher
    from molthub.client.index_files import MAX_DOCUMENT

    fetcher = open_fetcher(url)

    def read(path: str) -> bytes:
        answer = fetcher.get(path, limit=MAX_DOCUMENT)
        if answer.status == NOT_FOUND:
            raise FileNotFoundError(path)
        return answer.content

    return read


def _run(console: Console, site: Path, place: Place, wanted: Wanted) -> Deployed:
    from molthub.index.deploy.deploy import deploy as send

    console.say(f"comparing {site} with {place.where}")
    with console.progress("sending") as step:
        return send(site, place, wanted, datetime.now(UTC).replace(microsecond=0), step)


def _show(console: Console, done: Deployed, where: str, wanted: Wanted) -> None:
    console.json(
        {
            "to": where,
            "revision": done.revision,
            "dryRun": wanted.dry_run,
            "sent": list(done.sent),
            "unchanged": done.unchanged,
            "removed": list(done.removed),
            "kept": len(done.kept),
            "brought": len(done.brought),
        }
    )
    if wanted.dry_run:
        for path in done.sent:
            console.result(f"+ {path}")
        for path in done.removed:
            console.result(f"- {path}")
    would = "would be " if wanted.dry_run else ""
    counts = f"{len(done.sent)} files {would}sent, {done.unchanged} unchanged, {len(done.removed)} {would}removed"
    kept = f", {len(done.kept)} of older indexes kept" if done.kept else ""
    console.result(f"{where}: {counts}{kept}, revision {done.revision[:12]}")
