"""The law: what a program reads is what was declared, or the adapter refuses to write it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from molthub.errors import PlatformValueError
from molthub.platforms import platform, platforms
from molthub.references.secrets import Secret, is_sensitive, pieces, reference
from tests.platforms.readers import ARGUMENTS, ENVIRONMENT, VARIABLES, Reader

WORDS = [
    *("$", "$$", "\\", "{", "}", "{A}", "${A}", "${b_1:-x}", "A", "x", "$A", "${x", ":-", "${MOLTHUB_UNSET:-"),
    *("{env:A}", "{env:", "${env:A}", "{file:/x}", "${secrets.a}", "${secrets.b-1}", " "),
]
OTHER_HEADERS = ("claude-desktop", "codex", "goose")
texts = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)


def meant(text: str) -> str:
    """Return a declared text with its secrets' values."""
    return "".join(ENVIRONMENT[reference(part.name)] if isinstance(part, Secret) else part for part in pieces(text))


def written(name: str, server: dict[str, Any]) -> Any:
    """Return what the adapter writes for a server; no example where it refuses."""
    try:
        return platform(name).entries("main", "mcp/m", server)[0].value
    except PlatformValueError:
        assume(False)


def command_of(server: Any) -> list[str]:
    command = server.get("command", server.get("cmd"))
    return list(command) if isinstance(command, list) else [command, *server["args"]]


@pytest.mark.parametrize(("name", "reads"), ARGUMENTS.items())
@given(text=texts)
def test_an_argument_is_read_as_it_was_declared(name: str, reads: Reader, text: str) -> None:
    words = [reads(word) for word in command_of(written(name, {"command": "x", "args": [text]}))]
    if words[0] == "molthub":
        assert is_sensitive(text)
        assert words[1:] == ["exec", "--server", "m", "--", "x", text]
    else:
        assert words == ["x", meant(text)]


@pytest.mark.parametrize(("name", "reads"), VARIABLES.items())
@given(text=texts)
@example(text="A")
@example(text=" A ")
def test_a_variable_is_read_as_it_was_declared(name: str, reads: Reader, text: str) -> None:
    value = written(name, {"command": "x", "args": [], "env": {"V": text}})
    found = value.get("env", value.get("environment", value.get("envs")))
    if command_of(value)[0] == "molthub":
        assert is_sensitive(text)
        assert "V" not in (found or {})
    else:
        assert reads(found["V"]) == meant(text)


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name not in OTHER_HEADERS])
@given(text=texts)
def test_a_header_is_read_as_it_was_declared(name: str, text: str) -> None:
    reads = VARIABLES[name] if name == "gemini-cli" else ARGUMENTS[name]
    value = written(name, {"url": "https://a/", "headers": {"V": text}})
    assert reads(value["headers"]["V"]) == meant(text)


@given(text=texts)
def test_a_header_that_codex_reads_is_as_it_was_declared(text: str) -> None:
    value = written("codex", {"url": "https://a/", "headers": {"Authorization": text}})
    assert value.pop("url")
    match list(value.items()):
        case [("http_headers", {"Authorization": read})]:
            assert read == meant(text)
        case [("env_http_headers", {"Authorization": variable})]:
            assert ENVIRONMENT[variable] == meant(text)
        case [("bearer_token_env_var", variable)]:
            assert "Bearer " + ENVIRONMENT[variable] == meant(text)


@given(text=st.one_of(texts, st.sampled_from(["Bearer ${secrets.a}", "${secrets.a}"])))
def test_a_header_that_goose_reads_is_as_it_was_declared(text: str) -> None:
    value = written("goose", {"url": "https://a/", "headers": {"V": text}})
    names = value.get("env_keys", [])

    def read(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return ENVIRONMENT[name] if name in names else match[0]

    assert re.sub(r"\$(?:\{\s*([A-Za-z_]\w*)\s*\}|([A-Za-z_]\w*))", read, value["headers"]["V"]) == meant(text)


@given(st.text("${}ax", min_size=1, max_size=10))
def test_text_that_no_program_expands_is_never_refused(text: str) -> None:
    assume(not re.search(r"\$[\w{]", text))
    for name in platforms():
        value = platform(name).entries("main", "mcp/m", {"command": text})[0].value
        assert value.get("command", value.get("cmd"))


@pytest.mark.parametrize("name", ["gemini-cli", "copilot-cli"])
@given(text=texts.filter(lambda text: not is_sensitive(text)))
def test_programs_with_defaults_can_be_given_every_argument(name: str, text: str) -> None:
    assert platform(name).entries("main", "mcp/m", {"command": "x", "args": [text]})


def test_every_program_has_a_reader() -> None:
    assert {*platforms()} - {"agents-dir"} <= ARGUMENTS.keys()
