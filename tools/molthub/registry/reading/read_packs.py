"""Read packs and their versions."""

from __future__ import annotations

from dataclasses import replace

from molthub.model import (
    Locked,
    Pack,
    PackVersion,
)
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_layers import is_label, read_layer
from molthub.registry.reading.read_skills import read_project, unwritten_project

_PACK_NUMBER_DIGITS = 9


def read_packs(reading: Reading) -> dict[str, Pack]:
    """Read ``packs/<name>/project.yaml`` and ``packs/<name>/<number>.yaml``."""
    numbers: dict[str, list[int]] = {}
    for steps in reading.below("packs"):
        if len(steps) != 2:  # noqa: PLR2004 (name/file)
            reading.stray("/".join(["packs", *steps]))
            continue
        if not is_label(reading, "packs", steps[0]):
            continue
        name, file = steps
        found = numbers.setdefault(name, [])
        if (number := _number(file)) is not None:
            found.append(number)
        elif file != "project.yaml" and _number(f"{file.removesuffix('.sig')}.yaml") is None:
            reading.stray(f"packs/{name}/{file}", "the file is no version of the pack: 1.yaml, 2.yaml and so on")
    packs: dict[str, Pack] = {}
    for name in sorted(numbers):
        manifest = reading.manifest("pack-project", f"packs/{name}/project.yaml", f"pack/{name}")
        versions = [_read_pack_version(reading, name, number) for number in sorted(numbers[name])]
        project = read_project(manifest) if manifest is not None else unwritten_project(reading, f"packs/{name}")
        if project is not None:
            known = {version.number: version for version in versions if version is not None}
            recorded = {
                number: replace(version, record=project.versions.get(str(number))) for number, version in known.items()
            }
            packs[name] = Pack(name, project, recorded)
    return packs


def _number(file: str) -> int | None:
    stem = file.removesuffix(".yaml")
    fits = stem != file and stem.isascii() and stem.isdecimal() and len(stem) <= _PACK_NUMBER_DIGITS
    return int(stem) if fits and not stem.startswith("0") else None


def _read_pack_version(reading: Reading, name: str, number: int) -> PackVersion | None:
    file, key = f"packs/{name}/{number}.yaml", f"pack/{name}@{number}"
    manifest = reading.manifest("skillpack", file, key)
    if manifest is None:
        return None
    reading.named(manifest, ("metadata", "name"), name, key)
    reading.named(manifest, ("spec", "version"), number, key)
    spec = manifest.value["spec"]
    layer = read_layer(reading, manifest, f"pack/{name}@{number}", key, packs="extends")
    if key in reading.broken:
        return None
    resolved = {entry: Locked(str(lock["version"]), lock["digest"]) for entry, lock in spec.get("resolved", {}).items()}
    return PackVersion(
        name=name,
        number=number,
        layer=layer,
        display_name=spec.get("displayName", ""),
        description=spec.get("description", ""),
        labels=manifest.value["metadata"].get("labels", {}),
        resolved=resolved,
        file=file,
    )
