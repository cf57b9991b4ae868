"""Packs: numbers without gaps, and `resolved` as it would be derived again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from molthub.errors import Problem, ResolutionError
from molthub.model import Locked, Pack, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import resolve_pack
from molthub.versions import matches

_DERIVE = "run molthub fmt, or make the version with molthub skill-packs create|update"


def check_packs(catalog: Catalog, base: Catalog | None) -> Iterator[Problem]:
    """Yield gaps in pack numbers, and locks that do not hold.

    A version that the base does not have must be locked to what resolves now; a merged one (and, without a base, every
    one) must hold together by its own lock: newer skill versions reach bots by a new pack version.
    """
    for pack in catalog.packs.values():
        yield from _gaps(pack, catalog)
        merged = base.packs[pack.name].project.versions if base is not None and pack.name in base.packs else {}
        for number, version in pack.versions.items():
            if version.record is not None and version.record.removed is not None:
                continue
            if base is None or str(number) in merged or _imported(version):
                yield from _held(catalog, version)
            else:
                yield from _derived(catalog, version)


def check_locks(catalog: Catalog, packs: Iterable[str]) -> Iterator[Problem]:
    """Yield the locks of some packs' versions that do not hold."""
    for name in packs:
        for version in catalog.packs[name].versions.values() if name in catalog.packs else ():
            yield from _held(catalog, version)


def _imported(version: PackVersion) -> bool:
    """Whether a version is another registry's, and locked to what that one resolved."""
    return version.record is not None and version.record.upstream is not None


def _gaps(pack: Pack, catalog: Catalog) -> Iterator[Problem]:
    broken = {key.partition("@")[2] for key in catalog.broken if key.startswith(f"pack/{pack.name}@")}
    known = {*pack.versions, *(int(number) for number in pack.project.versions), *(int(n) for n in broken if n)}
    expected = 1
    for number in sorted(known):
        if number != expected and not _is_imported(pack, number):
            message = f"version {number} of {pack.name} follows {expected - 1}: {expected} would be next"
            remedy = f"number it {expected}; numbers are never left out, nor used twice"
            yield Problem("MH403", message, remedy, file=f"packs/{pack.name}/{number}.yaml")
        expected = number + 1


def _is_imported(pack: Pack, number: int) -> bool:
    """Whether a number is another registry's, of which not every version needs to be here."""
    record = pack.project.versions.get(str(number))
    return record is not None and record.upstream is not None


def _derived(catalog: Catalog, version: PackVersion) -> Iterator[Problem]:
    """Yield where a new version's lock differs from what the pack resolves to now."""
    try:
        wanted = resolve_pack(catalog, replace(version, resolved={}))
    except ResolutionError as error:
        yield from error.problems or (Problem("MH202", error.message, error.remedy, file=version.file),)
        return
    if not version.resolved and wanted:
        yield Problem("MH206", "the pack is not locked: `resolved` is missing", _DERIVE, file=version.file)
    elif dict(wanted) != dict(version.resolved):
        message = f"`resolved` is not what the pack resolves to: {difference(version.resolved, wanted)}"
        yield Problem("MH206", message, _DERIVE, file=version.file)


def difference(before: Mapping[str, Locked], after: Mapping[str, Locked]) -> str:
    """Say what moves between two locks: ``git 1.1.0 -> 1.2.0, + docker 2.0.1, - postgres 1.4.0``."""
    words = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            words.append(f"+ {name} {new.version}")
        elif new is None and old is not None:
            words.append(f"- {name} {old.version}")
        elif old is not None and new is not None and old != new:
            words.append(
                f"{name} {old.version} -> {new.version}"
                if old.version != new.version
                else f"{name} {old.version} has another digest"
            )
    return ", ".join(words)


def _held(catalog: Catalog, version: PackVersion) -> Iterator[Problem]:
    """Yield where a lock does not hold together: content that is not there, ranges that it does not meet."""
    for key, lock in version.resolved.items():
        known = _recorded_digest(catalog, key, lock)
        if known is None:
            message = f"{key} {lock.version} is locked, and not in this registry"
            yield Problem("MH206", message, "bring it back: merged versions stay", file=version.file)
        elif known not in ("", lock.digest):
            message = f"{key} {lock.version} is locked with another digest than it has"
            yield Problem("MH206", message, _DERIVE, file=version.file)
    wants = [(use.name, use.version, version.file) for use in version.layer.skills if use.enabled]
    for name, lock in version.resolved.items():
        skill = catalog.skills.get(name)
        locked = skill.versions.get(lock.version) if skill is not None else None
        if locked is not None:
            who = f"{name}@{lock.version}"
            wants += [(needed, wanted, who) for needed, wanted in locked.manifest.dependencies.items()]
    for name, wanted, who in wants:
        yield from _met(catalog, version, name, wanted, who)
    for use in version.layer.packs:
        if f"pack/{use.name}" not in version.resolved:
            yield Problem("MH206", f"the base pack {use.name} is not locked", _DERIVE, file=version.file)


def _met(catalog: Catalog, version: PackVersion, name: str, wanted: str | None, who: str) -> Iterator[Problem]:
    lock = version.resolved.get(name)
    if lock is None:
        if name not in catalog.registry.hosts:
            by = "" if who == version.file else f", wanted by {who},"
            yield Problem("MH206", f"the skill {name}{by} is not locked", _DERIVE, file=version.file)
        return
    try:
        fits = wanted is None or matches(lock.version, wanted)
    except ResolutionError:
        return
    if not fits:
        message = f"{name} is locked to {lock.version}, and {who} wants {wanted}"
        yield Problem("MH206", message, _DERIVE, file=version.file)


def _recorded_digest(catalog: Catalog, key: str, lock: Locked) -> str | None:
    """Return the digest that the registry records of something locked; None: not there, "": it cannot be read."""
    kind, name = ("pack", key.removeprefix("pack/")) if key.startswith("pack/") else ("skill", key)
    if f"{kind}/{name}" in catalog.broken:
        return ""
    holder = catalog.packs.get(name) if kind == "pack" else catalog.skills.get(name)
    record = holder.project.versions.get(lock.version) if holder is not None else None
    return record.digest if record is not None else None
