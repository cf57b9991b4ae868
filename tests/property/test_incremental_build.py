"""However a folder came to be, building a commit into it gives what building that commit anew gives, byte for byte."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from molthub.errors import MolthubError
from molthub.index.build import BuiltIndex, build_index
from molthub.index.folder import BLOB, MARKER, STATE
from molthub.index.search_cut.bounds import Bounds
from molthub.index.update import Updated, Wanted, update
from molthub.registry.catalog import read_catalog
from molthub.registry.trees.git_source import GitSource
from tests.builders import Tree, bot, commit, fleet, overlay, pack, profile, registry, skill, skill_version
from tests.index import walk

NAMES = ("git", "docker", "@acme/tool", "@acme/git", "notes", "lint")
NUMBERS = ("1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0")


@st.composite
def declared(draw: st.DrawFn) -> Tree:
    """Return a registry: few names, so that one commit often changes what the other had."""
    chance = draw(st.randoms(use_true_random=False))
    parts = [one_skill(name, chance) for name in NAMES if chance.random() < 0.8]
    names = [name for name in NAMES if chance.random() < 0.4]
    parts.append(pack("dev", {"skills": names, "envVars": {"A": chance.choice("12")}}))
    parts.append(pack("base", {"displayName": chance.choice(["Base", "Bases"]), "skills": ["git"]}))
    parts.append(profile("plain", skills=chance.sample(NAMES, 2)))
    parts.append(overlay("night", envVars={"B": chance.choice("12")}))
    parts.append(fleet("prod", packs=["dev"], profile="plain"))
    parts += [bot("prod", name, skills=chance.sample(NAMES, 1)) for name in ("ada", "bob") if chance.random() < 0.8]
    tree = registry(*parts, hosts=["roundtable"] if chance.random() < 0.8 else [])
    return tree | {path: text for path, text in ODD.items() if chance.random() < 0.15}


ODD: Tree = {
    "skills/README.md": "stray",
    "skills/Git/1.0.0/SKILL.md": "misnamed",
    "skills/DOCKER/project.yaml": "clashes with docker",
    "skills/git/project.yaml": "broken: [",
    "skills/notes/1.0.0/skill.yaml": "name: other\n",
    "skills/lint/1.0.0/SKILL.md": "not what was recorded",
    "skills/lint/1.0.0/a": "a file",
    "packs/dev/1.yaml": "kind: Nothing\n",
    "fleets/prod/bots/eve.yaml": "kind: [\n",
    "skils/x": "misspelt",
    ".gitattributes": "* text=auto\n",
}


def one_skill(name: str, chance: random.Random) -> Tree:
    numbers = [number for number in NUMBERS if chance.random() < 0.6] or ["1.0.0"]
    reasons: list[dict[str, str]] = [
        {},
        {},
        {},
        {},
        {"yanked": "Bad."},
        {"quarantined": "Watched."},
        {"removed": "It leaks."},
    ]
    wanted = {chance.choice([*NAMES, "absent", "roundtable"]): chance.choice(["^1", ">=1.1", "*"])}
    fields: dict[str, Any] = {"dependencies": wanted} if chance.random() < 0.3 else {}
    fields |= {"tags": [chance.choice(["vcs", "日本"])]} if chance.random() < 0.5 else {}
    files: Tree = {"a/b": "x"} if chance.random() < 0.3 else {}
    project = {"status": "quarantined"} if chance.random() < 0.05 else {}
    return skill(
        name,
        versions={number: skill_version(name, number, files, **fields) for number in numbers},
        records={number: chance.choice(reasons) for number in numbers},
        project=project,
    )


CUT = Bounds(small=2, rows=3, best=2, pair=1)
"""Search lists as small as a registry of few names is cut into many."""


def built(repository: Path, out: Path, *, fleets: bool) -> Updated:
    return update(GitSource(repository), out, Wanted(fleets=fleets, bounds=CUT))


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return an index's files."""
    return {path: content for path, content in walk.contents(folder).items() if path != MARKER}


def forget_old_roots(out: Path) -> None:
    """Let the 30 days of every root be over."""
    for file in out.glob("*.registry.json"):
        then = time.time() - 31 * 24 * 60 * 60
        os.utime(file, (then, then))


