"""Read fleets, and the bots that belong to them by their folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from molthub.errors import Problem
from molthub.model import Bot, Fleet, KeyRule, Layer, Suspension, SyncPolicy, Window
from molthub.registry.manifest import Manifest
from molthub.registry.reading.gathered import Reading, Reference
from molthub.registry.reading.read_layers import is_label, read_attachments, read_layer


def fleet_members(reading: Reading) -> dict[str, set[str]]:
    """Return every fleet with its bots, as far as paths tell; name what else stands below ``fleets``."""
    names: dict[str, set[str]] = {}
    for steps in chain(reading.below("fleets"), reading.refused_in("fleets")):
        if not is_label(reading, "fleets", steps[0]):
            continue
        bot = steps[2].removesuffix(".yaml") if len(steps) == 3 and steps[1] == "bots" else ""  # noqa: PLR2004
        if steps[1:] in ([], ["bots"], ["fleet.yaml"]):
            names.setdefault(steps[0], set())
        elif not bot or bot == steps[2]:
            reading.stray("/".join(["fleets", *steps]))
        elif is_label(reading, f"fleets/{steps[0]}/bots", bot):
            names.setdefault(steps[0], set()).add(bot)
    return names


class ReadBot(NamedTuple):
    """A bot with everything that reading its file has found."""

    bot: Bot
    problems: list[Problem]
    references: list[Reference]
    broken: str | None


ReadBots = dict[tuple[str, str], ReadBot]
"""Bots by their files and the blobs of these: two commits have nearly all in common."""


def read_bots(reading: Reading, members: Mapping[str, Collection[str]], known: ReadBots) -> dict[str, Bot]:
    """Read the bots of fleets, by ``<fleet>/<bot>``. What is ``known``, which grows, is not read again."""
    bots: dict[str, Bot] = {}
    for fleet, name in [(one, bot) for one in sorted(members) for bot in sorted(members[one])]:
        file, key = f"fleets/{fleet}/bots/{name}.yaml", f"bot/{fleet}/{name}"
        blob = reading.source.files[file].id if file in reading.source.files else ""
        found = known.get((file, blob)) if blob and file not in reading.source.refused else None
        if found is None:
            problems, references = len(reading.problems), len(reading.references)
            bot = read_bot(reading, fleet, name)
            found = ReadBot(bot, reading.problems[problems:], reading.references[references:], reading.broken.get(key))
            if file not in reading.source.refused:
                known[file, blob] = found
        else:
            reading.problems += found.problems
            reading.references += found.references
            if found.broken is not None:
                reading.broken.setdefault(key, found.broken)
        bots[f"{fleet}/{name}"] = found.bot
    return bots


def read_fleet(reading: Reading, name: str) -> Fleet:
    """Read ``fleets/<fleet>/fleet.yaml``.

    What is broken stands there all the same, by its path alone: nobody may take it for removed.
    """
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
        packs=read_attachments(reading, manifest, "packs", key),
        sync=_sync(manifest),
        rollout=spec.get("rollout"),
        windows=tuple(_windows(manifest)),
        file=file,
    )


def read_bot(reading: Reading, fleet: str, name: str) -> Bot:
    """Read ``fleets/<fleet>/bots/<bot>.yaml``. What is broken stands there, as with :func:`read_fleet`."""
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
    return Suspension(active=True, reason=said["reason"], since=said.get("since"), until=said.get("until"))


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
