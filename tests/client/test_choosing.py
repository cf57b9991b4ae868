"""What is asked for becomes exact versions, or an error that says why not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from molthub.client.dependencies import Choice, choose, pick_skill
from molthub.client.wanted import Wanted, parse_all, parse_wanted
from molthub.errors import MolthubError, NotFoundError, ResolutionError, UsageError
from molthub.model import PackEntry, SkillEntry
from tests.index_fixture import IndexBuilder


class Shelf:
    """The builder's skills and packs, without any transport."""

    def __init__(self, index: IndexBuilder) -> None:
        self.index = index

    def skill(self, name: str) -> SkillEntry:
        if name not in self.index.skills:
            raise NotFoundError(f"skill {name} is not in this index")
        return self.index.skills[name]

    def pack(self, name: str) -> PackEntry:
        if name not in self.index.packs:
            raise NotFoundError(f"pack/{name} is not in this index")
        return self.index.packs[name]


def chosen(index: IndexBuilder, *texts: str, hosts: Mapping[str, str] | None = None) -> dict[str, str | None]:
    choice = choose(parse_all(texts), Shelf(index), hosts)
    return {f"{item.artifact.name}@{item.artifact.version}": item.requested for item in choice.versions}


def refusal(index: IndexBuilder, *texts: str, hosts: Mapping[str, str] | None = None) -> MolthubError:
    with pytest.raises((NotFoundError, ResolutionError)) as error:
        choose(parse_all(texts), Shelf(index), hosts)
    return error.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git", Wanted("skill", "git", None, "git")),
        ("git@latest", Wanted("skill", "git", None, "git@latest")),
        ("git@*", Wanted("skill", "git", None, "git@*")),
        ("git@1.2.0", Wanted("skill", "git", "1.2.0", "git@1.2.0")),
        ("git@^1.2", Wanted("skill", "git", "^1.2", "git@^1.2")),
        ("git@>=1,<2", Wanted("skill", "git", ">=1,<2", "git@>=1,<2")),
        ("@acme/deploy", Wanted("skill", "@acme/deploy", None, "@acme/deploy")),
        ("@acme/deploy@~0.1", Wanted("skill", "@acme/deploy", "~0.1", "@acme/deploy@~0.1")),
        ("pack/dev", Wanted("pack", "dev", None, "pack/dev")),
        ("pack/dev@3", Wanted("pack", "dev", "3", "pack/dev@3")),
        ("pack/dev@latest", Wanted("pack", "dev", None, "pack/dev@latest")),
    ],
)
def test_what_is_typed_is_understood(text: str, expected: Wanted) -> None:
    assert parse_wanted(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "@", "Git", "../evil", "git@not a range", "@acme", "pack/", "pack/Dev", "pack/dev@^1", "pack/dev@0", "a" * 65,
     "git/1.2.0", "pack/dev@\N{ARABIC-INDIC DIGIT ONE}"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_wanted(text)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("docker", "2.0.1"),
        ("docker@latest", "2.0.1"),
        ("docker@2.0.0", "2.0.0"),
        ("docker@~2.0", "2.0.1"),
        ("@acme/deploy", "0.1.0"),
        ("early@1.0.0-rc.1", "1.0.0-rc.1"),
    ],
)
def test_the_highest_version_that_fits_is_chosen(index: IndexBuilder, text: str, version: str) -> None:
    assert list(chosen(index, text)) == [f"{parse_wanted(text).name}@{version}"]


def test_dependencies_come_along_within_their_range(index: IndexBuilder) -> None:
    assert chosen(index, "git") == {"git@1.2.0": "git", "shell-safety@1.0.3": None}


def test_what_was_asked_for_by_name_is_on_record_so(index: IndexBuilder) -> None:
    expected = {"git@1.2.0": "git", "shell-safety@1.0.3": "shell-safety@^1"}
    assert chosen(index, "git", "shell-safety@^1") == expected


def test_what_was_asked_for_by_name_counts_more_than_a_pack(index: IndexBuilder) -> None:
    requests = chosen(index, "pack/dev", "git", "docker@2.0.1")
    assert requests == {"git@1.2.0": "git", "docker@2.0.1": "docker@2.0.1", "shell-safety@1.0.3": "pack/dev"}


def test_two_versions_of_one_skill_may_be_asked_for(index: IndexBuilder) -> None:
    assert set(chosen(index, "docker@2.0.0", "docker@2.0.1")) == {"docker@2.0.0", "docker@2.0.1"}


def test_a_pack_brings_what_it_is_locked_to(index: IndexBuilder) -> None:
    expected = dict.fromkeys(["docker@2.0.0", "git@1.2.0", "shell-safety@1.0.2"], "pack/dev@1")
    assert chosen(index, "pack/dev@1") == expected
    assert set(chosen(index, "pack/dev")) == {"docker@2.0.1", "git@1.2.0", "shell-safety@1.0.3"}


def test_a_yanked_version_is_never_chosen_by_a_range(index: IndexBuilder) -> None:
    index.change_release("docker", "2.0.1", yanked="It broke.")
    assert list(chosen(index, "docker")) == ["docker@2.0.0"]
    assert list(chosen(index, "docker@^2")) == ["docker@2.0.0"]


def test_a_yanked_version_is_installed_by_its_number_with_a_warning(index: IndexBuilder) -> None:
    choice: Choice = choose(parse_all(["git@1.1.0"]), Shelf(index))
    assert [item.artifact.version for item in choice.versions] == ["1.1.0"]
    assert [(warning.id, warning.severity) for warning in choice.warnings] == [("MH607", "warning")]
    assert "skipped the repository's hooks" in choice.warnings[0].message


