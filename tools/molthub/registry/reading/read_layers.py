"""Read packs, profiles, overlays, fleets and bots: every document that is a layer or holds attachments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Literal

from molthub.documents import DNS_LABEL
from molthub.errors import Problem
from molthub.model import (
    Bot,
    EnvUse,
    Fleet,
    KeyRule,
    Layer,
    Locked,
    McpUse,
    Pack,
    PackUse,
    PackVersion,
    Profile,
    SkillUse,
    Suspension,
    SyncPolicy,
    Window,
)
from molthub.registry.manifest import Manifest
from molthub.registry.reading.gathered import Reading, Reference
from molthub.registry.reading.read_skills import read_project, unwritten_project
from molthub.versions import is_range
from molthub.yaml_text import Pointer

_PACK_NUMBER_DIGITS = 9


def read_packs(reading: Reading) -> dict[str, Pack]:
    """Read ``packs/<name>/project.yaml`` and ``packs/<name>/<number>.yaml``."""
    numbers: dict[str, list[int]] = {}
    for steps in reading.below("packs"):
        if len(steps) != 2:  # noqa: PLR2004 (name/file)
            reading.stray("/".join(["packs", *steps]))
            continue
        if not _is_label(reading, "packs", steps[0]):
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


def _is_label(reading: Reading, folder: str, name: str) -> bool:
    if DNS_LABEL.match(name):
        return True
    remedy = "use lower-case letters, digits and hyphens, at most 63 characters"
    problem = Problem("MH103", f"{name} is no name for this", remedy, file=f"{folder}/{name}")
    if problem not in reading.problems:
        reading.add(problem)
    return False


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
        elif _is_label(reading, folder, name):
            yield name, f"{folder}/{steps[0]}"


# --- fleets --------------------------------------------------------------------------------------------------------


def read_fleets(reading: Reading) -> tuple[dict[str, Fleet], dict[str, Bot]]:
    """Read ``fleets/<fleet>/fleet.yaml`` and ``fleets/<fleet>/bots/<bot>.yaml``.

    What is broken stands in its mapping all the same, by its path alone: nobody may take it for removed.
    """
    names: dict[str, set[str]] = {}
    for steps in chain(reading.below("fleets"), reading.refused_in("fleets")):
        if not _is_label(reading, "fleets", steps[0]):
            continue
        bot = steps[2].removesuffix(".yaml") if len(steps) == 3 and steps[1] == "bots" else ""  # noqa: PLR2004
        if steps[1:] in ([], ["bots"], ["fleet.yaml"]):
            names.setdefault(steps[0], set())
        elif not bot or bot == steps[2]:
            reading.stray("/".join(["fleets", *steps]))
        elif _is_label(reading, f"fleets/{steps[0]}/bots", bot):
            names.setdefault(steps[0], set()).add(bot)
    fleets = {name: _read_fleet(reading, name) for name in sorted(names)}
    bots = {f"{name}/{bot}": _read_bot(reading, name, bot) for name in sorted(names) for bot in sorted(names[name])}
    return fleets, bots


def _read_fleet(reading: Reading, name: str) -> Fleet:
    file, key = f"fleets/{name}/fleet.yaml", f"fleet/{name}"
    manifest = reading.manifest("fleet", file, key)
    if manifest is None or not reading.named(manifest, ("metadata", "name"), name, key):
        return Fleet(name, file=file)
    spec = manifest.value["spec"]
    _refer_layers(reading, manifest)
    return Fleet(
        name=name,
        labels=manifest.value["metadata"].get("labels", {}),
        profile=spec.get("profile"),
        overlays=tuple(spec.get("overlays", ())),
        packs=_packs(reading, manifest, "packs", key),
        sync=_sync(manifest),
        rollout=spec.get("rollout"),
        windows=tuple(_windows(manifest)),
        file=file,
    )


def _read_bot(reading: Reading, fleet: str, name: str) -> Bot:
    file, key = f"fleets/{fleet}/bots/{name}.yaml", f"bot/{fleet}/{name}"
    manifest = reading.manifest("bot", file, key)
    if manifest is None or not reading.named(manifest, ("metadata", "name"), name, key):
        return Bot(fleet, name, "", Layer("bot"), home=name, file=file)
    spec = manifest.value["spec"]
    _refer_layers(reading, manifest)
    return Bot(
        fleet=fleet,
        name=name,
        platform=spec["platform"],
        layer=read_layer(reading, manifest, "bot", key),
        home=spec.get("home", name),
        agent=spec.get("agent"),
        labels=manifest.value["metadata"].get("labels", {}),
        profile=spec.get("profile"),
        overlays=tuple(spec["overlays"]) if "overlays" in spec else None,
        hosts=spec.get("hosts", {}),
        sync=_sync(manifest),
        template=spec.get("template", False),
        file=file,
    )


def _sync(manifest: Manifest) -> SyncPolicy:
    said = manifest.value["spec"].get("sync", {})
    return SyncPolicy(
        mode=said.get("mode"),
        prune=said.get("prune"),
        orphans=said.get("orphans"),
        interval=said.get("interval"),
        revoked=said.get("revoked"),
        suspend=_suspension(said["suspend"]) if "suspend" in said else None,
        keys=tuple(_rules(manifest, "keys")),
        ignore=tuple(_rules(manifest, "ignore")),
    )


def _suspension(said: Any) -> Suspension:
    if isinstance(said, bool):
        return Suspension(said)
    return Suspension(active=True, reason=said["reason"], since=said.get("since"))


def _rules(manifest: Manifest, field: str) -> Iterator[KeyRule]:
    for index, rule in enumerate(
        manifest.value["spec"]["sync"].get(field, ()) if "sync" in manifest.value["spec"] else ()
    ):
        yield KeyRule(
            rule["match"], rule.get("mode"), rule.get("reason", ""), manifest.at(("spec", "sync", field, index))
        )


def _windows(manifest: Manifest) -> Iterator[Window]:
    for index, window in enumerate(manifest.value["spec"].get("windows", ())):
        at, zone = manifest.at(("spec", "windows", index)), window.get("timeZone", "UTC")
        yield Window(window["kind"], window["schedule"], window["duration"], zone, window.get("reason", ""), at)


def _refer_layers(reading: Reading, manifest: Manifest) -> None:
    """Note the profile and overlays that a fleet or bot names."""
    spec = manifest.value["spec"]
    if "profile" in spec:
        target = f"profile/{spec['profile']}"
        reading.refer([Reference(target, None, manifest.file, ("spec", "profile"), manifest.file)])
    for index, overlay in enumerate(spec.get("overlays", ())):
        pointer = ("spec", "overlays", index)
        reading.refer([Reference(f"overlay/{overlay}", None, manifest.file, pointer, manifest.file)])


# --- one layer -----------------------------------------------------------------------------------------------------


def read_layer(reading: Reading, manifest: Manifest, name: str, key: str, *, packs: str = "packs") -> Layer:
    """Return the fields that packs, profiles, overlays and bots share; ``packs`` names that of attachments."""
    spec = manifest.value["spec"]
    return Layer(
        name=name,
        skills=tuple(_skills(reading, manifest, key)),
        mcps=tuple(_mcps(reading, manifest, key)),
        env=_env(manifest, spec.get("envVars", {}), ("spec", "envVars")),
        packs=_packs(reading, manifest, packs, key),
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


def _packs(reading: Reading, manifest: Manifest, field: str, key: str) -> tuple[PackUse, ...]:
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
