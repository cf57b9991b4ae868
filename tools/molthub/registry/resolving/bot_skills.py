"""The skills of a bot: which layer wants which, in which version, brought by what, and with which settings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from molthub.errors import Problem
from molthub.model import Json, Locked, Needs, Origin, SkillUse, bare_name
from molthub.registry.resolving.attachments import Attached, unlocked
from molthub.registry.resolving.availability import placed
from molthub.registry.resolving.layers import ConflictError, Stack, Word, clear_text_findings, origins, settle
from molthub.registry.resolving.skill_choice import Chooser, Locks, Want
from molthub.solve import Candidate


@dataclass(frozen=True)
class BotSkills:
    """What a bot holds of skills. ``secret`` maps variables that contracts call secret to the skill that does.

    ``needs`` are what skills need beside their files, by their full names.
    """

    problems: tuple[Problem, ...] = ()
    desired: Mapping[str, Json] = field(default_factory=dict)
    skills: Mapping[str, Locked] = field(default_factory=dict)
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, Needs] = field(default_factory=dict)


def choose_skills(
    chooser: Chooser, stack: Stack, packs: Sequence[Attached], hosts: Mapping[str, str | None], file: str
) -> BotSkills:
    """Return the skills that the layers of ``stack`` and the locks of ``packs`` give a bot declared in ``file``."""
    speaking = [layer for layer in stack.layers if layer.skills]
    chains = [version for pack in packs for version in pack.chain]
    besides = tuple(len(pack.chain) for pack in packs), tuple(sorted(hosts.items()))
    found = chooser.shared("skills", [*speaking, *chains], besides, lambda: _chosen(chooser, stack, packs, hosts))
    if all(problem.file for problem in found.problems):
        return found
    return replace(found, problems=tuple(one if one.file else replace(one, file=file) for one in found.problems))


def _chosen(chooser: Chooser, stack: Stack, packs: Sequence[Attached], hosts: Mapping[str, str | None]) -> BotSkills:
    presence, problems = _presence(stack)
    uses = _uses(stack)
    locks, digests = locks_of(packs)
    wants: list[Want] = []
    for name, (winner, _) in presence.items():
        if winner.value is not None:
            found, said = _wants(name, winner, uses[name], packs)
            wants += found
            problems += said
    choice = chooser.choose(wants, locks, digests, hosts)
    problems += choice.problems
    problems += _not_taken_away(choice.chosen, presence)
    problems += _same_bare_names(choice.chosen)
    if any(problem.severity == "error" for problem in problems):
        return BotSkills(tuple(problems))
    skills = {name: chooser.locked(candidate) for name, candidate in choice.chosen.items()}
    where = _skill_origins(choice.chosen, presence)
    settings, config_origins, said = _settings(stack, skills, presence)
    desired = {f"skill/{name}": lock.digest for name, lock in skills.items()} | settings
    secret = {
        need.name: str(candidate)
        for candidate in choice.chosen.values()
        for need in chooser.version(candidate).manifest.needs.env
        if need.secret
    }
    known = {name: chooser.version(candidate).manifest.needs for name, candidate in sorted(choice.chosen.items())}
    needs = {name: needs for name, needs in known.items() if needs}
    return BotSkills((*problems, *said), desired, skills, where | config_origins, secret, needs)


Presence = dict[str, tuple[Word, list[Word]]]
"""Skill -> the word that counts on whether it is there, and every layer's word."""


def _presence(stack: Stack) -> tuple[Presence, list[Problem]]:
    words: dict[str, list[Word]] = {}
    for layer in stack.layers:
        for use in layer.skills:
            word = Word(layer.name, use.at, use.enabled or None, stack.is_pack(layer))
            words.setdefault(use.name, []).append(word)
    presence: Presence = {}
    problems: list[Problem] = []
    for name, said in sorted(words.items()):
        try:
            presence[name] = settle(f"skill/{name}", said, stack.over), said
        except ConflictError as conflict:
            problems.append(conflict.problem)
    return presence, problems


def _uses(stack: Stack) -> dict[str, list[tuple[str, SkillUse, bool]]]:
    """Return the uses of every skill with their layer and whether that is a pack's, lowest first."""
    found: dict[str, list[tuple[str, SkillUse, bool]]] = {}
    for layer in stack.layers:
        for use in layer.skills:
            found.setdefault(use.name, []).append((layer.name, use, stack.is_pack(layer)))
    return found


def locks_of(packs: Sequence[Attached]) -> tuple[Locks, dict[str, str]]:
    """Return the versions that attached packs lock skills at, and the digest of every lock by ``name@version``."""
    locks: dict[str, dict[str, tuple[str, ...]]] = {}
    digests: dict[str, str] = {}
    for pack in packs:
        for name, lock in pack.version.resolved.items():
            if not name.startswith("pack/"):
                versions = locks.setdefault(name, {})
                versions[lock.version] = (*versions.get(lock.version, ()), pack.version.layer.name)
                digests.setdefault(f"{name}@{lock.version}", lock.digest)
    return locks, digests


