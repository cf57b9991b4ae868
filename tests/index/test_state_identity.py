"""A state is believed by the same program, made with the same libraries, for the same wishes; else all is made anew."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from molthub.index.folder import STATE
from molthub.index.incremental.identity import MADE_WITH, identity, versions
from molthub.index.search_cut.bounds import Bounds
from molthub.index.state.state import State
from molthub.index.update import Wanted, update
from molthub.registry.trees.git_source import GitSource
from tests.builders import commit, registry, skill
from tests.index import walk


def needed(name: str, extras: set[str], seen: set[str]) -> set[str]:
    """Return what a distribution needs here, and what that needs."""
    for said in requires(name) or ():
        requirement = Requirement(said)
        wanted = requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in extras | {""})
        found = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if wanted and found not in seen and _is_installed(found):
            seen.add(found)
            needed(found, requirement.extras, seen)
    return seen


def _is_installed(name: str) -> bool:
    try:
        requires(name)
    except PackageNotFoundError:  # for another system, or an older Python
        return False
    return True


def test_everything_that_building_needs_is_part_of_it() -> None:
    assert needed("molthub", {"registry"}, set()) <= MADE_WITH


def test_versions_are_those_of_the_folders_of_what_was_installed(tmp_path: Path) -> None:
    for name in ("Deflate-0.9.0.dist-info", "ruamel.yaml-0.18.1.dist-info", "pytest-8.0.dist-info", "nh3"):
        (tmp_path / name).mkdir()
    found = versions([str(tmp_path), str(tmp_path / "absent")])
    assert found == ["Deflate-0.9.0.dist-info", "ruamel.yaml-0.18.1.dist-info"]


@pytest.mark.parametrize("other", [Wanted(fleets=True), Wanted(bounds=Bounds(small=1))])
def test_other_wishes_are_another_identity(other: Wanted) -> None:
    assert identity(Wanted()) == identity(Wanted(jobs=3, max_delete=0.5)) != identity(other)


@pytest.mark.parametrize("known", [True, False])
def test_what_another_program_left_is_made_anew_with_the_same_bytes(tmp_path: Path, *, known: bool) -> None:
    commit(registry(skill("git"), skill("docker"), locked=False), tmp_path / "r.git", bare=True)
    update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted())
    before = walk.contents(tmp_path / "site")
    if not known:
        with State(tmp_path / "site" / STATE, identity(Wanted())) as state:
            state.remember("identity", identity(Wanted()).replace("molthub ", "molthub 0."))
    (tmp_path / "site" / "s" / "git" / "index.html").unlink(missing_ok=True)
    (tmp_path / "site" / "simple" / "git" / "index.html").unlink()
    done = update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted())
    assert (done.written == 0) == known
    assert (walk.contents(tmp_path / "site") == before) != known


def test_a_build_that_made_everything_again_is_believed_by_the_next(tmp_path: Path) -> None:
    commit(registry(skill("git"), skill("docker"), locked=False), tmp_path / "r.git", bare=True)
    update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted())
    (tmp_path / "site" / STATE).unlink()
    (tmp_path / "site" / "simple" / "git" / "index.html").unlink()
    again = update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted())
    assert again.written >= 1
    last = update(GitSource(tmp_path / "r.git"), tmp_path / "site", Wanted())
    assert (last.written, last.unchanged) == (0, 0)
