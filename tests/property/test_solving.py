"""The laws of solving: what comes out fits everybody, and the quick way finds what the search finds."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resolvelib import BaseReporter, ResolutionImpossible, Resolver

from molthub.errors import ResolutionError
from molthub.solve import Candidate, Requirement, _Provider, _Want, solve
from molthub.versions import matches

NAMES = ["a", "b", "c", "d"]
VERSIONS = ["1.0.0", "1.1.0", "2.0.0"]
RANGES = ["*", "^1.0", "^1.1", "^2.0", "<2", "1.0.0"]

needs = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(RANGES), max_size=2)
shelves = st.fixed_dictionaries({name: st.dictionaries(st.sampled_from(VERSIONS), needs) for name in NAMES})
wants = st.lists(st.builds(Requirement, st.sampled_from(NAMES), st.sampled_from(RANGES), st.just("bot")), max_size=3)
Shelf = dict[str, dict[str, dict[str, str]]]


def candidates(shelf: Shelf, name: str) -> Sequence[Candidate]:
    return [Candidate(name, version, needs) for version, needs in shelf[name].items()]


def search(shelf: Shelf, requirements: list[Requirement]) -> dict[str, str] | None:
    """Return what resolvelib finds by itself, or None."""
    provider = _Provider(lambda name: candidates(shelf, name), {}, {})
    asked = [_Want(need.name, need.wanted, (need.why,)) for need in requirements]
    try:
        mapping = Resolver(provider, BaseReporter()).resolve(asked, max_rounds=10_000).mapping
    except ResolutionImpossible:
        return None
    except RecursionError:  # resolvelib's own end of a search, where choices that were given up need each other
        return {
            choice.name: choice.version for choice in solve(requirements, lambda name: candidates(shelf, name)).values()
        }
    return {name: choice.candidate.version for name, choice in mapping.items()}


@settings(max_examples=400, deadline=None)
@given(shelves, wants)
def test_what_comes_out_is_what_the_search_finds_and_fits_everybody(
    shelf: Shelf, requirements: list[Requirement]
) -> None:
    expected = search(shelf, requirements)
    if expected is None:
        with pytest.raises(ResolutionError):
            solve(requirements, lambda name: candidates(shelf, name))
        return
    chosen = solve(requirements, lambda name: candidates(shelf, name))
    assert {name: candidate.version for name, candidate in chosen.items()} == expected
    wanted = {need.name for need in requirements}
    for need in requirements:
        assert matches(chosen[need.name].version, need.wanted)
    for candidate in chosen.values():
        for name, range_ in candidate.dependencies.items():
            wanted.add(name)
            assert matches(chosen[name].version, range_)
    assert chosen.keys() <= wanted


@settings(max_examples=100, deadline=None)
@given(shelves, wants, st.randoms())
def test_the_order_of_asking_does_not_matter(shelf: Shelf, requirements: list[Requirement], chance: Random) -> None:
    shuffled = list(requirements)
    chance.shuffle(shuffled)
    outcomes: list[dict[str, Candidate] | None] = []
    for asked in (requirements, shuffled):
        try:
            outcomes.append(solve(asked, lambda name: candidates(shelf, name)))
        except ResolutionError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


def test_choices_that_were_given_up_may_need_each_other() -> None:
    shelf: Shelf = {
        "a": {"1.0.0": {}, "1.1.0": {"a": "1.0.0", "d": "*"}},
        "d": {"1.0.0": {"a": "*", "d": "*"}},
    }
    chosen = solve([Requirement("a", "*", "bot")], lambda name: candidates(shelf, name))
    assert {name: candidate.version for name, candidate in chosen.items()} == {"a": "1.0.0"}
