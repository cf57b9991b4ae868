"""What planning an import says of each version: pure, one reason for a refusal at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from molthub.documents import file_entry
from molthub.registry.authoring.import_plan import FoundPack, FoundSkill, Plan, Wishes
from molthub.registry.authoring.imports import plan_imports, with_whole_registry
from molthub.registry.catalog import read_catalog
from molthub.registry.upstreams.allowed import check_address
from molthub.registry.upstreams.upstream import Upstream
from tests.builders import PUBLISHED, Tree, TreeSource, as_bytes, as_yaml, pack, registry, skill, skill_version

INDEX = "https://skills.example.com/"
DIGEST = f"sha256:{'0' * 64}"


def upstream(path: str = "skills/git", **changes: Any) -> Upstream:
    return Upstream(**{"kind": "index", "location": INDEX, "path": path, "digest": DIGEST, **changes})


def found(tree: Tree | None = None, **changes: Any) -> FoundSkill:
    """Return the skill git 2.0.0 of an index, or what the tree holds."""
    files = tree if tree is not None else skill_version("git", "2.0.0")
    pairs = (
        (file_entry(path, as_bytes(text), executable=False), as_bytes(text)) for path, text in sorted(files.items())
    )
    return FoundSkill(**{"name": "git", "version": "2.0.0", "files": tuple(pairs), "upstream": upstream(), **changes})


def found_pack(text: str | None = None, **changes: Any) -> FoundPack:
    content = as_bytes(text if text is not None else pack("dev", {"skills": []})["packs/dev/1.yaml"])
    return FoundPack(**{"name": "dev", "number": 1, "content": content, "upstream": upstream("packs/dev"), **changes})


def plan(tree: Tree, *versions: FoundSkill | FoundPack, **wishes: Any) -> Plan:
    source = TreeSource(tree)
    skills = [one for one in versions if isinstance(one, FoundSkill)]
    packs = [one for one in versions if isinstance(one, FoundPack)]
    made = plan_imports(
        skills,
        packs,
        read_catalog(source),
        Wishes(PUBLISHED, **wishes),
        lambda path: source.read(path).decode() if path in source.files else None,
    )
    return with_whole_registry(made, source)


def imported(number: str, **record: Any) -> dict[str, Any]:
    return {number: {"upstream": {"url": INDEX, "path": "skills/git"}, **record}}


HERE = registry(skill("git", "1.0.0", records=imported("1.0.0")), {"publishers/beta/publisher.yaml": "name: beta\n"})
ARCHIVED = registry(skill("git", "1.0.0", records=imported("1.0.0"), project={"status": "archived"}))
MERGED = HERE | {"skills/git/project.yaml": "versions: ["}
GIT_MD = "---\nname: git\ndescription: Uses git: well.\n---\n\n# Git\n"
BUILD = registry(skill("git", "2.0.0+a", records=imported("2.0.0+a")))

REFUSALS: dict[str, tuple[Callable[[], Plan], str]] = {
    "no SKILL.md": (lambda: plan(HERE, found({"README.md": "x"})), "there is no SKILL.md"),
    "a manifest of another program": (
        lambda: plan(HERE, found(skill_version("git", "2.0.0") | {"skill.yaml": "steps: []\n"})),
        "unknown key 'steps'",
    ),
    "a SKILL.md that would have to be mended": (
        lambda: plan(HERE, found({"SKILL.md": GIT_MD})), "cannot be taken as it is",
    ),
    "a project that cannot be read": (lambda: plan(MERGED, found()), "cannot be read"),
    "a project that is archived": (
        lambda: plan(ARCHIVED, found()), "is archived",
    ),
    "another owner": (lambda: plan(HERE, found(), owner="beta"), "git belongs to acme, not to beta"),
    "the same number but for its build": (lambda: plan(BUILD, found()), "in its build metadata alone"),
    "a number that was removed": (
        lambda: plan(registry(skill("git", "2.0.0", records=imported("2.0.0", removed="It leaked."))), found()),
        "was removed here for good: It leaked.",
    ),
    "a name from elsewhere": (
        lambda: plan(HERE, found(upstream=upstream(location="https://other.example/"))), "was imported from https://sk",
    ),
    "a dependency that nobody has": (
        lambda: plan(HERE, found(skill_version("git", "2.0.0", dependencies={"absent": "^1"}))), "absent",
    ),
    "a pack's own number": (lambda: plan(HERE, found_pack(number=7)), "says version 1, and it is version 7"),
    "a pack that is none": (lambda: plan(HERE, found_pack("kind: Nothing\n")), "apiVersion"),
    "a pack's name": (lambda: plan(HERE, found_pack(name="No Name")), "is no pack name"),
    "a pack of this registry's own": (
        lambda: plan(registry(pack("dev", {})), found_pack(pack("dev", {"skills": ["git"]})["packs/dev/1.yaml"])),  # type: ignore[arg-type] # text
        "is this registry's own",
    ),
    "a pack whose lock does not hold": (
        lambda: plan(HERE, found_pack(as_yaml({
            "apiVersion": "molthub.dev/v1alpha1", "kind": "SkillPack", "metadata": {"name": "dev"},
            "spec": {"version": 1, "skills": ["gone"], "resolved": {"gone": {"version": "1.0.0", "digest": DIGEST}}},
        }))),
        "gone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_each_refusal_names_its_reason_and_writes_nothing(case: str) -> None:
    make, message = REFUSALS[case]
    made = make()
    told = [problem for outcome in made.outcomes if outcome.state == "refused" for problem in outcome.problems]
    assert any(message in problem.message for problem in told), told
    assert all(problem.severity == "error" for problem in told)
    assert made.files == {}


def test_what_a_hostile_index_calls_things_leads_nowhere() -> None:
    for name, version in (("../../evil", "1.0.0"), ("git", "../1.0.0"), ("@a/../../b", "1.0.0"), ("Git", "1.0.0")):
        made = plan(HERE, found(name=name, version=version))
        assert (made.having("refused"), made.files) == (made.outcomes, {})


def test_the_message_of_the_commit_names_every_version_and_its_place() -> None:
    made = plan(HERE, found())
    assert made.message == f"Import git 2.0.0\n\n- git 2.0.0, git of {INDEX}"


@pytest.mark.parametrize(
    ("kind", "address", "allowed"),
    [
        ("git", "https://203.0.114.1/a.git", ()),
        ("git", "ssh://git@[2600::1]/a.git", ()),
        ("index", "http://203.0.114.1/", ("http",)),
        ("index", "file:///srv/site/", ("file",)),
        ("git", "http://127.0.0.1:8000/a.git", ("http", "private")),
        ("git", "https://no-such-host.invalid/a.git", ()),
    ],
)
def test_addresses_that_may_be_asked(kind: str, address: str, allowed: tuple[str, ...]) -> None:
    check_address(kind, address, frozenset(allowed))
