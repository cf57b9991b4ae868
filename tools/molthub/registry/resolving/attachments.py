"""Which packs reach a bot, at which version, and in which order their layers lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from molthub.errors import Problem
from molthub.model import EnvUse, PackUse, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.availability import pick_pack, placed

MOST_LEVELS = 64
"""How deep packs may build on each other: far more than people can follow, far less than would exhaust anything."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A pack as it reaches a bot. ``chain`` holds its bases and itself, lowest first."""

    version: PackVersion
    chain: tuple[PackVersion, ...]
    attached_at: str | None = None
    overrides: tuple[EnvUse, ...] = ()

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.version.name


def attach(catalog: Catalog, uses: Sequence[PackUse]) -> tuple[tuple[Attached, ...], list[Problem]]:
    """Return the packs that the attachments ``uses`` (farthest layer first), whose labels fit, bring to a bot.

    Of one pack attached twice the nearer attachment counts, for the version only where it names one. A pack that
    another one builds on comes first. Every pack reaches a bot in one version (:func:`one_version_each`).
    """
    found: list[Attached] = []
    problems: list[Problem] = []
    for words in _by_pack(uses):
        if not words[-1].enabled:
            continue
        stated = [use for use in words if use.version is not None]
        decisive = stated[-1] if stated else words[-1]
        version, said = pick_pack(catalog, decisive.name, decisive.version, decisive.at)
        problems += said
        if version is None:
            continue
        chain, said = chain_of(catalog, version, words[-1].at)
        problems += said
        dates = [use.attached_at for use in words if use.attached_at is not None]
        overrides = tuple(override for use in words for override in use.env_overrides)
        found.append(Attached(version, chain, dates[-1] if dates else None, overrides))
    return tuple(_bases_first(one_version_each(catalog, found))), problems


def one_version_each(catalog: Catalog, packs: Sequence[Attached]) -> list[Attached]:
    """Return ``packs`` with one version of every pack among them and their bases.

    Two packs may lock a base that they share at different versions, and it may be attached by itself besides: what is
    attached counts, else the highest version that one of them locks. So no pack ever contradicts itself.
    """
    chosen = {pack.name: pack.version for pack in packs}
    attached = frozenset(chosen)
    for base in (version for pack in packs for version in pack.chain if version.name not in attached):
        if base.number > chosen.setdefault(base.name, base).number:
            chosen[base.name] = base
    if all(version.number == chosen[version.name].number for pack in packs for version in pack.chain):
        return list(packs)
    numbers = {name: version.number for name, version in chosen.items()}
    chains = (chain_of(catalog, pack.version, pack.version.file, numbers)[0] for pack in packs)
    return [replace(pack, chain=chain) for pack, chain in zip(packs, chains, strict=True)]


def _by_pack(uses: Iterable[PackUse]) -> list[list[PackUse]]:
    groups: dict[str, list[PackUse]] = {}
    for use in uses:
        groups.setdefault(use.name, []).append(use)
    return list(groups.values())


def _bases_first(packs: list[Attached]) -> list[Attached]:
    """Sort so that no pack comes before one that it builds on; other than that the order stays."""
    return sorted(packs, key=lambda pack: sum(other.name in _names(pack) for other in packs))


def _names(pack: Attached) -> set[str]:
    return {version.name for version in pack.chain}


def chain_of(
    catalog: Catalog, version: PackVersion, at: str, numbers: Mapping[str, int] | None = None
) -> tuple[tuple[PackVersion, ...], list[Problem]]:
    """Return a pack version's bases and itself, lowest first, as its ``resolved`` locks them.

    ``numbers`` names versions of bases that count instead of those that are locked.
    """
    chains: dict[str, tuple[PackVersion, ...]] = {}
    problems: list[Problem] = []

    def visit(holder: PackVersion, path: tuple[str, ...]) -> tuple[PackVersion, ...]:
        below: list[tuple[PackVersion, ...]] = []
        for use in holder.layer.packs:
            if use.name in path:
                way = " -> ".join((*path, use.name))
                problems.append(placed("MH205", f"packs extend each other: {way}", "drop one of them", use.at))
                continue
            if use.name in chains:
                below.append(chains[use.name])
                continue
            if len(path) > MOST_LEVELS:
                message = f"packs build on each other more than {MOST_LEVELS} levels deep, from {version.layer.name} on"
                problems.append(placed("MH205", message, "let one of them say it itself", use.at))
                continue
            number = (numbers or {}).get(use.name)
            if number is not None:
                base, said = pick_pack(catalog, use.name, number, use.at)
            else:
                base, said = _locked_base(catalog, version, holder, use)
            problems.extend(said)
            if base is not None:
                below.append(visit(base, (*path, use.name)))
        chains[holder.name] = (*merged_order(below), holder)
        return chains[holder.name]

    chain = visit(version, (version.name,))
    return chain, [one if one.file else placed(one.id, one.message, one.remedy, at) for one in problems]


