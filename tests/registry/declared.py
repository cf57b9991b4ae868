"""Small registries as cases hold them: skills, packs, profiles, overlays, one fleet `lab` and its bots."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests import builders
from tests.builders import Tree


def declared(case: dict[str, Any]) -> Tree:
    tree: Tree = {}
    for name, versions in case.get("skills", {}).items():
        tree |= declared_skill(name, versions)
    for name, pack in case.get("packs", {}).items():
        whole = pack if isinstance(pack, dict) else {"versions": pack}
        records = {int(number): record for number, record in whole.get("records", {}).items()}
        tree |= builders.pack(name, *whole["versions"], project=whole.get("project"), records=records)
    for name, spec in case.get("profiles", {}).items():
        tree |= builders.profile(name, **spec)
    for name, spec in case.get("overlays", {}).items():
        tree |= builders.overlay(name, **spec)
    tree |= builders.fleet("lab", **case.get("fleet", {}))
    for name, spec in case["bots"].items():
        tree |= builders.bot("lab", name, **spec)
    tree = builders.registry(with_digests(tree), hosts=case.get("hosts", []))
    files: Tree = case.get("files", {})
    return tree | files


def with_digests(tree: Tree) -> Tree:
    """Fill in `DIGEST name@version` in packs' locks from what the skills' projects record."""
    digests = {
        f"DIGEST {path.split('/', 1)[1].rpartition('/')[0]}@{number}": entry["digest"]
        for path, text in tree.items()
        if path.startswith("skills/") and path.endswith("/project.yaml")
        for number, entry in yaml.safe_load(text)["versions"].items()
    }
    for path in [path for path, text in tree.items() if path.startswith("packs/") and "DIGEST " in str(text)]:
        tree[path] = re.sub(r"DIGEST [^'\"}\s]+", lambda match: digests[match[0]], str(tree[path]))
        tree = builders.recorded(tree, path.split("/")[1])
    return tree


def declared_skill(name: str, versions: Any) -> Tree:
    if isinstance(versions, list):
        return builders.skill(name, *versions)
    project = versions.pop("project", None)
    records = {number: version.pop("record", {}) for number, version in versions.items()}
    made = {number: builders.skill_version(name, number, **fields) for number, fields in versions.items()}
    return builders.skill(name, versions=made, records=records, project=project)