def _wants(
    name: str, winner: Word, uses: Sequence[tuple[str, SkillUse, bool]], packs: Sequence[Attached]
) -> tuple[list[Want], list[Problem]]:
    """Return who wants a skill that is there, and how. ``uses`` are lowest first."""
    named = [(layer, use) for layer, use, of_pack in uses if not of_pack and use.enabled and use.version is not None]
    if named:
        layer, use = named[-1]
        return [Want(name, use.version, layer, use.at, free=True)], []
    wants: list[Want] = []
    problems: list[Problem] = []
    built_on = {base.name for pack in packs if name in pack.version.resolved for base in pack.chain[:-1]}
    for pack in packs:
        own = [use for version in pack.chain for use in version.layer.skills if use.name == name]
        if not own or not own[-1].enabled or pack.name in built_on:  # who builds on it has the say on the range
            continue
        ranges = [use.version for use in own if use.version is not None]
        if name in pack.version.resolved:
            layer = pack.version.layer.name
            wants.append(Want(name, ranges[-1] if ranges else None, layer, own[-1].at, free=False))
        elif not any(name in other.version.resolved for other in packs):  # who brings this version of a base locks it
            problems.append(unlocked(pack.version, f"the skill {name}", own[-1].at))
    if not wants and not problems:
        wants.append(Want(name, None, winner.layer, winner.at, free=True))
    return wants, problems


def _not_taken_away(chosen: Mapping[str, Candidate], presence: Presence) -> Iterator[Problem]:
    """Yield the skills that a layer took away although another skill needs them."""
    for name, candidate in chosen.items():
        winner = presence[name][0] if name in presence else None
        if winner is not None and winner.value is None:
            parents = [str(other) for other in chosen.values() if name in other.dependencies]
            message = f"{winner.layer} takes {name} away, but {' and '.join(parents)} needs {candidate}"
            yield placed("MH202", message, "take away what needs it too, or leave it", winner.at)


def _same_bare_names(chosen: Mapping[str, Candidate]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in chosen:
        other = seen.setdefault(bare_name(name), name)
        if other != name:
            message = f"the skills {other} and {name} would stand in one folder, {bare_name(name)}"
            yield Problem("MH208", message, "take one of them away")


# --- origins and settings ------------------------------------------------------------------------------------------


def _skill_origins(chosen: Mapping[str, Candidate], presence: Presence) -> dict[str, tuple[Origin, ...]]:
    found: dict[str, tuple[Origin, ...]] = {}
    for name, (winner, words) in presence.items():
        if name in chosen or len(words) > 1:
            found[f"skill/{name}"] = origins(winner, words)
    brought = [name for name, (winner, _) in presence.items() if winner.value is not None and name in chosen]
    found |= {f"skill/{name}": (origin,) for name, origin in _brought_along(brought, chosen, presence)}
    return found


def _brought_along(
    roots: Sequence[str], chosen: Mapping[str, Candidate], presence: Presence
) -> Iterator[tuple[str, Origin]]:
    """Yield where dependencies come from: the nearest skill that a layer wants, by the skill that needs them."""
    seen = set(roots)
    ring = [(name, presence[name][0]) for name in roots]
    while ring:
        following: list[tuple[str, Word]] = []
        for name, root in ring:
            for need in sorted(chosen[name].dependencies):
                if need in chosen and need not in seen:
                    seen.add(need)
                    following.append((need, root))
                    yield need, Origin(root.layer, root.at, via=str(chosen[name]))
        ring = following


def _settings(
    stack: Stack, skills: Mapping[str, Locked], presence: Presence
) -> tuple[dict[str, Json], dict[str, tuple[Origin, ...]], list[Problem]]:
    """Merge the settings of skills by their top-level keys."""
    desired: dict[str, Json] = {}
    where: dict[str, tuple[Origin, ...]] = {}
    problems: list[Problem] = []
    for name, uses in sorted(_uses(stack).items()):
        speaking = [(layer, use, of_pack) for layer, use, of_pack in uses if use.config]
        if not speaking:
            continue
        words = [Word(layer, use.at, dict(use.config), of_pack) for layer, use, of_pack in speaking]
        key = f"config/{name}"
        problems += _settings_in_clear(key, words)
        if name not in skills:
            taken = presence[name][0]
            where[key] = origins(taken, [*words, taken])
            continue
        try:
            merged = _merged_settings(key, words, stack)
        except ConflictError as conflict:
            problems.append(conflict.problem)
            continue
        where[key] = origins(words[-1], words)
        if merged:
            desired[key] = merged
    return desired, where, problems


def _settings_in_clear(key: str, words: Sequence[Word]) -> Iterator[Problem]:
    """Yield where a setting stands in clear over a placeholder of a lower layer, however deep in it."""
    by_place: dict[str, list[Word]] = {}
    for word in words:
        for place, value in _texts(key, word.value):
            by_place.setdefault(place, []).append(replace(word, value=value))
    for place, said in by_place.items():
        yield from clear_text_findings(place, said, None)


def _texts(place: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(f"{place}/{name}", inner)


def _merged_settings(key: str, words: Sequence[Word], stack: Stack) -> dict[str, Json]:
    by_key: dict[str, list[Word]] = {}
    for word in words:
        for name, value in word.value.items():
            by_key.setdefault(name, []).append(replace(word, value=value))
    settled = {name: settle(f"{key}/{name}", said, stack.over).value for name, said in by_key.items()}
    return {name: value for name, value in settled.items() if value is not None}
