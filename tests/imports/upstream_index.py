"""The index of another registry, as a server holds it."""

from __future__ import annotations

from tests.builders import Tree, bot, fleet, pack, registry, skill, skill_version
from tests.index.made import build

GIT = skill_version("git", "1.2.0", {"scripts/run.sh": "echo git\n"}, dependencies={"shell-safety": "^1.0"})


def public(*more: Tree) -> Tree:
    """Return a registry with a skill that needs another, packs that build on each other, and versions withdrawn."""
    return registry(
        skill("git", versions={"1.1.0": skill_version("git", "1.1.0"), "1.2.0": GIT}),
        skill("shell-safety", "1.0.3"),
        skill("docker", "1.0.0", "2.0.0"),
        skill("old", records={"1.0.0": {"yanked": "It deletes too much."}}),
        skill("watched", records={"1.0.0": {"quarantined": "Looks odd."}}),
        skill("@acme/tool"),
        pack("base", {"skills": ["shell-safety"]}),
        pack("dev", {"skills": ["docker"]}, {"skills": ["git", "docker"], "extends": ["base"]}),
        *more,
        name="public",
    )


def public_files(*more: Tree) -> dict[str, bytes]:
    return dict(build(public(*more)).files)


def company(*more: Tree) -> Tree:
    """Return a registry that has a skill of its own and a bot."""
    return registry(skill("own"), fleet("prod"), bot("prod", "ada", skills=["own"]), *more)
