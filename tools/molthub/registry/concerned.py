"""Whether a change of skills concerns what stands around them: packs, profiles, overlays, fleets and bots.

Most changes publish a version, which nobody who locks older ones gets. To know that, documents are looked through for
names, and not read: a document that is not as the change finds it has the name of a skill that changed, or of one that
needs it. In doubt it is concerned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from molthub.model import Skill, VersionRecord
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_skills import read_skills
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.skill_folders import SKILLS, skill_part

AROUND = ("packs", "profiles", "overlays", "fleets")
"""The folders beside that of skills which hold what may name them."""

_NAME = re.compile(rb"@?[0-9a-z][0-9a-z/-]*")


def are_concerned(source: GitSource, base: GitSource, touched: Collection[str]) -> bool:
    """Whether anything around skills is, or may be judged, otherwise after some of them were ``touched``."""
    if any(source.top_folder(folder) != base.top_folder(folder) for folder in AROUND):
        return True
    new = {name: _new_versions(source, base, name) for name in touched}
    return any(_locks(text, new) for text in _texts(source, "packs")) or _float(source, touched)


def read_skill(source: GitSource, name: str, tree: str) -> Skill | None:
    """Return the catalog's view of one skill; None where it cannot be read."""
    return read_skills(Reading(skill_part(source, name, tree))).get(name)


def _new_versions(source: GitSource, base: GitSource, name: str) -> frozenset[str] | None:
    """Return the versions that a change adds to a skill; None where it does anything else to it."""
    trees = [one.below_top(SKILLS, name) for one in (base, source)]
    if trees[0] is None or trees[1] is None:
        return None
    files = [
        {entry.name: entry.handle for entry in one.entries(tree) if entry.name != "project.yaml"}
        for one, tree in zip((base, source), trees, strict=True)
        if tree is not None
    ]
    before, now = read_skill(base, name, trees[0]), read_skill(source, name, trees[1])
    if before is None or now is None or not files[0].items() <= files[1].items():
        return None
    old, new = before.project, now.project
    kept = all(number in new.versions and _same(said, new.versions[number]) for number, said in old.versions.items())
    return frozenset(new.versions.keys() - old.versions) if kept and old.status == new.status else None


def _same(one: VersionRecord, other: VersionRecord) -> bool:
    said = ("published", "digest", "yanked", "quarantined", "removed", "upstream")
    return all(getattr(one, field) == getattr(other, field) for field in said)


def _locks(text: bytes, new: dict[str, frozenset[str] | None]) -> bool:
    """Whether a pack may lock something that changed. What it locks of a skill that only got versions is as it was."""
    if b"\\" in text:
        return True
    named = _names(text) & new.keys()
    versions = [new[name] for name in named]
    return any(found is None or any(number.encode() in text for number in found) for found in versions)


def _float(source: GitSource, touched: Collection[str]) -> bool:
    """Whether anybody gets the newest fitting version of a touched skill, or of one that needs it."""
    wanted: set[str] = set()
    for text in (text for folder in AROUND[1:] for text in _texts(source, folder)):
        if b"\\" in text:
            return True
        if b"skills" in text:
            wanted |= _names(text)
    return _reach(source, wanted, frozenset(touched))


def _reach(source: GitSource, names: Iterable[str], touched: frozenset[str]) -> bool:
    """Whether any of these skills is, or depends on, a touched one."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in touched:
            return True
        tree = source.below_top(SKILLS, name) if name not in seen and _may_be_skill(name) else None
        seen.add(name)
        skill = read_skill(source, name, tree) if tree is not None else None
        if skill is not None:
            waiting += [needed for version in skill.versions.values() for needed in version.manifest.dependencies]
    return False


def _may_be_skill(name: str) -> bool:
    return name.count("/") == name.startswith("@") and "//" not in name and not name.endswith("/")


def _names(text: bytes) -> set[str]:
    return {name.decode() for name in _NAME.findall(text)}


def _texts(source: GitSource, folder: str) -> Iterator[bytes]:
    """Yield the files of a folder beside that of skills."""
    tree = source.top_folder(folder)
    part = source.below(tree, folder) if tree is not None else None
    return (part.read(path) for path in part.files) if part is not None else iter(())
