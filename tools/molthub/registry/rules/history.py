"""What a change may do to merged versions: nothing, but withdraw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from molthub.errors import Problem
from molthub.model import Project, VersionRecord
from molthub.registry.catalog import Catalog
from molthub.registry.changes import is_same
from molthub.registry.source import Source

_NEVER = "a merged version never changes: publish a new one instead"


def check_history(catalog: Catalog, source: Source, base: Catalog, base_source: Source) -> Iterator[Problem]:
    """Yield merged versions of ``base`` that changed or are gone in ``catalog``.

    An entry may gain, change or lose `yanked` and `quarantined`, and gain `removed`, which takes its content away for
    good; nothing else of it may change.
    """
    files = _by_folder(source, base_source)
    for kind, ours, theirs in (("skill", catalog.skills, base.skills), ("pack", catalog.packs, base.packs)):
        for name, before in theirs.items():
            now = ours.get(name)
            if f"{kind}/{name}" in catalog.broken:
                continue  # its project.yaml is reported as unreadable
            if now is None:
                if before.project.versions:
                    message = f"the {kind} {name} is gone"
                    remedy = "bring it back; a project that shall be gone has `status: removed`"
                    yield Problem("MH402", message, remedy, file=before.project.file)
                continue
            yield from _records(kind, name, before.project, now.project, files)


def _records(
    kind: str, name: str, before: Project, now: Project, files: Mapping[str, list[tuple[str, str]]]
) -> Iterator[Problem]:
    folder = before.file.rpartition("/")[0]
    for number, old in before.versions.items():
        record = now.versions.get(number)
        if record is None:
            message = f"the entry of {name} {number} is gone"
            remedy = "bring it back; a version that shall be gone says `removed: why`"
            yield Problem("MH402", message, remedy, file=now.file)
            continue
        yield from _entry(name, old, record)
        if record.removed is None:
            path = f"{folder}/{number}" if kind == "skill" else f"{folder}/{number}.yaml"
            yield from _content(f"{name} {number}", path, files.get(path, []))


def _entry(name: str, old: VersionRecord, now: VersionRecord) -> Iterator[Problem]:
    file, _, line = now.at.rpartition(":")
    for field, was, is_ in (
        ("published", old.published, now.published),
        ("digest", old.digest, now.digest),
        ("upstream", old.upstream, now.upstream),
    ):
        if was != is_:
            message = f"`{field}` of the merged version {name} {old.number} changed"
            yield Problem("MH407", message, _NEVER, file=file, line=int(line))
    if old.removed is not None and now.removed is None:
        message = f"{name} {old.number} was removed for good, and is no longer"
        yield Problem(
            "MH407", message, "a removed number is never used again: publish a new one", file=file, line=int(line)
        )


def _content(what: str, path: str, changes: list[tuple[str, str]]) -> Iterator[Problem]:
    if not changes:
        return
    if any(change == "all gone" for change, _ in changes):
        message = f"the merged version {what} is gone"
        yield Problem("MH402", message, "bring it back; to withdraw it write `yanked: why` in project.yaml", file=path)
        return
    for change, file in changes:
        yield Problem("MH401", f"{change}, and {what} is merged", _NEVER, file=file)


def _by_folder(source: Source, base: Source) -> dict[str, list[tuple[str, str]]]:
    """Return what differs, by version: its folder, or a pack version's file -> what happened to which file."""
    found: dict[str, list[tuple[str, str]]] = {}
    left: set[str] = set()
    for path in source.files:
        if (version := _version_of(path)) is not None:
            left.add(version)
            if path not in base.files:
                found.setdefault(version, []).append(("the file is new", path))
    for path in base.files:
        version = _version_of(path)
        if version is None:
            continue
        if version not in left:
            found[version] = [("all gone", path)]
        elif path not in source.files:
            found.setdefault(version, []).append(("the file is gone", path))
        elif not is_same(source, base, path):
            found.setdefault(version, []).append(("the file changed", path))
    return found


def _version_of(path: str) -> str | None:
    steps = path.split("/")
    if steps[0] == "packs" and len(steps) == 3 and steps[2] != "project.yaml":  # noqa: PLR2004 (packs/name/file)
        return path
    at = 3 if len(steps) > 1 and steps[1].startswith("@") else 2
    return "/".join(steps[: at + 1]) if steps[0] == "skills" and len(steps) > at + 1 else None
