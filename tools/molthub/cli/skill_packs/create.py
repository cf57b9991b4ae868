"""``molthub skill-packs create``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.options import content_options, now, sign_option, signatures, spec_of
from molthub.console import Console, common_options
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.pack_edits import PackEdits


@click.command()
@click.argument("pack", required=False, metavar="[NAME]")
@click.option("--name", "title", metavar="TEXT", help="The name that people read; without NAME, that is made of it.")
@click.option(
    "--from",
    "origin",
    metavar="PACK[@N]",
    shell_complete=completing.packs,
    help="Begin with what this version of another pack declares.",
)
@content_options
@click.option("--owner", metavar="NAME", help="The publisher who owns it. Default: the registry's owner.")
@sign_option
@editing_options
@common_options
def create(
    console: Console,
    *,
    pack: str | None,
    title: str | None,
    origin: str | None,
    edits: PackEdits,
    owner: str | None,
    key: str | None,
    editing: Editing,
) -> None:
    """Make a pack: version 1, locked to the skill versions of now.

    With --from it begins as a copy of another pack, which it does not follow later (a pack that shall follow another
    one --extends it). Packs of the registry's own owner are marked as built in.

    \b
    Examples:
      molthub skill-packs create --name "Dev Stack" --skills git,docker@^2
      molthub skill-packs create --name "Dev Stack" --skills git \\
        --mcp "github=npx -y @modelcontextprotocol/server-github" \\
        --env 'GITHUB_TOKEN=${secrets.github_token}'
      molthub skill-packs create team-dev --from standard-dev@3 --skills kubernetes
    """
    from molthub.registry.authoring.pack_files import copied_text, new_pack
    from molthub.registry.authoring.pack_items import pack_name
    from molthub.registry.authoring.pack_shown import find_version, lock_to_json
    from molthub.registry.authoring.packs import create_pack
    from molthub.registry.catalog import read_catalog

    if pack is None and title is None:
        raise UsageError("the pack has no name", remedy='molthub skill-packs create --name "Dev Stack" --skills git')
    name = pack_name(pack or title or "")
    source = editing.checkout.source
    catalog = read_catalog(source)
    title = title or pack or name
    if origin is None:
        text = new_pack(name, display_name=title, **spec_of(edits))
    else:
        begun = find_version(catalog, origin)
        text = copied_text(source.read(begun.file).decode(), name, replace(edits, display_name=title), file=begun.file)
    published = now()
    files, version = create_pack(source, name, text, owner=owner or catalog.registry.owner, published=published)
    if not editing.dry_run:
        files |= signatures(files, key)
    console.result(f"{'would make' if editing.dry_run else 'made'} pack {name} version 1")
    for skill, lock in sorted(version.resolved.items()):
        console.result(f"  {skill} {lock.version}")
    editing.finish(console, files, f"Add the pack {name}", after=f"molthub skill-packs attach {name} --fleet FLEET")
    locks = {skill: lock_to_json(lock) for skill, lock in version.resolved.items()}
    console.json({"pack": name, "version": 1, "resolved": locks, "files": sorted(files), **editing.to_json()})
