"""Canonical bytes, digests, and readers that trust nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from molthub import documents
from molthub.errors import FormatError

HEX = "ab" * 32
DIGEST = f"sha256:{HEX}"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


def test_the_digest_of_a_tree_is_the_golden_one() -> None:
    skill = documents.file_entry(
        "SKILL.md", b"---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n", executable=False
    )
    script = documents.file_entry("scripts/hi.sh", b"#!/bin/sh\necho '{\"ok\": true}'\n", executable=True)
    expected = "sha256:962797e140a89b9395050392589930f95223f1593a6f4b1ce3169ac528a205a7"
    assert documents.tree_digest([script, skill]) == expected


@given(json_values)
def test_canonical_json_is_rfc_8785(value: Any) -> None:
    assert documents.canonical(value) == rfc8785.dumps(value)


def test_a_shard_is_chosen_by_the_hash_of_kind_and_name() -> None:
    assert documents.shard_key("skill", "git", 1) == "4"
    assert documents.shard_key("pack", "standard-dev", 1) == "1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html>not found</html>", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "expected a molthub.registry document"),
        (b'{"format": "molthub.shard/1"}', "expected a molthub.registry document, found 'molthub.shard/1'"),
        (b'{"format": "molthub.registry/2"}', "reads up to /1"),
        (b'{"format": "molthub.registry/1"}', "missing or of the wrong type"),
    ],
)
def test_what_is_no_registry_json_is_refused_with_a_reason(content: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        documents.index_root_from_json(content, "https://example.com/registry.json")
    assert "https://example.com/registry.json" in str(caught.value)
    assert caught.value.remedy


def bot_document(**changes: Any) -> dict[str, Any]:
    desired = {"env/LOG_LEVEL": "debug", "skill/git": DIGEST}
    document = {
        "format": "molthub.bot/1", "fleet": "prod", "bot": "ada", "resolved": True, "problems": [],
        "digest": documents.digest_of(desired), "platform": "openclaw", "home": "ada", "agent": "main", "labels": {},
        "packs": {}, "sync": {}, "desired": desired, "origins": {},
        "skills": {DIGEST: {"name": "git", "version": "1.2.0", "archive": HEX, "size": 1, "unpacked": 1}},
    }  # fmt: skip
    return document | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"bot": "../ada"},
        {"home": "/etc"},
        {"agent": "a/b"},
        {"digest": DIGEST},
        {"skills": {DIGEST: {"name": "../git", "version": "1.2.0", "archive": HEX, "size": 1, "unpacked": 1}}},
        {"skills": {DIGEST: {"name": "git", "version": "../1", "archive": HEX, "size": 1, "unpacked": 1}}},
        {"skills": {DIGEST: {"name": "git", "version": "1.2.0", "archive": "../x", "size": 1, "unpacked": 1}}},
        {"skills": {DIGEST: {"name": "git", "version": "1.2.0", "archive": HEX, "size": -1, "unpacked": 1}}},
        {"desired": {"file/etc": "x"}},
        {"desired": {"skill/../x": DIGEST}},
        {"desired": None},
    ],
)
def test_a_bot_document_that_could_lead_astray_is_refused(changes: dict[str, Any]) -> None:
    document = bot_document(**changes)
    if changes.get("desired"):
        document["digest"] = documents.digest_of(document["desired"])
    with pytest.raises(FormatError):
        documents.bot_from_json(json.dumps(document).encode(), "bots/x.json")


def test_a_bot_document_survives_the_round_trip_and_unknown_keys_are_ignored() -> None:
    document = bot_document()
    read = documents.bot_from_json(json.dumps(document | {"later": 1}).encode(), "x")
    assert documents.bot_to_json(read) == document


def test_a_bot_that_does_not_resolve_says_only_why() -> None:
    document = bot_document(resolved=False, problems=[{"id": "MH203", "severity": "error", "message": "no such skill"}])
    read = documents.bot_from_json(json.dumps(document).encode(), "x")
    written = documents.bot_to_json(read)
    assert written["problems"] == document["problems"]
    assert not {"desired", "digest", "skills", "origins"} & written.keys()
