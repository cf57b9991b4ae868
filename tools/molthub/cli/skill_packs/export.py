"""``molthub skill-packs export``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli import completing
from molthub.cli.reading_registry import ReadingRegistry, reading_options
from molthub.console import Console, common_options
from molthub.errors import ExitStatus

if TYPE_CHECKING:
    from molthub.model import PackVersion


@click.command()
@click.argument("pack", metavar="PACK[@N]", shell_complete=completing.packs)
@click.argument("place", metavar="DIR|FILE.json", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["agent-plugin", "claude-plugin", "json"]),
    default="agent-plugin",
    show_default=True,
    help="Agent Plugins 1.0.0, a Claude Code plugin, or the JSON of other services.",
)
@reading_options
@common_options
def export(console: Console, *, pack: str, place: Path, kind: str, reading: ReadingRegistry) -> ExitStatus:
    """Write a pack as a plugin of agent programs, or as the JSON that other SkillPack services keep.

    A plugin is a folder with its skills and MCP servers. No secret is in it. A Claude Code plugin refers to variables
    of the environment; Agent Plugins cannot, so what each server needs besides is named here, and in the plugin's
    manifest. `--format json` writes one file (`-`: standard output), which `skill-packs import` takes in again.

    \b
    Examples:
      molthub skill-packs export standard-dev ./standard-dev
      molthub skill-packs export standard-dev@2 ./plugin --format claude-plugin
      molthub skill-packs export standard-dev standard-dev.json --format json

    Exit status: 0 done, 4 written without something that the format cannot hold, 1 not written.
    """
    from molthub.registry.authoring.pack_shown import find_version

    version = find_version(reading.catalog, pack)
    write = _as_record if kind == "json" else _as_plugin
    files, left_out, needs = write(console, reading, version, place, kind)
    for what, reason in sorted(left_out.items()):
        console.warn(f"{what} is left out: {reason}")
    if str(place) == "-":
        return ExitStatus.PARTLY_DONE if left_out else ExitStatus.DONE
    shown = {"pack": version.name, "version": version.number, "format": kind, "folder": str(place)}
    console.json({**shown, "files": files, "leftOut": dict(left_out), "needs": needs})
    return ExitStatus.PARTLY_DONE if left_out else ExitStatus.DONE


_Written = tuple[list[str], Mapping[str, str], Mapping[str, Any]]


def _as_plugin(console: Console, reading: ReadingRegistry, version: PackVersion, folder: Path, kind: str) -> _Written:
    from molthub.index.plugin_export import export as exported
    from molthub.index.plugin_export import write_plugin

    found = exported(reading.catalog, reading.source, version, kind)
    write_plugin(found.files, folder)
    console.result(f"wrote {version.name} {version.number} into {folder}: {len(found.files)} files")
    for server, needs in sorted(found.needs.items()):
        for where, values in sorted(needs.items()):
            console.result(f"  {server} needs besides, in its {where}: {', '.join(sorted(values))}")
    return sorted(found.files), found.left_out, found.needs


def _as_record(console: Console, reading: ReadingRegistry, version: PackVersion, file: Path, _kind: str) -> _Written:
    from molthub.atomic import write_atomically
    from molthub.registry.authoring.pack_record import pack_record

    found = pack_record(reading.catalog, version)
    text = json.dumps({"skillPacks": [dict(found.record)]}, indent=2, ensure_ascii=False) + "\n"
    if str(file) == "-":
        click.echo(text, nl=False)
        return [], found.left_out, {}
    write_atomically(file, text.encode())
    console.result(f"wrote {version.name} {version.number} into {file}")
    return [file.name], found.left_out, {}
