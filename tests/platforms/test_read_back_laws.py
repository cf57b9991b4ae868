"""The law: what was declared and written is read back as it was declared, by every platform."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from molthub.errors import PlatformValueError
from molthub.platforms import platform, platforms
from molthub.references.secrets import pieces

WORDS = ["$", "$$", "\\", "{", "}", "{A}", "${A}", "A", "x y", "$A", ":-", "${secrets.a}", "${secrets.b_1}", "-y", "ä"]
texts = st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
some = st.dictionaries(st.sampled_from(["A", "B_1", "LEVEL"]), texts, min_size=1, max_size=3)
started = st.fixed_dictionaries(
    {"command": st.sampled_from(["npx", "my server"])},
    optional={"args": st.lists(texts, min_size=1, max_size=3), "env": some},
)
headers = st.dictionaries(st.sampled_from(["Authorization", "X-Key"]), texts, min_size=1)
reached = st.fixed_dictionaries({"url": st.just("https://a.example/")}, optional={"headers": headers})
PROGRAMS = [name for name in platforms() if name != "agents-dir"]


def meaning(value: Any) -> Any:
    """Return a declared value without the ways in which one text can be declared."""
    if isinstance(value, dict):
        return {name: meaning(item) for name, item in value.items()}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    return pieces(value)


def written(name: str, key: str, value: Any) -> Any:
    try:
        return platform(name, "linux").entries("main", key, value)[0].value
    except PlatformValueError:
        assume(False)


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=30)
@given(server=started | reached)
def test_a_server_is_read_as_it_was_declared(name: str, server: dict[str, Any]) -> None:
    entry = written(name, "mcp/m", server)
    words = entry.get("command", entry.get("cmd", ""))
    if words == "molthub" or words[:1] == ["molthub"]:
        with pytest.raises(PlatformValueError, match="exec already"):
            platform(name).read_back("main", "mcp/m", entry)
        return
    assert meaning(platform(name).read_back("main", "mcp/m", entry)) == meaning(server)


@pytest.mark.parametrize("name", ["claude-code", "codex", "openclaw"])
@settings(max_examples=30)
@given(text=texts)
def test_a_variable_is_read_as_it_was_declared(name: str, text: str) -> None:
    program = platform(name)
    file = next(source.file for source in program.sources("main") if source.kind == "env")
    entries = program.entries("main", "env/LEVEL", text) if "{" not in text else ()
    held = [entry.value for entry in entries if entry.file == file or entry.file.endswith("env.json5")]
    assert [pieces(program.read_back("main", "env/LEVEL", value)) for value in held] == [pieces(text)] * len(held)


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=30)
@given(server=started)
def test_what_is_the_owners_is_not_declared(name: str, server: dict[str, Any]) -> None:
    program = platform(name, "linux")
    entry = written(name, "mcp/m", server)
    words = entry.get("command", entry.get("cmd", ""))
    assume("molthub" not in (words, *words[:1]))
    file, pointer = next((one.file, one.pointer) for one in program.sources("main") if one.kind == "mcp")
    owners = dict.fromkeys(program.owners_fields(file, (*pointer, "m")), "theirs")
    read = program.read_back("main", "mcp/m", {**entry, **owners})
    assert meaning(read) == meaning(server)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    "entry",
    [
        [],
        "npx",
        {},
        {"command": 1},
        {"type": "stdio", "command": "x", "args": "y"},
        {"url": "u", "command": "c"},
        {"url": 5},
    ],
)
def test_what_is_no_server_is_refused(name: str, entry: Any) -> None:
    with pytest.raises(PlatformValueError) as caught:
        platform(name).read_back("main", "mcp/m", entry)
    assert caught.value.problems[0].id == "MH707"


def test_the_shared_folder_has_nothing_to_read() -> None:
    program = platform("agents-dir")
    assert program.sources("main") == ()
    with pytest.raises(PlatformValueError, match="by hand"):
        program.read_back("main", "mcp/m", {})


@pytest.mark.parametrize("variable", ["_TOKEN", "camelCase", "PATH", "A:-b"])
def test_a_variable_that_no_secret_can_be_called_is_refused(variable: str) -> None:
    entry = {"type": "stdio", "command": "x", "env": {"A": f"${{{variable}}}"}}
    program = platform("claude-code")
    if variable == "A:-b":  # read as the variable; whoever compares finds that the default would be lost
        read = program.read_back("main", "mcp/m", entry)
        assert program.entries("main", "mcp/m", read)[0].value != entry
        return
    with pytest.raises(PlatformValueError):
        program.read_back("main", "mcp/m", entry)
