"""Changes of a registry in git, checked and reviewed as a pull request is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from molthub.registry.check import check
from molthub.registry.ownership import parse_actor
from molthub.registry.review.review import review
from molthub.registry.review.summary import Review
from molthub.registry.source import GitSource
from tests.builders import Tree, bot, commit, fleet, pack, registry, skill, skill_version

ACTOR = "github:ada"


def owned(*parts: Tree) -> Tree:
    """Return a registry whose owner is ``hub``, with the publisher ``acme`` for whom the account ada acts."""
    tree = registry(*parts, owner="hub")
    tree["publishers/hub/publisher.yaml"] = "name: hub\ngithub: [olga]\n"
    tree["publishers/acme/publisher.yaml"] = "name: acme\ngithub: [ada]\nscopes: [acme]\n"
    return tree


def git_with(*numbers: str, last: Tree | None = None, files: Tree | None = None, **fields: object) -> Tree:
    """Return the skill ``git``; ``last``, or the ``fields`` and ``files``, are those of its highest version."""
    versions = {number: skill_version("git", number) for number in numbers}
    versions[numbers[-1]] = last or skill_version("git", numbers[-1], files, **fields)
    return skill("git", versions=versions)


BASE = owned(git_with("1.0.0", "1.1.0"), skill("docker"))
WITH_BOT = owned(
    git_with("1.0.0", "1.1.0"), skill("docker"), fleet("prod"), bot("prod", "ada", skills=["git"], envVars={"A": "1"})
)


def reviewed(
    before: Tree, after: Tree, folder: Path, *, actors: Collection[str] = (ACTOR,), executable: Collection[str] = ()
) -> Review:
    """Commit both, check the second against the first, and review it."""
    old = commit(before, folder)
    new = commit(after, folder, executable=executable)
    judged = [parse_actor(actor) for actor in actors]
    return review(check(GitSource(folder, new), GitSource(folder, old), actors=judged))


__all__ = ["ACTOR", "BASE", "WITH_BOT", "bot", "fleet", "git_with", "owned", "pack", "reviewed"]
