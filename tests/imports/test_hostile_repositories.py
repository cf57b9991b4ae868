"""Repositories and hosts that mean harm: each is refused in its own words, nothing is run, and nothing is kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from molthub.cli.upstream_orders import Delivery, Limits, Order, Place
from molthub.cli.upstream_process import fetched
from molthub.errors import RefusedUpstreamError, UpstreamError
from molthub.registry.upstreams.allowed import check_address
from tests.imports.git_host import (
    EXECUTABLE,
    LINK,
    NOTES,
    SUBMODULE,
    Entry,
    GitHost,
    commit_skills,
    cut,
    denied,
    dripping,
    moved,
    with_raw_tree,
)

OPEN = ("http", "private")
WRONG = f"sha256:{'0' * 64}"
GONE = "1" * 40


def fetch(
    location: str,
    store: Path,
    *,
    allowed: tuple[str, ...] = OPEN,
    limits: Limits = Limits(60),  # noqa: B008 (a tuple of numbers)
    **order: str,
) -> Delivery | UpstreamError | None:
    """Order one version, as a build does."""
    place = Place("git", location, allowed)
    return next(iter(fetched(place, [Order(**{"path": "skills/notes", "revision": "HEAD", **order})], store, limits)))[
        1
    ]


def refused(answer: Delivery | UpstreamError | None, store: Path) -> UpstreamError:
    assert isinstance(answer, UpstreamError), answer
    assert answer.remedy
    assert not list(store.glob("*.tar.gz"))
    return answer


TREES: dict[str, tuple[dict[str, Entry], str, str]] = {
    "a link": ({"skills/notes/leak": ("/etc/passwd", LINK)}, "skills/notes", "skills/notes/leak: a link"),
    "a submodule": ({"skills/notes/sub": (GONE, SUBMODULE)}, "skills/notes", "skills/notes/sub: a submodule"),
    "a pointer of LFS": (
        {"skills/notes/big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"},
        "skills/notes", "big.bin: the file is kept in Git LFS",
    ),
    "attributes that change bytes": (
        {"skills/notes/.gitattributes": "* text=auto\n"}, "skills/notes", "changes the bytes of files at checkout",
    ),
    "names that clash": (
        {"skills/notes/A.md": "a", "skills/notes/a.md": "b"}, "skills/notes", "some systems cannot tell it from",
    ),
    "a name of Windows": ({"skills/notes/aux": "a"}, "skills/notes", "cannot exist on Windows"),
    "a path through a link": ({"way": ("skills", LINK)}, "way/notes", "way in way/notes is a link"),
    "a path into a submodule": ({"sub": (GONE, SUBMODULE)}, "sub/notes", "sub in sub/notes is a submodule"),
    "a path to a file": ({}, "README.md", "README.md in README.md is a file"),
    "a path that leaves": ({}, "skills/../../notes", "there is no folder skills/../../notes"),
    "a path that is not there": ({}, "skills/none", "there is no folder skills/none"),
    "too many files": ({f"skills/notes/{n}": "" for n in range(1001)}, "skills/notes", "more than 1000 files"),
}  # fmt: skip


@pytest.mark.parametrize("case", TREES)
def test_what_a_tree_may_not_hold_is_refused(host: GitHost, tmp_path: Path, case: str) -> None:
    entries, path, message = TREES[case]
    commit_skills(host.root / "skills.git", NOTES | entries)
    error = refused(
        fetch(f"file://{host.root}/skills.git", tmp_path / "store", allowed=("file",), path=path), tmp_path / "store"
    )
    assert message in str(error)


def test_nothing_that_a_repository_brings_is_run(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {ran}\ncat\n"
    program = tmp_path / "program"
    program.write_text(script)
    program.chmod(0o755)
    home = Path(os.environ["HOME"])
    (home / ".gitconfig").write_text(
        f'[filter "evil"]\n\tsmudge = {program}\n\tclean = {program}\n\trequired = true\n'
        f"[core]\n\thooksPath = {tmp_path}/hooks\n\tfsmonitor = {program}\n\tsshCommand = {program}\n"
        f"[credential]\n\thelper = {program}\n[uploadpack]\n\tpackObjectsHook = {program}\n"
        f'[url "ext::{program}"]\n\tinsteadOf = http\n[init]\n\ttemplateDir = {tmp_path}/template\n'
    )
    for folder in (tmp_path / "hooks", tmp_path / "template/hooks", host.root / "skills.git/hooks"):
        folder.mkdir(parents=True, exist_ok=True)
        for hook in ("post-checkout", "reference-transaction", "post-merge", "post-update"):
            (folder / hook).write_text(script)
            (folder / hook).chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_ASKPASS", str(program))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    entries: dict[str, Entry] = {
        ".gitattributes": "* filter=evil\n",
        ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = https://x.example/x.git\n\tupdate = !touch x\n',
        "x": (GONE, SUBMODULE),
        "skills/notes/hooks/post-checkout": (script, EXECUTABLE),
    }
    commit_skills(
        host.root / "skills.git", NOTES | {key: value for key, value in entries.items() if key != ".gitmodules"}
    )
    answer = fetch(host.url(), tmp_path / "store")
    assert isinstance(answer, Delivery), answer
    commit_skills(host.root / "skills.git", NOTES | entries)
    refused(fetch(host.url(), tmp_path / "other"), tmp_path / "other")  # git's own check refuses such a .gitmodules
    assert not ran.exists()


ADDRESSES = {
    "ext::sh -c id": "no address of an upstream",
    "--upload-pack=touch ran": "no address of an upstream",
    "ssh://-oProxyCommand=touch%20ran/x.git": "no address of an upstream",
    "ssh://git@-oProxyCommand=x/x.git": "no address of an upstream",
    "git@host.example:x.git": "no address of an upstream",
    "git://git.example.com/x.git": "no address of an upstream",
    "/srv/x.git": "no address of an upstream",
    "https://ada:secret@git.example.com/x.git": "holds a name or password",
    "https://git.example.com/x.git?a=1": "no address of an upstream",
    "file:///srv/x.git": "a folder of this machine",
    "http://git.example.com/x.git": "http, which anybody on the way",
    "https://127.0.0.1/x.git": "in a private network (127.0.0.1)",
    "https://[::1]/x.git": "in a private network (::1)",
    "https://169.254.169.254/latest.git": "in a private network (169.254.169.254)",
    "ssh://git@10.0.0.1/x.git": "in a private network (10.0.0.1)",
    "https://localhost/x.git": "in a private network",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_are_not_asked(address: str) -> None:
    with pytest.raises(RefusedUpstreamError) as refused:
        check_address("git", address, frozenset())
    assert ADDRESSES[address] in refused.value.message
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("address", ["ext::sh -c id", "--upload-pack=touch ran", "https://127.0.0.1/x.git"])
def test_the_process_that_fetches_judges_addresses_itself(tmp_path: Path, address: str) -> None:
    error = refused(fetch(address, tmp_path / "store", allowed=()), tmp_path / "store")
    assert error.problem_id == "MH903"


@pytest.mark.parametrize("revision", ["--upload-pack=x", "-x", "a..b", "HEAD@{1}", "main:skills", "x y", ""])
def test_revisions_that_are_none(host: GitHost, tmp_path: Path, revision: str) -> None:
    error = refused(fetch(host.url(), tmp_path / "store", revision=revision), tmp_path / "store")
    assert "is no revision" in str(error)


HOSTS: dict[str, tuple[Callable[[GitHost], None], str]] = {
    "another host": (lambda host: host.faults.update({"info/refs": moved("http://localhost:9/x.git")}), "it redirects"),
    "another protocol": (lambda host: host.faults.update({"info/refs": moved("file:///x.git")}), "it redirects"),
    "cut off": (lambda host: host.faults.update({"git-upload-pack": cut}), ""),
    "a password": (lambda host: host.faults.update({"info/refs": denied}), "it gives nothing to this user"),
}


@pytest.mark.parametrize("case", HOSTS)
def test_hosts_that_misbehave(host: GitHost, tmp_path: Path, case: str) -> None:
    spoil, message = HOSTS[case]
    head = commit_skills(host.root / "skills.git", NOTES)
    spoil(host)
    error = refused(fetch(host.url(), tmp_path / "store", revision=head), tmp_path / "store")
    assert message in str(error)


def test_a_host_that_drips_is_given_up_and_nothing_of_it_runs_on(host: GitHost, tmp_path: Path) -> None:
    host.faults["info/refs"] = dripping
    error = refused(fetch(host.url(), tmp_path / "store", limits=Limits(1.5)), tmp_path / "store")
    assert "took longer than 1.5 seconds and was stopped" in str(error)
    assert not fetching(host)


def test_a_build_that_is_killed_leaves_nobody_fetching(host: GitHost, tmp_path: Path) -> None:
    host.faults["info/refs"] = dripping
    code = (
        "from pathlib import Path\n"
        "from molthub.cli.upstream_orders import Limits, Order, Place\n"
        "from molthub.cli.upstream_process import fetched\n"
        f"place = Place('git', {host.url()!r}, ('http', 'private'))\n"
        f"list(fetched(place, [Order(path='x', revision='HEAD')], Path({str(tmp_path)!r}), Limits(600)))\n"
    )
    build = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: bool(host.requests and fetching(host)))
    build.kill()
    build.wait()
    until(lambda: not fetching(host))


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")


def fetching(host: GitHost) -> list[str]:
    """Return the command lines of git that name this host."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            words = process.read_bytes().decode("utf-8", "replace").split("\0")
            if words[0].rpartition("/")[2].startswith("git") and host.url() in words:
                found.append(" ".join(words))
    return found


