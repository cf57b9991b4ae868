"""The law of a file that lives: servers come, change and go in any order, and what its owner has stays byte for byte.

The owners' texts are random ones of every format with what people and editors leave in them besides: byte order marks,
line ends of another system, keys that stand twice, anchors, aliases and merge keys, arrays of tables. What the owner's
part means is read by parsers that are not ours.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from molthub.platforms.base import FileFormat
from molthub.platforms.config_file import ConfigFile, same
from tests.platforms.json5_documents import json5_texts, json_texts, jsonc_texts
from tests.platforms.toml_documents import toml_texts
from tests.platforms.yaml_documents import yaml_texts

NAMES = ["ours", "ours-2", "наш"]
SERVERS = [
    {"command": "npx", "args": ["-y", "a \"b\" 'c' \\ \u2028 é"], "env": {"A.B": "1", "K": ""}},
    {"type": "http", "url": "https://a.example/?x=#y", "headers": {"X-A": "\t", "Y": "${Y}"}},
    {"command": "true", "args": [], "deep": {"deeper": {"deepest": [1, {"a": False}]}}},
]
steps = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([*SERVERS, None])), min_size=1, max_size=5)
roots = st.sampled_from([("ourServers",), ("tools", "ourServers"), ("our.servers",)])
Read = Callable[[bytes], Any]


@st.composite
def json_owners(draw: st.DrawFn) -> str:
    """Return strict JSON, with a byte order mark or a key that stands twice now and then, in tabs or not."""
    text, value = draw(json_texts())
    if draw(st.booleans()):
        text = json.dumps(value, indent=draw(st.sampled_from(["\t", "    "])), ensure_ascii=False)
    if value and draw(st.booleans()):
        text = text.replace("{", '{"twice": {"a": 1}, "twice": 2, ', 1)
    return draw(st.sampled_from(["", "\ufeff"])) + text


ANCHORED = """
anchored: &one
  command: x # by hand
  env: &two {A: "1"}
merged:
  <<: *one
  env:
    <<: [*two]
    B: *two
listed: [*two, !!str 5]
"""
LISTED = '\n[[products]]\nname = "x"\n\n[[products.parts]]\nname = "y" # by hand\n\n[[products]]\n'


@st.composite
def yaml_owners(draw: st.DrawFn) -> str:
    """Return YAML, with anchors, aliases, merge keys and tags now and then."""
    text = draw(yaml_texts()).text
    plain = "\r" not in text and not text.rstrip().endswith(("two", "...")) and not text.startswith(("---", "\ufeff"))
    return text.rstrip("\n") + ANCHORED if plain and draw(st.booleans()) else text


@st.composite
def toml_owners(draw: st.DrawFn) -> str:
    """Return TOML, with arrays of tables now and then."""
    text = draw(toml_texts()).text
    newline = "\r\n" if "\r\n" in text else "\n"
    return text.rstrip("\r\n") + LISTED.replace("\n", newline) if draw(st.booleans()) else text


def read_json(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


def read_toml(content: bytes) -> Any:
    return tomlkit.parse(content.decode("utf-8-sig")).unwrap()


def read_yaml(content: bytes) -> Any:
    return YAML(typ="safe", pure=True).load(io.BytesIO(content)) or {}


def read_by_ours(file_format: FileFormat) -> Read:
    return lambda content: ConfigFile.parse(content, file_format, "settings").value


OWNERS: Mapping[str, tuple[FileFormat, st.SearchStrategy[str], Read]] = {
    "json": ("json", json_owners(), read_json),
    "jsonc": ("jsonc", jsonc_texts().map(lambda case: case[0]), read_by_ours("jsonc")),
    "json5": ("json5", json5_texts().map(lambda case: case[0]), read_by_ours("json5")),
    "toml": ("toml", toml_owners(), read_toml),
    "yaml": ("yaml", yaml_owners(), read_yaml),
}


@pytest.mark.parametrize("name", OWNERS)
@settings(max_examples=60)
@given(data=st.data())
def test_servers_come_and_go_and_the_owners_part_stays(name: str, data: st.DataObject) -> None:
    file_format, owners, read = OWNERS[name]
    text, root = data.draw(owners), data.draw(roots)
    owned, wanted = read(text.encode()), dict[str, Any]()
    if root[0] in owned:
        return
    content = text.encode()
    for server, value in data.draw(steps):
        file = ConfigFile.parse(content, file_format, "settings")
        if value is None:
            file.remove((*root, server), prune_empty=True)
            wanted.pop(server, None)
        else:
            file.set((*root, server), value)
            wanted[server] = value
        content = file.to_bytes()
        found = read(content)
        there = found.pop(root[0], {})
        assert same(there if len(root) == 1 else there.get(root[1], {}), wanted)
        assert same(found, owned)
    for server in wanted:
        file = ConfigFile.parse(content, file_format, "settings")
        assert file.remove((*root, server), prune_empty=True)
        content = file.to_bytes()
    assert unspaced(content.decode()) == unspaced(text)


def unspaced(text: str) -> str:
    """Take out the white space alone inside empty objects, which may go; an empty file may become an empty object."""
    return re.sub(r"\{\s*\}", "{}", text)


def test_the_marks_that_the_texts_bear_are_read_by_pyyaml_too() -> None:
    assert yaml.safe_load(ANCHORED)["merged"] == {"command": "x", "env": {"A": "1", "B": {"A": "1"}}}


@pytest.mark.parametrize("name", OWNERS)
def test_a_huge_file_is_edited_in_place(name: str) -> None:
    file_format = OWNERS[name][0]
    file = ConfigFile.empty(file_format)
    for number in range(3):
        file.set(("servers", f"s{number}"), SERVERS[0])
    line = {"toml": 'k%d = "%s"\n', "yaml": 'k%d: "%s"\n'}.get(file_format)
    filler = "".join(line % (number, "x" * 1800) for number in range(1200)) if line else ""
    text = filler + file.to_bytes().decode() if line else json.dumps(
        {f"k{number}": "x" * 1800 for number in range(1200)} | {"servers": {"s0": SERVERS[0]}}, indent=2
    )  # fmt: skip
    grown = ConfigFile.parse(text.encode(), file_format, "settings")
    grown.set(("servers", "new"), SERVERS[1])
    assert len(grown.to_bytes()) > len(text.encode()) > 2_000_000
    assert grown.remove(("servers", "new"))
    assert grown.to_bytes() == text.encode()
