"""The port behind which secrets are: one question, and an answer that names what is not there.

A provider never raises for what it is asked: whatever goes wrong is a :class:`Failure` of the ids it concerns. A
failure's message is made here, from names and paths; it never quotes what a store, a file or a program said, because
that may hold what nobody should read in a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from molthub.secrets.value import SecretValue

NOT_FOUND = "NOT_FOUND"
"""The code of an id that a provider does not have: the next provider is asked, which no other code allows."""

MAX_VALUE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an id has no value. ``code`` is upper case, ``message`` and ``remedy`` are for people."""

    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider has: every id that was asked for is in one of the two."""

    values: Mapping[str, SecretValue] = field(default_factory=dict)
    errors: Mapping[str, Failure] = field(default_factory=dict)


class Provider(Protocol):
    """Where secrets are kept."""

    name: str
    """As ``secrets.yaml`` calls it."""

    where: str
    """The place behind it, for people."""

    variables: tuple[str, ...]
    """Environment variables that let it in somewhere: no program that gets secrets from it needs them."""

    def own_id(self, secret: str) -> str:
        """Return what a declared secret is called here where nothing else is said."""
        ...

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return the values of ``ids``, all in one go."""
        ...


class Listing(Protocol):
    """A provider that can say what it holds."""

    def ids(self) -> tuple[str, ...]:
        """Return the ids that have a value. Raises :class:`molthub.errors.MolthubError` where that cannot be said."""
        ...


class Keeping(Protocol):
    """A provider that values can be put into."""

    only_if_named: bool
    """Whether that is done only where somebody says so: the place has other writers."""

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Keep a value and return where, for people. Raises :class:`molthub.errors.MolthubError`."""
        ...

    def forget(self, secret_id: str) -> str | None:
        """Take a value away and return from where; None where there is none.

        Raises :class:`molthub.errors.MolthubError`.
        """
        ...


def all_failed(ids: Iterable[str], failure: Failure) -> Answer:
    """Return the answer of a provider that cannot be asked at all."""
    return Answer(errors=dict.fromkeys(ids, failure))
