"""An index with fewer views: the same read path, and nothing that was not asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.index.folder import MARKER, STATE
from molthub.index.update import Wanted, update, update_whole
from molthub.index.views import Views
from molthub.registry.trees.git_source import GitSource
from tests.builders import commit, one_of_everything, skill
from tests.index import walk

TREE = one_of_everything(skill("notes", "1.0.0", "1.1.0"), url="https://skills.example.com/")
READ_PATH = ("archives/", "shards/", "search/", "fleets/", "bots/", "publishers/", "signatures/")
OWN = "CNAME"
"""A file of the owner's beside the index."""

FOR_HOSTS = {".nojekyll", "404.html", "Caddyfile", "_headers", "_redirects", "nginx.conf"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    commit(TREE, tmp_path / "registry")
    return tmp_path / "registry"


def built(repository: Path, out: Path, views: Views) -> dict[str, bytes]:
    """Build step by step, and check that a build in one step gives the same files."""
    source = GitSource(repository)
    update(source, out, Wanted(fleets=True, views=views))
    whole = out.with_name(f"{out.name}-{views}-whole")
    update_whole(source, whole, Wanted(fleets=True, views=views))
    files = contents(out)
    assert files == contents(whole)
    return files


def contents(out: Path) -> dict[str, bytes]:
    return {path: content for path, content in walk.contents(out).items() if path not in (MARKER, STATE, OWN)}


def in_read_path(path: str) -> bool:
    return path.startswith(READ_PATH) or path.endswith("registry.json")


def test_without_views_there_is_the_read_path_and_what_hosts_need(repository: Path, tmp_path: Path) -> None:
    files = built(repository, tmp_path / "site", Views.NONE)
    assert {path for path in files if not in_read_path(path)} == FOR_HOSTS
    walk.verify(tmp_path / "site")


def test_views_for_clients_hold_no_page(repository: Path, tmp_path: Path) -> None:
    everything = built(repository, tmp_path / "all", Views.ALL)
    for_clients = built(repository, tmp_path / "clients", Views.CLIENTS)
    assert for_clients.items() <= everything.items()
    for path in ("simple/git/index.html", "api/v1/skills/git.json", "s/git/.well-known/agent-skills/index.json"):
        assert path in for_clients
    left_out = everything.keys() - for_clients.keys()
    assert {"index.html", "sitemap.xml", "skills/git/index.html", "skills/git/feed.atom", "packs/dev/index.html"} <= (
        left_out
    )
    assert all(path.startswith(("skills/", "packs/", "tags/", "publishers/", "assets/")) or "/" not in path
               for path in left_out)  # fmt: skip


def test_the_read_path_does_not_depend_on_views(repository: Path, tmp_path: Path) -> None:
    of = {views: built(repository, tmp_path / views, views) for views in Views}
    paths = [{path: content for path, content in files.items() if in_read_path(path)} for files in of.values()]
    # Of publishers and signatures some files are for people; those are written with the read path.
    assert paths[0].items() <= paths[1].items()
    assert paths[0] == {path: content for path, content in paths[2].items() if not path.endswith(".html")}


@pytest.mark.parametrize("then", list(Views))
def test_a_folder_is_brought_to_other_views_and_back(repository: Path, tmp_path: Path, then: Views) -> None:
    out = tmp_path / "site"
    everything = built(repository, out, Views.ALL)
    (out / OWN).write_text("skills.example.com\n")
    assert built(repository, out, then).keys() <= everything.keys()
    assert built(repository, out, Views.ALL) == everything
    assert (out / OWN).is_file()
