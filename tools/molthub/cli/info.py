"""``skills info``: all about one skill or pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from molthub.cli.client_options import index_options, open_skills
from molthub.cli.judged_signature import JudgedSignature, judged_signature, offered_model_signature
from molthub.console import Console, common_options

if TYPE_CHECKING:
    from molthub.client.skill_manager import SkillManager
    from molthub.model import Artifact, Json, Needs, PackEntry, PackRelease, SkillEntry, SkillRelease

Judged = Callable[["Artifact"], JudgedSignature]


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


def _show_skill(console: Console, entry: SkillEntry, wanted: str | None, judged: Judged) -> None:
    from molthub.client.dependencies import pick_skill
    from molthub.versions import latest, sort_key

    version = pick_skill(entry, wanted)
    release = entry.releases[version]
    signature = judged(release.artifact)
    newest = latest(number for number, other in entry.releases.items() if other.available)
    releases = {number: entry.releases[number] for number in sorted(entry.releases, key=sort_key, reverse=True)}
    console.json({
        "kind": "skill", "name": entry.name, "version": version, "latest": newest, "status": entry.status,
        "reason": entry.reason, "description": entry.description, "tags": list(entry.tags), "license": entry.license,
        "owners": list(entry.owners), "digest": release.artifact.digest, "size": release.artifact.size,
        "published": release.published, **signature.as_json, "dependencies": dict(release.dependencies),
        **_needs_json(release.needs),
        "versions": [_version_json(number, other) for number, other in releases.items()],
    })  # fmt: skip
    _show_facts(console, f"{entry.name} {version}", entry.description, {
        "status": _status(entry), "withdrawn": _withdrawn(release), "tags": ", ".join(entry.tags),
        "license": entry.license, "owners": ", ".join(entry.owners), "published": release.published,
        "depends on": ", ".join(f"{name} {wanted}" for name, wanted in sorted(release.dependencies.items())),
        **_needs_shown(release.needs),
        "digest": release.artifact.digest, "signed by": signature.shown, "model signed": signature.brought,
    })  # fmt: skip
    _show_versions(console, releases, newest)
    console.result(f"install: skills install {entry.name}{'' if wanted is None else f'@{version}'}")


def _show_pack(console: Console, entry: PackEntry, wanted: str | None, judged: Judged) -> None:
    from molthub.client.dependencies import pick_pack
    from molthub.client.wanted import Wanted

    number, release = pick_pack(Wanted("pack", entry.name, wanted, f"pack/{entry.name}"), entry)
    signature = judged(release.artifact)
    skills = {name: locked.version for name, locked in sorted(release.skills.items())}
    releases = {str(other): entry.releases[other] for other in sorted(entry.releases, reverse=True)}
    console.json({
        "kind": "pack", "name": entry.name, "version": number, "displayName": entry.display_name,
        "status": entry.status, "reason": entry.reason, "description": entry.description,
        "owners": list(entry.owners), "digest": release.artifact.digest, "published": release.published,
        **signature.as_json, "skills": skills, "mcps": list(release.mcps), "envVars": list(release.env_vars),
        "versions": [_version_json(other, found) for other, found in releases.items()],
    })  # fmt: skip
    _show_facts(console, f"pack/{entry.name} {number}  {entry.display_name}".rstrip(), entry.description, {
        "status": _status(entry), "withdrawn": _withdrawn(release), "owners": ", ".join(entry.owners),
        "published": release.published,
        "skills": ", ".join(f"{name} {version}" for name, version in skills.items()),
        "MCP servers": ", ".join(release.mcps), "environment": ", ".join(release.env_vars),
        "digest": release.artifact.digest, "signed by": signature.shown,
    })  # fmt: skip
    _show_versions(console, releases)
    console.result(f"install: skills install pack/{entry.name}{'' if wanted is None else f'@{number}'}")


def _show_versions(
    console: Console, releases: Mapping[str, SkillRelease] | Mapping[str, PackRelease], newest: str | None = None
) -> None:
    console.result("versions:")
    for number, release in releases.items():
        note = _withdrawn(release) or ("latest" if number == newest else "")
        console.result(f"  {number:<12} {release.published[:10]}  {note}".rstrip())


def _needs_json(needs: Needs) -> dict[str, Json]:
    from molthub.documents import env_need_to_json

    return {
        "mcpServers": list(needs.mcp_servers), "env": [env_need_to_json(need) for need in needs.env],
        "bins": list(needs.bins), "anyBins": [list(group) for group in needs.any_bins],
        "os": list(needs.systems), "skills": list(needs.skills), "settings": list(needs.settings),
    }  # fmt: skip


def _needs_shown(needs: Needs) -> dict[str, str]:
    return {
        "MCP servers": ", ".join(needs.mcp_servers),
        "environment": ", ".join(f"{need.name}{_need_note(need.secret, need.required)}" for need in needs.env),
        "programs": ", ".join([*needs.bins, *(" or ".join(group) for group in needs.any_bins)]),
        "systems": ", ".join(needs.systems),
    }


def _status(entry: SkillEntry | PackEntry) -> str:
    """Return what is unusual about the status, and why."""
    return "" if entry.status == "active" else f"{entry.status}{': ' + entry.reason if entry.reason else ''}"


def _show_facts(console: Console, title: str, description: str, facts: Mapping[str, str]) -> None:
    console.result(console.style(title, bold=True))
    if description:
        console.result(description)
    console.result()
    for label, value in facts.items():
        if value:
            console.result(f"{label + ':':<14} {value}")


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
