"""``skills search`` and ``list``: what there is, and what is installed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import folder_options, index_options, open_skills, shown_path
from molthub.console import Console, common_options

if TYPE_CHECKING:
    from molthub.client.lockfile import InstalledVersion
    from molthub.client.skill_manager import SkillManager
    from molthub.model import SearchRow
    from molthub.search_text import Found


@click.command()
@click.argument("words", nargs=-1)
@click.option("-t", "--tag", "tags", multiple=True, help="Only what has this tag. May be repeated.")
@click.option("--owner", "owners", multiple=True, metavar="PUBLISHER", help="Only what this publisher owns.")
@click.option("--mcp", "servers", multiple=True, metavar="SERVER", help="Only what uses this MCP server.")
@click.option("--platform", "platforms", multiple=True, help="Only what runs on this agent program.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(["active", "archived", "deprecated"]),
              help="Only what has this status.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many at most.")
@index_options
@common_options
def search(
    console: Console,
    *,
    words: tuple[str, ...],
    tags: tuple[str, ...],
    owners: tuple[str, ...],
    servers: tuple[str, ...],
    platforms: tuple[str, ...],
    statuses: tuple[str, ...],
    limit: int,
    registry: str | None,
    offline: bool,
) -> None:
    """Find skills and packs that hold all WORDS in name, tags, description or headings; without WORDS, all.

    \b
    Examples:
      skills search postgres
      skills search code review --tag quality --limit 5
      skills search --mcp github --owner molthub
    """
    from molthub.search_text import Filters

    filters = Filters(tags=tags, mcp_servers=servers, owners=owners, platforms=platforms, statuses=statuses)
    with open_skills(console, registry=registry, offline=offline) as skills:
        found = skills.find(" ".join(words), filters)
    shown = found.rows[:limit]
    console.json([_row_json(row) for row in shown])
    for term, word in (found.mended or {}).items():
        console.say(f"nothing holds {term}: searched for {word}")
    if shown:
        console.table(
            ("NAME", "VERSION", "DESCRIPTION"),
            [(f"pack/{row.name}" if row.kind == "pack" else row.name, row.latest, _described(row)) for row in shown],
        )
    _say_rest(console, found, len(shown))


def _described(row: SearchRow) -> str:
    return row.description if row.status == "active" else f"({row.status}) {row.description}"


def _say_rest(console: Console, found: Found, shown: int) -> None:
    if not shown:
        console.say("nothing found; try fewer or shorter words")
    elif not found.complete:
        console.say(f"the best {shown} of at least {found.total} shown; add a word to narrow it down")
    elif found.total > shown:
        console.say(f"{shown} of {found.total} shown; see more with --limit {found.total}")


@click.command("list")
@click.option("--outdated", is_flag=True, help="Ask the index, and list only what has a newer version.")
@index_options
@folder_options
@common_options
def list_installed(
    console: Console, *, outdated: bool, registry: str | None, offline: bool, project: bool, use_home: bool
) -> None:
    """List the installed skills.

    \b
    Examples:
      skills list
      skills list --json
      skills list --outdated
    """
    with open_skills(console, project=project, use_home=use_home, registry=registry, offline=offline) as skills:
        entries = skills.list()
        if outdated:
            _list_outdated(console, skills, entries)
            return
        shown = {where: _shown_registry(where, skills) for where in {entry.registry for entry in entries}}
    console.json({"folder": str(skills.folder.path), "skills": [_entry_json(entry) for entry in entries]})
    if entries and not console.as_json:
        console.table(
            ("NAME", "VERSION", "REQUESTED", "REGISTRY"),
            [(item.name, item.version, item.requested or "(dependency)", shown[item.registry]) for item in entries],
        )
    count = f"{len(entries)} installed" if entries else "nothing is installed"
    console.say(f"{count} in {shown_path(skills.folder.path)}")


def _shown_registry(where: str | None, skills: SkillManager) -> str:
    """Return the name that this user gave to a registry; without one its URL, or its folder as seen from here."""
    if where is None:
        return ""
    names = (entry.name for config in skills.configs for entry in config.registries if _is_same(entry.url, where))
    return next(names, None) or (where if "://" in where else shown_path(Path(where)))


def _is_same(configured: str, where: str) -> bool:
    from molthub.client.addresses import without_credentials

    given = configured if "://" in configured else str(Path(configured).absolute())
    return without_credentials(given).rstrip("/") == where.rstrip("/")


def _list_outdated(console: Console, skills: SkillManager, entries: Iterable[InstalledVersion]) -> None:
    from molthub.client.outdated import outdated

    found = outdated(entries, skills.index)
    console.json([
        {"name": item.entry.name, "version": item.entry.version, "wanted": item.wanted, "latest": item.latest}
        for item in found
    ])  # fmt: skip
    if found:
        rows = [(item.entry.name, item.entry.version, item.wanted or "-", item.latest or "-") for item in found]
        console.table(("NAME", "INSTALLED", "UPDATE TO", "LATEST"), rows)
        console.say("bring them up to date with: skills update")
    else:
        console.say("everything is up to date")


def _row_json(row: SearchRow) -> dict[str, Any]:
    head = {"kind": row.kind, "name": row.name, "latest": row.latest, "status": row.status, "owners": list(row.owners)}
    return {**head, "tags": list(row.tags), "mcpServers": list(row.mcp_servers), "description": row.description}


def _entry_json(entry: InstalledVersion) -> dict[str, Any]:
    return {"name": entry.name, "version": entry.version, "requested": entry.requested, "digest": entry.digest,
            "registry": entry.registry, "installed": entry.installed,
            "publisher": entry.publisher, "signer": entry.signer}  # fmt: skip
