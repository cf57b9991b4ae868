"""Which texts count as secrets, and how they are called."""

from __future__ import annotations

import pytest

from molthub.adopting.literals import Literals
from molthub.model import Json
from molthub.references.secrets import is_sensitive, placeholders, reference

LONG = "X" * 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GITHUB_TOKEN", "x"),
        ("OPENAI_API_KEY", "x"),
        ("apiKey", "x"),
        ("DB_PASSWORD", "x"),
        ("PLAIN", "ghp_" + "a" * 36),
        ("DATABASE_URL", "postgres://ada:pw@db.example.com/x"),
        ("PYTHON_TOKEN", "x"),
        ("GIT_CONFIG_TOKEN", "x"),
        ("LD_TOKEN", "x"),
        (f"{LONG}_TOKEN", "x"),
        ("_1_TOKEN", "x"),
    ],
)
@pytest.mark.parametrize("server", ["github", "python", "git-config", "2fa", "-"])
def test_a_secret_gets_a_name_that_may_be_a_variable(name: str, text: str, server: str) -> None:
    literals = Literals()
    found = literals.replaced(f"mcp/{server}", {"command": "x", "env": {name: text}}, "file")
    (secret,) = placeholders(found)
    assert reference(secret)
    assert [one.name for one in literals.needed] == [secret]
    assert text not in repr(literals) or len(text) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [("LOG_LEVEL", "debug"), ("MONKEY", "x"), ("KEYBOARD", "de"), ("GITHUB_TOKEN", ""), ("A_KEY", "${secrets.a}")],
)
def test_what_is_no_secret_stays(name: str, text: str) -> None:
    value: Json = {"command": "x", "env": {name: text}}
    assert Literals().replaced("mcp/a", value, "file") == value


def test_one_text_has_one_name_and_two_texts_have_two() -> None:
    literals = Literals(frozenset({"b_token"}))
    found = [
        literals.replaced(f"mcp/{server}", {"command": "x", "env": {"TOKEN": text}}, "file")["env"]["TOKEN"]
        for server, text in [("a", "1"), ("b", "1"), ("b", "2"), ("b", "3"), ("c", "2")]
    ]
    assert found == [
        *("${secrets.token}", "${secrets.token}", "${secrets.secret_b_token}"),
        *("${secrets.secret_b_token_2}", "${secrets.c_token}"),
    ]


def test_words_after_flags_addresses_and_settings() -> None:
    literals = Literals()
    server = {"command": "x", "args": ["--token", "--verbose", "--key", "s", "--name=ada", "plain"]}
    assert literals.replaced("mcp/a", server, "f")["args"][3] == "${secrets.a_key}"
    assert len(literals.needed) == 1
    address = {"url": "https://ada:pw@a.example/", "headers": {"Cookie": "c", "X-Name": "ada"}}
    found = literals.replaced("mcp/b", address, "f")
    assert (found["url"], found["headers"]["X-Name"]) == ("${secrets.b_url}", "ada")
    assert is_sensitive(found["headers"]["Cookie"])
    assert literals.replaced("config/c", {"deep": [{"password": "p"}, 1, "x"]}, "f") == {
        "deep": [{"password": "${secrets.c_deep_password}"}, 1, "x"]
    }
    assert literals.replaced("env/MY_SECRET", "s9", "f") == "${secrets.my_secret}"
