"""One bot that is adopted: what was read in its home, by key, and what of it the registry knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from molthub.adopting.home import HandMade, Left
from molthub.adopting.skills import KnownSkill
from molthub.model import Json
from molthub.registry.resolve import Resolution


@dataclass(frozen=True, slots=True)
class Adopted:
    """One bot. ``agent`` is which agent of the program it is, empty for the main one.

    ``keeps_variables``: the program has a place for variables of its own, so that one declared would be written there.
    ``skills_are_elsewhere``: not where skills are brought to, so they are not looked at.
    """

    fleet: str
    name: str
    home: str
    platform: str
    read: HandMade
    skills: Mapping[str, KnownSkill]
    left: tuple[Left, ...] = ()
    agent: str = ""
    keeps_variables: bool = True
    skills_are_elsewhere: bool = False

    @property
    def path(self) -> str:
        """``<fleet>/<bot>``."""
        return f"{self.fleet}/{self.name}"

    @property
    def parts(self) -> dict[str, Json]:
        """What can be declared, by key; of a skill its name, version and settings."""
        found = {key: settled(value) for key, value in self.read.keys.items() if not key.startswith("config/")}
        for bare, skill in self.skills.items():
            found[f"skill/{bare}"] = skill_part(skill.name, skill.version, self.read.keys.get(f"config/{bare}"))
        return found

    @property
    def stays(self) -> tuple[Left, ...]:
        """What stays the owner's."""
        without = [key for key in self.read.keys if key.startswith("config/") and key[7:] not in self.skills]
        settings = [Left(key, "the settings are of a skill that is not declared") for key in without]
        return (*self.read.left, *self.left, *settings)


def skill_part(name: str, version: str, config: Json = None) -> dict[str, Json]:
    """Return a skill as a part: as a manifest lists it."""
    return {"name": name, "version": version, **({"config": config} if config else {})}


def settled(value: Json) -> Json:
    """Return a server as resolving leaves it: with the transport said where it is reached by url."""
    return {"transport": "http", **value} if isinstance(value, dict) and "url" in value else value


def parts_of(resolution: Resolution) -> dict[str, Json]:
    """Return what a resolved bot has, in the form of :attr:`Adopted.parts`."""
    found = {key: value for key, value in resolution.desired.items() if key.startswith(("mcp/", "env/"))}
    for name, lock in resolution.skills.items():
        bare = name.rpartition("/")[2]
        config = resolution.desired.get(f"config/{name}", resolution.desired.get(f"config/{bare}"))
        found[f"skill/{bare}"] = skill_part(name, lock.version, config)
    return found
