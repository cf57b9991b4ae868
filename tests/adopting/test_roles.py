"""Roles in a crowd: what a person would have written as packs is found, whatever each bot has besides."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.adopting.pack_names import pack_names
from molthub.adopting.roles import KnownPack, Role, find_roles, least_bots
from molthub.model import Json

ROLES = {
    "dev": ("skill/git", "skill/docker", "mcp/github", "mcp/postgres", "env/LOG_LEVEL"),
    "support": ("skill/git", "skill/tickets", "mcp/helpdesk", "mcp/slack"),
    "data": ("skill/git", "skill/sql", "skill/charts", "mcp/warehouse"),
}
Fleet = dict[str, dict[str, Json]]


def fleet(count: int, *, seed: int = 0) -> Fleet:
    """Return bots of three roles in turn; each has parts of its own, one in nine lacks a part of its role."""
    random = Random(seed)  # noqa: S311 (the same fleet each time)
    bots: Fleet = {}
    for number in range(count):
        role = [*ROLES][number % 3]
        parts: dict[str, Json] = dict.fromkeys(ROLES[role], "same")
        if number % 9 == 8:
            del parts[random.choice(ROLES[role][1:])]
        parts[f"mcp/own-{number}"] = "own"
        if random.random() < 0.2:
            parts["mcp/filesystem"] = f"/home/{number}"
        bots[f"prod/{role}-{number:02}"] = parts
    return bots


def test_fifty_bots_of_three_roles_are_three_packs() -> None:
    bots = fleet(50)
    roles = find_roles(bots, least=least_bots(50))
    assert {frozenset(role.parts) for role in roles} == {frozenset(parts) for parts in ROLES.values()}
    names = pack_names(roles, bots, first="adopted-prod", taken=())
    assert dict(zip(names, map(frozenset, (role.parts for role in roles)), strict=True)) == {
        name: frozenset(parts) for name, parts in ROLES.items()
    }
    assert sum(len(role.bots) for role in roles) == 50
    lacking = [path for role in roles for path, keys in role.bots.items() if keys]
    assert len(lacking) == 5


def test_the_order_of_the_bots_does_not_matter() -> None:
    bots = fleet(40)
    turned = dict(reversed(bots.items()))
    assert find_roles(bots, least=4) == find_roles(turned, least=4)


def test_what_all_have_is_a_pack_and_what_some_have_another() -> None:
    base = {f"skill/base-{number}": "same" for number in range(6)}
    bots: Fleet = {
        f"prod/{kind}-{number}": {**base, **{f"mcp/{kind}-{part}": "same" for part in range(3)}}
        for kind in ("web", "night")
        for number in range(8)
    }
    roles = find_roles(bots, least=2)
    assert set(roles[0].parts) == set(base)
    assert pack_names(roles, bots, first="adopted-prod", taken={"web"}) == ["adopted-prod", "night", "web-2"]


def test_one_part_of_a_few_bots_is_no_pack() -> None:
    bots: Fleet = {f"prod/b{number}": {f"mcp/own-{number}": "x"} for number in range(10)}
    for number in range(3):
        bots[f"prod/b{number}"]["mcp/notes"] = "same"
    assert find_roles(bots, least=2) == ()
    assert find_roles({}, least=2) == ()


def test_a_known_pack_is_taken_before_a_new_one_is_made() -> None:
    bots = fleet(6)
    known = KnownPack("developers", {key: "same" for key in ROLES["dev"] if not key.startswith("env/")})
    far = KnownPack("far", {"skill/git": "same", "mcp/github": "other", "mcp/more": "x"})
    found = {role.known: role for role in find_roles(bots, least=2, known=(known, far)) if role.known}
    assert [*found] == ["developers"]
    assert {path.rpartition("/")[2][:3] for path in found["developers"].bots} == {"dev"}


def test_a_known_pack_is_not_bent_where_a_variable_is_missing() -> None:
    bots: Fleet = {"prod/a": {f"skill/{number}": "same" for number in range(8)}}
    known = KnownPack("known", {**bots["prod/a"], "env/LOG": "x"})
    assert [role.known for role in find_roles(bots, least=2, known=(known,))] == [""]


def test_what_is_declared_already_saves_nothing() -> None:
    bots = fleet(6)
    assert find_roles(bots, least=2, declared={path: parts.keys() for path, parts in bots.items()}) == ()


@pytest.mark.parametrize("many", [200])
def test_many_bots_are_no_matter(many: int) -> None:
    roles = find_roles(fleet(many), least=least_bots(many))
    assert {frozenset(role.parts) for role in roles} == {frozenset(parts) for parts in ROLES.values()}


_PARTS = st.dictionaries(st.sampled_from([f"mcp/{letter}" for letter in "abcdef"]), st.sampled_from("12"))


@given(st.dictionaries(st.sampled_from([f"prod/b{number}" for number in range(7)]), _PARTS), st.integers(2, 4))
def test_packs_with_their_exceptions_say_what_each_bot_has(bots: Fleet, least: int) -> None:
    roles = find_roles(bots, least=least)
    for path, parts in bots.items():
        brought: dict[str, Json] = {}
        for role in roles:
            for key, value in role.parts.items() if path in role.bots else ():
                assert brought.setdefault(key, value) == value, "two packs never say different things on one bot"
        wrong = {key for key, value in brought.items() if parts.get(key) != value}
        assert wrong == {key for role in roles for key in role.bots.get(path, ())}
    for role in roles:
        assert len(role.bots) >= min(least, len(bots))


def test_a_name_is_free_and_says_what_is_in_it() -> None:
    role = Role(
        {"mcp/github": 1, "skill/docker": 1, "skill/git": 1}, {"prod/ada": frozenset(), "prod/bob": frozenset()}
    )
    bots = {"prod/ada": role.parts, "prod/bob": role.parts, "prod/eve": {"skill/git": 1}}
    others = [role, Role({"env/A": 1}, {"prod/eve": frozenset()})]
    assert pack_names(others, bots, first="adopted-prod", taken={"github-docker-env"}) == ["github-docker-2", "a"]
    assert pack_names([role], bots, first="adopted-prod", taken=()) == ["adopted-prod"]
