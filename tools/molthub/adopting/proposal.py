"""What to declare for bots that were configured by hand: packs of what they share, and a document for each bot.

What all of them have is one pack; their variables are a pack of their own, without servers, because a variable of a
bot or of a pack with servers would reach servers that do not have it now. What differs stays on the bots.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from molthub import schema_files
from molthub.adopting.home import HandMade, Left
from molthub.adopting.skills import KnownSkill
from molthub.errors import NotFoundError, RegistryError, ResolutionError
from molthub.model import Json
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.consequences import resolve_some
from molthub.registry.authoring.pack_files import API_VERSION, new_pack
from molthub.registry.authoring.packs import create_pack
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Adopted:
    """One bot: what was read in its home, and the skills that the registry knows."""

    fleet: str
    name: str
    home: str
    platform: str
    read: HandMade
    skills: Mapping[str, KnownSkill]
    left: tuple[Left, ...] = ()

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``."""
        return f"{self.fleet}/{self.name}"

    @property
    def parts(self) -> dict[str, Json]:
        """What is declared, by key; of a skill its name, version and settings."""
        found = {key: value for key, value in self.read.keys.items() if not key.startswith("config/")}
        for bare, skill in self.skills.items():
            settings = self.read.keys.get(f"config/{bare}")
            config = {"config": settings} if settings is not None else {}
            found[f"skill/{bare}"] = {"name": skill.name, "version": skill.version, **config}
        return found

    @property
    def stays(self) -> tuple[Left, ...]:
        """What stays the owner's."""
        without = [key for key in self.read.keys if key.startswith("config/") and key[7:] not in self.skills]
        settings = [Left(key, "the settings are of a skill that is not declared") for key in without]
        return (*self.read.left, *self.left, *settings)


@dataclass(frozen=True)
class Proposal:
    """The files of one commit. ``packs`` are the new packs; ``besides`` says of each bot what it would get besides."""

    files: Mapping[str, bytes]
    packs: tuple[str, ...] = ()
    besides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def propose(source: Source, bots: Sequence[Adopted], *, pack: str, published: str) -> Proposal:
    """Return what to declare for ``bots`` of one fleet.

    Raises :class:`RegistryError` for a bot or pack that is there already, and :class:`ResolutionError` where a bot
    would not resolve.
    """
    catalog = read_catalog(source)
    fleet = bots[0].fleet
    _need_new(catalog, bots, pack)
    parts = {bot.path: bot.parts for bot in bots}
    shared = _shared(parts)
    env = _shared_env(parts)
    files: dict[str, bytes] = {}
    texts = _packs(pack, shared, env)
    for name, text in texts.items():
        owner = catalog.registry.owner or next(iter(catalog.publishers), "")
        files |= create_pack(Overlay(source, files), name, text, owner=owner, published=published)[0]
    if fleet not in catalog.fleets:
        files[f"fleets/{fleet}/fleet.yaml"] = _document("Fleet", fleet, {}, "fleet")
    for bot in bots:
        uses = [_use(name, parts[bot.path], env if name != pack else {}) for name in texts]
        own = {key: part for key, part in parts[bot.path].items() if key not in shared and not key.startswith("env/")}
        spec: dict[str, Json] = {"platform": bot.platform, **({"home": bot.home} if bot.home != bot.name else {})}
        spec |= {"packs": uses} if uses else {}
        files[f"fleets/{fleet}/bots/{bot.name}.yaml"] = _document("Bot", bot.name, spec | _layer(own), "bot")
    return Proposal(files, tuple(texts), _besides(source, files, bots))


def _need_new(catalog: Catalog, bots: Sequence[Adopted], pack: str) -> None:
    for bot in bots:
        if bot.path in catalog.bots:
            remedy = "take what is new into its file by hand, or give another name with --name"
            raise RegistryError(
                f"the bot {bot.path} is declared already", place=catalog.bots[bot.path].file, remedy=remedy
            )
    for name in (pack, f"{pack}-env"):
        if name in catalog.packs or f"pack/{name}" in catalog.broken:
            remedy = "give the new pack another name with --pack; packs can be merged later (`extends`)"
            raise RegistryError(f"there is a pack {name} already", place=f"packs/{name}", remedy=remedy)


