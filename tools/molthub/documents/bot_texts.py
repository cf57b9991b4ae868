"""Writing many bots' documents: what bots have in common is written once, and documents are put together from it.

A document is the canonical JSON (RFC 8785) of :func:`molthub.documents.bot_to_json`, and its digest that of
:func:`molthub.documents.digest_of`; nothing but time is saved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TypeVar

from molthub.documents.digests import canonical
from molthub.documents.fleets import bot_to_json, fetch_to_json, origins_to_json
from molthub.model import Artifact, DesiredState, Json, Origin

_MOST = 10_000
"""So many parts are kept, of 300 bytes or so each."""

_LARGE = ("desired", "origins", "skills")
"""The members of a document that hold an entry for each of a bot's keys."""

Value = TypeVar("Value")


class BotTexts:
    """Documents of bots, from parts of which those that are the very same object are written once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[object, str]] = {}

    def digest(self, desired: Mapping[str, Json]) -> str:
        """Return the digest of a desired state."""
        return f"sha256:{sha256(self._object(desired, _text).encode()).hexdigest()}"

    def content(self, state: DesiredState) -> bytes:
        """Return a bot's document."""
        if not state.resolved:
            return canonical(bot_to_json(state))
        rest = bot_to_json(replace(state, desired={}, origins={}, skills={}))
        members = {name: _text(value) for name, value in rest.items() if name not in _LARGE}
        members["desired"] = self._object(state.desired, _text)
        members["origins"] = self._object(state.origins, _origins)
        members["skills"] = self._object(state.skills, _fetched)
        return _joined(f'"{name}":{members[name]}' for name in sorted(members)).encode()

    def _object(self, entries: Mapping[str, Value], write: Callable[[Value], str]) -> str:
        if not "".join(entries).isascii():  # RFC 8785 orders other keys by their UTF-16 units
            return _text({key: json.loads(write(value)) for key, value in entries.items()})
        return _joined(self._entry(key, entries[key], write) for key in sorted(entries))

    def _entry(self, key: str, value: Value, write: Callable[[Value], str]) -> str:
        known = self._known.get((key, id(value)))
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = value, f"{_text(key)}:{write(value)}"
            self._known[key, id(value)] = known  # the value is kept, so that its id is not used again
        return known[1]


def _joined(entries: Iterable[str]) -> str:
    return f"{{{','.join(entries)}}}"


def _text(value: Json) -> str:
    return canonical(value).decode()


def _origins(origins: Iterable[Origin]) -> str:
    return _text(origins_to_json(origins))


def _fetched(artifact: Artifact) -> str:
    return _text(fetch_to_json(artifact))
