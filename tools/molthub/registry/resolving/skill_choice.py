"""Choose one version of every skill that a bot or a pack shall have: locks, ranges, dependencies, hosts. Pure.

A version that a layer above the packs names counts alone. Else a pack's locks do: of different locks the highest that
every range admits. What neither names floats: it is the newest that is available.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from molthub.errors import Problem, ResolutionError
from molthub.model import Locked, SkillVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.availability import available, missing, placed, withdrawn
from molthub.registry.resolving.noted import Asked, Notes
from molthub.registry.trees.tree_rules import shown
from molthub.solve import Candidate, Requirement, solve
from molthub.versions import highest, is_version, matches

Locks = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Skill -> locked version -> the packs that lock it there, as layers are named."""


Shared = TypeVar("Shared")


@dataclass(frozen=True, slots=True)
class Want:
    """A layer wants a skill. ``free``: it may take any version that is available, whatever packs lock."""

    name: str
    wanted: str | None
    layer: str
    at: str
    free: bool


@dataclass(frozen=True)
class Choice:
    """The chosen version of every skill, dependencies too, and what is to be said about it."""

    chosen: Mapping[str, Candidate] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class Chooser:
    """Chooses from one catalog. It remembers what it was asked, since the bots of a fleet ask the same.

    Where the catalog tells ``notes`` what it is asked, they are told of it again with everything that is remembered.
    """

    def __init__(self, catalog: Catalog, notes: Notes | None = None) -> None:
        self.catalog = catalog
        self._notes = notes or Notes()
        self._parts: dict[object, tuple[object, ...]] = {}
        self._shared: dict[object, tuple[object, frozenset[Asked]]] = {}

    def shared(self, what: str, parts: Sequence[object], besides: object, make: Callable[[], Shared]) -> Shared:
        """Return what ``make`` returns, made once for bots of the very same ``parts`` (and equal ``besides``).

        Bots of a fleet have the same packs and profiles, so most of what they resolve to is the same too. ``what``
        names the kind of thing; nothing of it may be changed.
        """
        key = (what, tuple(map(id, parts)), besides)
        if key not in self._parts:
            self._parts[key] = tuple(parts)  # they are kept, so that no id is used again
        return self._once(key, make)

    def _once(self, key: object, make: Callable[[], Shared]) -> Shared:
        known = self._shared.get(key)
        if known is None:
            known = self._shared[key] = self._notes.gathered(make)
        else:
            self._notes.again(known[1])
        found: Shared = known[0]  # type: ignore[assignment] # what was made under this key is of this kind
        return found

    def choose(
        self, wants: Sequence[Want], locks: Locks, digests: Mapping[str, str], hosts: Mapping[str, str | None] | None
    ) -> Choice:
        """Choose versions for ``wants``.

        ``digests`` holds the digest of every lock, by ``name@version``. ``hosts`` maps every application of the
        registry to its version there, or to None where nobody says it; as None, dependencies on applications are
        somebody else's to judge.
        """
        key = ("choice", tuple(wants), _frozen(locks), tuple(sorted((hosts or {}).items())), hosts is None)
        return self._once(key, lambda: self._choose(wants, locks, digests, hosts))

    def _choose(
        self, wants: Sequence[Want], locks: Locks, digests: Mapping[str, str], hosts: Mapping[str, str | None] | None
    ) -> Choice:
        problems = [problem for want in wants for problem in self._refused(want)]
        problems += [
            problem for name in sorted({want.name for want in wants}) for problem in _split(name, wants, locks)
        ]
        if problems:
            return Choice(problems=tuple(problems))
        free = {want.name: want for want in wants if want.free}
        applications = self.catalog.registry.hosts

        def candidates(name: str) -> Sequence[Candidate]:
            if name in locks and name not in free:
                return [self._candidate(name, number, hosts, ", ".join(by)) for number, by in locks[name].items()]
            want = free.get(name)
            return [*self._available(name, hosts is None), *self._withdrawn_pin(want, hosts)]

        known = {name: (hosts or {}).get(name) for name in applications} if hosts is not None else {}
        needs = [Requirement(want.name, want.wanted, want.layer, prereleases=not want.free) for want in wants]
        try:
            chosen = solve(needs, candidates, hosts=known)
        except ResolutionError as error:
            return Choice(problems=error.problems)
        places = {want.name: want.at for want in wants}
        judged = [
            problem
            for candidate in chosen.values()
            for problem in self._judged(candidate, locks, digests, places.get(candidate.name, ""))
        ]
        return Choice(chosen, tuple(judged))

    def version(self, candidate: Candidate) -> SkillVersion:
        """Return the version that a candidate of a choice without errors stands for."""
        return self.catalog.skills[candidate.name].versions[candidate.version]

    def locked(self, candidate: Candidate) -> Locked:
        """Return what a chosen candidate is: its version and the digest that its project records."""
        record = self.catalog.skills[candidate.name].project.versions[candidate.version]
        return Locked(candidate.version, record.digest)

    # --- candidates ------------------------------------------------------------------------------------------------

    def _available(self, name: str, without_hosts: bool) -> tuple[Candidate, ...]:
        """Return what may be picked of a skill. A version that cannot be read is offered all the same.

        Else the next lower one would be picked in its place without a word; so choosing it is an error.
        """
        return self._once(("floating", name, without_hosts), lambda: self._every_available(name, without_hosts))

    def _every_available(self, name: str, without_hosts: bool) -> tuple[Candidate, ...]:
        skill = self.catalog.skills.get(name)
        numbers = available(skill.project) if skill is not None else ()
        hosts: dict[str, str | None] | None = None if without_hosts else {}
        return tuple(self._candidate(name, number, hosts) for number in numbers)

    def _candidate(
        self, name: str, number: str, hosts: Mapping[str, str | None] | None, locked_by: str = ""
    ) -> Candidate:
        skill = self.catalog.skills.get(name)
        version = skill.versions.get(number) if skill is not None else None
        needs = version.manifest.dependencies if version is not None else {}
        if hosts is None:
            needs = {need: wanted for need, wanted in needs.items() if need not in self.catalog.registry.hosts}
        return Candidate(name, number, needs, f"locked by {locked_by}" if locked_by else "")

    def _withdrawn_pin(self, want: Want | None, hosts: Mapping[str, str | None] | None) -> Iterator[Candidate]:
        """Yield the version that a layer names exactly although it is withdrawn: what that means is said afterwards."""
        if want is None or want.wanted is None or not is_version(want.wanted):
            return
        project = self.catalog.skills[want.name].project
        if want.wanted in project.versions and want.wanted not in available(project):
            yield self._candidate(want.name, want.wanted, hosts)

    # --- findings --------------------------------------------------------------------------------------------------

    def _refused(self, want: Want) -> Iterator[Problem]:
        """Yield why a skill that is wanted by name cannot be looked for at all."""
        skill = self.catalog.skills.get(want.name)
        if skill is None:
            yield missing(self.catalog, f"skill/{want.name}", want.wanted, want.at)
            return
        closed = withdrawn(f"skill/{want.name}", skill.project, None, want.at)
        if closed is not None:
            yield closed
        elif want.free and want.wanted is None and highest(available(skill.project)) is None:
            others = ", ".join(available(skill.project))
            remedy = f"name one of its pre-releases: {others}" if others else "publish a version, or name another skill"
            yield placed("MH201", f"skill {want.name} has no release that can be picked", remedy, want.at)

    def _judged(self, candidate: Candidate, locks: Locks, digests: Mapping[str, str], at: str) -> Iterator[Problem]:
        """Yield what is to be said about a chosen version."""
        skill = self.catalog.skills.get(candidate.name)
        record = skill.project.versions.get(candidate.version) if skill is not None else None
        what = f"skill/{candidate}"
        if skill is None or record is None:
            yield placed("MH201", f"{what} is locked, but not recorded", "bring it back: merged versions stay", at)
            return
        closed = withdrawn(what, skill.project, record, at or record.at)
        if closed is not None:
            yield closed
        elif candidate.version not in skill.versions:
            file = self.catalog.broken.get(what, f"skills/{candidate.name}/{candidate.version}")
            yield placed("MH210", f"{what} cannot be read", f"mend {shown(file)}", at or record.at)
        lock = digests.get(str(candidate))
        if candidate.version in locks.get(candidate.name, {}) and lock not in (None, record.digest):
            message = f"{what} is locked by another digest than is recorded"
            yield placed("MH206", message, "run molthub check: one of the two was changed", at or record.at)


def _frozen(locks: Locks) -> tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]:
    return tuple((name, tuple(versions.items())) for name, versions in sorted(locks.items()))


def _by_name(wants: Sequence[Want]) -> list[tuple[str, list[Want]]]:
    groups: dict[str, list[Want]] = {}
    for want in wants:
        groups.setdefault(want.name, []).append(want)
    return sorted(groups.items())


def _split(name: str, asking: Sequence[Want], locks: Locks) -> Iterator[Problem]:
    """Yield where packs lock a skill at versions of which none suits every pack."""
    versions = locks.get(name, {})
    if len(versions) < 2 or any(want.free for want in asking):  # noqa: PLR2004 (one lock cannot split)
        return
    if any(all(want.wanted is None or matches(number, want.wanted) for want in asking) for number in versions):
        return
    who = "; ".join(f"{', '.join(by)} locks {number}" for number, by in versions.items())
    ranges = "; ".join(f"{want.layer} wants {want.wanted}" for want in asking if want.wanted)
    remedy = "name a version in a profile, an overlay or the bot, or update the packs"
    yield placed("MH204", f"no locked version of {name} suits all packs: {who}; {ranges}", remedy, asking[-1].at)
