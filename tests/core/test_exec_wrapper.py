"""The entry of a server whose secrets are found when it starts."""

from __future__ import annotations

import pytest

from molthub.errors import PlatformValueError
from molthub.references.exec_wrapper import handed_server, variables, wrapped_server

GITHUB = {
    "command": "npx",
    "args": ["-y", "server", "--token=${secrets.github_token}", "a$$b"],
    "env": {"TOKEN": "${secrets.github_token}", "PRICE": "5$$", "URL": "x${secrets.db-url}"},
}


def test_a_server_with_a_secret_is_started_by_exec_and_its_words_stay_as_declared() -> None:
    assert wrapped_server("github", GITHUB) == {
        "command": "molthub",
        "args": ["exec", "--server", "github", "--", "npx", "-y", "server", "--token=${secrets.github_token}", "a$$b"],
        "env": {"PRICE": "5$"},
    }


def test_no_variable_left_is_no_environment() -> None:
    server = {"command": "x", "env": {"T": "${secrets.t}"}}
    assert wrapped_server("a", server) == {"command": "molthub", "args": ["exec", "--server", "a", "--", "x"]}


@pytest.mark.parametrize(
    ("server", "meant"),
    [
        ({"command": "x", "args": ["$$", "$HOME"]}, {"command": "x", "args": ["$", "$HOME"]}),
        ({"command": "x", "env": {"A": "$${secrets.t}"}}, {"command": "x", "env": {"A": "${secrets.t}"}}),
        ({"url": "https://a.example/", "transport": "sse"}, {"url": "https://a.example/", "transport": "sse"}),
    ],
)
def test_what_holds_no_secret_is_not_wrapped(server: object, meant: object) -> None:
    assert wrapped_server("a", server) == meant


def test_what_a_program_hands_over_by_its_name_needs_no_exec() -> None:
    own = {"command": "x", "args": ["a$$"], "env": {"GITHUB_TOKEN": "${secrets.github_token}", "A": "1"}}
    assert handed_server("a", own) == {"command": "x", "args": ["a$"], "env": {"A": "1"}}
    assert handed_server("a", {"command": "x", "env": {"T": "${secrets.t}"}}) == {"command": "x"}
    other = {"command": "x", "env": {"GITHUB_TOKEN": "${secrets.github_token}", "URL": "a${secrets.t}"}}
    assert handed_server("a", other) == wrapped_server("a", other)


def test_a_secret_of_a_server_that_is_not_started_is_refused() -> None:
    server = {"url": "https://a.example/", "headers": {"Authorization": "Bearer ${secrets.t}"}}
    with pytest.raises(PlatformValueError) as caught:
        wrapped_server("tickets", server)
    assert [problem.id for problem in caught.value.problems] == ["MH707"]
    assert caught.value.message.startswith("mcp/tickets: ")


def test_the_variables_that_hold_a_servers_secrets() -> None:
    assert variables(GITHUB) == ("GITHUB_TOKEN", "DB_URL")
    with pytest.raises(PlatformValueError):
        variables({"command": "x", "env": {"A": "${secrets.ld_preload}"}})