def test_a_commit_that_is_not_there(host: GitHost, tmp_path: Path) -> None:
    for modern in (True, False):
        host.modern = modern
        error = refused(fetch(host.url(), tmp_path / "store", revision=GONE), tmp_path / "store")
        assert "does not have this commit" in str(error) or "is missing or damaged" in str(error)


def test_no_such_repository_and_nobody_there(host: GitHost, tmp_path: Path) -> None:
    assert "there is no such repository" in str(fetch(host.url("none.git"), tmp_path / "store"))
    assert "nobody answers there" in str(fetch("http://127.0.0.1:9/x.git", tmp_path / "store"))


def test_a_git_that_would_read_its_users_configuration_is_not_used(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tmp_path / "old/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/old:{os.environ['PATH']}")
    error = refused(fetch(host.url(), tmp_path / "store"), tmp_path / "store")
    assert ("git version 2.30.2 cannot be told" in error.message, error.remedy) == (True, "install git 2.32 or newer")


def test_bytes_that_are_not_those_recorded(host: GitHost, tmp_path: Path) -> None:
    error = refused(fetch(host.url(), tmp_path / "store", digest=WRONG), tmp_path / "store")
    assert (error.problem_id, WRONG in error.message) == ("MH902", True)


def test_a_repository_that_is_too_large_is_not_fetched(host: GitHost, tmp_path: Path) -> None:
    commit_skills(host.root / "skills.git", NOTES | {"big": os.urandom(3_000_000)})
    limits = Limits(60, repository=1_000_000)
    error = refused(fetch(host.url(), tmp_path / "store", limits=limits), tmp_path / "store")
    assert "larger than is fetched" in str(error)


@pytest.mark.parametrize(("name", "mode"), [(b"..", b"40000"), (b".git", b"40000"), (b"a/b", b"100644")])
def test_trees_that_git_would_not_write(host: GitHost, tmp_path: Path, name: bytes, mode: bytes) -> None:
    odd = with_raw_tree(host.root / "skills.git", name, mode, b"x")
    error = refused(fetch(host.url(), tmp_path / "store", revision=odd, path=""), tmp_path / "store")
    assert "git refuses what it sent" in str(error)
