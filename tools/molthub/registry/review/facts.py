"""What a change's class is decided by, found in the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from molthub.errors import Problem
from molthub.model import EnvUse, McpUse, Needs, PackUse, PackVersion, Project, SkillUse, SkillVersion
from molthub.registry.changes import Change
from molthub.registry.check import CheckResult
from molthub.registry.review.bot_changes import BotChange
from molthub.registry.review.merge_class import Bump, Facts, Step
from molthub.registry.review.new_versions import NewVersion
from molthub.registry.touched import TouchedSource
from molthub.registry.trees.git_source import GitSource
from molthub.versions import is_prerelease, is_version, sort_key

_UNJUDGED = "MH416"
_RISKS = "MH8"
_HARMLESS = frozenset({"MH815", "MH816", "MH817"})
"""Findings that ask for a declaration or a portable form, and are warnings in many good skills."""


def facts_of(result: CheckResult, change: Change, versions: Sequence[NewVersion], bots: Sequence[BotChange]) -> Facts:
    """Return the facts about a checked change."""
    bumped = [version for version in versions if not version.is_new_name]
    new = {version.label for version in versions if version.is_new_name}
    return Facts(
        errors=result.having("error"),
        judged=bool(result.actors) and all(problem.id != _UNJUDGED for problem in result.problems),
        bumps=tuple(_bump(version, change) for version in bumped),
        new_names=tuple(sorted(new | _new_publishers(change))),
        other=tuple(_other_paths(change, versions)),
        outside=_outside(change),
        findings=tuple(_findings(result.problems)),
        bots=tuple(bot.path for bot in bots),
    )


def _findings(problems: Iterable[Problem]) -> Iterator[str]:
    return (one.id for one in problems if one.id.startswith(_RISKS) and one.id not in _HARMLESS)


def _outside(change: Change) -> tuple[str, ...]:
    source, base = (one.whole if isinstance(one, TouchedSource) else one for one in (change.source, change.base))
    if isinstance(source, GitSource) and isinstance(base, GitSource):
        return source.changed_beside(base, change.paths)
    return ("the work tree",)


def _new_publishers(change: Change) -> set[str]:
    return {
        f"publisher/{name}"
        for name in change.after.publishers
        if name not in change.before.publishers and not change.existed(f"publishers/{name}/")
    }


# --- paths ---------------------------------------------------------------------------------------------------------


def _other_paths(change: Change, versions: Sequence[NewVersion]) -> Iterator[str]:
    """Yield what is changed beyond new versions with their entries and signatures, and what new names bring."""
    own: list[str] = []
    entries = set()
    for version in versions:
        folder = f"{version.kind}s/{version.name}/"
        own += [f"{folder}{version.number}/", f"{folder}{version.number}.yaml", f"{folder}{version.number}.sig"]
        if version.is_new_name or _only_gained(change, version, versions):
            entries.add(f"{folder}project.yaml")
    own += [f"publishers/{label.partition('/')[2]}/" for label in _new_publishers(change)]
    for path in change.paths:
        if path not in entries and not any(path == one or (one[-1] == "/" and path.startswith(one)) for one in own):
            yield path


def _only_gained(change: Change, version: NewVersion, versions: Sequence[NewVersion]) -> bool:
    """Whether a project's entries are those of before and the new versions', and nothing else of it changed."""
    numbers = {one.number for one in versions if one.label == version.label}
    before, after = _project(change, version, old=True), _project(change, version, old=False)
    if before is None or after is None:
        return False
    if (before.owners, before.status, before.reason) != (after.owners, after.status, after.reason):
        return False
    if after.versions.keys() - before.versions.keys() != numbers:
        return False
    withdrawn = any(not after.versions[number].available for number in numbers)
    return not withdrawn and all(_same_record(before, after, number) for number in before.versions)


def _same_record(before: Project, after: Project, number: str) -> bool:
    old, new = before.versions[number], after.versions.get(number)
    fields = ("published", "digest", "yanked", "quarantined", "removed", "upstream")
    return new is not None and all(getattr(old, name) == getattr(new, name) for name in fields)


def _project(change: Change, version: NewVersion, *, old: bool) -> Project | None:
    catalog = change.before if old else change.after
    found = (catalog.skills if version.kind == "skill" else catalog.packs).get(version.name)
    return found.project if found is not None else None


# --- versions ------------------------------------------------------------------------------------------------------


def _bump(version: NewVersion, change: Change) -> Bump:
    grown = tuple(_grown(version))
    if version.kind == "pack":
        return Bump(version.label, version.previous, version.number, "pack", grown)
    before = change.before.skills.get(version.name)
    known = [number for number in (before.project.versions if before is not None else ()) if is_version(number)]
    newest = max(known, key=sort_key, default=None)
    return Bump(version.label, version.previous, version.number, _step(newest, version.number), grown)


def _step(newest: str | None, number: str) -> Step:
    """Return what kind of step leads from the newest version there was to this one (SemVer 2.0)."""
    if is_prerelease(number):
        return "pre-release"
    if newest is None or sort_key(number) <= sort_key(newest):
        return "older"
    old, new = _core(newest), _core(number)
    if old[0] != new[0]:
        return "major"
    return "minor" if old[1] != new[1] else "patch"


def _core(number: str) -> list[int]:
    return [int(part) for part in number.partition("+")[0].partition("-")[0].split(".")]


def _grown(version: NewVersion) -> Iterator[str]:
    """Yield what a version asks for that the one before it did not."""
    before, after = version.manifests
    if isinstance(before, SkillVersion) and isinstance(after, SkillVersion):
        yield from _grown_skill(before, after)
    elif isinstance(before, PackVersion) and isinstance(after, PackVersion):
        yield from _grown_pack(before, after)
    else:
        yield "cannot be compared with the version before it"
    for file in version.files:
        if file.becomes_executable:
            yield f"brings the program {file.path}"


def _grown_skill(before: SkillVersion, after: SkillVersion) -> Iterator[str]:
    old, new = before.manifest, after.manifest
    for name, wanted in new.dependencies.items():
        if old.dependencies.get(name) != wanted:
            yield f"wants {name} {wanted}"
    yield from _grown_needs(old.needs, new.needs)
    if old.license != new.license:
        yield f"has the licence {new.license or 'none'} and had {old.license or 'none'}"
    if after.record is not None and after.record.upstream is not None:
        yield "comes from another place, which the change does not show"


def _grown_needs(old: Needs, new: Needs) -> Iterator[str]:
    yield from (f"wants the MCP server {name}" for name in new.mcp_servers if name not in old.mcp_servers)
    known = {need.name for need in old.env}
    yield from (f"reads the variable {need.name}" for need in new.env if need.name not in known)
    yield from (f"wants the program {name}" for name in new.bins if name not in old.bins)
    yield from (f"wants the program {' or '.join(group)}" for group in new.any_bins if group not in old.any_bins)
    yield from (f"counts on the skill {name}" for name in new.skills if name not in old.skills)


def _grown_pack(before: PackVersion, after: PackVersion) -> Iterator[str]:
    old, new = before.layer, after.layer
    if [_without_place(use) for use in old.mcps] != [_without_place(use) for use in new.mcps]:
        yield "has other MCP servers"
    if [_without_place(use) for use in old.env] != [_without_place(use) for use in new.env]:
        yield "has other variables"
    if [_without_place(use) for use in old.skills] != [_without_place(use) for use in new.skills]:
        yield "lists other skills"
    if [_without_place(use) for use in old.packs] != [_without_place(use) for use in new.packs]:
        yield "has other bases"
    yield from (f"brings {name}" for name in sorted(after.resolved.keys() - before.resolved.keys()))


def _without_place(use: SkillUse | McpUse | EnvUse | PackUse) -> SkillUse | McpUse | EnvUse | PackUse:
    return replace(use, at="")
