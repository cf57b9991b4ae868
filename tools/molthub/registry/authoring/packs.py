"""Making packs and their next versions: texts in, the files of one commit out. Pure but for what the source reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from molthub.documents import DNS_LABEL, SKILL_NAME, file_entry, tree_digest
from molthub.errors import NotFoundError, Problem, RegistryError, ResolutionError, UsageError
from molthub.model import Json, Locked, Pack, PackVersion
from molthub.registry.authoring.mend import slug
from molthub.registry.authoring.pack_files import locked_text, numbered_text
from molthub.registry.authoring.publish import record_version
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import latest_pack, resolve_pack
from molthub.registry.rules.packs import difference
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay
from molthub.versions import is_range


@dataclass(frozen=True, slots=True)
class PackChange:
    """What becomes of one pack: its next ``number`` and how its lock ``moved``, or why nothing does.

    ``before`` is the number that it follows, None for a new pack. ``problems`` say why it could not be done.
    """

    name: str
    before: int | None
    number: int | None
    moved: str = ""
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        result = "refused" if self.problems else "written" if self.number is not None else "unchanged"
        shown = {"pack": self.name, "before": self.before, "version": self.number, "moved": self.moved or None}
        known = {key: value for key, value in shown.items() if value is not None}
        return {**known, "result": result, "problems": [problem.to_json() for problem in self.problems]}


def pack_name(display_name: str) -> str:
    """Return the name of a pack that people call ``display_name``. Raises :class:`UsageError`."""
    name = display_name if DNS_LABEL.match(display_name) else slug(display_name)[:63].strip("-")
    if not name:
        raise UsageError(f"no name can be made of {display_name!r}", remedy="give one with letters or digits in it")
    return name


def skill_item(text: str) -> Json:
    """Return what a pack says of ``git`` or ``git@^1.2`` or ``@acme/notes@2``. Raises :class:`UsageError`."""
    name, _, wanted = text.strip().rpartition("@") if "@" in text.strip()[1:] else (text.strip(), "", "")
    if not SKILL_NAME.match(name):
        raise UsageError(f"{text!r} is no skill", remedy="write NAME or NAME@RANGE, separated by commas")
    if not wanted:
        return name
    if not is_range(wanted):
        raise UsageError(f"{wanted!r} is no version range", remedy="write it as npm does: git@^1.2")
    return {"name": name, "version": wanted}


def server_item(text: str) -> Json:
    """Return what a pack says of ``NAME=COMMAND`` or ``NAME=URL``. Raises :class:`UsageError`."""
    name, equals, command = text.partition("=")
    if not (name and equals and command.strip()):
        raise UsageError(f"{text!r} is no MCP server", remedy="write NAME=COMMAND or NAME=https://...")
    field = "url" if command.startswith(("http://", "https://")) else "command"
    return {"name": name, field: command.strip()}


def variable(text: str) -> tuple[str, str]:
    """Return the key and value of ``KEY=VALUE``. Raises :class:`UsageError`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"{text!r} is no variable", remedy="write KEY=VALUE")
    return key, value


def create_pack(
    source: Source, name: str, text: str, *, owner: str, published: str
) -> tuple[dict[str, bytes], PackVersion]:
    """Return the files of a pack's first version, made of an unlocked ``text``, and what it is.

    Raises :class:`RegistryError` where there is such a pack, or the text does not fit the registry.
    """
    catalog = read_catalog(source)
    if name in catalog.packs or f"pack/{name}" in catalog.broken:
        remedy = f"choose another --name, or make its next version: molthub skill-packs update {name}"
        raise RegistryError(f"there is a pack {name} already", remedy=remedy)
    if owner not in catalog.publishers:
        remedy = f"choose one of {', '.join(catalog.publishers)}" if catalog.publishers else "add one first"
        raise RegistryError(f"the owner {owner} is no publisher of this registry", remedy=remedy)
    files, version = _next_version(source, name, 1, text, owner=owner, published=published)
    return files, version


def update_packs(
    source: Source, names: Sequence[str], *, published: str
) -> tuple[dict[str, bytes], tuple[PackChange, ...]]:
    """Return the files of the next version of each pack whose lock would differ, and what becomes of every pack.

    Packs that others extend come first, so that one run carries a change all the way. Raises :class:`NotFoundError`.
    """
    catalog = read_catalog(source)
    chosen = [name for name in _bases_first(catalog) if not names or name in names]
    for name in names:
        _known(catalog, name)
    files: dict[str, bytes] = {}
    changes = []
    for name in chosen:
        tree = Overlay(source, files)
        try:
            added, change = _updated(tree, name, published)
        except (RegistryError, ResolutionError) as error:
            problems = error.problems or (Problem("MH202", error.message, error.remedy),)
            added, change = {}, PackChange(name, None, None, problems=tuple(problems))
        files |= added
        changes.append(change)
    return files, tuple(changes)


