"""The law of layers: the nearest layer that speaks of a key decides it.

An independent model says what must come out: fold dictionaries from the lowest layer to the highest. Packs are given
variables of their own and shared ones on which they agree, so that no conflict stands in the way.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.registry.catalog import read_catalog
from molthub.registry.resolve import Resolution, resolve_bots
from tests.builders import TreeSource, bot, fleet, overlay, pack, profile, registry

KEYS = ["A", "B", "C", "D"]
SERVERS = ["m", "n"]
FIELDS = ["command", "args"]

values = st.one_of(st.none(), st.sampled_from(["", "x", "y", "z $HOME", "$$"]))
env_maps = st.dictionaries(st.sampled_from(KEYS), values)
server_words = st.fixed_dictionaries(
    {"command": st.sampled_from(["run", "start it", "go"])},
    optional={
        "args": st.lists(st.sampled_from(["-v", "a b"]), max_size=2),
        "env": st.dictionaries(st.sampled_from(["S", "T"]), values, max_size=2),
        "enabled": st.booleans(),
    },
)
layers = st.fixed_dictionaries(
    {"env": env_maps, "mcps": st.dictionaries(st.sampled_from(SERVERS), server_words, max_size=2)}
)
Declared = dict[str, Any]


def spec(layer: Declared) -> Declared:
    return {
        "envVars": layer["env"],
        "mcps": [{"name": name, **fields} for name, fields in layer["mcps"].items()],
    }


def resolved(pack_layer: Declared, uppers: list[Declared], overrides: Declared, own: Declared) -> Resolution:
    names = [f"o{number}" for number in range(len(uppers) - 1)]
    tree = registry(
        pack("base", spec(pack_layer)),
        profile("p", **spec(uppers[0])),
        *(overlay(name, **spec(layer)) for name, layer in zip(names, uppers[1:], strict=True)),
        fleet("lab"),
        bot(
            "lab", "ada", profile="p", overlays=names, packs=[{"name": "base", "envOverrides": overrides}], **spec(own)
        ),
    )
    return resolve_bots(read_catalog(TreeSource(tree)))["lab/ada"]


def folded_env(maps: list[Declared]) -> dict[str, str]:
    known: dict[str, Any] = {}
    for said in maps:
        known.update(said)
    return {key: value for key, value in known.items() if value is not None}


def folded_servers(maps: list[Declared]) -> dict[str, Declared]:
    """Return each server that stays: its fields, its own variables and their absence."""
    servers: dict[str, Declared] = {}
    for said in maps:
        for name, fields in said.items():
            server = servers.setdefault(name, {"env": {}})
            server["on"] = fields.get("enabled", True)
            server.update({key: value for key, value in fields.items() if key in FIELDS})
            server["env"].update(fields.get("env", {}))
    return {name: server for name, server in servers.items() if server["on"]}


def expected_server(server: Declared, given_env: dict[str, str]) -> Declared:
    words = server["command"].split() + server.get("args", [])
    own = {key: value for key, value in server["env"].items() if value is not None}
    env = {**given_env, **own}
    return {
        "command": words[0],
        **({"args": words[1:]} if words[1:] else {}),
        **({"env": env} if env else {}),
    }


@settings(max_examples=150, deadline=None)
@given(layers, st.lists(layers, min_size=1, max_size=3), env_maps, layers)
def test_the_nearest_layer_that_speaks_decides(
    pack_layer: Declared, uppers: list[Declared], overrides: Declared, own: Declared
) -> None:
    resolution = resolved(pack_layer, uppers, overrides, own)
    assert resolution.problems == ()
    stack = [pack_layer, *uppers, own]
    env = folded_env([*(layer["env"] for layer in stack), overrides])
    assert {key[4:]: value for key, value in resolution.desired.items() if key.startswith("env/")} == env

    of_pack = {key for key, value in pack_layer["env"].items() if value is not None}
    servers = folded_servers([layer["mcps"] for layer in stack])
    wanted = {
        f"mcp/{name}": expected_server(
            server, {key: value for key, value in env.items() if key not in of_pack or name in pack_layer["mcps"]}
        )
        for name, server in servers.items()
    }
    assert {key: value for key, value in resolution.desired.items() if key.startswith("mcp/")} == wanted


@settings(max_examples=100, deadline=None)
@given(layers, st.lists(layers, min_size=1, max_size=3), env_maps, layers)
def test_origins_name_the_winner_first_and_everyone_who_spoke(
    pack_layer: Declared, uppers: list[Declared], overrides: Declared, own: Declared
) -> None:
    resolution = resolved(pack_layer, uppers, overrides, own)
    names = ["pack/base@1", "profile/p", *(f"overlay/o{number}" for number in range(len(uppers) - 1)), "bot", "bot"]
    said = [pack_layer["env"], *(layer["env"] for layer in uppers), own["env"], overrides]
    for key in KEYS:
        spoke = [(name, env[key]) for name, env in zip(names, said, strict=True) if key in env]
        found = [(origin.layer, origin.value) for origin in resolution.origins.get(f"env/{key}", ())]
        nothing_to_take = len(spoke) == 1 and spoke[0][1] is None
        assert found == ([] if nothing_to_take else spoke[::-1])
