"""The schemas say what they are meant to say, and say it to every validator.

`valid/<kind>/` and `invalid/<kind>/` hold one document per rule. An invalid one names every place and keyword that
must refuse it: YAML in lines `# expect: <JSON pointer> <keyword>` at its head, JSON as `{"expect": [...], "document":
...}`. Each document is read by two validators of different make, `jsonschema` (Python's `re`) and `jsonschema-rs`
(an ECMA-like engine), because an editor, the check and other people's tools do not use the same one.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from molthub import documents, schema_files, yaml_text
from molthub.documents import signatures
from molthub.transparency.entries import places_from_json, places_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
KINDS = [name for name in schema_files.names() if name != "common"]
DECLARED = {
    "registry",
    "publisher",
    "skill-project",
    "pack-project",
    "skill",
    "skill-frontmatter",
    "skillpack",
    "profile",
    "overlay",
    "fleet",
    "bot",
    "secrets-settings",
}
OPEN_PLACES = {
    ("skill-frontmatter", "metadata"),
    ("common", "config"),
}
"""Objects of declared kinds that take keys nobody listed: maps of the author's own, and what a controller will read."""

Finding = tuple[str, str]


# --- the two validators --------------------------------------------------------------------------------------------


@cache
def reference_validator(kind: str) -> Draft202012Validator:
    schemas = [schema_files.load(name) for name in schema_files.names()]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas]
    )
    return Draft202012Validator(schema_files.load(kind), registry=registry)


@cache
def second_validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    schemas = [schema_files.load(name) for name in schema_files.names()]
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas])
    return jsonschema_rs.Draft202012Validator(schema_files.load(kind), registry=registry)


def reference_findings(kind: str, document: Any) -> set[Finding]:
    errors = reference_validator(kind).iter_errors(document)
    return {(pointer(error.absolute_path), str(error.validator)) for error in errors}


def second_findings(kind: str, document: Any) -> set[Finding]:
    errors = second_validator(kind).iter_errors(document)
    return {(pointer(error.instance_path), str(error.schema_path[-1])) for error in errors}


def pointer(path: Any) -> str:
    # jsonschema-rs leaves empty keys out of its paths.
    return yaml_text.pointer_text(tuple(step for step in path if step != "")) or "/"


# --- the documents -------------------------------------------------------------------------------------------------


def case_files(group: str) -> list[Path]:
    return sorted(path for path in (HERE / group).glob("*/*") if path.suffix in {".json", ".yaml"})