def merged_order(chains: Sequence[tuple[PackVersion, ...]]) -> tuple[PackVersion, ...]:
    """Return the packs of several chains (each lowest first, the chains too) in one order that agrees with all of them.

    It is the order in which Python looks through base classes (C3, https://docs.python.org/3/howto/mro.html). Where two
    chains contradict each other the later one is followed.
    """
    if len(chains) == 1:
        return chains[0]
    versions = {version.name: version for chain in chains for version in chain}
    left = [[version.name for version in chain] for chain in reversed(chains)] + [[chain[-1].name for chain in chains]]
    highest_first: list[PackVersion] = []
    while left := [names for names in left if names]:
        tops = [names[-1] for names in left]
        free = next((top for top in tops if not any(top in names[:-1] for names in left)), tops[0])
        highest_first.append(versions[free])
        left = [[name for name in names if name != free] for names in left]
    return tuple(reversed(highest_first))


def _locked_base(
    catalog: Catalog, root: PackVersion, holder: PackVersion, use: PackUse
) -> tuple[PackVersion | None, list[Problem]]:
    key = f"pack/{use.name}"
    lock = root.resolved.get(key) or holder.resolved.get(key)
    if lock is None:
        return None, [unlocked(root, f"the base pack {use.name}", use.at)]
    base, problems = pick_pack(catalog, use.name, int(lock.version), use.at)
    if base is not None and base.record is not None and base.record.digest != lock.digest:
        message = f"{root.layer.name} locks {key}@{lock.version} by another digest than is recorded"
        return None, [placed("MH206", message, "run molthub check: one of the two was changed", use.at)]
    return base, problems


def unlocked(pack: PackVersion, what: str, at: str) -> Problem:
    """Return the finding on something that a pack version uses but does not lock."""
    message = f"{pack.layer.name} does not lock {what}"
    return placed("MH206", message, "molthub fmt writes what a new version is missing under resolved", at)


def above(packs: Sequence[Attached]) -> dict[str, frozenset[str]]:
    """Return, for the layer of each pack, the names of the layers that lie above it: of packs that build on it."""
    over: dict[str, set[str]] = {}
    names = {version.layer.name: version.name for pack in packs for version in pack.chain}
    for pack in packs:
        for index, version in enumerate(pack.chain):
            higher = {other.layer.name for other in pack.chain[index + 1 :]}
            for layer, name in names.items():
                if name == version.name and layer not in higher:
                    over.setdefault(layer, set()).update(higher)
    return {layer: frozenset(higher) for layer, higher in _without_rings(over, packs).items()}


def _without_rings(over: dict[str, set[str]], packs: Sequence[Attached]) -> dict[str, set[str]]:
    """Return ``over`` without layers that lie above each other: packs that name the same bases in different orders.

    None of those has a word over the others: where they differ, a layer above all of them has to decide.
    """
    if sum(len(pack.chain) > _LEAST_OF_TWO_BASES for pack in packs) < 2:  # noqa: PLR2004 (one order contradicts none)
        return over
    reached = {layer: _reached(over, layer) for layer in over}
    return {layer: {other for other in higher if layer not in reached[other]} for layer, higher in over.items()}


_LEAST_OF_TWO_BASES = 2


def _reached(over: Mapping[str, set[str]], layer: str) -> set[str]:
    found: set[str] = set()
    waiting = [layer]
    while waiting:
        new = over[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def layers_of(packs: Sequence[Attached]) -> Iterator[PackVersion]:
    """Yield every pack version whose layer reaches the bot, lowest first, each once."""
    seen: set[str] = set()
    for pack in packs:
        for version in pack.chain:
            if version.layer.name not in seen:
                seen.add(version.layer.name)
                yield version
