"""Bots as they are shown: what they are attached to and by whom, and what they resolve to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from molthub.errors import Problem
from molthub.model import Bot, Json
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution
from molthub.registry.resolving.bot_layers import PackWord, has_pack, pack_words, profile_names, words_on

MASK = "***"


@dataclass(frozen=True)
class PackHolder:
    """A bot that a pack is attached to. ``version`` is the one it should have, None where it does not resolve.

    ``words`` are the attachments that count, the farthest layer first. ``env`` are its overrides: a literal of a bot
    that does not resolve may be a secret in clear, so it is masked. ``is_pattern``: bots are made after it, and it is
    none itself.
    """

    bot: str
    version: int | None
    words: tuple[PackWord, ...] = ()
    attached_at: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    is_pattern: bool = False

    @property
    def attached_by(self) -> tuple[str, ...]:
        """The layers that attach it, the nearest last."""
        return tuple(word.layer for word in self.words if word.use.enabled)

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints: the attachment's record, and where it is written."""
        fleet, _, _ = self.bot.partition("/")
        shown: dict[str, Any] = {"botId": self.bot, "fleet": fleet, "version": self.version}
        shown |= {"attachedAt": self.attached_at, "envOverrides": self.env}
        shown["attachedBy"] = [word_to_json(word) for word in self.words]
        return shown | ({"problems": [problem.to_json() for problem in self.problems]} if self.problems else {})


def holder_of(catalog: Catalog, bot: Bot, pack: str, resolution: Resolution) -> PackHolder:
    """Return the attachment of ``pack`` to a bot that has it."""
    words = words_on(catalog, bot, pack)
    times = [word.use.attached_at for word in words if word.use.attached_at is not None]
    env = {
        use.key: shown_override(use.value, resolved=resolution.resolved)
        for word in words
        for use in word.use.env_overrides
    }
    version = resolution.packs[pack].version if pack in resolution.packs else None
    errors = () if resolution.resolved else _errors(resolution)
    return PackHolder(bot.path, version, words, times[-1] if times else None, env, errors, bot.template)


def shown_override(value: str | None, *, resolved: bool) -> str:
    """Return an override as it may be shown. Placeholders are no secrets; a literal is one where it stands over one."""
    if value is None:
        return "(taken away)"
    return value if resolved or "${secrets." in value else MASK


def word_to_json(word: PackWord) -> dict[str, Json]:
    """Return where an attachment is written and what it says."""
    use = word.use
    shown = {"layer": word.layer, "at": use.at, "version": use.version, "when": dict(use.when) or None}
    known = {key: value for key, value in shown.items() if value is not None}
    return known if use.enabled else {**known, "enabled": False}


def bot_to_json(catalog: Catalog, bot: Bot, resolution: Resolution) -> dict[str, Json]:
    """Return what is declared of a bot, and what comes of it."""
    profile, overlays = profile_names(bot, catalog.fleets[bot.fleet])
    shown: dict[str, Any] = {
        "bot": bot.path,
        "platform": bot.platform,
        "home": bot.home,
        "agent": bot.agent,
        "template": bot.template or None,
        "labels": dict(resolution.labels),
        "profile": profile,
        "overlays": list(overlays),
        "hosts": dict(bot.hosts),
        "packs": {name: _pack_to_json(catalog, bot, name, resolution) for name in _packs(catalog, bot)},
        "resolved": resolution.resolved,
        "skills": {name: lock.version for name, lock in resolution.skills.items()},
        "mcps": sorted(key.partition("/")[2] for key in resolution.desired if key.startswith("mcp/")),
        "envVars": sorted(key.partition("/")[2] for key in resolution.desired if key.startswith("env/")),
        "problems": [problem.to_json() for problem in resolution.problems],
    }
    return {key: value for key, value in shown.items() if value not in (None, {}, [])}


def _packs(catalog: Catalog, bot: Bot) -> list[str]:
    names = dict.fromkeys(word.use.name for word in pack_words(catalog, bot))
    return [name for name in names if has_pack(catalog, bot, name)]


def _pack_to_json(catalog: Catalog, bot: Bot, pack: str, resolution: Resolution) -> dict[str, Json]:
    shown = holder_of(catalog, bot, pack, resolution).to_json()
    kept = ("version", "attachedAt", "envOverrides", "attachedBy")
    return {key: shown[key] for key in kept if shown[key] not in (None, {}, [])}


def _errors(resolution: Resolution) -> tuple[Problem, ...]:
    return tuple(problem for problem in resolution.problems if problem.severity == "error")
