"""Bots as a list shows them: from a registry's checkout, or without one from an index; with what a target knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from molthub.errors import NotFoundError

if TYPE_CHECKING:
    from molthub.cli.operating import Operating
    from molthub.console import Console
    from molthub.model import DesiredState, Json
    from molthub.observed import ObservedBot
    from molthub.registry.catalog import Catalog
    from molthub.registry.resolve import Resolution

_SHORT = 8
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


@dataclass(frozen=True)
class ListedBot:
    """One bot. ``layers`` are its profile and overlays, unknown (None) without a checkout; ``shown`` is its JSON."""

    path: str
    platform: str
    labels: Mapping[str, str]
    packs: Mapping[str, int]
    layers: str | None
    is_resolved: bool
    desired: str | None
    shown: Mapping[str, Json] = field(default_factory=dict)
    is_template: bool = False

    @property
    def skills(self) -> Mapping[str, str]:
        """The versions of its skills, by name."""
        skills = self.shown.get("skills")
        return {name: str(version) for name, version in skills.items()} if isinstance(skills, dict) else {}


def listed_bots(console: Console, operating: Operating, fleet: str | None) -> tuple[list[ListedBot], str]:
    """Return the bots (of a fleet), and the revision that declares them. Raises :class:`NotFoundError` for a fleet."""
    if operating.reading is None and operating.place.index is not None:
        return [*_published(operating, fleet)], operating.index.root().revision
    reading = operating.need_registry()
    reading.warn(console)
    return [*_declared(reading.catalog, fleet)], reading.catalog.revision


def _declared(catalog: Catalog, fleet: str | None) -> Iterator[ListedBot]:
    from molthub.registry.authoring.bot_choice import chosen_bots
    from molthub.registry.authoring.bot_shown import bot_to_json
    from molthub.registry.authoring.consequences import resolve_some

    chosen = chosen_bots(catalog, fleet, {})
    found = resolve_some(catalog, {bot.path for bot in chosen})
    for bot in chosen:
        resolution = found[bot.path]
        shown = bot_to_json(catalog, bot, resolution)
        digest = _digest(resolution)
        yield ListedBot(
            bot.path,
            bot.platform,
            resolution.labels,
            {name: pack.version for name, pack in resolution.packs.items()},
            ", ".join(filter(None, [shown.get("profile"), *shown.get("overlays", ())])),
            resolution.resolved,
            digest,
            {**shown, **({"digest": digest} if digest else {})},
            bot.template,
        )


def _digest(resolution: Resolution) -> str | None:
    from molthub.documents import digest_of

    return digest_of(dict(resolution.desired)) if resolution.resolved else None


def _published(operating: Operating, fleet: str | None) -> Iterator[ListedBot]:
    for name in _fleets(operating) if fleet is None else (fleet,):
        for _, ref in sorted(operating.index.fleet(name).bots.items()):
            yield _of_document(operating.index.bot_document(ref.file))


def _fleets(operating: Operating) -> tuple[str, ...]:
    fleets = operating.index.fleets()
    if not fleets:
        remedy = "build it with --fleets, or give a registry's checkout: --registry DIR"
        raise NotFoundError("this index declares no bots", place=operating.index.where, remedy=remedy)
    return fleets


def published_bot(operating: Operating, asked: str) -> ListedBot:
    """Return the bot of the index that is meant. Raises :class:`NotFoundError`, :class:`UsageError`."""
    from molthub.registry.authoring.bot_choice import find_path

    refs = {
        f"{fleet}/{bot}": ref for fleet in _fleets(operating) for bot, ref in operating.index.fleet(fleet).bots.items()
    }
    return _of_document(operating.index.bot_document(refs[find_path(refs, asked, "index")].file))


def _of_document(bot: DesiredState) -> ListedBot:
    packs = {name: pack.version for name, pack in bot.packs.items()}
    attached = {
        name: {"version": pack.version, **({"attachedAt": pack.attached_at} if pack.attached_at else {})}
        for name, pack in bot.packs.items()
    }
    shown: dict[str, Json] = {
        "bot": bot.path,
        "platform": bot.platform,
        "home": bot.home,
        "agent": bot.agent,
        "template": bot.template or None,
        "labels": dict(bot.labels),
        "packs": attached,
        "digest": bot.digest,
        "skills": {artifact.name: artifact.version for artifact in bot.skills.values()},
        "mcps": sorted(key[4:] for key in bot.desired if key.startswith("mcp/")),
        "envVars": sorted(key[4:] for key in bot.desired if key.startswith("env/")),
        "problems": list(bot.problems),
    }
    known = {key: value for key, value in shown.items() if value not in (None, {}, [], "")}
    known["resolved"] = bot.resolved
    return ListedBot(bot.path, bot.platform, bot.labels, packs, None, bot.resolved, bot.digest, known, bot.template)


def head(*, has_target: bool, wide: bool) -> list[str]:
    """Return the names of the columns."""
    seen = ["STATE", "HAS"] if has_target else []
    more = ["DESIRED", *(["OBSERVED", "SEEN"] if has_target else []), "LABELS"] if wide else []
    return ["BOT", "PLATFORM", "PACKS", "PROFILE", "RESOLVED", *seen, *more]


def row(bot: ListedBot, known: Mapping[str, ObservedBot] | None, *, wide: bool) -> list[str]:
    """Return the columns of one bot; ``known`` is what the target has on record, None without one."""
    resolved = "template" if bot.is_template else "yes" if bot.is_resolved else "no"
    cells = [bot.path, bot.platform, versions(bot.packs) or "-", bot.layers or "-", resolved]
    seen = known.get(bot.path) if known is not None else None
    if known is not None:
        cells += [(seen.state if seen else None) or "-", versions(seen.packs if seen else {}) or "-"]
    if wide:
        cells.append(_short(bot.desired))
        if known is not None:
            cells += [_short(seen.observed if seen else None), age(seen.at if seen else None)]
        cells.append(",".join(f"{key}={value}" for key, value in bot.labels.items() if "/" not in key) or "-")
    return cells


def csv_head() -> list[str]:
    """Return the names of the columns of a spreadsheet."""
    return ["bot", "fleet", "platform", "packs", "profile", "resolved", "desired", "state", "has", "observed", "seen",
            "labels", "skills"]  # fmt: skip


def csv_row(bot: ListedBot, known: Mapping[str, ObservedBot] | None) -> list[str]:
    """Return one bot for a spreadsheet: everything, in full; several in one column stand apart by spaces."""
    seen = (known or {}).get(bot.path)
    has = [seen.state, _joined(seen.packs, "@"), seen.observed, seen.at] if seen is not None else [""] * 4
    resolved = "template" if bot.is_template else "yes" if bot.is_resolved else "no"
    declared = [bot.path, bot.path.partition("/")[0], bot.platform, _joined(bot.packs, "@"), bot.layers]
    cells = [*declared, resolved, bot.desired, *has, _joined(bot.labels, "="), _joined(bot.skills, "@")]
    return [cell or "" for cell in cells]


def _joined(pairs: Mapping[str, object], sign: str) -> str:
    return " ".join(f"{key}{sign}{value}" for key, value in sorted(pairs.items()))


def versions(packs: Mapping[str, int]) -> str:
    """Return packs as ``dev@2, ops@1``."""
    return ", ".join(f"{name}@{number}" for name, number in sorted(packs.items()))


def _short(digest: str | None) -> str:
    return digest.partition(":")[2][:_SHORT] if digest else "-"


def age(at: str | None, now: datetime | None = None) -> str:
    """Return how long ago a time was, as ``kubectl`` says it: ``45s``, ``12m``, ``5h``, ``3d``."""
    try:
        seconds = int(((now or datetime.now(UTC)) - datetime.fromisoformat(str(at))).total_seconds())
    except (ValueError, TypeError):
        return "-"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"
