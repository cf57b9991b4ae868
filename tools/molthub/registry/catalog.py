"""The catalog: the typed view of one state of a registry. Broken parts are named, and everything else goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from molthub.errors import Problem, RegistryError
from molthub.model import Bot, Fleet, Pack, Profile, Publisher, Registry, Skill
from molthub.registry.reading.gathered import Reading, Reference
from molthub.registry.reading.read_fleets import ReadBots, fleet_members, read_bots, read_fleet
from molthub.registry.reading.read_layers import read_profiles
from molthub.registry.reading.read_packs import read_packs
from molthub.registry.reading.read_skills import read_publishers, read_skills
from molthub.registry.reading.references import dangling_references
from molthub.registry.source import Source
from molthub.registry.touched import TouchedSkills, TouchedSource
from molthub.registry.trees.tree_walk import FOLDERS

ROOT_FILE = "registry.yaml"


@dataclass(frozen=True)
class Catalog:
    """Everything a registry declares at one revision.

    Mappings are keyed by name and sorted: skills by their full name (``@scope/name``), bots by ``<fleet>/<bot>``.
    ``broken`` says what could not be read: ``skill/git``, ``skill/git@1.2.0``, ``pack/p``, ``pack/p@3``, ``profile/p``,
    ``overlay/o``, ``fleet/f``, ``bot/f/b`` or ``publisher/p`` -> the file that is at fault. A bot or fleet that is
    broken still stands in its mapping as far as its path tells, so that nobody takes it for removed; it never resolves.
    A skill or pack whose ``project.yaml`` is yet to be written has an empty project: none of its versions is recorded.
    ``dangling`` holds the findings on references to what does not exist, by the place and the name they are made with.
    ``partly`` are the fleets of which not all bots were read, since a change does not touch the others.
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
    partly: frozenset[str] = frozenset()


def read_catalog(source: Source, bots: ReadBots | None = None) -> Catalog:
    """Read everything that ``source`` declares.

    Findings on content are gathered in ``problems`` (the source's own among them). Raises
    :class:`~molthub.errors.RegistryError` only where ``registry.yaml`` itself cannot be read. Of a source that a change
    touches only in part, other skills are read when they are asked for. ``bots`` are known from another commit.
    """
    reading = Reading(source)
    registry, skills = _read_registry(reading), read_skills(reading)
    known = bots if bots is not None else {}
    if isinstance(source, TouchedSource):
        touched = _catalog(reading, registry, TouchedSkills(skills, source), bots=known)
        return replace(touched, partly=source.partly)
    return _catalog(reading, registry, skills, bots=known)


def read_around(
    source: Source,
    skills: Mapping[str, Skill],
    broken: Mapping[str, str],
    dangling: Mapping[tuple[str, str], Problem],
    fleets: Iterable[str] = (),
) -> Catalog:
    """Read a source that holds everything but ``skills``, which were read by themselves, and bots, which are not read.

    ``broken`` and ``dangling`` are those of skills; the catalog's ``problems`` are those of the others alone. Fleets
    named in ``fleets`` are there, whatever stands in their folders beside bots. A skill may be read when it is asked
    for. Raises as :func:`read_catalog` does.
    """
    reading = Reading(source)
    reading.broken |= broken
    catalog = _catalog(reading, _read_registry(reading), skills, fleets=fleets)
    return replace(catalog, dangling={**dangling, **catalog.dangling})


def read_registry(source: Source) -> Registry:
    """Read ``registry.yaml`` alone. Raises as :func:`read_catalog` does."""
    return _read_registry(Reading(source))


def judge_references(
    source: Source,
    references: Iterable[Reference],
    skills: Mapping[str, Skill],
    broken: Mapping[str, str],
    hosts: Collection[str],
) -> Mapping[tuple[str, str], Problem]:
    """Return what is wrong with the ``references`` of one skill, whose files are in ``source``, to other skills."""
    reading = Reading(source)
    reading.refer(references)
    return dangling_references(reading, skills, {}, {}, hosts, broken=broken)


def judge_bot(reading: Reading, catalog: Catalog) -> dict[tuple[str, str], Problem]:
    """Return what is wrong with the references of one bot, which ``reading`` has read, to what ``catalog`` holds."""
    layers = {"profile": catalog.profiles, "overlay": catalog.overlays}
    names = catalog.skills, catalog.packs, layers
    return dangling_references(reading, *names, catalog.registry.hosts, broken=catalog.broken)


def _catalog(
    reading: Reading,
    registry: Registry,
    skills: Mapping[str, Skill],
    *,
    fleets: Iterable[str] = (),
    bots: ReadBots | None = None,
) -> Catalog:
    source = reading.source
    publishers = read_publishers(reading)
    packs = read_packs(reading)
    profiles = read_profiles(reading, "Profile")
    overlays = read_profiles(reading, "Overlay")
    members = {name: set[str]() for name in fleets} | fleet_members(reading)
    found_fleets = {name: read_fleet(reading, name) for name in sorted(members)}
    read = read_bots(reading, members, bots) if bots is not None else {}
    layers = {"profile": profiles, "overlay": overlays}
    dangling = dangling_references(reading, skills, packs, layers, registry.hosts)
    return Catalog(
        registry=registry,
        publishers=publishers,
        skills=skills,
        packs=packs,
        profiles=profiles,
        overlays=overlays,
        fleets=found_fleets,
        bots=read,
        problems=(*reading.problems, *dangling.values(), *_strays(source)),
        revision=source.revision,
        broken=reading.broken,
        dangling=dangling,
    )


def _read_registry(reading: Reading) -> Registry:
    manifest = reading.manifest("registry", ROOT_FILE, "registry")
    if manifest is None:
        errors = [problem for problem in reading.problems if problem.file == ROOT_FILE]
        remedy = "mend it first: nothing else of the registry can be judged without it"
        raise RegistryError(f"{ROOT_FILE} cannot be read", place=reading.source.where, remedy=remedy, problems=errors)
    value = manifest.value
    return Registry(
        name=value["name"],
        url=value.get("url", ""),
        repository=value.get("repository", ""),
        owner=value["owner"],
        hosts=tuple(value.get("hosts", ())),
        policy=value.get("policy", {}),
    )


def _strays(source: Source) -> Iterator[Problem]:
    """Warn of folders beside ``registry.yaml`` whose names look like ours misspelt."""
    for name in source.strays:
        near = get_close_matches(name.lower(), FOLDERS, n=1, cutoff=0.75)
        if near:
            message = f"the folder {name} is not read"
            yield Problem("MH014", message, f"did you mean {near[0]}?", "warning", file=name)
