"""What a registry declares comes back from its index: through the schemas, the format's readers and the archives."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub import documents, schema_files
from molthub.documents.printable import printable
from molthub.index.build import BuiltIndex
from molthub.model import IndexRoot, Shard
from tests.builders import Tree, as_bytes, bot, fleet, pack, registry, skill, skill_version
from tests.index import walk
from tests.index.made import build

NAMES = ("git", "docker", "a", "x-1", "@acme/git", "@acme/tool")
NUMBERS = ("0.1.0", "1.0.0-rc.1", "1.0.0", "1.10.0", "2.0.0+build.5")
WITHDRAWN = ("yanked", "quarantined", "removed")

paths = st.sampled_from(
    ("docs/README.md", "scripts/run.py", "references/übersicht.md", "a b.txt", "d" * 60 + "/" + "f" * 60)
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).map(
    lambda text: str(printable(text, b"\\u"))  # readers show control characters as something else
)
versions = st.tuples(
    st.dictionaries(paths, st.binary(max_size=600), max_size=3), st.none() | st.tuples(st.sampled_from(WITHDRAWN))
)
skills = st.dictionaries(
    st.sampled_from(NAMES), st.dictionaries(st.sampled_from(NUMBERS), versions, min_size=1, max_size=4), max_size=5
)

Declared = dict[str, dict[str, tuple[dict[str, bytes], tuple[str] | None]]]


def tree_of(declared: Declared) -> Tree:
    parts = []
    for name, numbers in declared.items():
        made = {number: skill_version(name, number, files) for number, (files, _word) in numbers.items()}
        records = {number: {word[0]: "A reason."} for number, (_files, word) in numbers.items() if word}
        parts.append(skill(name, versions=made, records=records))
    return registry(*parts)


@cache
def validator(kind: str) -> Any:
    schemas = [schema_files.load(name) for name in schema_files.names()]
    known = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas])
    return jsonschema_rs.Draft202012Validator(schema_files.load(kind), registry=known)


def assert_valid(kind: str, content: bytes) -> None:
    errors = [str(error) for error in validator(kind).iter_errors(json.loads(content))]
    assert errors == []


def read(index: BuiltIndex) -> tuple[IndexRoot, Shard]:
    """Return the root and all shards as one, each checked by its schema, its reader and its writer."""
    content = index.files["registry.json"]
    assert_valid("registry-root", content)
    root = documents.index_root_from_json(content, "registry.json")
    assert documents.canonical(documents.index_root_to_json(root)) == content
    found = Shard({}, {})
    for key, name in root.shards.items():
        unpacked = gzip.decompress(index.files[f"shards/{name}.json.gz"])
        assert_valid("shard", unpacked)
        shard = documents.shard_from_json(unpacked, key)
        assert documents.canonical(documents.shard_to_json(shard)) == unpacked
        assert all(documents.shard_key("skill", skill_name, len(key)) == key for skill_name in shard.skills)
        found = Shard({**found.skills, **shard.skills}, {**found.packs, **shard.packs})
    return root, found


@settings(max_examples=60)
@given(skills)
def test_every_declared_version_comes_back_as_it_was_declared(declared: Declared) -> None:
    tree = tree_of(declared)
    index = build(tree)
    _root, shard = read(index)
    assert index.problems == ()
    assert {name: set(entry.releases) for name, entry in shard.skills.items()} == {
        name: set(numbers) for name, numbers in declared.items()
    }
    for name, entry in shard.skills.items():
        for number, release in entry.releases.items():
            word = declared[name][number][1]
            told = {said: getattr(release, said) for said in WITHDRAWN}
            assert told == {said: "A reason." if word == (said,) else None for said in WITHDRAWN}
            if release.artifact.archive:
                prefix = f"skills/{name}/{number}/"
                files = walk.unpack(index.files[f"archives/{release.artifact.archive}.tar.gz"])
                assert files == {
                    path.removeprefix(prefix): as_bytes(text) for path, text in tree.items() if path.startswith(prefix)
                }


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(("git", "docker")), texts, min_size=1), st.booleans())
def test_every_document_passes_its_schema_and_its_reader(descriptions: dict[str, str], with_secret: bool) -> None:
    env = {"TOKEN": "${secrets.token}"} if with_secret else {"LEVEL": "info"}
    index = build(
        registry(
            *(skill(name, "1.0.0", description=text or "x") for name, text in descriptions.items()),
            pack("dev", {"description": "Tools", "skills": sorted(descriptions), "envVars": env}),
            fleet("prod", packs=["dev"]),
            bot("prod", "ada"),
            bot("prod", "eve", skills=["nothing"]),
        ),
        fleets=True,
    )
    root, shard = read(index)
    assert set(shard.packs) == {"dev"}
    for name in root.search.values():
        unpacked = gzip.decompress(index.files[f"search/{name}.json.gz"])
        assert_valid("search", unpacked)
        rows = documents.search_from_json(unpacked, "search")
        assert {row.name for row in rows} == {*shard.skills, "dev"}
    for name in root.fleets.values():
        content = index.files[f"fleets/{name}.json"]
        assert_valid("fleet-document", content)
        for ref in documents.fleet_from_json(content, "fleet").bots.values():
            bot_content = index.files[f"bots/{ref.file}.json"]
            assert_valid("bot-document", bot_content)
            state = documents.bot_from_json(bot_content, "bot")
            assert documents.canonical(documents.bot_to_json(state)) == bot_content
