"""The folders of a commit's skills by the ids of their trees: equal ids are equal skills, read or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.registry.reading.read_skills import is_skill_name
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.tree_part import TreePart
from molthub.registry.trees.tree_walk import Entry, are_plain_folders, name_problems

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


@dataclass
class ChangedFolders:
    """The skills whose folders differ from an older commit's: the trees of those that are there, names of others."""

    trees: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def changed_folders(source: GitSource, before: str) -> ChangedFolders | None:
    """Return which skills differ from those below ``before``, the tree of the folder ``skills`` of an older commit.

    Nothing but plain folders may stand in either. None where that cannot be told of what changed, or the repository
    does not hold the older tree (a shallow clone): then :func:`skill_folders` says all.
    """
    top, changed = source.top_folder(SKILLS), ChangedFolders()
    return changed if top is not None and _compare(source, before, top, "", changed) else None


def _compare(source: GitSource, before: str, now: str, scope: str, changed: ChangedFolders) -> bool:
    differing = source.differing(before, now)
    if differing is None or not all(are_plain_folders(entries) for entries in differing):
        return False
    old, new = ({entry.name: entry.handle for entry in entries} for entries in differing)
    for name in old.keys() | new.keys():
        if name.startswith("@") and not scope:
            if name not in old or name not in new or not _compare(source, old[name], new[name], f"{name}/", changed):
                return False
        elif not is_skill_name(scope + name):
            return False
        elif name in new:
            changed.trees[scope + name] = new[name]
        else:
            changed.gone.add(scope + name)
    return True


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
