"""The versions that a change publishes, each as a difference to the one before it. Pure but for what sources read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from molthub.model import PackVersion, SkillVersion
from molthub.registry.changes import Change
from molthub.versions import is_version, sort_key

How = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class FileChange:
    """One file of a version, beside the same file of the version before. ``path`` is relative to the version.

    ``at`` is the file's path in the registry, after the change or, where it is removed, before.
    """

    path: str
    how: How
    at: str
    before: bytes | None = None
    after: bytes | None = None
    executable: tuple[bool, bool] = (False, False)

    @property
    def becomes_executable(self) -> bool:
        """Whether the file can be run, and could not before."""
        return self.executable == (False, True)


@dataclass(frozen=True)
class NewVersion:
    """A version that the base does not have. ``previous`` is the highest below it there, or None: the name is new.

    ``manifests`` are the two versions as they were read, the previous one first; None where one cannot be read.
    """

    kind: Literal["skill", "pack"]
    name: str
    number: str
    previous: str | None
    files: tuple[FileChange, ...]
    manifests: tuple[SkillVersion | PackVersion | None, SkillVersion | PackVersion | None]
    is_new_name: bool

    @property
    def label(self) -> str:
        """``skill/git`` or ``pack/dev``."""
        return f"{self.kind}/{self.name}"


def new_versions(change: Change) -> tuple[NewVersion, ...]:
    """Return what a change publishes, skills first, by name and number."""
    return (*_skills(change), *_packs(change))


def _skills(change: Change) -> Iterator[NewVersion]:
    touched = sorted({found for path in change.paths if (found := _skill_version(path)) is not None})
    for name, number in touched:
        folder = f"skills/{name}/{number}/"
        if change.existed(folder) or not any(path.startswith(folder) for path in change.source.files):
            continue
        before, after = change.before.skills.get(name), change.after.skills.get(name)
        previous = previous_number(number, before.versions if before is not None else ())
        old_folder = f"skills/{name}/{previous}/" if previous is not None else None
        versions = (
            before.versions.get(previous) if before is not None and previous is not None else None,
            after.versions.get(number) if after is not None else None,
        )
        files = tuple(_folder_changes(change, old_folder, folder))
        is_new = not change.existed(f"skills/{name}/")
        yield NewVersion("skill", name, number, previous, files, versions, is_new)


def _packs(change: Change) -> Iterator[NewVersion]:
    for path in change.paths:
        steps = path.split("/")
        if steps[0] != "packs" or len(steps) != _PACK_STEPS or not steps[2].removesuffix(".yaml").isdecimal():
            continue
        name, number = steps[1], int(steps[2].removesuffix(".yaml"))
        if change.existed(f"{path}") or path not in change.source.files:
            continue
        before, after = change.before.packs.get(name), change.after.packs.get(name)
        lower = [known for known in (before.versions if before is not None else ()) if known < number]
        previous = max(lower, default=None)
        versions = (
            before.versions[previous] if before is not None and previous is not None else None,
            after.versions.get(number) if after is not None else None,
        )
        old = change.base.read(f"packs/{name}/{previous}.yaml") if previous is not None else None
        how: How = "changed" if old is not None else "added"
        file = FileChange(steps[2], how, path, old, change.source.read(path))
        is_new = not change.existed(f"packs/{name}/")
        text = str(previous) if previous is not None else None
        yield NewVersion("pack", name, str(number), text, (file,), versions, is_new)


_PACK_STEPS = 3


def previous_number(number: str, known: Iterable[str]) -> str | None:
    """Return the highest of the known numbers below this one; the lowest of all where it is below them all."""
    numbers = sorted(filter(is_version, known), key=sort_key)
    if not is_version(number) or not numbers:
        return numbers[-1] if numbers else None
    lower = [one for one in numbers if sort_key(one) < sort_key(number)]
    return lower[-1] if lower else numbers[0]


def _skill_version(path: str) -> tuple[str, str] | None:
    match path.split("/"):
        case ["skills", scope, name, number, _, *_] if scope.startswith("@"):
            return f"{scope}/{name}", number
        case ["skills", name, number, _, *_] if not name.startswith("@"):
            return name, number
    return None


def _folder_changes(change: Change, old: str | None, new: str) -> Iterator[FileChange]:
    before = _below(change.base.files, old) if old is not None else {}
    after = _below(change.source.files, new)
    for path in sorted(before.keys() | after.keys()):
        was, is_ = before.get(path), after.get(path)
        bits = (
            was is not None and change.base.files[was].executable,
            is_ is not None and change.source.files[is_].executable,
        )
        content = (
            change.base.read(was) if was is not None else None,
            change.source.read(is_) if is_ is not None else None,
        )
        if content[0] == content[1] and bits[0] == bits[1]:
            continue
        how: How = "added" if was is None else "removed" if is_ is None else "changed"
        yield FileChange(path, how, is_ or was or path, *content, bits)


def _below(files: Iterable[str], folder: str) -> dict[str, str]:
    return {path.removeprefix(folder): path for path in files if path.startswith(folder)}