def _updated(tree: Overlay, name: str, published: str) -> tuple[dict[str, bytes], PackChange]:
    pack = read_catalog(tree).packs[name]
    latest = latest_pack(pack)
    if latest is None:
        raise RegistryError(f"no version of the pack {name} can be updated: all are withdrawn")
    number = max([*pack.versions, *map(int, pack.project.versions)]) + 1
    text = tree.read(latest.file).decode()
    files, version = _next_version(tree, name, number, text, owner=None, published=published)
    if dict(version.resolved) == dict(latest.resolved):
        return {}, PackChange(name, latest.number, None)
    return files, PackChange(name, latest.number, number, difference(latest.resolved, version.resolved))


def _next_version(
    source: Source, name: str, number: int, text: str, *, owner: str | None, published: str
) -> tuple[dict[str, bytes], PackVersion]:
    """Return the files of one version, numbered, locked and recorded, and what it is."""
    path, project = f"packs/{name}/{number}.yaml", f"packs/{name}/project.yaml"
    text = numbered_text(text, number, file=path)
    version = _read_back(source, name, number, path, text)
    resolved = resolve_pack(read_catalog(Overlay(source, {path: text.encode()})), replace(version, resolved={}))
    content = locked_text(text, resolved, file=path).encode()
    record = {"published": published, "digest": pack_file_digest(number, content)}
    known = source.read(project).decode() if project in source.files else None
    recorded = record_version(known, str(number), record, owners=[owner] if owner else None, kind="pack-project")
    return {path: content, project: recorded.encode()}, replace(version, resolved=resolved)


def pack_file_digest(number: int, content: bytes) -> str:
    """Return the digest of a pack version: of the tree that holds its one file."""
    return tree_digest([file_entry(f"{number}.yaml", content, executable=False)])


def _read_back(source: Source, name: str, number: int, path: str, text: str) -> PackVersion:
    """Read a version as the registry would, with everything that is wrong with it."""
    catalog = read_catalog(Overlay(source, {path: text.encode()}))
    errors = [problem for problem in catalog.problems if problem.file == path and problem.severity == "error"]
    version = catalog.packs[name].versions.get(number) if name in catalog.packs else None
    if errors or version is None:
        first = errors[0] if errors else None
        message = first.message if first else f"the pack {name} cannot be read back"
        raise RegistryError(message, place=path, remedy=first.remedy if first else "", problems=errors)
    return version


def _bases_first(catalog: Catalog) -> Iterator[str]:
    """Yield every pack's name, those it extends before itself."""
    seen: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in seen or name not in catalog.packs:
            return
        seen.add(name)
        latest = latest_pack(catalog.packs[name])
        for use in latest.layer.packs if latest is not None else ():
            yield from visit(use.name)
        yield name

    for name in catalog.packs:
        yield from visit(name)


def _known(catalog: Catalog, name: str) -> Pack:
    if name in catalog.packs:
        return catalog.packs[name]
    from difflib import get_close_matches

    near = get_close_matches(name, catalog.packs, n=1)
    remedy = f"did you mean {near[0]}?" if near else "see molthub skill-packs list"
    raise NotFoundError(f"there is no pack {name} in this registry", remedy=remedy)


def find_version(catalog: Catalog, text: str) -> PackVersion:
    """Return the version that ``standard-dev`` or ``standard-dev@3`` means. Raises :class:`NotFoundError`."""
    name, _, number = text.partition("@")
    pack = _known(catalog, name)
    if number in ("", "latest"):
        version = latest_pack(pack)
    else:
        version = pack.versions.get(int(number)) if number.isdecimal() else None
    if version is None:
        remedy = f"there are {', '.join(map(str, pack.versions))}" if pack.versions else "it has no versions yet"
        raise NotFoundError(f"the pack {name} has no version {number or 'that is not withdrawn'}", remedy=remedy)
    return version


def pack_to_json(pack: Pack, version: PackVersion) -> dict[str, Json]:
    """Return a pack version for ``--json``."""
    layer, record = version.layer, version.record
    shown: dict[str, Any] = {
        "pack": pack.name,
        "version": version.number,
        "displayName": version.display_name,
        "description": version.description,
        "status": pack.project.status,
        "owners": list(pack.project.owners),
        "published": record.published if record is not None else None,
        "digest": record.digest if record is not None else None,
        "yanked": record.yanked if record is not None else None,
        "extends": [use.name if use.version is None else f"{use.name}@{use.version}" for use in layer.packs],
        "skills": [use.name if use.version is None else f"{use.name}@{use.version}" for use in layer.skills],
        "mcps": [use.name for use in layer.mcps],
        "envVars": {use.key: use.value for use in layer.env},
        "resolved": {name: lock_to_json(lock) for name, lock in version.resolved.items()},
        "versions": sorted(pack.versions),
    }
    return {key: value for key, value in shown.items() if value not in (None, "", [], {})}


def lock_to_json(lock: Locked) -> Mapping[str, Json]:
    """Return one lock."""
    return {"version": lock.version, "digest": lock.digest}
