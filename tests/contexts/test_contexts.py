"""`contexts.yaml`: what is written and read, what a command takes from it, and how it is edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.contexts.context_file import Context, chosen_context, contexts_file, need, read_contexts
from molthub.errors import FormatError, NotFoundError, UsageError
from tests.registry.command import Command

TEXT = """\
# mine
current: prod  # be careful
contexts:
  prod:
    index: https://skills.example.com/
    target: /srv/bots
  staging: {index: site, target: ~/bots, state: ../state, registry: .}
"""


def _write(text: str) -> Path:
    path = contexts_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_no_file_is_no_context() -> None:
    contexts = read_contexts()
    assert (contexts.current, contexts.known) == (None, {})
    with pytest.raises(NotFoundError, match="there is no context prod"):
        contexts.named("prod")


def test_paths_are_from_where_the_file_stands_and_addresses_as_they_are(home: Path) -> None:
    folder = _write(TEXT).parent
    contexts = read_contexts()
    assert contexts.current == "prod"
    assert contexts.named("prod") == Context("prod", "https://skills.example.com/", "/srv/bots")
    assert contexts.named("staging") == Context(
        "staging", str(folder / "site"), str(home / "bots"), str(folder / "../state"), str(folder)
    )
    with pytest.raises(NotFoundError) as caught:
        contexts.named("stagin")
    assert caught.value.remedy == "did you mean staging?"


def test_another_file_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLTHUB_CONTEXTS", str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_text("contexts: {a: {target: bots}}\n")
    assert read_contexts().named("a").target == str(tmp_path / "bots")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- a", 1, "this is no file of contexts"),
        ("contexts: [a]", 1, "this is no file of contexts"),
        ("contexts: {}\nusers: {}", 2, "users has no place here"),
        ("contexts:\n  a b: {}", 2, "a b is no context"),
        ("contexts:\n  a: x", 2, "a is no context"),
        ("contexts:\n  a:\n    idnex: x", 3, "idnex is no setting of a context"),
        ("contexts:\n  a:\n    index: [x]", 3, "index is no setting of a context"),
        ("current: b\ncontexts: {a: {}}", 1, "the current context b is none of those below"),
        ("contexts: {", 2, "not YAML"),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, line: int, message: str) -> None:
    path = _write(text)
    with pytest.raises(FormatError) as caught:
        read_contexts()
    assert message in caught.value.message
    assert f"{path}:{line}" in str(caught.value)
    assert "molthub context set" in caught.value.remedy
    path.write_bytes(b"\xff")
    with pytest.raises(FormatError, match="no UTF-8"):
        read_contexts()


def test_the_current_context_counts_only_where_no_place_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    _write(TEXT)
    assert chosen_context(None, {"index": None, "target": None}).target == "/srv/bots"
    assert chosen_context(None, {"state": "/s"}) == Context("prod", "https://skills.example.com/", "/srv/bots", "/s")
    # Whoever types one place and forgets the other must not reach other bots than those that were meant.
    assert chosen_context(None, {"index": "site", "target": None}) == Context("", "site")
    assert chosen_context("prod", {"index": "site"}) == Context("prod", "site", "/srv/bots")
    monkeypatch.setenv("MOLTHUB_CONTEXT", "staging")
    assert chosen_context(None, {}).name == "staging"
    with pytest.raises(NotFoundError):
        chosen_context("none", {})


def test_what_nobody_says_is_asked_for() -> None:
    need(Context("", "site", "bots"), "index", "target")
    with pytest.raises(UsageError, match="there is no target: the context prod does not say it"):
        need(Context("prod", "site"), "index", "target")
    with pytest.raises(UsageError, match="there is no index and no target: no context is set") as caught:
        need(Context(""), "index", "target")
    assert "give --index and --target, or set it once: molthub context set NAME" in caught.value.remedy


def test_contexts_are_set_used_shown_and_removed(molthub: Command, tmp_path: Path) -> None:
    empty = molthub("context", "list")
    assert (empty.status, empty.out, "there are no contexts yet" in empty.err) == (0, "", True)
    assert molthub("context", "show").status == 1
    made = molthub("context", "set", "prod", "--index", "https://skills.example.com/", "--target", "bots")
    assert (made.status, made.out, "it is the current one" in made.err) == (0, "made the context prod\n", True)
    other = molthub("context", "set", "staging", "--index", "site", "--state", "state", "--registry", ".", "--json")
    expected = {"name": "staging", "index": f"{tmp_path}/site", "state": f"{tmp_path}/state", "registry": str(tmp_path)}
    assert (other.json, "molthub context use staging" in other.err) == (expected, True)
    assert molthub("context", "use", "staging").out == "the current context is staging\n"
    assert molthub("context", "show", "--json").json["name"] == "staging"
    listed = molthub("context", "list", "--json").json
    assert (listed["current"], [one["name"] for one in listed["contexts"]]) == ("staging", ["prod", "staging"])
    assert molthub("context", "list").out.splitlines()[2].startswith("*  staging")
    assert molthub("context", "show", "prod").out.splitlines()[-1] == f"target: {tmp_path}/bots"
    assert molthub("context", "remove", "staging").status == 0
    assert read_contexts().current is None
    assert list(read_contexts().known) == ["prod"]


def test_editing_keeps_what_its_owner_wrote(molthub: Command) -> None:
    path = _write(TEXT)
    assert molthub("context", "set", "prod", "--state", "/var/lib/molthub").out == "changed the context prod\n"
    added = "    state: /var/lib/molthub\n"
    assert path.read_text() == TEXT.replace("/srv/bots\n", f"/srv/bots\n{added}")
    assert path.stat().st_mode & 0o777 == 0o600
    molthub("context", "use", "staging")
    assert "current: staging  # be careful" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "a b", "--index", "x"], "'a b' is no name for a context"),
        (["set", "a"], "nothing is said about it"),
        (["set", "a", "--index", "https://me:secret@skills.example.com/"], "must not hold a user or password"),
    ],
)
def test_what_makes_no_context_is_refused(molthub: Command, arguments: list[str], message: str) -> None:
    ran = molthub("context", *arguments)
    assert (ran.status, message in ran.err, "secret@" in ran.err) == (2, True, False)
    assert not contexts_file().exists()


def test_names_that_are_not_there_are_said(molthub: Command) -> None:
    for command in ("use", "remove", "show"):
        ran = molthub("context", command, "none")
        assert (ran.status, "there is no context none" in ran.err) == (1, True)
