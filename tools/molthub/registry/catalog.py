"""The catalog: the typed view of one state of a registry. Broken parts are named, and everything else goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import Bot, Fleet, Pack, Profile, Publisher, Registry, Skill
from molthub.registry.source import Source


@dataclass(frozen=True)
class Catalog:
    """Everything a registry declares at one revision.

    Mappings are keyed by name and sorted: skills by their full name (``@scope/name``), bots by ``<fleet>/<bot>``.
    ``broken`` says what could not be read: ``skill/git``, ``skill/git@1.2.0``, ``pack/p``, ``pack/p@3``, ``profile/p``,
    ``overlay/o``, ``fleet/f``, ``bot/f/b`` or ``publisher/p`` -> the file that is at fault. A bot or fleet that is
    broken still stands in its mapping as far as its path tells, so that nobody takes it for removed; it never resolves.
    ``dangling`` holds the findings on references to what does not exist, by the place and the name they are made with.
    """

    registry: Registry
    publishers: Mapping[str, Publisher] = field(default_factory=dict)
    skills: Mapping[str, Skill] = field(default_factory=dict)
    packs: Mapping[str, Pack] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    overlays: Mapping[str, Profile] = field(default_factory=dict)
    fleets: Mapping[str, Fleet] = field(default_factory=dict)
    bots: Mapping[str, Bot] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    revision: str = ""
    broken: Mapping[str, str] = field(default_factory=dict)
    dangling: Mapping[tuple[str, str], Problem] = field(default_factory=dict)


def read_catalog(source: Source) -> Catalog:
    """Read everything that ``source`` declares.

    Findings on content are gathered in ``problems`` (the source's own among them). Raises
    :class:`~molthub.errors.RegistryError` only where ``registry.yaml`` itself cannot be read.
    """
    raise NotImplementedError
