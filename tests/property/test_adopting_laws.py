"""Whatever bots have, what is proposed for them resolves to exactly that, and proposing it again proposes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.adopting.adopted import Adopted
from molthub.adopting.home import HandMade
from molthub.adopting.proposal import Naming, Wishes, propose
from molthub.adopting.skills import KnownSkill
from molthub.model import Json
from molthub.registry.source import FolderSource, Source
from molthub.registry.trees.overlay import Overlay
from tests.builders import pack, registry, skill, write_tree

TIME = "2026-11-21T10:00:00Z"
_env = st.dictionaries(st.sampled_from(["TOKEN", "LEVEL"]), st.sampled_from(["${secrets.t}", "info", "debug"]))


@st.composite
def servers(draw: st.DrawFn) -> Json:
    """Return a server as it is read: nothing in it is empty."""
    if draw(st.integers(0, 4)) == 0:
        headers = draw(st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.sampled_from(["a", "b"])))
        return {"url": f"https://{draw(st.sampled_from('ab'))}.example/", **({"headers": headers} if headers else {})}
    args, env = draw(st.lists(st.sampled_from(["-y", "two words", "$x"]), max_size=2)), draw(_env)
    command = draw(st.sampled_from(["npx", "a b", "it's"]))
    return {"command": command, **({"args": args} if args else {}), **({"env": env} if env else {})}


@st.composite
def fleets(draw: st.DrawFn) -> list[Adopted]:
    """Return bots that are copies of a few, each changed a little, as fleets that grew by hand are."""
    kinds = draw(st.lists(_parts(), min_size=1, max_size=3))
    return [
        _bot(f"b{number}", draw(st.sampled_from(kinds)), draw(_parts(most=1)))
        for number in range(draw(st.integers(1, 6)))
    ]


@st.composite
def _parts(draw: st.DrawFn, most: int = 3) -> dict[str, Json]:
    skills = draw(st.dictionaries(st.sampled_from(["git", "sql"]), st.sampled_from(["1.0.0", "1.1.0"]), max_size=most))
    mcps = draw(st.dictionaries(st.sampled_from(["github", "mail", "notes"]), servers(), max_size=most))
    own = draw(
        st.dictionaries(st.sampled_from(["TOKEN", "LEVEL", "TEAM"]), st.sampled_from(["info", "x"]), max_size=most)
    )
    return {
        **{f"skill/{name}": version for name, version in skills.items()},
        **{f"mcp/{name}": server for name, server in mcps.items()},
        **{f"env/{name}": value for name, value in own.items()},
    }


def _bot(name: str, kind: dict[str, Json], own: dict[str, Json]) -> Adopted:
    parts = {**kind, **own}
    keys = {key: value for key, value in parts.items() if not key.startswith("skill/")}
    skills = {key[6:]: KnownSkill(key[6:], value) for key, value in parts.items() if key.startswith("skill/")}
    return Adopted("prod", name, name, "claude-code", HandMade(keys, (), ()), skills)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    known = {"skills": ["git"], "mcps": [{"name": "mail", "command": "npx"}]}
    parts = (skill("git", "1.0.0", "1.1.0"), skill("sql", "1.0.0", "1.1.0"))
    return FolderSource(write_tree(registry(*parts, pack("known", known)), tmp_path_factory.mktemp("registry")))


@settings(max_examples=25)
@given(fleets(), st.sampled_from([None, 2, 3]))
def test_what_is_proposed_is_what_there_is(source: Source, bots: list[Adopted], least: int | None) -> None:
    wishes = Wishes(Naming("adopted-prod"), TIME, least)
    found = propose(source, bots, wishes)
    assert (found.besides, found.refused) == ({}, {})
    again = propose(Overlay(source, found.files), bots, wishes)
    assert (again.files, {again.state(bot.path) for bot in bots}) == ({}, {"unchanged"})


@settings(max_examples=12)
@given(fleets(), fleets())
def test_bots_that_come_later_have_what_there_is(source: Source, bots: list[Adopted], later: list[Adopted]) -> None:
    wishes = Wishes(Naming("adopted-prod"), TIME)
    first = propose(source, bots, wishes)
    others = [
        Adopted("prod", f"late-{bot.name}", f"late-{bot.name}", bot.platform, bot.read, bot.skills) for bot in later
    ]
    found = propose(Overlay(source, first.files), others, wishes)
    assert (found.besides, found.refused) == ({}, {})
