"""How layers merge: the words of every layer on every key, and who has the last one. Pure.

Packs lie lowest, beside each other unless one builds on the other; profile, overlays and bot lie above them in order.
The highest word counts. Packs beside each other that say different things are a conflict, unless a layer above decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import Json, Layer, Origin
from molthub.registry.reading.clear_secrets import has_placeholder
from molthub.registry.resolving.availability import placed


@dataclass(frozen=True, slots=True)
class Word:
    """What one layer says on one key. None takes it away."""

    layer: str
    at: str
    value: Json
    of_pack: bool = False

    def origin(self, *, shows_value: bool = False) -> Origin:
        """Return the word as an origin: with its value where it is short, or where it takes the key away."""
        return Origin(self.layer, self.at, self.value, has_value=True) if shows_value or self.value is None else (
            Origin(self.layer, self.at)
        )  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """The layers of a bot, lowest first. ``over`` names, for a pack's layer, the pack layers that lie above it."""

    packs: tuple[Layer, ...] = ()
    upper: tuple[Layer, ...] = ()
    over: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, lowest first."""
        return (*self.packs, *self.upper)

    def is_pack(self, layer: Layer) -> bool:
        """Whether a layer is a pack's."""
        return layer.name in self.over


class ConflictError(Exception):
    """Packs beside each other say different things; ``problem`` names them."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def settle(key: str, words: Sequence[Word], over: Mapping[str, frozenset[str]]) -> Word:
    """Return the word that counts among ``words`` (lowest first, at least one). Raises :class:`ConflictError`."""
    last = words[-1]
    if not last.of_pack:
        return last
    top = [word for word in words if not any(other.layer in over.get(word.layer, ()) for other in words)]
    differing = next((word for word in top if word.value != top[-1].value), None)
    if differing is not None:
        raise ConflictError(_conflict(key, differing, top[-1]))
    return top[-1]


def _conflict(key: str, one: Word, other: Word) -> Problem:
    message = f"{one.layer} ({one.at}) and {other.layer} ({other.at}) say different things about {key}"
    remedy = "say it in a profile, an overlay or the bot: the nearer layer decides"
    return placed("MH204", message, remedy, other.at)


def origins(winner: Word, words: Iterable[Word], *, shows_value: bool = False) -> tuple[Origin, ...]:
    """Return the origins of a key, the winner first and then the others, highest first."""
    rest = [word for word in words if word is not winner]
    return tuple(word.origin(shows_value=shows_value) for word in (winner, *reversed(rest)))


def clear_text_findings(key: str, words: Sequence[Word], contract: str | None) -> list[Problem]:
    """Return where a secret stands in clear: over a placeholder of a lower layer, or against a skill's contract.

    ``contract`` says which skill calls the key a secret, as ``git@1.2.0``.
    """
    found: list[Problem] = []
    guarded = f"{contract} calls it a secret" if contract else ""
    for word in words:
        if not isinstance(word.value, str) or not word.value:
            continue
        if has_placeholder(word.value):
            guarded = guarded or f"{word.layer} ({word.at}) has a placeholder for it"
        elif guarded:
            message = f"{key} is written in clear by {word.layer}, but {guarded}"
            found.append(
                placed("MH105", message, "write ${secrets.name} and give the value where the bot runs", word.at)
            )
    return found


def env_words(stack: Stack) -> dict[str, list[Word]]:
    """Return every layer's word on every environment variable."""
    words: dict[str, list[Word]] = {}
    for layer in stack.layers:
        for use in layer.env:
            words.setdefault(use.key, []).append(Word(layer.name, use.at, use.value, stack.is_pack(layer)))
    return words
