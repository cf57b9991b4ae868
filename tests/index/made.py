"""Indexes made of builders' trees, in memory and on disk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from molthub.index.build import BuiltIndex, build_index
from molthub.index.publish import publish
from molthub.registry.catalog import read_catalog
from tests.builders import Tree, TreeSource, registry, skill

TWO_VERSIONS = registry(skill("git", "1.1.0", "1.2.0"), skill("docker"), locked=False)


def build(tree: Tree, *, fleets: bool = False, executable: Collection[str] = ()) -> BuiltIndex:
    source = TreeSource(tree, executable)
    return build_index(read_catalog(source), source, fleets=fleets)


def site(tree: Tree, folder: Path, *, fleets: bool = False) -> Path:
    """Build ``tree`` and publish it."""
    publish(build(tree, fleets=fleets), folder)
    return folder


def document(index: BuiltIndex, path: str) -> Any:
    return json.loads(index.files[path])


def entry(index: BuiltIndex, kind: str, name: str) -> dict[str, Any]:
    """Return what the shards say of a skill or a pack."""
    for path, content in index.files.items():
        if path.startswith("shards/"):
            found: dict[str, Any] | None = json.loads(gzip.decompress(content)).get(f"{kind}s", {}).get(name)
            if found is not None:
                return found
    raise KeyError(f"{kind}/{name}")


def locks(tree: Tree, **versions: str) -> dict[str, Any]:
    """Return the ``resolved`` of a pack that is locked to these versions of the tree's skills."""
    found = {}
    for name, version in versions.items():
        records = yaml.safe_load(tree[f"skills/{name}/project.yaml"])["versions"]
        found[name] = {"version": version, "digest": records[version]["digest"]}
    return found


def many_skills(count: int) -> Tree:
    return registry(*(skill(f"skill-{number}") for number in range(count)), locked=False)


def problem_ids(index: BuiltIndex) -> list[str]:
    return [problem.id for problem in index.problems]
