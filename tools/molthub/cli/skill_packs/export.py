"""``molthub skill-packs export``."""

from __future__ import annotations

from pathlib import Path

import click

from molthub.cli import completing
from molthub.cli.reading_registry import ReadingRegistry, reading_options
from molthub.console import Console, common_options
from molthub.errors import ExitStatus


@click.command()
@click.argument("pack", metavar="PACK[@N]", shell_complete=completing.packs)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["agent-plugin", "claude-plugin"]),
    default="agent-plugin",
    show_default=True,
    help="Agent Plugins 1.0.0, or a Claude Code plugin.",
)
@reading_options
@common_options
def export(console: Console, *, pack: str, folder: Path, kind: str, reading: ReadingRegistry) -> ExitStatus:
    """Write a pack as a plugin of agent programs: its skills and MCP servers in one folder.

    No secret is in it. A Claude Code plugin refers to variables of the environment; Agent Plugins cannot, so what each
    server needs besides is named here, and in the plugin's manifest.

    \b
    Examples:
      molthub skill-packs export standard-dev ./standard-dev
      molthub skill-packs export standard-dev@2 ./plugin --format claude-plugin

    Exit status: 0 done, 4 written without a server or skill that the format cannot hold, 1 not written.
    """
    from molthub.index.plugin_export import export as exported
    from molthub.index.plugin_export import write_plugin
    from molthub.registry.authoring.pack_shown import find_version

    version = find_version(reading.catalog, pack)
    found = exported(reading.catalog, reading.source, version, kind)
    write_plugin(found.files, folder)
    console.result(f"wrote {version.name} {version.number} into {folder}: {len(found.files)} files")
    for server, needs in sorted(found.needs.items()):
        for where, values in sorted(needs.items()):
            console.result(f"  {server} needs besides, in its {where}: {', '.join(sorted(values))}")
    for what, reason in sorted(found.left_out.items()):
        console.warn(f"{what} is left out: {reason}")
    shown = {"pack": version.name, "version": version.number, "format": kind, "folder": str(folder)}
    console.json({**shown, "files": sorted(found.files), "leftOut": found.left_out, "needs": found.needs})
    return ExitStatus.PARTLY_DONE if found.left_out else ExitStatus.DONE
