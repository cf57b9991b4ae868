"""``molthub fmt``: one style for manifests, and whatever the commands would have written for a version made by hand.

Pure but for what the source reads: it takes a registry as it lies on disk and the base of the change, and returns the
files to write. A version that the base records is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from molthub import schema_files
from molthub.documents import file_entry, tree_digest
from molthub.errors import ManifestError, Problem, RegistryError, ResolutionError
from molthub.model import Json, PackVersion, Project
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.pack_files import locked_text
from molthub.registry.authoring.package import SKILL_YAML, manifest_values
from molthub.registry.authoring.publish import record_version
from molthub.registry.authoring.yaml_style import in_style
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.manifest import read_manifest
from molthub.registry.reading.skill_spec import read_skill_md
from molthub.registry.reading.version_files import Folders
from molthub.registry.resolve import resolve_pack
from molthub.registry.rules.skills import SKILL_MD
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay

_MOST_PASSES = 16
_KINDS: Mapping[str, str] = {"publishers": "publisher", "profiles": "profile", "overlays": "overlay"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to a file."""

    file: str
    what: str


@dataclass
class Formatted:
    """What formatting comes to: whole new texts by path, what was done, and what could not be done."""

    files: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def format_registry(
    source: Source, base: Source | None, *, published: str, wanted: Callable[[str], bool] = lambda _path: True
) -> Formatted:
    """Return the registry's manifests in the one style, and the versions that ``base`` does not record completed.

    ``published`` is the time that new entries get; ``wanted`` says which paths may be written. Raises
    :class:`RegistryError` where ``registry.yaml`` cannot be read.
    """
    done = Formatted()
    work = _Work(source, done, published, wanted, _Merged(base, source))
    work.style()
    work.write_packages()
    for _ in range(_MOST_PASSES):
        if not work.lock_packs():
            break
    work.record()
    return done


class _Merged:
    """What is never touched: what the base already records, and imported versions, which are their upstreams'."""

    def __init__(self, base: Source | None, source: Source) -> None:
        self._catalog = _catalog_or_none(base)
        self._files = frozenset(base.files) if base is not None else frozenset()
        self._imported = frozenset(_imported(source))

    def holds(self, kind: str, name: str, number: str) -> bool:
        if (kind, name, number) in self._imported:
            return True
        if self._catalog is None:
            return False
        if f"{kind}/{name}" in self._catalog.broken:  # its entries cannot be read: what is there counts as merged
            prefix = f"skills/{name}/{number}/" if kind == "skill" else f"packs/{name}/{number}.yaml"
            return any(path.startswith(prefix) for path in self._files)
        found = (self._catalog.skills if kind == "skill" else self._catalog.packs).get(name)
        return found is not None and number in found.project.versions


