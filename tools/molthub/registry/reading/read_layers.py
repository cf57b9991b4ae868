"""Read what every layer holds: skills, MCP servers, environment, attachments. Profiles and overlays are that alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from molthub.documents import DNS_LABEL
from molthub.errors import Problem
from molthub.model import (
    EnvUse,
    Layer,
    McpUse,
    PackUse,
    Profile,
    SkillUse,
)
from molthub.registry.manifest import Manifest
from molthub.registry.reading.gathered import Reading, Reference
from molthub.versions import is_range
from molthub.yaml_text import Pointer


def read_profiles(reading: Reading, kind: Literal["Profile", "Overlay"]) -> dict[str, Profile]:
    """Read ``profiles/<name>.yaml``, or ``overlays/<name>.yaml``."""
    found: dict[str, Profile] = {}
    word = kind.lower()
    for name, file in _documents(reading, f"{word}s"):
        key = f"{word}/{name}"
        manifest = reading.manifest(word, file, key)
        if manifest is None:
            continue
        reading.named(manifest, ("metadata", "name"), name, key)
        layer = read_layer(reading, manifest, key, key)
        if key not in reading.broken:
            found[name] = Profile(kind, name, layer, manifest.value["spec"].get("hosts", {}), file)
    return found


def _documents(reading: Reading, folder: str) -> Iterator[tuple[str, str]]:
    """Yield name and path of the YAML files right in ``folder``; name what else stands below it."""
    for steps in reading.below(folder):
        name = steps[0].removesuffix(".yaml")
        if len(steps) > 1 or name == steps[0]:
            reading.stray("/".join([folder, *steps]))
        elif is_label(reading, folder, name):
            yield name, f"{folder}/{steps[0]}"


def is_label(reading: Reading, folder: str, name: str) -> bool:
    """Whether ``name`` may be that of a pack, layer, fleet or bot (RFC 1123 label); what is wrong is noted once."""
    if DNS_LABEL.match(name):
        return True
    remedy = "use lower-case letters, digits and hyphens, at most 63 characters"
    problem = Problem("MH103", f"{name} is no name for this", remedy, file=f"{folder}/{name}")
    if problem not in reading.problems:
        reading.add(problem)
    return False


def read_layer(reading: Reading, manifest: Manifest, name: str, key: str, *, packs: str = "packs") -> Layer:
    """Return the fields that packs, profiles, overlays and bots share; ``packs`` names that of attachments."""
    spec = manifest.value["spec"]
    return Layer(
        name=name,
        skills=tuple(_skills(reading, manifest, key)),
        mcps=tuple(_mcps(reading, manifest, key)),
        env=_env(manifest, spec.get("envVars", {}), ("spec", "envVars")),
        packs=read_attachments(reading, manifest, packs, key),
    )


def _items(reading: Reading, manifest: Manifest, field: str, key: str) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Yield the items of a list whose items have names, a bare name as a map; a name that comes twice is a finding.

    A pack may be attached once for each set of labels.
    """
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    items: Sequence[Any] = manifest.value["spec"].get(field, ())
    for index, item in enumerate(items):
        pointer = ("spec", field, index)
        whole: dict[str, Any] = {"name": item} if isinstance(item, str) else item
        identity = whole["name"], tuple(sorted(whole.get("when", {}).get("matchLabels", {}).items()))
        if identity in seen:
            message = f"{whole['name']} stands here a second time"
            reading.add(manifest.problem("MH003", pointer, message, "keep one of the two"), key)
            continue
        seen.add(identity)
        yield pointer, whole


def _skills(reading: Reading, manifest: Manifest, key: str) -> Iterator[SkillUse]:
    for pointer, item in _items(reading, manifest, "skills", key):
        name, wanted, at = item["name"], item.get("version"), manifest.at(pointer)
        if wanted is not None and not is_range(wanted):
            remedy = "write it as npm does, for example ^1.2"
            problem = manifest.problem("MH101", (*pointer, "version"), "this is no version range", remedy)
            reading.add(problem, key)
            continue
        if item.get("enabled", True):
            reading.refer([Reference(f"skill/{name}", wanted, manifest.file, pointer, at)])
        yield SkillUse(name, wanted, item.get("config", {}), item.get("enabled", True), at)


def _mcps(reading: Reading, manifest: Manifest, key: str) -> Iterator[McpUse]:
    for pointer, item in _items(reading, manifest, "mcps", key):
        fields = {name: value for name, value in item.items() if name not in ("name", "enabled")}
        yield McpUse(item["name"], fields, item.get("enabled", True), manifest.at(pointer))


def _env(manifest: Manifest, values: dict[str, Any], pointer: Pointer) -> tuple[EnvUse, ...]:
    return tuple(EnvUse(name, value, manifest.at((*pointer, name))) for name, value in values.items())


def read_attachments(reading: Reading, manifest: Manifest, field: str, key: str) -> tuple[PackUse, ...]:
    """Return the packs that ``field`` attaches; ``key`` is who attaches them, where that turns out broken."""
    found = []
    for pointer, item in _items(reading, manifest, field, key):
        at, version = manifest.at(pointer), item.get("version")
        if item.get("enabled", True):
            wanted = None if version is None else str(version)
            reading.refer([Reference(f"pack/{item['name']}", wanted, manifest.file, pointer, at)])
        use = PackUse(
            name=item["name"],
            version=version,
            when=item.get("when", {}).get("matchLabels", {}),
            enabled=item.get("enabled", True),
            env_overrides=_env(manifest, item.get("envOverrides", {}), (*pointer, "envOverrides")),
            attached_at=item.get("attachedAt"),
            at=at,
        )
        found.append(use)
    return tuple(found)
