"""What a pack's `resolved` holds, derived from what is declared at one revision."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from molthub.errors import ResolutionError
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import resolve_pack
from molthub.registry.resolving.availability import available_versions, latest_pack
from tests.builders import Tree, TreeSource, pack, registry, skill, skill_version


def catalog_of(*trees: Tree, locked: bool = True, hosts: list[str] | None = None) -> Catalog:
    return read_catalog(TreeSource(registry(*trees, locked=locked, hosts=hosts or [])))


def derived(catalog: Catalog, name: str, number: int = 1) -> dict[str, str]:
    return {key: lock.version for key, lock in resolve_pack(catalog, catalog.packs[name].versions[number]).items()}


def needing(name: str, needs: dict[str, str]) -> Tree:
    return skill(name, versions={"1.0.0": skill_version(name, "1.0.0", dependencies=needs)})


def test_skills_their_dependencies_and_digests() -> None:
    catalog = catalog_of(
        skill("safety", "1.0.0", "1.1.0", "2.0.0"),
        needing("git", {"safety": "^1.0"}),
        pack("dev", {"skills": ["git"]}),
    )
    locks = resolve_pack(catalog, catalog.packs["dev"].versions[1])
    assert list(locks) == ["git", "safety"]
    assert locks["safety"].version == "1.1.0"
    assert locks["safety"].digest == catalog.skills["safety"].project.versions["1.1.0"].digest


def test_ranges_pins_and_withdrawn_versions() -> None:
    catalog = catalog_of(
        skill("a", "1.0.0", "1.1.0", "2.0.0", records={"2.0.0": {"yanked": "Wrong."}}),
        pack("float", {"skills": ["a"]}),
        pack("range", {"skills": [{"name": "a", "version": "~1.0"}]}),
        pack("pin", {"skills": [{"name": "a", "version": "2.0.0"}]}),
    )
    assert derived(catalog, "float") == {"a": "1.1.0"}
    assert derived(catalog, "range") == {"a": "1.0.0"}
    assert derived(catalog, "pin") == {"a": "2.0.0"}
    assert available_versions(catalog.skills["a"]) == ("1.0.0", "1.1.0")


def test_what_it_held_before_does_not_matter() -> None:
    catalog = catalog_of(skill("a", "1.0.0"), pack("dev", {"skills": ["a"]}))
    version = catalog.packs["dev"].versions[1]
    assert version.resolved
    assert resolve_pack(catalog, replace(version, resolved={})) == version.resolved


def test_bases_are_locked_with_their_bases_and_their_skills_stay() -> None:
    pinned = {"name": "a", "version": "2.0.0"}
    trees = [
        skill("a", "1.0.0", "2.0.0"),
        skill("b", "1.0.0"),
        pack("ground", {"skills": [{"name": "a", "version": "^1.0"}]}),
        pack("base", {"extends": ["ground"], "skills": ["b"]}),
        pack("top", {"extends": ["base"], "skills": ["a"]}, {"extends": ["base"], "skills": [pinned]}),
        pack("less", {"extends": ["base"], "skills": [{"name": "b", "enabled": False}]}),
    ]
    catalog = catalog_of(*trees)
    assert derived(catalog, "top", 1) == {"a": "1.0.0", "b": "1.0.0", "pack/base": "1", "pack/ground": "1"}
    assert derived(catalog, "top", 2) == {"a": "2.0.0", "b": "1.0.0", "pack/base": "1", "pack/ground": "1"}
    assert derived(catalog, "less") == {"a": "1.0.0", "pack/base": "1", "pack/ground": "1"}
    assert catalog.packs["top"].versions[1].resolved["pack/base"].digest == (
        catalog.packs["base"].project.versions["1"].digest
    )


def test_a_base_floats_to_the_newest_that_is_not_yanked() -> None:
    base = pack("base", {}, {}, {}, records={3: {"yanked": "Wrong."}})
    catalog = catalog_of(
        base, pack("top", {"extends": ["base"]}), pack("pin", {"extends": [{"name": "base", "version": 1}]})
    )
    assert derived(catalog, "top") == {"pack/base": "2"}
    assert derived(catalog, "pin") == {"pack/base": "1"}
    newest = latest_pack(catalog.packs["base"])
    assert newest is not None
    assert newest.number == 2


def test_one_base_by_two_ways_is_locked_at_the_higher_version() -> None:
    catalog = catalog_of(
        pack("ground", {}, {}),
        pack("one", {"extends": [{"name": "ground", "version": 1}]}),
        pack("two", {"extends": [{"name": "ground", "version": 2}]}),
        pack("top", {"extends": ["one", "two"]}),
        pack("own", {"extends": ["two", {"name": "ground", "version": 1}]}),
    )
    assert derived(catalog, "top") == {"pack/ground": "2", "pack/one": "1", "pack/two": "1"}
    assert derived(catalog, "own") == {"pack/ground": "1", "pack/two": "1"}


def test_hosts_are_left_to_bots() -> None:
    catalog = catalog_of(
        needing("chess", {"roundtable": ">=2"}), pack("dev", {"skills": ["chess"]}), hosts=["roundtable"]
    )
    assert derived(catalog, "dev") == {"chess": "1.0.0"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"skills": ["nothing"]}, "skill nothing is not in this registry"),
        ({"skills": [{"name": "a", "version": "^9.0"}]}, "no version of a will do: pack/dev@1 wants ^9.0"),
        ({"skills": ["b", {"name": "a", "version": "2.0.0"}]}, "no version of a suits all who want it"),
        ({"skills": [{"name": "a", "version": "3.0.0"}]}, "skill/a@3.0.0 is quarantined: Looked at."),
        (
            {"skills": ["b", {"name": "a", "enabled": False}]},
            "pack/dev@1 takes a away, but another of its skills needs it",
        ),
        ({"extends": ["nothing"]}, "pack nothing is not in this registry"),
        ({"extends": ["dev"]}, "the pack dev extends itself"),
        ({"extends": [{"name": "base", "version": 7}]}, "pack base has no version 7"),
    ],
)
def test_what_cannot_be_locked_says_why(spec: dict[str, object], message: str) -> None:
    catalog = catalog_of(
        skill("a", "1.0.0", "2.0.0", "3.0.0", records={"3.0.0": {"quarantined": "Looked at."}}),
        needing("b", {"a": "^1.0"}),
        pack("base", {}),
        pack("dev", spec),
        locked=False,
    )
    with pytest.raises(ResolutionError, match=re.escape(message)) as caught:
        derived(catalog, "dev")
    assert caught.value.problems
    assert all(problem.file for problem in caught.value.problems)


def test_packs_that_extend_each_other_name_the_way() -> None:
    digest = f"sha256:{'0' * 64}"
    lock = {"version": 1, "digest": digest}
    tree = registry(
        pack("one", {"extends": ["two"], "resolved": {"pack/two": lock}}),
        pack("two", {"extends": ["one"], "resolved": {"pack/one": lock}}),
    )
    for path in ("packs/one/project.yaml", "packs/two/project.yaml"):
        tree[path] = re.sub(r"sha256:[0-9a-f]{64}", digest, str(tree[path]))
    catalog = read_catalog(TreeSource(tree))
    with pytest.raises(ResolutionError) as caught:
        derived(catalog, "one")
    assert [(problem.id, problem.message) for problem in caught.value.problems] == [
        ("MH205", "packs extend each other: two -> one -> two"),
        ("MH205", "packs extend each other: one -> two -> one"),
    ]


def test_a_base_that_changed_since_it_was_locked_is_refused() -> None:
    lock = {"version": 1, "digest": f"sha256:{'0' * 64}"}
    catalog = catalog_of(
        pack("base", {}),
        pack("mid", {"extends": ["base"], "resolved": {"pack/base": lock}}),
        pack("top", {"extends": ["mid"]}),
    )
    with pytest.raises(ResolutionError, match="locks pack/base@1 by another digest than is recorded"):
        derived(catalog, "top")


def _with_forged_locks(*names: str, **bases: list[str]) -> Catalog:
    """Packs that lock each other by digests that hold, as no command would ever write them."""
    digest = f"sha256:{'0' * 64}"
    everybody = {f"pack/{name}": {"version": 1, "digest": digest} for name in names}
    tree = registry(*(pack(name, {"extends": bases[name], "resolved": everybody}) for name in names))
    for name in names:
        path = f"packs/{name}/project.yaml"
        tree[path] = re.sub(r"sha256:[0-9a-f]{64}", digest, str(tree[path]))
    return read_catalog(TreeSource(tree))


def test_a_cycle_over_several_levels_is_named_link_by_link_and_nothing_beside_it() -> None:
    catalog = _with_forged_locks(
        "a", "b", "c", "side", a=["side", "b"], b=["c", "side"], c=["a"], side=[]
    )  # fmt: skip
    with pytest.raises(ResolutionError) as caught:
        derived(catalog, "a")
    assert "packs extend each other: a -> b -> c -> a" in [problem.message for problem in caught.value.problems]


def test_packs_that_build_on_each_other_without_end_are_refused_not_crashed_upon() -> None:
    names = [f"p{number}" for number in range(100)]
    bases = {name: [after] for name, after in zip(names, [*names[1:], ""], strict=True)} | {names[-1]: []}
    catalog = _with_forged_locks(*names, **bases)
    with pytest.raises(ResolutionError, match="more than 64 levels deep"):
        derived(catalog, "p0")
    assert derived(catalog, names[-3])
