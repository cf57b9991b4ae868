"""What a pack version's ``resolved`` shall hold: the exact version and digest of every skill and base pack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from molthub.errors import Problem, ResolutionError
from molthub.model import Locked, PackVersion, SkillUse
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.attachments import Attached, chain_of, layers_of, one_version_each
from molthub.registry.resolving.availability import pick_pack, placed
from molthub.registry.resolving.bot_skills import locks_of
from molthub.registry.resolving.skill_choice import Chooser, Want


def resolve_pack(catalog: Catalog, pack: PackVersion, chooser: Chooser | None = None) -> Mapping[str, Locked]:
    """Derive ``resolved`` of a pack version at this revision; what it holds already is not looked at.

    A skill with a version (or range) of the pack's own is the newest that fits, one that a base pack locks stays where
    it is locked, any other is the newest; dependencies come along. A base pack without a version is the newest. Which
    version of an application runs is a bot's to say, so dependencies on applications are left open. Raises
    :class:`~molthub.errors.ResolutionError`.
    """
    bases, problems = _bases(catalog, pack)
    _raise(pack, problems)
    wants = _wants(pack, bases)
    locks, digests = locks_of(bases)
    choice = (chooser or Chooser(catalog)).choose(wants, locks, digests, None)
    problems = [problem if problem.file else replace(problem, file=pack.file) for problem in choice.problems]
    _raise(pack, problems)
    taken = _taken_away(pack)
    for name in choice.chosen:
        if name in taken:
            message = f"{pack.layer.name} takes {name} away, but another of its skills needs it"
            _raise(pack, [placed("MH202", message, "leave it, or take away what needs it too", taken[name].at)])
    records = {name: catalog.skills[name].project.versions[found.version] for name, found in choice.chosen.items()}
    locked = {name: Locked(record.number, record.digest) for name, record in records.items()}
    return dict(sorted((locked | _base_locks(catalog, bases)).items()))


def _raise(pack: PackVersion, problems: list[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ResolutionError(errors[0].message, place=pack.file, remedy=errors[0].remedy, problems=problems)


def _bases(catalog: Catalog, pack: PackVersion) -> tuple[tuple[Attached, ...], list[Problem]]:
    bases: list[Attached] = []
    problems: list[Problem] = []
    for use in pack.layer.packs:
        if use.name == pack.name:
            problems.append(placed("MH205", f"the pack {pack.name} extends itself", "drop it", use.at))
            continue
        version, said = pick_pack(catalog, use.name, use.version, use.at)
        problems += said
        if version is None:
            continue
        chain, said = chain_of(catalog, version, use.at)
        problems += said
        if any(link.name == pack.name for link in chain):
            way = " -> ".join([pack.name, *_way(version, chain, pack.name)])
            problems.append(placed("MH205", f"packs extend each other: {way}", "drop one of them", use.at))
        bases.append(Attached(version, chain))
    return tuple(one_version_each(catalog, bases)), problems


def _way(version: PackVersion, chain: tuple[PackVersion, ...], goal: str) -> list[str]:
    """Return the names on the way from a pack version over its bases, which ``chain`` holds, to the pack ``goal``."""
    links = {link.name: link for link in chain}
    seen, ways = {version.name}, [[version.name]]
    for way in ways:
        for use in links[way[-1]].layer.packs:
            if use.name == goal:
                return [*way, goal]
            if use.name in links and use.name not in seen:
                seen.add(use.name)
                ways.append([*way, use.name])
    return [version.name, goal]


def _base_locks(catalog: Catalog, bases: tuple[Attached, ...]) -> dict[str, Locked]:
    """Return the lock of every base, bases of bases too; of one base in two versions, of the higher."""
    numbers: dict[str, int] = {}
    direct = {base.name: base.version.number for base in bases}
    for base in bases:
        for link in base.chain:
            numbers[link.name] = direct.get(link.name, max(link.number, numbers.get(link.name, 0)))
    return {
        f"pack/{name}": Locked(str(number), catalog.packs[name].project.versions[str(number)].digest)
        for name, number in numbers.items()
    }


def _taken_away(pack: PackVersion) -> dict[str, SkillUse]:
    return {use.name: use for use in pack.layer.skills if not use.enabled}


def _wants(pack: PackVersion, bases: tuple[Attached, ...]) -> list[Want]:
    taken = _taken_away(pack)
    own = {use.name: use for use in pack.layer.skills if use.enabled}
    locked = {name for base in bases for name in base.version.resolved}
    wants = [
        Want(name, use.version, pack.layer.name, use.at, free=use.version is not None or name not in locked)
        for name, use in own.items()
    ]
    present: dict[str, Want | None] = {}
    for version in layers_of(bases):
        for use in version.layer.skills:
            present[use.name] = (
                Want(use.name, use.version, version.layer.name, use.at, free=False) if use.enabled else None
            )
    for name, want in present.items():
        named = name in own and own[name].version is not None
        if want is not None and name not in taken and not named:
            wants.append(want)
    return wants
