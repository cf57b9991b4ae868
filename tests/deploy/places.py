"""Deployments as tests make them: to a folder, and to one that breaks off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from molthub.errors import UnreachableError
from molthub.index.deploy.deploy import Deployed, Wanted, deploy
from molthub.index.deploy.folder import FolderPlace
from molthub.index.deploy.places import Done, Held, Place
from tests.builders import Tree, bot, fleet, pack, registry, skill, skill_version

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def generation(number: int) -> Tree:
    """Return a registry in which every generation publishes a version more, and changes what a bot shall have."""
    numbers = [f"1.{minor}.0" for minor in range(number + 1)]
    versions = {one: skill_version("git", one, {"data.txt": one * 500}) for one in numbers}
    return registry(
        skill("git", versions=versions),
        skill("docker"),
        pack("dev", {"skills": ["git"]}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada", skills=["git"]),
        url="https://skills.example.com/",
    )


def send(site: Path, place: Place | Path, *, now: datetime = NOW, **wanted: float) -> Deployed:
    """Deploy an index to a place, or to a folder."""
    at = FolderPlace(place) if isinstance(place, Path) else place
    return deploy(site, at, Wanted(**wanted), now)  # type: ignore[arg-type] # the fields of Wanted, by name


class BreakingOff:
    """A place that answers no more after so many files were sent or removed."""

    def __init__(self, place: Place, after: int) -> None:
        self._place = place
        self._left = after
        self.where = place.where

    def files(self) -> Mapping[str, Held]:
        return self._place.files()

    def read(self, path: str) -> bytes:
        return self._place.read(path)

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        return self._place.changed(site, paths, held)

    def keep(self, paths: Sequence[str]) -> list[str]:
        return self._place.keep(paths)

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        self._as_far_as_it_goes(paths, lambda some: self._place.send(site, some, done))

    def remove(self, paths: Sequence[str]) -> None:
        self._as_far_as_it_goes(paths, self._place.remove)

    def _as_far_as_it_goes(self, paths: Sequence[str], act: Callable[[Sequence[str]], None]) -> None:
        some = paths[: self._left]
        self._left -= len(some)
        if some:
            act(some)
        if len(some) < len(paths):
            raise UnreachableError("the line is cut", place=self.where)
