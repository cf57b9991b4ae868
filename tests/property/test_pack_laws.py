"""Laws of packs: beside each other they have no order, and taking one away leaves what was there without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.registry.catalog import read_catalog
from molthub.registry.resolve import Resolution, resolve_bot, resolve_bots
from tests.builders import Tree, TreeSource, bot, fleet, pack, registry, skill, skill_version

NAMES = ["p0", "p1", "p2", "p3", "p4"]
SKILLS = ["a", "b"]

_values = st.sampled_from(["x", "y", None])
_skill_words = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(["^1.0", "^2.0"]),
        "config": st.dictionaries(st.sampled_from(["k", "l"]), st.integers(0, 1), max_size=2),
        "enabled": st.booleans(),
    },
)
_specs = st.fixed_dictionaries(
    {
        "skills": st.dictionaries(st.sampled_from(SKILLS), _skill_words, max_size=2),
        "mcps": st.dictionaries(st.sampled_from(["m", "n"]), st.sampled_from(["run", "go"]), max_size=2),
        "envVars": st.dictionaries(st.sampled_from(["A", "B"]), _values, max_size=2),
        "bases": st.lists(st.integers(0, 3), max_size=2, unique=True),
    }
)
_packs = st.lists(_specs, min_size=len(NAMES), max_size=len(NAMES))


def _spec(number: int, said: dict[str, Any]) -> dict[str, Any]:
    """Let a pack build on packs before it only, so that none is in a circle."""
    return {
        "skills": [{"name": name, **words} for name, words in said["skills"].items()],
        "mcps": [{"name": name, "command": command} for name, command in said["mcps"].items()],
        "envVars": said["envVars"],
        "extends": [NAMES[base] for base in said["bases"] if base < number],
    }


def _tree(packs: Sequence[dict[str, Any]]) -> Tree:
    b = {number: skill_version("b", number, dependencies={"a": f"^{number[0]}.0"}) for number in ("1.0.0", "2.0.0")}
    tree = registry(
        skill("a", "1.0.0", "2.0.0"),
        skill("b", versions=b),
        *(pack(name, _spec(number, said)) for number, (name, said) in enumerate(zip(NAMES, packs, strict=True))),
    )
    return {path: text for path, text in tree.items() if "resolved" in str(text) or not _is_version(path)}


def _is_version(path: str) -> bool:
    return path.startswith("packs/") and not path.endswith("project.yaml")


def _resolved(tree: Tree, bots: dict[str, Tree], fleet_packs: Sequence[Any] = ()) -> dict[str, Resolution]:
    whole = tree | fleet("lab", packs=list(fleet_packs))
    for declared in bots.values():
        whole = whole | declared
    catalog = read_catalog(TreeSource(whole))
    found = resolve_bots(catalog)
    for path, declared_bot in catalog.bots.items():  # what bots of a fleet share is what each would get alone
        assert _outcome(resolve_bot(catalog, declared_bot)) == _outcome(found[path])
    return {name: found[f"lab/{name}"] for name in bots}


def _outcome(resolution: Resolution) -> tuple[Any, ...]:
    return resolution.resolved, resolution.desired, resolution.packs, resolution.skills


def _ids(resolution: Resolution) -> set[str]:
    return {problem.id for problem in resolution.problems}


@settings(max_examples=40)
@given(_packs, st.lists(st.sampled_from(NAMES), min_size=2, unique=True).flatmap(lambda names: st.tuples(
    st.just(names), st.permutations(names))))  # fmt: skip
def test_the_order_and_the_place_of_attachments_do_not_matter(
    packs: list[dict[str, Any]], orders: tuple[list[str], list[str]]
) -> None:
    one, other = orders
    tree = _tree(packs)
    found = _resolved(tree, {"ada": bot("lab", "ada", packs=one), "ben": bot("lab", "ben", packs=other)})
    assert _outcome(found["ada"]) == _outcome(found["ben"])
    assert _ids(found["ada"]) == _ids(found["ben"])
    far = _resolved(tree, {"ada": bot("lab", "ada", packs=other[:1])}, fleet_packs=one)
    assert _outcome(far["ada"]) == _outcome(found["ada"])


@settings(max_examples=40)
@given(_packs, st.lists(st.sampled_from(NAMES), min_size=1, unique=True), st.sampled_from(NAMES))
def test_taking_an_attachment_away_restores_what_was(
    packs: list[dict[str, Any]], attached: list[str], more: str
) -> None:
    without = [name for name in attached if name != more]
    bots = {
        "plain": bot("lab", "plain", packs=without),
        "off": bot("lab", "off", packs=[*without, {"name": more, "enabled": False}]),
        "unmet": bot("lab", "unmet", packs=[*without, {"name": more, "when": {"matchLabels": {"no": "one"}}}]),
    }
    tree = _tree(packs)
    found = _resolved(tree, bots)
    assert _outcome(found["off"]) == _outcome(found["unmet"]) == _outcome(found["plain"])
    inherited = _resolved(tree, {"off": bot("lab", "off", packs=[{"name": more, "enabled": False}])}, [*without, more])
    assert _outcome(inherited["off"]) == _outcome(found["plain"])
