"""The folders of a commit's skills by the ids of their trees: equal ids are equal skills, read or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.registry.reading.read_skills import is_skill_name
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.tree_part import TreePart
from molthub.registry.trees.tree_walk import Entry, name_problems

SKILLS = "skills"


@dataclass(frozen=True)
class SkillFolders:
    """Every skill's tree, by full name and in order; ``strays`` holds what else stands below ``skills``."""

    trees: dict[str, str]
    strays: TreePart


@dataclass
class _Found:
    trees: dict[str, str] = field(default_factory=dict)
    odd: list[tuple[str, Entry]] = field(default_factory=list)
    refused: dict[str, Problem] = field(default_factory=dict)


def skill_folders(source: GitSource) -> SkillFolders:
    """List the skills of ``source``. No file is read, and no skill's folder is opened."""
    found = _Found()
    top = source.top_folder(SKILLS)
    if top is not None:
        _gather(source, top, SKILLS, found)
    return SkillFolders(dict(sorted(found.trees.items())), source.some(found.odd, found.refused))


def skill_part(source: GitSource, name: str, tree: str) -> TreePart:
    """Return the files of one skill."""
    return source.below(tree, f"{SKILLS}/{name}")


def _gather(source: GitSource, tree: str, path: str, found: _Found) -> None:
    entries = source.entries(tree)
    problems = name_problems(entries, path)
    for entry in entries:
        inner = f"{path}/{entry.name}"
        name = inner.removeprefix(f"{SKILLS}/")
        if entry.name in problems:
            found.refused[inner] = problems[entry.name]
        elif entry.kind == "folder" and is_skill_name(name):
            found.trees[name] = entry.handle
        elif entry.kind == "folder" and path == SKILLS and entry.name.startswith("@"):
            _gather(source, entry.handle, inner, found)
        else:
            found.odd.append((path, entry))