def _shared(parts: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    first, *others = parts.values()
    return {
        key: part
        for key, part in first.items()
        if not key.startswith("env/") and all(other.get(key) == part for other in others)
    }


def _shared_env(parts: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """Return every variable of any bot, with the value that the first bot has."""
    found: dict[str, Json] = {}
    for part in parts.values():
        found = {key[4:]: value for key, value in part.items() if key.startswith("env/")} | found
    return found


def _packs(pack: str, shared: Mapping[str, Json], env: Mapping[str, Json]) -> dict[str, str]:
    texts: dict[str, str] = {}
    if shared:
        layer = _layer(shared)
        texts[pack] = new_pack(pack, skills=layer.get("skills", ()), mcps=layer.get("mcps", ()))
    if env:
        texts[f"{pack}-env"] = new_pack(f"{pack}-env", env=dict(sorted(env.items())))
    return texts


def _use(name: str, parts: Mapping[str, Json], env: Mapping[str, Json]) -> dict[str, Json]:
    own = {key: parts.get(f"env/{key}") for key, value in env.items() if parts.get(f"env/{key}") != value}
    return {"name": name, **({"envOverrides": own} if own else {})}


def _layer(parts: Mapping[str, Json]) -> dict[str, Json]:
    skills = [part for key, part in sorted(parts.items()) if key.startswith("skill/")]
    servers = [_server(key[4:], part) for key, part in sorted(parts.items()) if key.startswith("mcp/")]
    return {**({"skills": skills} if skills else {}), **({"mcps": servers} if servers else {})}


def _server(name: str, server: Mapping[str, Json]) -> dict[str, Json]:
    command = {"command": shlex.quote(server["command"])} if "command" in server else {}
    return {"name": name, **server, **command}


def _document(kind: str, name: str, spec: Mapping[str, Json], schema: str) -> bytes:
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}
    return yaml_write.document(document, schema=f"{schema_files.BASE_URL}{schema}{schema_files.SUFFIX}").encode()


def _besides(source: Source, files: Mapping[str, bytes], bots: Sequence[Adopted]) -> dict[str, tuple[str, ...]]:
    """Return which keys each bot would get, or get otherwise than it has them. Raises where one does not resolve."""
    after = read_catalog(Overlay(source, files))
    for problem in after.problems:
        if problem.file in files and problem.severity == "error":
            raise RegistryError(problem.message, place=problem.place, remedy=problem.remedy, problems=[problem])
    found = resolve_some(after, [bot.path for bot in bots])
    besides: dict[str, tuple[str, ...]] = {}
    for bot in bots:
        if bot.path not in found:
            raise NotFoundError(f"the bot {bot.path} cannot be read back", remedy="molthub check says why")
        resolution = found[bot.path]
        if not resolution.resolved:
            problems = [problem for problem in resolution.problems if problem.severity == "error"]
            remedy = problems[0].remedy if problems else ""
            message = f"{bot.path} would not resolve: {problems[0].message if problems else 'unknown'}"
            raise ResolutionError(message, place=f"fleets/{bot.fleet}", remedy=remedy, problems=problems)
        has = {f"skill/{skill.name}" for skill in bot.skills.values()} | {f"skill/{bare}" for bare in bot.skills}
        keys = bot.read.keys
        new = [
            key
            for key, value in resolution.desired.items()
            if (key not in has if key.startswith("skill/") else _settled(keys.get(key)) != _settled(value))
        ]
        besides[bot.path] = tuple(sorted(new))
    return {path: keys for path, keys in besides.items() if keys}


def _settled(value: Json) -> Json:
    """Return a server as resolving leaves it: http said, nothing that is empty."""
    if not isinstance(value, dict) or "url" not in value:
        return value
    return {"transport": "http", **value}
