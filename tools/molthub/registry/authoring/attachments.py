"""Attachments in the text of a fleet or bot: put in, changed, taken out, and every other line left alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from molthub.model import Json
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.yaml_text import parse

_PACKS = ("spec", "packs")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment as it shall stand in a document. ``when`` are labels; bots alone have ``env`` and the time."""

    pack: str
    version: int | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    attached_at: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the item of `packs`."""
        shown: dict[str, Json] = {
            "name": self.pack,
            "version": self.version,
            "when": {"matchLabels": dict(self.when)} if self.when else None,
            "attachedAt": self.attached_at,
            "envOverrides": dict(self.env) or None,
        }
        return {key: value for key, value in shown.items() if value is not None}


def attached_text(text: str, attachment: Attachment, *, file: str = "") -> str:
    """Return a document's text with an attachment; one of the same pack for the same labels is changed to it.

    What a changed attachment says besides (overrides of other variables, comments) stays. Raises
    :class:`~molthub.errors.RegistryError` where the text cannot be edited in place.
    """
    wanted = attachment.to_json()
    packs = _packs(text, file)
    at = next((n for n, item in enumerate(packs) if _same(item, attachment)), None)
    if at is None:
        return edit.set_value(text, (*_PACKS, len(packs)), wanted, file=file)
    pointer = (*_PACKS, at)
    for key in ("version", "enabled"):
        if key in packs[at] and key not in wanted:
            text = edit.remove(text, (*pointer, key), file=file)
    overrides = wanted.pop("envOverrides", {})
    for key, value in wanted.items():
        if packs[at].get(key) != value:
            text = edit.set_value(text, (*pointer, key), value, file=file)
    for key, value in overrides.items():
        text = edit.set_value(text, (*pointer, "envOverrides", key), value, file=file)
    return text


def detached_text(text: str, pack: str, *, when: Mapping[str, str] | None = None, file: str = "") -> str:
    """Return a document's text without its attachments of ``pack``, or without the one for the labels ``when``.

    Raises as :func:`attached_text` does.
    """
    while (found := _first(text, pack, when, file)) is not None:
        at, count = found
        text = edit.remove(text, (*_PACKS, at) if count > 1 else _PACKS, file=file)
    return text


def refused_text(text: str, pack: str, *, file: str = "") -> str:
    """Return a bot's text with ``enabled: false`` for a pack that farther layers attach. Raises as above."""
    text = detached_text(text, pack, file=file)
    item = yaml_write.OneLine(name=pack, enabled=False)
    return edit.set_value(text, (*_PACKS, len(_packs(text, file))), item, file=file)


def _packs(text: str, file: str) -> list[dict[str, Any]]:
    value = parse(text, file).value
    packs: list[dict[str, Any]] = value["spec"].get("packs", [])
    return packs


def _labels(item: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = item.get("when", {}).get("matchLabels", {})
    return labels


def _same(item: Mapping[str, Any], attachment: Attachment) -> bool:
    return item["name"] == attachment.pack and _labels(item) == dict(attachment.when)


def _first(text: str, pack: str, when: Mapping[str, str] | None, file: str) -> tuple[int, int] | None:
    """Return the place of the first attachment that is meant, and how many attachments there are."""
    packs = _packs(text, file)
    meant = (n for n, item in enumerate(packs) if item["name"] == pack and when in (None, _labels(item)))
    at = next(meant, None)
    return None if at is None else (at, len(packs))
