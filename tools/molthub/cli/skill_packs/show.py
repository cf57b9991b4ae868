"""``molthub skill-packs list`` and ``show``."""

from __future__ import annotations

import click

from molthub.cli import completing
from molthub.cli.reading_registry import ReadingRegistry, reading_options
from molthub.console import Console, common_options


@click.command("list")
@reading_options
@common_options
def list_packs(console: Console, *, reading: ReadingRegistry) -> None:
    """List the registry's packs with their newest versions, and how many bots have each.

    Built in are the packs of the registry's own owner.

    \b
    Examples:
      molthub skill-packs list
      molthub skill-packs list --registry ../registry --json
    """
    from molthub.registry.authoring.pack_shown import is_builtin, pack_to_json
    from molthub.registry.resolve import latest_pack
    from molthub.registry.resolving.bot_layers import has_pack

    catalog = reading.catalog
    rows, shown = [], []
    for pack in catalog.packs.values():
        latest = latest_pack(pack)
        skills = sum(not name.startswith("pack/") for name in latest.resolved) if latest is not None else 0
        number, title = (str(latest.number), latest.display_name) if latest is not None else ("-", "")
        bots = sum(has_pack(catalog, bot, pack.name) for bot in catalog.bots.values())
        kind = "built in" if is_builtin(catalog, pack) else ", ".join(pack.project.owners)
        rows.append((pack.name, number, str(skills), str(bots), pack.project.status, kind, title))
        whole = pack_to_json(catalog, pack, latest) if latest is not None else {"pack": pack.name, "versions": []}
        shown.append({**whole, "bots": bots})
    if rows:
        console.table(("PACK", "VERSION", "SKILLS", "BOTS", "STATUS", "OWNER", "NAME"), rows)
    else:
        console.say('there are no packs yet; make one: molthub skill-packs create --name "Dev Stack" --skills git')
    console.json({"packs": shown})


@click.command()
@click.argument("pack", metavar="PACK[@N]", shell_complete=completing.packs)
@reading_options
@common_options
def show(console: Console, *, pack: str, reading: ReadingRegistry) -> None:
    """Show one version of a pack: what it declares, and what it is locked to.

    \b
    Examples:
      molthub skill-packs show standard-dev
      molthub skill-packs show standard-dev@2
    """
    from molthub.registry.authoring.pack_shown import find_version, pack_to_json
    from molthub.registry.authoring.yaml_write import block

    version = find_version(reading.catalog, pack)
    shown = pack_to_json(reading.catalog, reading.catalog.packs[version.name], version)
    locked = {name: lock["version"] for name, lock in shown.get("resolved", {}).items()}
    for line in block({**shown, **({"resolved": locked} if locked else {})}):
        console.result(line)
    console.json(shown)
