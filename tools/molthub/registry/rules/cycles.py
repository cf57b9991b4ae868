"""Cycles: skills that depend on themselves by way of others, packs that extend themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from molthub.errors import Problem, ResolutionError
from molthub.registry.catalog import Catalog
from molthub.versions import highest, is_prerelease, matches


def check_cycles(catalog: Catalog) -> Iterator[Problem]:
    """Yield every cycle once, with its chain.

    A skill's dependency is followed to the version that would be chosen: the highest available one that fits.
    """
    yield from _skill_cycles(catalog)
    bases = {pack.name: pack for pack in catalog.packs.values()}
    edges = {
        f"{pack.name}@{number}": [
            f"{use.name}@{use.version or max(bases[use.name].versions, default=0)}"
            for use in version.layer.packs
            if use.name in bases
        ]
        for pack in bases.values()
        for number, version in pack.versions.items()
    }
    for chain in cycles(edges):
        name, _, number = chain[0].partition("@")
        message = f"the pack extends itself: {' -> '.join(chain)}"
        yield Problem("MH205", message, "take one step out", file=f"packs/{name}/{number}.yaml")


def _skill_cycles(catalog: Catalog) -> Iterator[Problem]:
    for chain in cycles(_Dependencies(catalog)):
        name, _, number = chain[0].rpartition("@")
        message = f"the skill depends on itself: {' -> '.join(chain)}"
        yield Problem("MH205", message, "take one dependency out", file=f"skills/{name}/{number}/skill.yaml")


class _Dependencies(Mapping[str, list[str]]):
    """What each version of a skill would get for its dependencies, found when it is asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __iter__(self) -> Iterator[str]:
        return (f"{skill.name}@{number}" for skill in self._catalog.skills.values() for number in skill.versions)

    def __len__(self) -> int:
        return sum(len(skill.versions) for skill in self._catalog.skills.values())

    def __getitem__(self, node: str) -> list[str]:
        name, _, number = node.rpartition("@")
        wanted = self._catalog.skills[name].versions[number].manifest.dependencies
        chosen = (_chosen(self._catalog, needed, range_) for needed, range_ in wanted.items())
        return [found for found in chosen if found is not None]


def _chosen(catalog: Catalog, name: str, wanted: str) -> str | None:
    skill = catalog.skills.get(name)
    if skill is None:
        return None
    try:
        available = [
            number
            for number in skill.versions
            if (record := skill.project.versions.get(number)) is None or record.available
        ]
        number = highest(available, wanted) or next(
            (number for number in available if is_prerelease(number) and matches(number, wanted)), None
        )
    except ResolutionError:
        return None
    return f"{name}@{number}" if number is not None else None


def cycles(edges: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield each cycle of a graph once, its smallest node first and last; nodes in no cycle cost one visit."""
    done: set[str] = set()
    told: set[frozenset[str]] = set()
    for start in sorted(edges):
        path: list[str] = []
        trail = [(start, iter(edges.get(start, ())))] if start not in done else []
        path += [start] * bool(trail)
        while trail:
            node, following = trail[-1]
            step = next(following, None)
            if step is None:
                trail.pop()
                path.pop()
                done.add(node)
            elif step in path:
                ring = path[path.index(step) :]
                if frozenset(ring) not in told:
                    told.add(frozenset(ring))
                    at = ring.index(min(ring))
                    yield (*ring[at:], *ring[:at], ring[at])
            elif step not in done:
                path.append(step)
                trail.append((step, iter(edges.get(step, ()))))
