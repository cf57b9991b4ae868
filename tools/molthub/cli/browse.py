"""``skills search``, ``list`` and ``info``: what there is, and what is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import folder_options, index_options, open_skills, shown_path
from molthub.cli.judged_signature import JudgedSignature, judged_signature, offered_model_signature
from molthub.console import Console, common_options

if TYPE_CHECKING:
    from molthub.client.lockfile import InstalledVersion
    from molthub.client.skill_manager import SkillManager
    from molthub.model import Artifact, Json, Needs, PackEntry, PackRelease, SearchRow, SkillEntry, SkillRelease
    from molthub.search_text import Found


Judged = Callable[["Artifact"], JudgedSignature]


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


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@index_options
@common_options
def info(console: Console, *, name: str, registry: str | None, offline: bool) -> None:
    """Show what the index says of a skill or pack: versions, dependencies, what it needs, how to install it.

    \b
    Examples:
      skills info git
      skills info git@1.1.0
      skills info pack/standard-dev --json
    """
    from molthub.client.wanted import parse_wanted
    from molthub.model import SkillEntry

    wanted = parse_wanted(name)
    with open_skills(console, registry=registry, offline=offline) as skills:
        entry = skills.info(name)
        if isinstance(entry, SkillEntry):
            _show_skill(console, entry, wanted.range, lambda found: _signatures(skills, found))
        else:
            _show_pack(console, entry, wanted.range, lambda found: judged_signature(skills, "pack", found))


def _signatures(skills: SkillManager, artifact: Artifact) -> JudgedSignature:
    """Judge the publisher's signature, and the one that the skill brings along."""
    judged, brought = judged_signature(skills, "skill", artifact), offered_model_signature(skills, artifact)
    if brought is None:
        return judged
    return judged._replace(as_json={**judged.as_json, "modelSignature": brought.to_json()}, brought=brought.shown)


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


def _show_skill(console: Console, entry: SkillEntry, wanted: str | None, judged: Judged) -> None:
    from molthub.client.dependencies import pick_skill
    from molthub.documents import env_need_to_json
    from molthub.versions import latest, sort_key

    version = pick_skill(entry, wanted)
    release = entry.releases[version]
    needs = release.needs
    signature = judged(release.artifact)
    newest = latest(number for number, other in entry.releases.items() if other.available)
    numbers = sorted(entry.releases, key=sort_key, reverse=True)
    console.json({
        "kind": "skill", "name": entry.name, "version": version, "latest": newest, "status": entry.status,
        "reason": entry.reason, "description": entry.description, "tags": list(entry.tags), "license": entry.license,
        "owners": list(entry.owners), "digest": release.artifact.digest, "size": release.artifact.size,
        "published": release.published, **signature.as_json, "dependencies": dict(release.dependencies),
        "mcpServers": list(needs.mcp_servers), "env": [env_need_to_json(need) for need in needs.env],
        "bins": list(needs.bins), "anyBins": [list(group) for group in needs.any_bins],
        "os": list(needs.systems), "skills": list(needs.skills), "settings": list(needs.settings),
        "versions": [_version_json(number, entry.releases[number]) for number in numbers],
    })  # fmt: skip
    variables = ", ".join(f"{need.name}{_need_note(need.secret, need.required)}" for need in needs.env)
    depends = ", ".join(f"{name} {wanted}" for name, wanted in sorted(release.dependencies.items()))
    _show_facts(console, f"{entry.name} {version}", entry.description, {
        "status": "" if entry.status == "active" else f"{entry.status}{': ' + entry.reason if entry.reason else ''}",
        "withdrawn": _withdrawn(release), "tags": ", ".join(entry.tags), "license": entry.license,
        "owners": ", ".join(entry.owners), "published": release.published, "depends on": depends,
        "MCP servers": ", ".join(needs.mcp_servers), "environment": variables, "programs": _programs(needs),
        "systems": ", ".join(needs.systems),
        "digest": release.artifact.digest, "signed by": signature.shown, "model signed": signature.brought,
    })  # fmt: skip
    console.result("versions:")
    for number in numbers:
        note = _withdrawn(entry.releases[number]) or ("latest" if number == newest else "")
        console.result(f"  {number:<12} {entry.releases[number].published[:10]}  {note}".rstrip())
    pin = "" if wanted is None else f"@{version}"
    console.result(f"install: skills install {entry.name}{pin}")


def _show_pack(console: Console, entry: PackEntry, wanted: str | None, judged: Judged) -> None:
    from molthub.client.dependencies import pick_pack
    from molthub.client.wanted import Wanted

    number, release = pick_pack(Wanted("pack", entry.name, wanted, f"pack/{entry.name}"), entry)
    signature = judged(release.artifact)
    skills = {name: locked.version for name, locked in sorted(release.skills.items())}
    numbers = sorted(entry.releases, reverse=True)
    console.json({
        "kind": "pack", "name": entry.name, "version": number, "displayName": entry.display_name,
        "status": entry.status, "reason": entry.reason, "description": entry.description,
        "owners": list(entry.owners), "digest": release.artifact.digest, "published": release.published,
        **signature.as_json, "skills": skills, "mcps": list(release.mcps), "envVars": list(release.env_vars),
        "versions": [_version_json(str(other), entry.releases[other]) for other in numbers],
    })  # fmt: skip
    _show_facts(console, f"pack/{entry.name} {number}  {entry.display_name}".rstrip(), entry.description, {
        "withdrawn": _withdrawn(release), "owners": ", ".join(entry.owners), "published": release.published,
        "skills": ", ".join(f"{name} {version}" for name, version in skills.items()),
        "MCP servers": ", ".join(release.mcps), "environment": ", ".join(release.env_vars),
        "digest": release.artifact.digest, "signed by": signature.shown,
    })  # fmt: skip
    console.result("versions:")
    for other in numbers:
        note = _withdrawn(entry.releases[other])
        console.result(f"  {other:<12} {entry.releases[other].published[:10]}  {note}".rstrip())
    pin = "" if wanted is None else f"@{number}"
    console.result(f"install: skills install pack/{entry.name}{pin}")


def _show_facts(console: Console, title: str, description: str, facts: Mapping[str, str]) -> None:
    console.result(console.style(title, bold=True))
    if description:
        console.result(description)
    console.result()
    for label, value in facts.items():
        if value:
            console.result(f"{label + ':':<14} {value}")


def _programs(needs: Needs) -> str:
    return ", ".join([*needs.bins, *(" or ".join(group) for group in needs.any_bins)])


def _withdrawn(release: SkillRelease | PackRelease) -> str:
    reasons = {"removed": release.removed, "quarantined": release.quarantined, "yanked": release.yanked}
    return next((f"{word}: {reason}" for word, reason in reasons.items() if reason is not None), "")


def _version_json(number: str, release: SkillRelease | PackRelease) -> dict[str, Json]:
    shown = {"version": number, "published": release.published, "yanked": release.yanked}
    shown |= {"quarantined": release.quarantined, "removed": release.removed}
    return {key: value for key, value in shown.items() if value is not None}


def _need_note(secret: bool, required: bool) -> str:
    words = [word for word, said in (("secret", secret), ("required", required)) if said]
    return f" ({', '.join(words)})" if words else ""
