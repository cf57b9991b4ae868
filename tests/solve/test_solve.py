"""One version of each skill that all who want it admit; every failure names the whole chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from molthub.errors import ResolutionError
from molthub.solve import Candidate, Requirement, solve

Offer = Mapping[str, Mapping[str, Mapping[str, str]]]

SHELF: Offer = {
    "git": {"1.0.0": {"shell": "^1.0"}, "2.0.0": {"shell": "^2.0"}},
    "shell": {"1.0.0": {}, "1.5.0": {}, "2.0.0": {"safety": "*"}},
    "safety": {"1.0.0": {}, "2.0.0-rc.1": {}},
    "chess": {"1.0.0": {"roundtable": ">=1.0.0"}, "2.0.0": {"roundtable": ">=2.0.0"}},
    "hen": {"1.0.0": {"egg": "^1.0"}},
    "egg": {"1.0.0": {"hen": "*"}},
}


def shelf(name: str) -> Sequence[Candidate]:
    return [Candidate(name, version, needs) for version, needs in SHELF.get(name, {}).items()]


def want(name: str, wanted: str | None = None, why: str = "bot") -> Requirement:
    return Requirement(name, wanted, why)


def chosen(*wants: Requirement, **options: Mapping[str, str | None]) -> dict[str, str]:
    return {name: found.version for name, found in solve(wants, shelf, **options).items()}  # type: ignore[arg-type] # both options are maps of text


def refused(*wants: Requirement, **options: Mapping[str, str | None]) -> list[str]:
    with pytest.raises(ResolutionError) as caught:
        chosen(*wants, **options)
    assert caught.value.remedy
    assert str(caught.value) == caught.value.problems[0].message
    return [f"{problem.id}: {problem.message}" for problem in caught.value.problems]


def test_the_highest_versions_are_chosen_with_what_they_need() -> None:
    assert chosen(want("git")) == {"git": "2.0.0", "safety": "1.0.0", "shell": "2.0.0"}
    assert list(chosen(want("git"))) == ["git", "safety", "shell"]


def test_nothing_wanted_is_nothing_chosen() -> None:
    assert chosen() == {}


def test_a_lower_version_is_taken_where_the_highest_does_not_fit() -> None:
    assert chosen(want("git"), want("shell", "^1.0")) == {"git": "1.0.0", "shell": "1.5.0"}
    assert chosen(want("shell", "^1.0"), want("git")) == {"git": "1.0.0", "shell": "1.5.0"}


def test_a_cycle_is_no_obstacle() -> None:
    assert chosen(want("hen")) == {"egg": "1.0.0", "hen": "1.0.0"}


def test_pre_releases_come_only_where_they_are_named_or_allowed() -> None:
    assert chosen(want("safety")) == {"safety": "1.0.0"}
    assert chosen(want("safety", "^2.0.0-rc.0")) == {"safety": "2.0.0-rc.1"}
    assert chosen(Requirement("safety", None, "bot", prereleases=True)) == {"safety": "2.0.0-rc.1"}


def test_pins_take_that_version_and_no_other() -> None:
    assert chosen(want("shell"), pinned={"shell": "1.0.0"}) == {"shell": "1.0.0"}
    assert refused(want("git", "^2.0"), pinned={"shell": "1.0.0"}) == [
        "MH202: no version of shell will do: bot -> git@2.0.0 wants ^2.0; it is pinned to 1.0.0"
    ]


def test_hosts_are_present_and_never_chosen() -> None:
    assert chosen(want("chess"), hosts={"roundtable": "2.1.0"}) == {"chess": "2.0.0"}
    assert chosen(want("chess"), hosts={"roundtable": "1.5.0"}) == {"chess": "1.0.0"}


def test_a_host_that_nobody_knows_is_an_error_and_not_a_lower_version() -> None:
    assert refused(want("chess"), hosts={"roundtable": None}) == [
        "MH207: bot -> chess@2.0.0 wants the application roundtable >=2.0.0, but no layer says which version runs"
    ]
    assert chosen(want("git"), hosts={"roundtable": None})["git"] == "2.0.0"


def test_a_host_of_another_version_is_named() -> None:
    assert refused(want("chess", "^2.0"), hosts={"roundtable": "1.5.0"}) == [
        "MH202: roundtable 1.5.0 is the host, but bot -> chess@2.0.0 wants >=2.0.0"
    ]


def test_a_conflict_names_everybody_and_the_way_to_them() -> None:
    who = "profile/backend wants ^1.0; pack/dev@3 -> git@2.0.0 wants ^2.0"
    assert refused(want("git", "^2.0", "pack/dev@3"), want("shell", "^1.0", "profile/backend")) == [
        f"MH202: no version of shell suits all who want it: {who}"
    ]


def test_what_does_not_exist_is_named_with_who_wants_it() -> None:
    assert refused(want("nothing", "^1.0")) == ["MH203: there is no skill nothing to choose: bot wants ^1.0"]
    assert refused(want("git", "^9.0")) == ["MH201: no version of git will do: bot wants ^9.0"]


def test_notes_of_candidates_are_said() -> None:
    def locked(name: str) -> Sequence[Candidate]:
        return [Candidate(name, "1.0.0", note="locked by pack/dev@3")]

    with pytest.raises(ResolutionError) as caught:
        solve([want("git", "^2.0")], locked)
    assert caught.value.remedy == "there are 1.0.0 (locked by pack/dev@3)"


def test_a_search_without_end_is_given_up() -> None:
    def maze(name: str) -> Sequence[Candidate]:
        """Every room has many doors, and the last room has none."""
        room = int(name)
        needs = {str(room + 1): "*"} if room < 9 else {"10": "^2.0"}
        return [Candidate(name, f"1.{door}.0", needs) for door in range(12)]

    with pytest.raises(ResolutionError, match="in 40 steps") as caught:
        solve([want(str(room)) for room in range(10)], maze, max_rounds=40)
    assert [problem.id for problem in caught.value.problems] == ["MH202"]
