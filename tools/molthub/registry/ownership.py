"""Who may change what: actors, what a path belongs to, and who owns that. Pure.

Publishers, owners and scopes are those of the base of a change, never those that the change brings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from molthub.documents import DNS_LABEL
from molthub.errors import UsageError
from molthub.model import Publisher
from molthub.registry.catalog import Catalog
from molthub.registry.touched import every_skill

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}(?:\[bot\])?\Z")
_GITHUB = "github:"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who had a hand in a change: a publisher by its name, or a GitHub account by its login.

    The two are never mixed up: an account that is named like a publisher acts for it only where the publisher lists it.
    """

    kind: Literal["publisher", "github"]
    name: str

    def acts_for(self, publisher: Publisher) -> bool:
        """Whether the actor speaks for a publisher. Logins are compared without case, as GitHub does."""
        if self.kind == "publisher":
            return publisher.name == self.name
        return self.name.casefold() in {login.casefold() for login in publisher.github}

    def __str__(self) -> str:
        return f"{_GITHUB}{self.name}" if self.kind == "github" else self.name


def parse_actor(text: str, *, option: str = "--actor") -> Actor:
    """Read ``PUBLISHER`` or ``github:LOGIN``, as ``option`` gave it. Raises :class:`UsageError`."""
    if text.startswith(_GITHUB):
        login = text.removeprefix(_GITHUB)
        if _LOGIN.match(login):
            return Actor("github", login)
    elif DNS_LABEL.match(text):
        return Actor("publisher", text)
    raise UsageError(f"{option} {text!r} is nobody", remedy="write github:LOGIN, or the name of a publisher")


def is_in_force(catalog: Catalog, actors: Iterable[Actor]) -> bool:
    """Whether a base can judge these actors: accounts only where the registry's owner has said which are its own.

    A registry whose owner lists none would shut everybody out, its owner too.
    """
    owner = catalog.publishers.get(catalog.registry.owner)
    return all(actor.kind != "github" or (owner is not None and bool(owner.github)) for actor in actors)


def acts_for_registry(catalog: Catalog, actor: Actor) -> bool:
    """Whether an actor speaks for the registry's owner, who may do everything."""
    owner = catalog.publishers.get(catalog.registry.owner)
    return owner is not None and actor.acts_for(owner)


class Subject(NamedTuple):
    """What a path belongs to. Of kind ``registry`` is everything that has no owner of its own."""

    kind: Literal["skill", "pack", "publisher", "registry"]
    name: str

    @property
    def folder(self) -> str:
        """The folder that is the subject's own, ending in ``/``; empty for what has none."""
        return f"{self.kind}s/{self.name}/" if self.kind != "registry" else ""


def subject_of(path: str) -> Subject:
    """Return what a path of the registry belongs to. What is not known to belong to somebody is the registry's."""
    match path.split("/"):
        case ["skills", scope, name, _, *_] if scope.startswith("@"):
            return Subject("skill", f"{scope}/{name}")
        case ["skills", name, _, *_] if not name.startswith("@"):
            return Subject("skill", name)
        case ["packs", name, _, *_]:
            return Subject("pack", name)
        case ["publishers", name, _, *_]:
            return Subject("publisher", name)
        case [top, name, *_]:
            return Subject("registry", f"{top}/{name.removesuffix('.yaml')}")
    return Subject("registry", path)


def scope_of(skill: str) -> str | None:
    """Return the scope of a skill's full name, without ``@``; None where it has none."""
    return skill[1:].partition("/")[0] if skill.startswith("@") else None


def holders(catalog: Catalog, scope: str) -> tuple[str, ...]:
    """Return the publishers that list a scope."""
    return tuple(publisher.name for publisher in catalog.publishers.values() if scope in publisher.scopes)


def owners_of(catalog: Catalog, subject: Subject) -> tuple[str, ...]:
    """Return the publishers that own a subject. Nobody does where it does not exist, or cannot be read."""
    if subject.kind == "publisher":
        return (subject.name,) if subject.name in catalog.publishers else ()
    if subject.kind == "registry":
        return (catalog.registry.owner,)
    scope = scope_of(subject.name) if subject.kind == "skill" else None
    if scope is not None:
        return holders(catalog, scope)
    found = (catalog.skills if subject.kind == "skill" else catalog.packs).get(subject.name)
    return found.project.owners if found is not None else ()


class OwnersOfSkills(Mapping[str, tuple[str, ...]]):
    """The owners of every skill that is there or was, by its full name: with a scope, or without."""

    def __init__(self, catalog: Catalog, *, scoped: bool) -> None:
        self._catalog = catalog
        self._names = {name for name in every_skill(catalog.skills) if name.startswith("@") == scoped}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._names:
            raise KeyError(name)
        return owners_of(self._catalog, Subject("skill", name))
