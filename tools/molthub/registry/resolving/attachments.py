"""Which packs reach a bot, at which version, and in which order their layers lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from molthub.errors import Problem
from molthub.model import EnvUse, PackUse, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.availability import pick_pack, placed


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


def attach(
    catalog: Catalog, uses: Sequence[PackUse], labels: Mapping[str, str]
) -> tuple[tuple[Attached, ...], list[Problem]]:
    """Return the packs that the attachments ``uses`` (farthest layer first) bring to a bot with these labels.

    Of one pack attached twice the nearer attachment counts, for the version only where it names one. A pack that
    another one builds on comes first.
    """
    found: list[Attached] = []
    problems: list[Problem] = []
    for words in _by_pack(use for use in uses if _fits(use, labels)):
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
    return tuple(_bases_first(found)), problems


def _fits(use: PackUse, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in use.when.items())


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


def chain_of(catalog: Catalog, version: PackVersion, at: str) -> tuple[tuple[PackVersion, ...], list[Problem]]:
    """Return a pack version's bases and itself, lowest first, as its ``resolved`` locks them."""
    chain: dict[str, PackVersion] = {}
    problems: list[Problem] = []

    def visit(holder: PackVersion, path: tuple[str, ...]) -> None:
        for use in holder.layer.packs:
            if use.name in path:
                way = " -> ".join((*path, use.name))
                problems.append(placed("MH205", f"packs extend each other: {way}", "drop one of them", use.at))
                continue
            if use.name in chain:
                continue
            base, said = _locked_base(catalog, version, holder, use)
            problems.extend(said)
            if base is not None:
                visit(base, (*path, use.name))
        chain[holder.name] = holder

    visit(version, (version.name,))
    return tuple(chain.values()), [problem if problem.file else placed(problem.id, problem.message, problem.remedy, at)
                                   for problem in problems]  # fmt: skip


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
    return {layer: frozenset(higher) for layer, higher in over.items()}


def layers_of(packs: Sequence[Attached]) -> Iterator[PackVersion]:
    """Yield every pack version whose layer reaches the bot, lowest first, each once."""
    seen: set[str] = set()
    for pack in packs:
        for version in pack.chain:
            if version.layer.name not in seen:
                seen.add(version.layer.name)
                yield version
