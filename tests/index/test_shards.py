from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.documents import NAMES_PER_SHARD, shard_key, shard_key_length
from tests.builders import pack, registry, skill
from tests.index.made import TWO_VERSIONS, build, locks, many_skills
from tests.index.walk import sha256


def search_list(index: Any) -> Any:
    (path,) = [path for path in index.files if path.startswith("search/")]
    return json.loads(gzip.decompress(index.files[path]))


def largest(names: list[tuple[str, str]], length: int) -> int:
    return max(Counter(shard_key(kind, name, length) for kind, name in names).values(), default=0)


@given(st.integers(0, 3000))
def test_keys_are_as_short_as_128_names_per_shard_allow(count: int) -> None:
    names = [("skill", f"skill-{number}") for number in range(count)]
    length = shard_key_length(shard_key(*name, 64) for name in names)
    assert largest(names, length) <= NAMES_PER_SHARD
    assert length == 1 or largest(names, length - 1) > NAMES_PER_SHARD


@pytest.mark.parametrize(("count", "length"), [(0, 1), (1, 1), (1000, 1), (3000, 2)])
def test_a_registry_of_this_many_skills_has_keys_of_this_length(count: int, length: int) -> None:
    names = [("skill", f"skill-{number}") for number in range(count)]
    assert shard_key_length(shard_key(*name, 64) for name in names) == length
    assert length == 1 or largest(names, length - 1) > NAMES_PER_SHARD


def test_one_change_rewrites_one_shard() -> None:
    before = build(many_skills(200))
    after = build(many_skills(200) | registry(skill("skill-7", "1.0.0", "1.1.0"), locked=False))

    def shards(index: Any) -> set[str]:
        return {path for path in index.files if path.startswith("shards/")}

    assert len(shards(before) - shards(after)) == len(shards(after) - shards(before)) == 1


def test_every_blob_is_named_after_its_bytes() -> None:
    for path, content in build(TWO_VERSIONS).files.items():
        folder, _, name = path.rpartition("/")
        if folder in ("shards", "archives", "search"):
            assert name.partition(".")[0] == sha256(content)


def test_the_search_list_says_what_latest_is() -> None:
    tree = registry(
        skill("git", "1.1.0", "1.2.0", records={"1.2.0": {"yanked": "Bad."}}, tags=["vcs"]),
        skill("early", "1.0.0-rc.1"),
        skill("watched", project={"status": "quarantined"}),
        skill("gone", project={"status": "removed", "reason": "Gone."}),
        locked=False,
    )
    index = build(tree | pack("dev", {"displayName": "Dev", "skills": ["git"], "resolved": locks(tree, git="1.1.0")}))
    assert search_list(index) == {
        "format": "molthub.search/1",
        "skills": [
            {"name": "early", "description": "Does what early does.", "owners": ["acme"]},
            {
                "name": "git",
                "description": "Does what git does.",
                "tags": ["vcs"],
                "latest": "1.1.0",
                "owners": ["acme"],
            },
        ],
        "packs": [{"name": "dev", "description": "Dev", "latest": "1", "owners": ["acme"], "words": ["git"]}],
    }