def case_id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def load_document(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(content) if path.suffix == ".json" else yaml_text.parse(content, path.name).value


def load_refused(path: Path) -> tuple[set[Finding], Any]:
    document = load_document(path)
    if path.suffix == ".json":
        lines, document = document["expect"], document["document"]
    else:
        lines = re.findall(r"^# expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {(place, keyword) for place, keyword in (line.split(" ") for line in lines)}, document


@pytest.mark.parametrize("path", case_files("valid"), ids=case_id)
def test_valid_document_passes(path: Path) -> None:
    document = load_document(path)
    assert reference_findings(path.parent.name, document) == set()
    assert second_findings(path.parent.name, document) == set()


@pytest.mark.parametrize("path", case_files("invalid"), ids=case_id)
def test_invalid_document_is_refused_exactly_where_it_says(path: Path) -> None:
    expected, document = load_refused(path)
    assert expected
    assert reference_findings(path.parent.name, document) == expected
    assert second_findings(path.parent.name, document) == expected


@pytest.mark.parametrize("group", ["valid", "invalid"])
def test_every_kind_has_cases(group: str) -> None:
    assert {path.parent.name for path in case_files(group)} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_both_validators_judge_spoiled_documents_alike(kind: str) -> None:
    valid = [load_document(path) for path in case_files("valid") if path.parent.name == kind]
    spoiled = list(_spoiled(valid))
    assert spoiled
    for document in spoiled:
        assert reference_findings(kind, document) == second_findings(kind, document), document


def _spoiled(documents: Iterable[Any]) -> Iterator[Any]:
    """One change per leaf and per key: what the regular expressions of different engines read differently.

    What several documents say alike is spoiled in the first of them.
    """
    known: set[str] = set()
    for document in documents:
        places = [(place, repr((place, _at(document, place)))) for place in _places(document)]
        yield from _spoiled_at(document, [place for place, said in places if said not in known])
        known.update(said for _, said in places)


def _spoiled_at(document: Any, places: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    for place in places:
        for new in _replacements(_at(document, place)):
            changed = copy.deepcopy(document)
            _at(changed, place[:-1])[place[-1]] = new
            yield changed
        if isinstance(place[-1], str):
            changed = copy.deepcopy(document)
            parent = _at(changed, place[:-1])
            parent[place[-1] + "\n"] = parent.pop(place[-1])
            yield changed


def _replacements(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value + "\n", "\n" + value, value.replace("1", "\u0661"), value.upper(), value + "\u00e9", "", 1, None]
    if isinstance(value, bool):
        return ["true", 0, None]
    if isinstance(value, int):
        return [-value, value + 0.5, float(value), str(value), True, None]
    return [[], {}, "text", None]


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*place, key))


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


# --- the schemas themselves ----------------------------------------------------------------------------------------


def subschemas(schema: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below `schema`, with the property (or pattern) that it belongs to."""
    yield name, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for key, inner in schema.get(keyword, {}).items():
            yield from subschemas(inner, key)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], name)


def every_subschema() -> list[tuple[str, str, dict[str, Any]]]:
    return [(kind, *found) for kind in schema_files.names() for found in subschemas(schema_files.load(kind))]


def patterns_of(schema: dict[str, Any]) -> Iterator[str]:
    if "pattern" in schema:
        yield schema["pattern"]
    yield from schema.get("patternProperties", {})


@pytest.mark.parametrize("kind", schema_files.names())
def test_schema_is_valid_json_schema_2020_12(kind: str) -> None:
    schema = schema_files.load(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert jsonschema_rs.meta.is_valid(schema)


@pytest.mark.parametrize("kind", schema_files.names())
def test_id_is_the_published_address_of_the_file(kind: str) -> None:
    schema = schema_files.load(kind)
    assert schema["$id"] == f"https://molthub.dev/schemas/{kind}.schema.json"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_kind_shows_complete_examples_that_are_valid(kind: str) -> None:
    examples = schema_files.load(kind)["examples"]
    assert examples
    for example in examples:
        assert reference_findings(kind, example) == set()
        assert second_findings(kind, example) == set()


def test_examples_inside_the_schemas_are_valid() -> None:
    reference = reference_validator("common")
    for kind, name, schema in every_subschema():
        for example in schema.get("examples", []) + ([schema["default"]] if "default" in schema else []):
            assert reference.evolve(schema=schema).is_valid(example), (kind, name, example)


def test_every_property_and_item_is_described() -> None:
    missing = [(kind, name) for kind, name, schema in every_subschema() if not schema.get("description", "").strip()]
    assert missing == []


def test_declared_kinds_are_closed() -> None:
    closed = [*DECLARED, "common"]
    loose = {
        (kind, name)
        for kind, name, schema in every_subschema()
        if kind in closed and "object" in schema.get("type", []) and schema.get("additionalProperties") is not False
    }
    published = {"origin", "problem", "artifact", "signatureRef"}
    published |= {"publishedSync", "publishedRule", "publishedSuspension", "publishedWindow"}
    assert {(kind, name) for kind, name in loose if name not in published} == OPEN_PLACES


def test_published_documents_are_open() -> None:
    shut = [
        (kind, name)
        for kind, name, schema in every_subschema()
        if kind not in {*DECLARED, "common"} and "properties" in schema and "additionalProperties" in schema
    ]
    assert shut == []


def test_patterns_mean_the_same_everywhere() -> None:
    for kind, name, schema in every_subschema():
        for pattern in patterns_of(schema):
            assert pattern.startswith("^"), (kind, name)
            assert pattern.endswith(r"$(?!\n)"), (kind, name)
            assert not re.search(r"\\[dDwWsSbB]|\(\?[<PiLmsux]", pattern), (kind, name)


def test_patterns_are_written_once() -> None:
    """A key's pattern cannot be a `$ref`, but it can be the same text as the definition of that name."""
    shared = {schema["pattern"] for schema in schema_files.load("common")["$defs"].values() if "pattern" in schema}
    own = {
        pattern
        for kind, _, schema in every_subschema()
        if kind in DECLARED
        for pattern in schema.get("patternProperties", {})
    }
    assert own <= shared


def test_text_and_lists_have_limits() -> None:
    for kind, name, schema in every_subschema():
        types = schema.get("type", [])
        if "string" in types and not {"enum", "const"} & schema.keys():
            assert "maxLength" in schema, (kind, name)
        if "array" in types:
            assert "maxItems" in schema, (kind, name)


def test_references_lead_to_shared_definitions() -> None:
    definitions = schema_files.load("common")["$defs"]
    base = "https://molthub.dev/schemas/common.schema.json#/$defs/"
    used = set()
    for kind, name, schema in every_subschema():
        if "$ref" in schema:
            assert schema["$ref"].startswith(base), (kind, name)
            used.add(schema["$ref"].removeprefix(base))
    assert used <= set(definitions)


READERS: dict[str, tuple[Any, Any]] = {
    "registry-root": (documents.index_root_from_json, documents.index_root_to_json),
    "shard": (documents.shard_from_json, documents.shard_to_json),
    "search": (documents.search_from_json, documents.search_to_json),
    "search-directory": (documents.search_directory_from_json, documents.search_directory_to_json),
    "fleet-document": (documents.fleet_from_json, documents.fleet_to_json),
    "bot-document": (documents.bot_from_json, documents.bot_to_json),
    "signatures": (signatures.signatures_from_json, lambda found: signatures.signatures_to_json(found, "skill/git")),
    "publishers": (signatures.publishers_from_json, signatures.publishers_to_json),
    "publisher-keys": (signatures.publisher_keys_from_json, signatures.publisher_keys_to_json),
    "log-places": (places_from_json, places_to_json),
}


@pytest.mark.parametrize("path", [path for path in case_files("valid") if path.parent.name in READERS], ids=case_id)
def test_what_the_schema_allows_is_read_and_written_back(path: Path) -> None:
    read, write = READERS[path.parent.name]
    document = load_document(path)
    written = write(read(path.read_bytes(), path.name))
    assert reference_findings(path.parent.name, written) == set()
    assert written == {key: value for key, value in document.items() if key != "addedLater"}


def test_example_bot_has_the_digest_of_its_desired_state() -> None:
    bot = schema_files.load("bot-document")["examples"][0]
    assert documents.digest_of(bot["desired"]) == bot["digest"]


# --- the loader ----------------------------------------------------------------------------------------------------


def test_declared_and_published_kinds_are_all_there() -> None:
    published = {
        "registry-root",
        "shard",
        "search",
        "search-directory",
        "fleet-document",
        "bot-document",
        "report",
        "problem",
        "check-result",
        "publish-result",
        "fmt-result",
        "adopt-result",
        "pack-shown",
        "pack-list",
        "pack-written",
        "pack-update-result",
        "pack-import-result",
        "attachment-result",
        "fleet-attachment",
        "pack-bots",
        "pack-sync",
        "pack-diff",
        "pack-export-result",
        "bot-shown",
        "bot-list",
        "installed",
        "signatures",
        "publishers",
        "publisher-keys",
        "log-entry",
        "log-places",
        "replaced-roots",
        "secrets-check",
        "secrets-list",
        "secret-kept",
        "secrets-providers",
        "doctor",
        "rollout-state",
        "assignment",
        "observed-bots",
        "order",
        "outcome",
        "history",
        "rollback-release",
        "prune-result",
    }
    assert set(KINDS) == DECLARED | published


def test_text_is_the_file_and_load_its_content() -> None:
    assert json.loads(schema_files.text("bot")) == schema_files.load("bot")


@pytest.mark.parametrize("name", ["nothing", "../pyproject", "bot.schema.json", ""])
def test_unknown_kind_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        schema_files.text(name)
