"""A provider that stands in for any other, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from molthub.secrets.provider import NOT_FOUND, Answer, Failure
from molthub.secrets.value import SecretValue


class FakeProvider:
    """Holds ``values``; answers the code in ``failing`` for an id that stands there."""

    variables: tuple[str, ...] = ()
    where = "nowhere"

    def __init__(self, name: str, values: Mapping[str, str], failing: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.asked: list[tuple[str, ...]] = []
        self._values = dict(values)
        self._failing = dict(failing or {})

    def own_id(self, secret: str) -> str:
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        self.asked.append(tuple(ids))
        failing = {
            name: Failure(self._failing[name], f"{name} is locked", "open it") for name in ids if name in self._failing
        }
        values = {name: SecretValue(self._values[name]) for name in ids if name in self._values and name not in failing}
        unknown = {name: Failure(NOT_FOUND, f"no {name}") for name in ids if name not in values and name not in failing}
        return Answer(values, {**failing, **unknown})
