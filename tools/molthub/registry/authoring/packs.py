"""Making packs and their next versions: texts in, the files of one commit out. Pure but for what the source reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from molthub.documents import file_entry, tree_digest
from molthub.errors import Problem, RegistryError, ResolutionError
from molthub.model import Json, Pack, PackVersion
from molthub.registry.authoring.pack_edits import NO_EDITS, PackEdits, edited_text
from molthub.registry.authoring.pack_files import locked_text, numbered_text
from molthub.registry.authoring.pack_shown import known_pack
from molthub.registry.authoring.publish import record_version
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import latest_pack, resolve_pack
from molthub.registry.rules.packs import difference
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay


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
    files, version = next_version(source, name, 1, text, owner=owner, published=published)
    return files, version


def update_packs(
    source: Source, names: Sequence[str], *, published: str, edits: PackEdits = NO_EDITS
) -> tuple[dict[str, bytes], tuple[PackChange, ...]]:
    """Return the files of the next version of each pack whose lock would differ, and what becomes of every pack.

    ``edits`` change what the chosen packs declare. Packs that others extend come first, so that one run carries a
    change all the way. Raises :class:`NotFoundError`.
    """
    catalog = read_catalog(source)
    chosen = [name for name in _bases_first(catalog) if not names or name in names]
    for name in names:
        known_pack(catalog, name)
    files: dict[str, bytes] = {}
    changes = []
    for name in chosen:
        tree = Overlay(source, files)
        try:
            added, change = _updated(tree, name, published, edits)
        except (RegistryError, ResolutionError) as error:
            problems = error.problems or (Problem("MH202", error.message, error.remedy),)
            added, change = {}, PackChange(name, None, None, problems=tuple(problems))
        files |= added
        changes.append(change)
    return files, tuple(changes)


def _updated(tree: Source, name: str, published: str, edits: PackEdits) -> tuple[dict[str, bytes], PackChange]:
    pack = read_catalog(tree).packs[name]
    latest = latest_pack(pack)
    if latest is None:
        raise RegistryError(f"no version of the pack {name} can be updated: all are withdrawn")
    number = next_number(pack)
    before = tree.read(latest.file).decode()
    text, said = edited_text(before, edits, file=latest.file)
    files, version = next_version(tree, name, number, text, owner=None, published=published)
    if not said and dict(version.resolved) == dict(latest.resolved):
        return {}, PackChange(name, latest.number, None)
    moved = difference(latest.resolved, version.resolved)
    return files, PackChange(name, latest.number, number, "; ".join(filter(None, [", ".join(said), moved])))


def next_number(pack: Pack) -> int:
    """Return the number that follows all that a pack ever had."""
    return max([0, *pack.versions, *map(int, pack.project.versions)]) + 1


def next_version(
    source: Source, name: str, number: int, text: str, *, owner: str | None, published: str
) -> tuple[dict[str, bytes], PackVersion]:
    """Return the files of one version, made of an unlocked or otherwise numbered ``text``, and what it is.

    Raises :class:`RegistryError` and :class:`ResolutionError` where it does not fit the registry.
    """
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
