"""Ask the providers for secrets, in order, each at most once for all that is still missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.secrets.environment import EnvironmentProvider
from molthub.secrets.provider import NOT_FOUND, Failure, Provider
from molthub.secrets.value import SecretValue

_NO_TEXT = Failure("NOT_TEXT", "what it has is no text that a program can be given", "keep the secret as text")

Names = Mapping[str, str | Mapping[str, str]]
"""What a secret is called: an id wherever it is asked for, or an id for each provider that may be asked."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A secret that has no value: what each provider that was asked said, by the provider's name."""

    name: str
    said: tuple[tuple[str, Failure], ...] = ()

    @property
    def reason(self) -> str:
        """What the providers said, in one line."""
        return "; ".join(f"{provider}: {failure.message}" for provider, failure in self.said) or "no provider is asked"

    @property
    def remedy(self) -> str:
        """What to do, where a provider knows: the last one's that went wrong, else the first one's."""
        wrong = [failure.remedy for _, failure in self.said if failure.remedy and failure.code != NOT_FOUND]
        return (wrong or [failure.remedy for _, failure in self.said if failure.remedy] or [""])[-1]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of the secrets that were asked for. ``providers`` says who had each value."""

    values: Mapping[str, SecretValue] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds secrets by name. It remembers nothing: values live as long as what :meth:`resolve` returned.

    A provider that does not have a secret lets the next be asked. One that cannot say, because a file is refused or a
    server does not answer, does not: what another has under that name may be an older value.
    """

    providers: Sequence[Provider]
    names: Names = field(default_factory=dict)

    def resolve(self, names: Iterable[str]) -> Resolved:
        """Return the values of the secrets in ``names`` and what is missing."""
        left = list(dict.fromkeys(names))
        values: dict[str, SecretValue] = {}
        providers: dict[str, str] = {}
        said: dict[str, list[tuple[str, Failure]]] = {name: [] for name in left}
        for provider in self.providers:
            ids = {name: found for name in left if (found := self.id_at(provider, name)) is not None}
            if not ids:
                continue
            answer = provider.resolve(tuple(dict.fromkeys(ids.values())))
            for name, wanted in ids.items():
                value = answer.values.get(wanted)
                if value is not None and value.can_be_given:
                    values[name] = value
                    providers[name] = provider.name
                else:
                    failure = _NO_TEXT if value is not None else answer.errors[wanted]
                    said[name].append((provider.name, failure))
            left = [name for name in left if name not in values and _may_go_on(said[name])]
        missing = {name: Missing(name, tuple(said[name])) for name in said if name not in values}
        return Resolved(values, providers, missing)

    def id_at(self, provider: Provider, name: str) -> str | None:
        """Return what a provider calls a secret; None where it is not asked for it."""
        called = self.names.get(name)
        if called is None:
            return provider.own_id(name)
        return called if isinstance(called, str) else called.get(provider.name)

    def variables(self, names: Collection[str]) -> frozenset[str]:
        """Return the environment variables that hold one of ``names``, or let a provider in somewhere."""
        found = {variable for provider in self.providers for variable in provider.variables}
        for provider in self.providers:
            if isinstance(provider, EnvironmentProvider):
                found |= {called for name in names if (called := self.id_at(provider, name)) is not None}
        return frozenset(found)


def _may_go_on(said: list[tuple[str, Failure]]) -> bool:
    return not said or said[-1][1].code == NOT_FOUND