def test_a_yanked_version_with_dependencies_can_be_named_too(index: IndexBuilder) -> None:
    index.change_release("git", "1.2.0", yanked="Slow.")
    assert set(chosen(index, "git@1.2.0")) == {"git@1.2.0", "shell-safety@1.0.3"}


def test_a_yanked_pack_is_passed_over_or_warned_about(index: IndexBuilder) -> None:
    index.pack("dev", 3, ["docker@2.0.0"], yanked="Too small.")
    assert "docker@2.0.1" in chosen(index, "pack/dev")
    choice = choose(parse_all(["pack/dev@3"]), Shelf(index))
    assert "pack/dev@3 was yanked: Too small." in choice.warnings[0].message


@pytest.mark.parametrize("word", ["quarantined", "removed"])
def test_a_withdrawn_version_is_refused_with_its_reason(index: IndexBuilder, word: str) -> None:
    index.change_release("docker", "2.0.1", **{word: "It steals tokens."})
    assert list(chosen(index, "docker")) == ["docker@2.0.0"]
    assert refusal(index, "docker@2.0.1").message == f"docker@2.0.1 was {word}: It steals tokens."


@pytest.mark.parametrize("status", ["quarantined", "removed"])
def test_a_withdrawn_skill_is_refused_with_its_reason(index: IndexBuilder, status: str) -> None:
    index.change_skill("docker", status=status, reason="Its owner lost the account.")
    assert refusal(index, "docker").message == f"docker is {status}: Its owner lost the account."
    assert refusal(index, "docker@2.0.0").message == f"docker is {status}: Its owner lost the account."


def test_a_withdrawn_dependency_is_refused(index: IndexBuilder) -> None:
    index.change_skill("shell-safety", status="quarantined")
    assert "shell-safety" in str(refusal(index, "git")) + str(refusal(index, "git").problems)


def test_a_deprecated_skill_is_installed_with_a_warning(index: IndexBuilder) -> None:
    index.change_skill("docker", status="deprecated", reason="Use podman.")
    choice = choose(parse_all(["docker"]), Shelf(index))
    assert [warning.message for warning in choice.warnings] == ["docker is deprecated: Use podman."]


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("docker@9.0.0", "docker has no version 9.0.0", "2.0.1, 2.0.0"),
        ("docker@^9", "docker has no version that fits ^9", "2.0.1, 2.0.0"),
        ("early", "early has only pre-releases", "1.0.0-rc.1"),
        ("pack/dev@9", "pack/dev has no version 9", "1, 2"),
    ],
)
def test_a_version_that_is_not_there_names_those_that_are(
    index: IndexBuilder, text: str, message: str, remedy: str
) -> None:
    error = refusal(index, text)
    assert error.message == message
    assert remedy in error.remedy


def test_a_skill_without_any_version_left_is_said(index: IndexBuilder) -> None:
    index.change_release("early", "1.0.0-rc.1", yanked="No.")
    assert "withdrawn" in refusal(index, "early").message
    for number in (1, 2):
        index.pack("dev", number, [], yanked="No.")
    assert "withdrawn" in refusal(index, "pack/dev").message


def test_all_that_cannot_be_met_is_named_together(index: IndexBuilder) -> None:
    error = refusal(index, "docker@9.0.0", "nothing", "pack/none")
    assert [problem.message for problem in error.problems] == [
        "docker has no version 9.0.0",
        "skill nothing is not in this index",
        "pack/none is not in this index",
    ]


def test_a_conflict_names_who_wants_what(index: IndexBuilder) -> None:
    index.skill("strict", "1.0.0", dependencies={"shell-safety": "^2.0"})
    error = refusal(index, "git", "strict")
    said = f"{error} " + " ".join(map(str, error.problems))
    assert all(word in said for word in ("shell-safety", "git@1.2.0", "strict@1.0.0", "^1.0", "^2.0"))


def test_a_dependency_on_a_host_is_answered_by_its_version(index: IndexBuilder) -> None:
    index.skill("table", "1.0.0", dependencies={"roundtable": ">=2.0.0"})
    assert set(chosen(index, "table", hosts={"roundtable": "2.1.0"})) == {"table@1.0.0"}
    assert isinstance(refusal(index, "table", hosts={"roundtable": "1.9.0"}), ResolutionError)


def test_an_unknown_dependency_may_be_a_host_that_nobody_named(index: IndexBuilder) -> None:
    index.skill("table", "1.0.0", dependencies={"roundtable": ">=2.0.0"})
    assert "--host roundtable=" in refusal(index, "table").remedy


@pytest.mark.parametrize(("wanted", "version"), [(None, "1.2.0"), ("1.1.0", "1.1.0"), ("^1", "1.2.0")])
def test_what_is_shown_may_be_withdrawn(index: IndexBuilder, wanted: str | None, version: str) -> None:
    assert pick_skill(index.skills["git"], wanted) == version


def test_a_skill_with_nothing_but_withdrawn_versions_is_still_shown(index: IndexBuilder) -> None:
    index.change_release("early", "1.0.0-rc.1", yanked="No.")
    assert pick_skill(index.skills["early"], None) == "1.0.0-rc.1"
    with pytest.raises(NotFoundError):
        pick_skill(index.skills["early"], "^2")