def _imported(source: Source) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and number of every imported version."""
    catalog = _catalog_or_none(source)
    for kind, projects in (("skill", catalog.skills), ("pack", catalog.packs)) if catalog is not None else ():
        for name, found in projects.items():
            for number, record in found.project.versions.items():
                if record.upstream is not None:
                    yield kind, name, number


def _catalog_or_none(base: Source | None) -> Catalog | None:
    try:
        return read_catalog(base) if base is not None else None
    except RegistryError:
        return None


@dataclass
class _Work:
    source: Source
    done: Formatted
    published: str
    wanted: Callable[[str], bool]
    merged: _Merged

    def now(self) -> Overlay:
        return Overlay(self.source, self.done.files)

    def write(self, path: str, text: str, what: str) -> bool:
        """Note a new text; say so only where it differs and may be written."""
        content = text.encode()
        tree = self.now()
        if not self.wanted(path) or (path in tree.files and tree.read(path) == content):
            return False
        self.done.files[path] = content
        change = Change(path, what)
        if change not in self.done.changes:  # a lock is written again when its base's lock moved
            self.done.changes.append(change)
        return True

    # --- style ---

    def style(self) -> None:
        for path in self.source.files:
            kind = self._kind(path)
            if kind is not None and self.wanted(path):
                self._style_one(path, kind)

    def _kind(self, path: str) -> str | None:
        """Return the kind of manifest at ``path``; None for other files and for merged versions."""
        if path == "registry.yaml":
            return "registry"
        top, *steps = path.split("/")
        last = steps[-1] if steps else ""
        if top == "skills":
            depth = 2 if path.startswith("skills/@") else 1
            return self._skill_kind("/".join(steps[:depth]), steps[depth:])
        if top == "packs":
            return self._pack_kind(steps)
        if not last.endswith(".yaml"):
            return None
        return ("fleet" if last == "fleet.yaml" else "bot") if top == "fleets" else _KINDS.get(top)

    def _pack_kind(self, steps: list[str]) -> str | None:
        if len(steps) != 2:  # noqa: PLR2004 (pack/file)
            return None
        name, file = steps
        number = file.removesuffix(".yaml")
        if number.isdecimal() and not self.merged.holds("pack", name, number):
            return "skillpack"
        return "pack-project" if file == "project.yaml" else None

    def _skill_kind(self, name: str, rest: list[str]) -> str | None:
        if rest == ["project.yaml"]:
            return "skill-project"
        if len(rest) == 2 and rest[1] == SKILL_YAML:  # noqa: PLR2004 (version/skill.yaml)
            return None if self.merged.holds("skill", name, rest[0]) else "skill"
        return None

    def _style_one(self, path: str, kind: str) -> None:
        try:
            text = self.source.read(path).decode()
            styled = in_style(text, path)
        except (UnicodeDecodeError, ManifestError):
            return  # the check says what is wrong with it
        if styled is None:
            message = "it is left as it is: another style would lose a comment or change a value"
            self.done.problems.append(
                Problem("MH007", message, "write it in block style by hand", "warning", file=path)
            )
            styled = text
        elif styled != text:
            self.write(path, styled, "formatted")
        _, problems = read_manifest(kind, styled.encode(), path)
        for pointer in [_pointer(problem.at or "") for problem in problems if problem.id == "MH007"]:
            found = _resolved(styled, path, pointer)
            styled = edit.quote(styled, found, file=path)
            self.write(path, styled, f"quoted {'/'.join(str(part) for part in found)}")

    # --- completing versions ---

    def write_packages(self) -> None:
        """Write skill.yaml where a new version has only a SKILL.md."""
        tree = self.now()
        for name, number in _versions(tree):
            path = f"skills/{name}/{number}/{SKILL_YAML}"
            skill_md = f"skills/{name}/{number}/{SKILL_MD}"
            if path in tree.files or skill_md not in tree.files or self.merged.holds("skill", name, number):
                continue
            read, problems = read_skill_md(tree.read(skill_md), skill_md)
            if read is None:
                self.done.problems += problems
                continue
            values: dict[str, Json] = {"name": name, "version": number, **manifest_values(read)}
            schema = f"{schema_files.BASE_URL}skill{schema_files.SUFFIX}"
            self.write(path, yaml_write.document(values, schema=schema), "made from SKILL.md's frontmatter")

    def lock_packs(self) -> bool:
        """Write `resolved` of new pack versions; return whether any changed, since one may build on another."""
        catalog = read_catalog(self._recorded())
        changed = False
        for pack in catalog.packs.values():
            for number, version in pack.versions.items():
                if not self.merged.holds("pack", pack.name, str(number)):
                    changed |= self._lock(catalog, version)
        return changed

    def _lock(self, catalog: Catalog, version: PackVersion) -> bool:
        try:
            resolved = resolve_pack(catalog, replace(version, resolved={}))
        except ResolutionError as error:
            problems = error.problems or (Problem("MH202", error.message, error.remedy, file=version.file),)
            self.done.problems += [problem for problem in problems if problem not in self.done.problems]
            return False
        if dict(resolved) == dict(version.resolved):
            return False
        text = self.now().read(version.file).decode()
        return self.write(version.file, locked_text(text, resolved, file=version.file), "locked its skills")

    def _recorded(self) -> Overlay:
        """Return the registry with every new version recorded, whether or not its project.yaml may be written."""
        return Overlay(self.source, {**self.done.files, **{path: text for path, text, _ in self._records()}})

    def record(self) -> None:
        for path, content, what in list(self._records()):
            self.write(path, content.decode(), what)

    def _records(self) -> Iterator[tuple[str, bytes, str]]:
        """Yield project.yaml of every project that has new versions, with their entries."""
        tree = self.now()
        catalog = read_catalog(tree)
        folders = Folders(tree)
        owner = catalog.registry.owner
        for skill in catalog.skills.values():
            digests = {
                number: folders.digest(skill.name, number)
                for number in folders.numbers(skill.name)
                if not self.merged.holds("skill", skill.name, number)
            }
            owners = None if skill.name.startswith("@") else [owner]
            yield from self._entries(tree, skill.project, digests, owners, "skill-project")
        for pack in catalog.packs.values():
            digests = {
                str(number): tree_digest([file_entry(f"{number}.yaml", tree.read(version.file), executable=False)])
                for number, version in pack.versions.items()
                if not self.merged.holds("pack", pack.name, str(number))
            }
            yield from self._entries(tree, pack.project, digests, [owner], "pack-project")

    def _entries(
        self, tree: Source, project: Project, digests: Mapping[str, str], owners: list[str] | None, kind: str
    ) -> Iterator[tuple[str, bytes, str]]:
        path = project.file
        text = tree.read(path).decode() if path in tree.files else None
        done = []
        for number, digest in digests.items():
            record = project.versions.get(number)
            if record is None:
                entry: dict[str, Json] = {"published": self.published, "digest": digest}
                text = record_version(text, number, entry, owners=owners, kind=kind)
                done.append(f"recorded {number}")
            elif record.digest != digest and record.removed is None:
                text = edit.set_value(text or "", ("versions", number, "digest"), digest, file=path)
                done.append(f"recorded {number} anew")
        if done and text is not None:
            yield path, text.encode(), ", ".join(done)


def _versions(source: Source) -> list[tuple[str, str]]:
    """Return every (skill, number) that has a folder."""
    folders = Folders(source)
    return [(name, number) for name in folders.names() for number in folders.numbers(name)]


def _pointer(at: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in at.split("/")[1:])


def _resolved(text: str, file: str, pointer: tuple[str, ...]) -> tuple[str | int, ...]:
    """Return ``pointer`` with the indices of lists as numbers."""
    from molthub.yaml_text import parse

    value = parse(text, file).value
    found: list[str | int] = []
    for part in pointer:
        step: str | int = int(part) if isinstance(value, list) else part
        value = value[step]
        found.append(step)
    return tuple(found)
