"""Stand-ins that implement a port in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.difference import fingerprint
from molthub_reconciler.plan import Place
from molthub_reconciler.targets.base import Home, Observed, Step


class Killed(BaseException):
    """The process ended, as by kill -9: nothing in the way may catch it."""


@dataclass
class FakeTarget:
    """A target in memory: what stands at each place of each home.

    A skill is its digest, anything else its value. ``refuses`` are keys that cannot be written. ``dies_after`` is how
    many single writes the process lives on; ``writes`` counts them.
    """

    homes: dict[str, dict[Place, Json]] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    dies_after: int | None = None
    writes: int = 0
    settling: float = 0.0
    where: str = "memory"

    def home(self, folder: str) -> dict[Place, Json]:
        """Return what stands in one home; change it to be its owner."""
        return self.homes.setdefault(folder, {})

    def observe(
        self, home: Home, places: Collection[Place], *, detail: Collection[Place] = (), full: bool = False
    ) -> Observed:
        """Return what stands at ``places``, in detail whether asked for or not."""
        del detail, full
        stands = self.home(home.folder)
        found = {place: stands[place] for place in places if place in stands}
        return Observed(
            standing={place: fingerprint(value) if place.pointer else value for place, value in found.items()},
            skills=tuple(sorted(place for place in stands if not place.pointer and _is_below(place, home.skill_roots))),
            values={place: value for place, value in found.items() if place.pointer},
        )

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> Sequence[Mapping[str, Problem]]:
        """Write home by home and place by place, in the order that the port promises."""
        assert len({home.folder for home, _steps in work}) == len(work)
        return [self._apply(home, steps) for home, steps in work]

    def _apply(self, home: Home, steps: Sequence[Step]) -> Mapping[str, Problem]:
        stands = self.home(home.folder)
        good = [step for step in steps if step.key not in self.refuses]
        for place, value in _in_order(good):
            self._live()
            stands[place] = value
        for step in good:
            for place in step.remove:
                self._live()
                stands.pop(place, None)
        return {step.key: Problem("MH702", f"{step.key} is refused") for step in steps if step.key in self.refuses}

    def read(self, folder: str, path: str, limit: int) -> bytes | None:
        """Return nothing: skills are digests here."""
        del folder, path, limit
        return None

    def tidy(self, home: Home) -> None:
        """Nothing is ever left half done here."""

    def _live(self) -> None:
        if self.dies_after is not None and self.writes >= self.dies_after:
            raise Killed
        self.writes += 1


def _is_below(place: Place, roots: Sequence[str]) -> bool:
    return any(place.file.startswith(f"{root}/") for root in roots)


def _in_order(steps: Sequence[Step]) -> Iterator[tuple[Place, Json]]:
    for is_skill in (True, False):
        for step in steps:
            yield from ((place, value) for place, value in step.contents.items() if (not place.pointer) == is_skill)
