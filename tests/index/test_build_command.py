"""``molthub build`` and ``molthub serve`` as people and programs call them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from molthub.cli.main import molthub_group
from molthub.console import run
from tests.builders import bot, commit, fleet, pack, registry, skill, write_tree
from tests.index import walk

TREE = registry(
    skill("git", "1.1.0", "1.2.0"),
    pack("dev", {"skills": ["git"]}),
    fleet("prod", packs=["dev"]),
    bot("prod", "ada"),
)


def molthub(*arguments: str | Path) -> int:
    return run(molthub_group, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(TREE, tmp_path / "registry")


def test_a_build_says_what_it_did_and_what_to_do_next(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 0
    said = capsys.readouterr()
    assert "1 skill (2 versions), 1 pack" in said.out
    assert "0 unchanged" in said.out
    assert "molthub serve --index" in said.err
    assert "fleets" not in walk.verify(tmp_path / "site")


def test_the_default_is_this_folder_into_site(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert molthub("build") == 0
    walk.verify(folder / "site")
    assert molthub("build") == 0
    assert "0 files written" in capsys.readouterr().out


def test_json_holds_all_of_it(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert molthub("build", "--json", "--fleets", "--registry", folder, "--out", tmp_path / "site") == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    root = walk.verify(tmp_path / "site")
    assert said["revision"] == root["revision"]
    assert said["counts"] == {"skills": 1, "versions": 2, "packs": 1, "packVersions": 1, "fleets": 1, "bots": 1}
    assert said["written"] > 40
    assert (said["unchanged"], said["removed"], said["problems"], said["unresolved"]) == (0, 0, [], [])


def test_a_revision_is_built_without_checking_it_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = tmp_path / "registry.git"
    first = commit(registry(skill("git", "1.1.0")), repository, bare=True)
    second = commit(TREE, repository, bare=True)
    assert molthub("build", "--registry", repository, "--out", tmp_path / "new") == 0
    assert molthub("build", "--registry", repository, "--rev", first, "--out", tmp_path / "old") == 0
    assert walk.verify(tmp_path / "new")["revision"] == second
    assert walk.verify(tmp_path / "old")["revision"] == first
    assert molthub("build", "--registry", repository, "--rev", "nothing", "--out", tmp_path / "none") == 1
    assert not (tmp_path / "none").exists()
    assert "nothing" in capsys.readouterr().err


def test_uncommitted_files_are_counted_and_built_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = tmp_path / "registry"
    commit(registry(skill("git", "1.1.0")), repository)
    write_tree(TREE, repository)
    assert molthub("build", "--registry", repository, "--out", tmp_path / "site") == 0
    assert "--worktree" in capsys.readouterr().err
    assert sorted(walk.releases(tmp_path / "site", walk.verify(tmp_path / "site"))) == ["skill/git@1.1.0"]
    assert molthub("build", "--registry", repository, "--worktree", "--out", tmp_path / "site") == 0
    assert "uncommitted files" not in capsys.readouterr().err
    assert "pack/dev@1" in walk.releases(tmp_path / "site", walk.verify(tmp_path / "site"))


def test_what_was_left_out_is_named_and_the_rest_is_built(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree({"skills/git/1.1.0/SKILL.md": "---\nname: git\ndescription: Changed.\n---\n"}, folder)
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 4
    said = capsys.readouterr().err
    assert "skills/git/project.yaml:" in said
    assert "MH404" in said
    assert sorted(walk.releases(tmp_path / "site", walk.verify(tmp_path / "site"))) == ["pack/dev@1", "skill/git@1.2.0"]


def test_a_bot_that_does_not_resolve_is_named_and_the_others_are_built(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(bot("prod", "eve", skills=["nothing"]), folder)
    assert molthub("build", "--fleets", "--registry", folder, "--out", tmp_path / "site") == 4
    assert "fleets/prod/bots/eve.yaml:" in capsys.readouterr().err
    walk.verify(tmp_path / "site")
    assert molthub("build", "--registry", folder, "--out", tmp_path / "public") == 0


def test_when_nothing_can_be_built_nothing_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 0
    before = walk.contents(tmp_path / "site")
    for number in ("1.1.0", "1.2.0"):
        write_tree({f"skills/git/{number}/SKILL.md": "changed"}, folder)
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 1
    said = capsys.readouterr().err
    assert "nothing was written" in said
    assert "MH404" in said
    assert walk.contents(tmp_path / "site") == before


@pytest.mark.parametrize("content", [None, "name: [", "nome: acme\n"])
def test_a_registry_that_cannot_be_read_is_an_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    if content is None:
        (folder / "registry.yaml").unlink()
    else:
        (folder / "registry.yaml").write_text(content)
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 1
    assert "registry" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_somebodys_folder_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tree({"site/thesis.txt": "x"}, tmp_path)
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site") == 1
    assert "new or empty folder" in capsys.readouterr().err
    assert molthub("build", "--registry", folder, "--out", tmp_path / "site" / "thesis.txt") == 1
    assert walk.contents(tmp_path / "site") == {"thesis.txt": b"x"}


def test_a_revision_of_the_files_on_disk_makes_no_sense(folder: Path) -> None:
    assert molthub("build", "--registry", folder, "--rev", "HEAD", "--worktree") == 2


@pytest.mark.parametrize("missing", ["pygit2", "deflate"])
def test_an_installation_without_the_registry_part_says_what_to_install(
    folder: Path, tmp_path: Path, missing: str
) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from molthub.cli.main import molthub; molthub()"
    command = [sys.executable, "-c", program, "build", "--registry", str(folder), "--out", str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'molthub[registry]'" in done.stderr
    assert not (tmp_path / "site").exists()


# --- serve ---------------------------------------------------------------------------------------------------------


# A test run in the background ignores SIGINT, and its children inherit that.
SERVE = """
import signal, sys
from molthub.cli.main import molthub_group
from molthub.console import run
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(run(molthub_group, ["serve", "--index", sys.argv[1], "--port", "0"]))
"""


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    molthub("build", "--registry", folder, "--out", tmp_path / "site")
    command = [sys.executable, "-c", SERVE, str(tmp_path / "site")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
        process.kill()


def test_serve_says_where_answers_and_ends_cleanly(served: tuple[subprocess.Popen[str], str]) -> None:
    process, url = served
    with urlopen(f"{url}api/v1/search?q=git") as answer:  # noqa: S310 (our own address)
        assert [found["name"] for found in json.load(answer)["results"]] == ["git", "dev"]
    process.send_signal(signal.SIGINT)
    _out, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "stopped" in said
    assert f"--registry {url}" in said
    assert "GET /api/v1/search?q=git" in said


def test_serve_refuses_a_folder_without_an_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert molthub("serve", "--index", tmp_path) == 1
    assert "molthub build" in capsys.readouterr().err
