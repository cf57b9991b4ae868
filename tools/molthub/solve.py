"""Find one version of every skill that all who want it admit. Pure; shared by author time and run time.

The search is resolvelib's (https://github.com/sarugaku/resolvelib), which pip uses too: highest versions first,
and every failure names who wanted what, back to whoever asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import Resolution, ResolutionTooDeep

from molthub.errors import Problem, ResolutionError
from molthub.versions import matches, sort_key

MAX_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version that may be chosen. ``dependencies`` maps a skill or a host to a range in npm's syntax.

    ``note`` is said of it where nothing fits, as ``locked by pack/standard-dev@3``.
    """

    name: str
    version: str
    dependencies: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Somebody wants a skill: ``wanted`` is a range, ``why`` says who, as ``pack/standard-dev@3``.

    Without a range any release will do, and with ``prereleases`` any version that there is.
    """

    name: str
    wanted: str | None
    why: str
    prereleases: bool = False


Candidates = Callable[[str], Sequence[Candidate]]


def solve(
    requirements: Iterable[Requirement],
    candidates: Candidates,
    *,
    hosts: Mapping[str, str | None] | None = None,
    pinned: Mapping[str, str] | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> dict[str, Candidate]:
    """Return the chosen candidate of every skill that is needed, by name.

    ``candidates(name)`` gives the versions that may be chosen and so decides what is available; none means that there
    is no such skill. ``hosts`` maps applications that count as present to their version (None: not known there, which
    is an error when something chosen needs one). ``pinned`` skills take that version and no other. Raises
    :class:`ResolutionError`, whose problems name the chain.
    """
    provider = _Provider(candidates, hosts or {}, pinned or {})
    wants = [_Want(need.name, need.wanted, (need.why,), need.prereleases) for need in requirements]
    found = _straight(wants, provider)
    if found is None:
        found = _searched(wants, provider, max_rounds)
    chosen = [found[name] for name in sorted(found) if name not in provider.hosts]
    missing = [problem for choice in chosen for problem in _missing_hosts(choice, provider.hosts)]
    if missing:
        raise _error(missing)
    return {choice.candidate.name: choice.candidate for choice in chosen}


def _straight(wants: Iterable[_Want], provider: _Provider) -> dict[str, _Choice] | None:
    """Take the highest version of everything in turn; None as soon as a later want does not admit what was taken.

    Most requirements never collide, and then this finds in one pass what the search finds in many.
    """
    chosen: dict[str, _Choice] = {}
    waiting: dict[str, list[_Want]] = {}
    for want in wants:
        waiting.setdefault(want.name, []).append(want)
    while waiting:
        name = min(waiting)
        asked = waiting.pop(name)
        fitting = provider.find_matches(name, {name: iter(asked)}, {name: iter(())})
        if not fitting:
            return None
        chosen[name] = fitting[0]
        for want in provider.get_dependencies(fitting[0]):
            if want.name not in chosen:
                waiting.setdefault(want.name, []).append(want)
            elif not provider.is_satisfied_by(want, chosen[want.name]):
                return None
    return chosen


def _searched(wants: list[_Want], provider: _Provider, max_rounds: int) -> dict[str, _Choice]:
    """Search with backtracking. Raises :class:`ResolutionError`."""
    resolution: Resolution[_Want, _Choice, str] = Resolution(provider, BaseReporter())
    try:
        return _needed(wants, resolution.resolve(wants, max_rounds).mapping, provider)
    except ResolutionImpossible as impossible:
        problems = _conflicts([cause.requirement for cause in impossible.causes], provider)
        raise _error(problems) from None
    except ResolutionTooDeep:
        message = f"no fitting versions were found in {max_rounds} steps"
        raise _error([Problem("MH202", message, "name versions to narrow the search")]) from None


def _needed(wants: Sequence[_Want], found: Mapping[str, _Choice], provider: _Provider) -> dict[str, _Choice]:
    """Return of what the search took along its ways what is wanted in the end.

    resolvelib's own ``Resolver`` does the same by walking from each choice up to the root, and never ends where
    choices that nobody wants any more need each other.
    """
    needed: dict[str, _Choice] = {}
    waiting = [want.name for want in wants]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = found[name]
            waiting += [want.name for want in provider.get_dependencies(found[name])]
    return needed


@dataclass(frozen=True, slots=True)
class _Want:
    """A requirement with everybody who led to it, first asker first."""

    name: str
    wanted: str | None
    chain: tuple[str, ...]
    prereleases: bool = False

    def admits(self, version: str) -> bool:
        return (self.prereleases and self.wanted is None) or matches(version, self.wanted)

    def __str__(self) -> str:
        return f"{' -> '.join(self.chain)} wants {self.wanted or 'any version'}"


@dataclass(frozen=True, slots=True)
class _Choice:
    """A candidate, and the chain that leads to it."""

    candidate: Candidate
    chain: tuple[str, ...]


class _Provider(AbstractProvider[_Want, _Choice, str]):
    """What resolvelib asks while it searches."""

    def __init__(self, candidates: Candidates, hosts: Mapping[str, str | None], pinned: Mapping[str, str]) -> None:
        self.hosts = hosts
        self.pinned = pinned
        self._candidates = candidates
        self._known: dict[str, list[Candidate]] = {}

    def known(self, name: str) -> list[Candidate]:
        """Return every candidate of a name, highest version first."""
        if name not in self._known:
            self._known[name] = sorted(
                self._candidates(name), key=lambda candidate: sort_key(candidate.version), reverse=True
            )
        return self._known[name]

    def identify(self, requirement_or_candidate: _Want | _Choice) -> str:
        if isinstance(requirement_or_candidate, _Want):
            return requirement_or_candidate.name
        return requirement_or_candidate.candidate.name

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, _Choice],  # noqa: ARG002 (resolvelib's signature, as are the rest)
        candidates: Mapping[str, Iterator[_Choice]],  # noqa: ARG002
        information: Mapping[str, Iterator[Any]],  # noqa: ARG002
        backtrack_causes: Sequence[Any],
    ) -> tuple[bool, str]:
        is_cause = any(cause.requirement.name == identifier for cause in backtrack_causes)
        return (not is_cause, identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[_Want]],
        incompatibilities: Mapping[str, Iterator[_Choice]],
    ) -> list[_Choice]:
        wants = list(requirements[identifier])
        excluded = {choice.candidate.version for choice in incompatibilities[identifier]}
        chain = wants[0].chain if wants else ()
        return [
            _Choice(candidate, chain)
            for candidate in self._offered(identifier)
            if candidate.version not in excluded and all(self._admits(want, candidate.version) for want in wants)
        ]

    def is_satisfied_by(self, requirement: _Want, candidate: _Choice) -> bool:
        return self._admits(requirement, candidate.candidate.version)

    def get_dependencies(self, candidate: _Choice) -> list[_Want]:
        chain = (*candidate.chain, str(candidate.candidate))
        return [_Want(name, wanted, chain) for name, wanted in sorted(candidate.candidate.dependencies.items())]

    def _offered(self, name: str) -> list[Candidate]:
        if name in self.hosts:
            return [Candidate(name, self.hosts[name] or "")]
        pin = self.pinned.get(name)
        return [candidate for candidate in self.known(name) if pin in (None, candidate.version)]

    def _admits(self, want: _Want, version: str) -> bool:
        # A host whose version nobody knows is let through, so that the error can name it once all is chosen.
        return (want.name in self.hosts and not version) or want.admits(version)


# --- saying why ----------------------------------------------------------------------------------------------------


def _error(problems: list[Problem]) -> ResolutionError:
    return ResolutionError(problems[0].message, remedy=problems[0].remedy, problems=problems)


def _conflicts(wants: Sequence[_Want], provider: _Provider) -> list[Problem]:
    by_name: dict[str, list[_Want]] = {}
    for want in wants:
        if want not in by_name.setdefault(want.name, []):
            by_name[want.name].append(want)
    return [_conflict(name, by_name[name], provider) for name in sorted(by_name)]


def _conflict(name: str, wants: list[_Want], provider: _Provider) -> Problem:
    who = "; ".join(str(want) for want in wants)
    if name in provider.hosts:
        message = f"{name} {provider.hosts[name]} is the host, but {who}"
        return Problem("MH202", message, "name versions that suit the host, or say which version of it runs")
    known = [f"{found.version} ({found.note})" if found.note else found.version for found in provider.known(name)]
    if not known:
        return Problem("MH203", f"there is no skill {name} to choose: {who}", "add it, or drop what wants it")
    if name in provider.pinned:
        who += f"; it is pinned to {provider.pinned[name]}"
    there_are = f"there are {', '.join(known)}"
    if len(wants) == 1:
        problem_id = "MH201" if len(wants[0].chain) == 1 else "MH202"
        return Problem(problem_id, f"no version of {name} will do: {who}", there_are)
    return Problem("MH202", f"no version of {name} suits all who want it: {who}", there_are)


def _missing_hosts(choice: _Choice, hosts: Mapping[str, str | None]) -> Iterator[Problem]:
    for name, wanted in sorted(choice.candidate.dependencies.items()):
        if name in hosts and hosts[name] is None:
            chain = " -> ".join((*choice.chain, str(choice.candidate)))
            message = f"{chain} wants the application {name} {wanted}, but no layer says which version runs"
            remedy = f"write `hosts: {{{name}: <version>}}` under `spec` of the bot, its profile or an overlay"
            yield Problem("MH207", message, remedy)
