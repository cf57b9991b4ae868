"""Placeholders, and the references that programs are given in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.errors import PlatformValueError
from molthub.references.secrets import (
    Secret,
    is_sensitive,
    pieces,
    placeholders,
    reference,
    render,
    shared_references,
)


@pytest.mark.parametrize(
    ("secret", "name"),
    [("github_token", "GITHUB_TOKEN"), ("db.prod-1", "DB_PROD_1"), ("x", "X"), ("git_token", "GIT_TOKEN")],
)
def test_a_secret_is_held_by_one_variable(secret: str, name: str) -> None:
    assert reference(secret) == name


@pytest.mark.parametrize(
    "secret",
    ["path", "home", "ld_preload", "ld.library.path", "dyld_insert_libraries", "node_options", "node-options",
     "pythonpath", "python_startup", "bash_env", "git_ssh_command", "git_config_count", "ssl_cert_file", "http_proxy",
     "xdg_config_home", "claude_config_dir", "openclaw_state_dir"],
)  # fmt: skip
def test_a_secret_is_no_variable_that_steers_programs(secret: str) -> None:
    with pytest.raises(PlatformValueError) as caught:
        reference(secret)
    assert [problem.id for problem in caught.value.problems] == ["MH707"]
    assert "steers programs" in caught.value.message


def test_a_secret_whose_name_begins_with_a_digit_is_no_variable() -> None:
    with pytest.raises(PlatformValueError, match="1PASSWORD"):
        reference("1password")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("debug", ("debug",)),
        ("${secrets.a}", (Secret("a"),)),
        ("Bearer ${secrets.a.b-c_1}!", ("Bearer ", Secret("a.b-c_1"), "!")),
        ("$$", ("$",)),
        ("$${secrets.a}", ("${secrets.a}",)),
        ("$$${secrets.a}", ("$", Secret("a"))),
        ("$HOME ${HOME} ${secrets.A} ${secrets.} $", ("$HOME ${HOME} ${secrets.A} ${secrets.} $",)),
        ("${secrets.a}${secrets.b}", (Secret("a"), Secret("b"))),
    ],
)
def test_a_value_is_literal_text_and_secrets(text: str, parts: tuple[object, ...]) -> None:
    assert pieces(text) == parts


@given(st.text("$a{}s.", max_size=12))
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert "".join(map(str, pieces(text.replace("$", "$$")))) == text


def test_secrets_are_found_at_any_depth() -> None:
    value = {"a": ["${secrets.x}", {"b": "-${secrets.y}-${secrets.x}"}], "${secrets.key}": 1, "c": None}
    assert placeholders(value) == ("x", "y")
    assert is_sensitive(value)
    assert not is_sensitive({"a": ["$${secrets.x}", 1, None, True], "${secrets.key}": "v"})


def test_rendering_refers_to_secrets_and_escapes_the_rest() -> None:
    value = {"args": ["a$$b${secrets.t}", 1, None], "on": True}
    assert render(value, lambda secret: f"<{secret}>", str.upper) == {"args": ["A$B<t>", 1, None], "on": True}


def test_two_secrets_of_a_bot_are_not_one_variable() -> None:
    desired = {
        "env/A": "${secrets.github.token}",
        "mcp/m": {"command": "x", "env": {"T": "${secrets.github-token}"}},
        "env/B": "${secrets.other}",
        "env/C": "plain",
    }
    found = shared_references(desired)
    assert sorted(found) == ["env/A", "mcp/m"]
    assert {problem.id for problem in found.values()} == {"MH707"}
    assert "'github.token' and 'github-token'" in found["mcp/m"].message
    assert "GITHUB_TOKEN" in found["mcp/m"].message


def test_one_secret_used_twice_is_no_clash() -> None:
    assert shared_references({"env/A": "${secrets.t}", "env/B": "${secrets.t}", "env/C": "${secrets.path}"}) == {}