def disturb(out: Path, how: str) -> None:
    """Do to a state, or to a document, what people and disks do."""
    state = out / STATE
    if how == "no state":
        state.unlink(missing_ok=True)
    elif how == "no database":
        state.write_bytes(b"SQLite format 3\0" + bytes(500))
    elif how == "cut":
        state.write_bytes(state.read_bytes()[:5000])
    elif how == "a hole":
        content = bytearray(state.read_bytes())
        content[8192 : len(content) // 2] = bytes(len(content) // 2 - 8192)
        state.write_bytes(content)
    elif how == "empty":
        state.write_bytes(b"")
    elif how == "edited root":
        (out / "registry.json").write_bytes(b"{}")
    elif how == "edited list":
        (out / "api/v1/skills.json").write_bytes(b"{}")
    elif how == "lost shards":
        shutil.rmtree(out / "shards")


HOW = (
    "nothing",
    "nothing",
    "nothing",
    "no state",
    "no database",
    "cut",
    "a hole",
    "empty",
    "edited root",
    "edited list",
)


@settings(max_examples=14, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(st.tuples(declared(), st.sampled_from((*HOW, "lost shards"))), min_size=2, max_size=4), st.booleans())
def test_an_incremental_build_is_a_build_from_scratch(commits: list[tuple[Tree, str]], fleets: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, (tree, how) in enumerate(commits):
            commit(tree, folder / "registry.git", bare=True)
            over = built(folder / "registry.git", folder / "over", fleets=fleets)
            anew = built(folder / "registry.git", folder / f"anew-{number}", fleets=fleets)
            walk.verify(folder / "over")
            in_memory = whole(folder / "registry.git", fleets=fleets)
            assert differing(contents(folder / f"anew-{number}"), in_memory.files) == set()
            now = contents(folder / "over")
            older = now.keys() - in_memory.files.keys()
            assert all(BLOB.match(path) for path in older)
            assert differing({path: now[path] for path in now.keys() - older}, in_memory.files) == set()
            assert (over.counts, over.problems, over.unresolved) == (anew.counts, anew.problems, anew.unresolved)
            assert (in_memory.counts, set(in_memory.problems)) == (anew.counts, set(anew.problems))
            assert in_memory.unresolved == anew.unresolved
            disturb(folder / "over", how)
        commit(tree | {"CHANGES.md": "nothing that is declared"}, folder / "registry.git", bare=True)
        built(folder / "registry.git", folder / "over", fleets=fleets)
        forget_old_roots(folder / "over")
        commit(tree, folder / "registry.git", bare=True)
        built(folder / "registry.git", folder / "over", fleets=fleets)
        built(folder / "registry.git", folder / "last", fleets=fleets)
        left = differing(contents(folder / "over"), contents(folder / "last"))
        assert all(path.endswith(".registry.json") for path in left)


def whole(repository: Path, *, fleets: bool) -> BuiltIndex:
    source = GitSource(repository)
    return build_index(read_catalog(source), source, fleets=fleets, bounds=CUT)


def differing(some: Mapping[str, bytes], others: Mapping[str, bytes]) -> set[str]:
    return {path for path in some.keys() | others.keys() if some.get(path) != others.get(path)}


def test_what_did_not_change_is_not_looked_at(tmp_path: Path) -> None:
    names = [f"skill-{number}" for number in range(150)]
    tree = registry(*(skill(name, tags=["a"]) for name in names), pack("dev", {"skills": names[:5]}))
    commit(tree, tmp_path / "r.git", bare=True)
    first = built(tmp_path / "r.git", tmp_path / "site", fleets=False)
    again = built(tmp_path / "r.git", tmp_path / "site", fleets=False)
    assert (again.written, again.unchanged, again.counts) == (0, 0, first.counts)
    for number in ("1.1.0", "1.2.0"):
        commit(tree | skill("skill-7", "1.0.0", number, tags=["a"]), tmp_path / "r.git", bare=True)
        done = built(tmp_path / "r.git", tmp_path / "site", fleets=False)
        assert done.written + done.unchanged < first.written / 10
    unrelated = tree | skill("skill-7", "1.0.0", "1.2.0", tags=["a"]) | {"README.md": "Of no skill.\n"}
    commit(unrelated, tmp_path / "r.git", bare=True)
    assert built(tmp_path / "r.git", tmp_path / "site", fleets=False).written == 2  # the root, under both names


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    tree = registry(*(skill(f"skill-{number}") for number in range(420)), locked=False)
    commit(tree, tmp_path / "r.git", bare=True)
    sites = {}
    for jobs in (1, 3):
        update(GitSource(tmp_path / "r.git"), tmp_path / f"site-{jobs}", Wanted(jobs=jobs))
        sites[jobs] = contents(tmp_path / f"site-{jobs}")
    assert differing(sites[1], sites[3]) == set()


def test_processes_do_not_meet_where_they_write_over_an_index(tmp_path: Path) -> None:
    for text in ("before", "after"):
        made = (skill(f"skill-{number}", description=f"What was {text} {number}.") for number in range(420))
        commit(registry(*made, locked=False), tmp_path / "r.git", bare=True)
        update(GitSource(tmp_path / "r.git"), tmp_path / "over", Wanted(jobs=3))
    update(GitSource(tmp_path / "r.git"), tmp_path / "anew", Wanted())
    over, anew = contents(tmp_path / "over"), contents(tmp_path / "anew")
    assert differing({path: over[path] for path in over.keys() & anew.keys()}, anew) == set()


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_most_of_an_index_goes_only_when_that_is_meant(tmp_path: Path, state: str) -> None:
    commit(registry(*(skill(f"skill-{number}") for number in range(30)), locked=False), tmp_path / "r.git", bare=True)
    built(tmp_path / "r.git", tmp_path / "site", fleets=False)
    before = contents(tmp_path / "site")
    if state == "lost":
        (tmp_path / "site" / STATE).unlink()
    commit(registry(skill("skill-1"), skill("skill-2"), locked=False), tmp_path / "r.git", bare=True)
    with pytest.raises(MolthubError, match="28 of 30 skills would be taken away") as refused:
        update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted(max_delete=0.5))
    assert "--max-delete 94" in refused.value.remedy
    assert contents(tmp_path / "site") == before
    meant = update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted(max_delete=0.94))
    assert meant.counts["skills"] == 2
    walk.verify(tmp_path / "site")
