"""Who needs which secret: every place of a bot's desired values that refers to one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from molthub.model import Json, Origin
from molthub.references.secrets import placeholders


@dataclass(frozen=True, slots=True)
class Use:
    """One place that refers to a secret: a key of the desired state, and a JSON pointer into its value.

    ``at`` is the file and line that declared it, as far as known.
    """

    secret: str
    key: str
    part: str = ""
    at: str = ""

    @property
    def shown(self) -> str:
        """The place for people: ``mcp/github (/env/TOKEN)``."""
        return f"{self.key} ({self.part})" if self.part else self.key


def uses(desired: Mapping[str, Json], origins: Mapping[str, tuple[Origin, ...]] | None = None) -> tuple[Use, ...]:
    """Return every use of a secret in ``desired``, in the order of its keys."""
    return tuple(
        Use(secret, key, part, _origin(key, part, desired, origins or {}))
        for key, value in sorted(desired.items())
        if not key.startswith("skill/")  # whose value is a digest
        for part, text in _texts(value)
        for secret in placeholders(text)
    )


def by_secret(found: tuple[Use, ...]) -> dict[str, tuple[Use, ...]]:
    """Return the uses of each secret, secrets in the order of their names."""
    names = sorted({use.secret for use in found})
    return {name: tuple(use for use in found if use.secret == name) for name in names}


def _texts(value: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{number}")


def _origin(key: str, part: str, desired: Mapping[str, Json], origins: Mapping[str, tuple[Origin, ...]]) -> str:
    """Return where a value was declared: for a server's variable that is the bot's own, where that one was."""
    variable = part.removeprefix("/") if key.startswith("mcp/") and part.startswith("/env/") else ""
    is_own = variable in desired and desired[key]["env"][variable.removeprefix("env/")] == desired[variable]
    found = origins.get(variable if is_own else key, ())
    return found[0].at if found else ""
