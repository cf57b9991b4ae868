"""Differences are shown in the declared form, part by part, and never show what may be secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.documents import canonical
from molthub.errors import PlatformValueError
from molthub.model import FileEntry, Json, Origin
from molthub.platforms import platform, platforms
from molthub.references.secrets import render
from molthub_reconciler.difference import (
    HIDDEN,
    NOTHING,
    declared_form,
    file_parts,
    fingerprint,
    origin_of,
    part_origin,
    value_parts,
)

texts = st.sampled_from(
    ["", "a", "debug", "$", "$$", "a$$b", "${secrets.x}", "$${secrets.x}", "${X}", "x-${secrets.y}"]
)
scalars = texts | st.integers(-3, 3) | st.booleans() | st.none()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "/", "~"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def rendered(value: Json) -> Json:
    """Return a value as a program would hold it, with an addition of the program's own."""
    shown = render(value, lambda secret: f"${{{secret.upper()}}}", str)
    return {"type": "stdio", **shown} if isinstance(shown, dict) else shown


@given(values, values)
def test_the_declared_form_is_what_was_declared_exactly_when_nothing_differs(desired: Json, other: Json) -> None:
    ours = rendered(desired)
    for observed in (ours, other, rendered(other)):
        parts = value_parts(desired, ours, observed)
        is_same = canonical(observed) == canonical(ours)
        assert (parts == ()) == is_same
        assert (fingerprint(declared_form(desired, parts)) == fingerprint(desired)) == is_same


SERVER = {"command": "npx", "args": ["-y"], "env": {"T": "${secrets.t}", "LEVEL": "debug"}}


def damaged(change: dict[str, Any]) -> Json:
    ours: dict[str, Any] = json.loads(json.dumps(rendered(SERVER)))
    for pointer, value in change.items():
        holder = ours
        *way, last = pointer.split("/")
        for step in way:
            holder = holder[step]
        if value is NOTHING:
            del holder[last]
        else:
            holder[last] = value
    return ours


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"env/LEVEL": "trace"}, ("/env/LEVEL", "trace", "debug")),
        ({"env/T": "literal"}, ("/env/T", HIDDEN, "${secrets.t}")),
        ({"env/T": NOTHING}, ("/env/T", NOTHING, "${secrets.t}")),
        ({"env/NEW": "perhaps secret"}, ("/env/NEW", HIDDEN, NOTHING)),
        ({"disabled": True}, ("/disabled", True, NOTHING)),
        ({"env": "text"}, ("/env", HIDDEN, SERVER["env"])),
        ({"args": ["-n"]}, ("/args/0", "-n", "-y")),
        ({"args": ["-y", "more"]}, ("/args", ["-y", "more"], ["-y"])),
        ({"type": NOTHING}, ("/type", NOTHING, "stdio")),
        ({"command": "a$$b"}, ("/command", "a$$$$b", "npx")),
        ({"command": "${secrets.t}"}, ("/command", "$${secrets.t}", "npx")),
    ],
)
def test_parts(change: dict[str, Any], expected: tuple[str, Json, Json]) -> None:
    (part,) = value_parts(SERVER, rendered(SERVER), damaged(change))
    assert (part.pointer, part.before, part.after) == expected


def test_pointers_are_escaped() -> None:
    (part,) = value_parts({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}})
    assert part.pointer == "/a~1b/c~0d"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "\ud800", 2**70, {"a": float("nan")}])
def test_what_canonical_json_cannot_hold_has_a_fingerprint_and_can_be_shown(odd: Json) -> None:
    assert fingerprint(odd) == fingerprint(odd) != fingerprint("debug")
    (part,) = value_parts("debug", "debug", odd)
    json.dumps(part.before, allow_nan=False).encode()


def test_files_that_differ_are_named() -> None:
    wanted = [
        FileEntry("SKILL.md", "1" * 64, 3),
        FileEntry("gone.md", "2" * 64, 3),
        FileEntry("run.sh", "3" * 64, 3, True),
    ]
    found = [
        FileEntry("SKILL.md", "9" * 64, 3),
        FileEntry("new.md", "4" * 64, 3),
        FileEntry("run.sh", "3" * 64, 3, False),
    ]
    assert [(part.path[0], part.before, part.after) for part in file_parts(wanted, found)] == [
        ("SKILL.md", "9" * 64, "1" * 64),
        ("gone.md", NOTHING, "2" * 64),
        ("new.md", "4" * 64, NOTHING),
        ("run.sh", "3" * 64, "3" * 64),
    ]


ORIGINS = {
    "env/LEVEL": (Origin("bot", "bots/ada.yaml:11", "debug", has_value=True), Origin("pack", "packs/3.yaml:21")),
    "env/OWN": (Origin("bot", "bots/ada.yaml:12"),),
    "env/GONE": (Origin("overlay/prod", "overlays/prod.yaml:8", None, has_value=True),),
    "mcp/github": (Origin("pack", "packs/3.yaml:13"),),
}
DESIRED = {
    "env/LEVEL": "debug",
    "env/OWN": "bot's",
    "mcp/github": {"command": "npx", "env": {"LEVEL": "debug", "OWN": "server's"}},
}


@pytest.mark.parametrize(
    ("key", "path", "expected"),
    [
        ("mcp/github", ("env", "LEVEL"), "bots/ada.yaml:11"),
        ("mcp/github", ("env", "OWN"), "packs/3.yaml:13"),
        ("mcp/github", ("env", "GONE"), "overlays/prod.yaml:8"),
        ("mcp/github", ("env", "UNKNOWN"), None),
        ("mcp/github", ("command",), None),
        ("env/LEVEL", (), None),
    ],
)
def test_the_origin_of_a_part_is_the_layer_that_decided_it(
    key: str, path: tuple[str, ...], expected: str | None
) -> None:
    assert part_origin(key, path, DESIRED, ORIGINS) == expected


def test_the_origin_of_a_key_is_the_layer_that_won() -> None:
    assert origin_of("env/LEVEL", ORIGINS) == "bots/ada.yaml:11"
    assert origin_of("env/NOBODY", ORIGINS) is None


# --- a secret in clear, in every program's own words ------------------------------------------------------------------

CANARY = "canary-4711"
HOLDING_A_SECRET: list[dict[str, Json]] = [
    {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "${secrets.token}", "LEVEL": "debug"}},
    {"command": "npx", "args": ["--key", "${secrets.token}", "x"], "env": {"LEVEL": "debug"}},
    {"command": "${secrets.token}", "args": ["x"]},
    {"url": "https://a.example/", "headers": {"Authorization": "Bearer ${secrets.token}", "X-A": "b"}},
    {"url": "https://a.example/?key=${secrets.token}"},
]


def in_clear(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: in_clear(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_clear(item) for item in value]
    return value.replace("${secrets.token}", CANARY)


@pytest.mark.parametrize("name", platforms())
@pytest.mark.parametrize("server", HOLDING_A_SECRET)
def test_a_secret_that_somebody_wrote_in_clear_is_never_shown(name: str, server: dict[str, Json]) -> None:
    try:
        rendered = platform(name).entries("main", "mcp/s", server)[0].value
    except PlatformValueError:
        return  # the program cannot hold it
    observed = platform(name).entries("main", "mcp/s", in_clear(server))[0].value
    assert CANARY in str(observed)
    parts = value_parts(server, rendered, observed)
    assert parts
    assert CANARY not in str(parts)
    assert CANARY not in str(declared_form(server, parts))
