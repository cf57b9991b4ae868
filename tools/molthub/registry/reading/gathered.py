"""What reading a registry gathers on its way: findings, what is broken, and who refers to what. No I/O of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from molthub.errors import Problem, RegistryError, Severity
from molthub.registry.manifest import Manifest, read_manifest
from molthub.registry.source import Source
from molthub.yaml_text import Pointer


class Reference(NamedTuple):
    """Somebody names something: ``target`` is ``skill/git``, ``pack/dev``, ``profile/p`` or ``overlay/o``.

    ``wanted`` is the version or range, as text. ``at`` is what the model's nouns call the place: ``file:line`` of an
    item, or the file where a field names one thing.
    """

    target: str
    wanted: str | None
    file: str
    pointer: Pointer
    at: str


@dataclass
class Reading:
    """The state of one reading of ``source``."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems += self.source.problems
        self._paths = self.source.files
        self._refused = [path.split("/") for path in sorted(self.source.refused)]

    def paths_below(self, folder: str) -> Iterator[str]:
        """Yield the paths below a top folder, relative to it."""
        prefix = f"{folder}/"
        return (path[len(prefix) :] for path in self.source.files if path.startswith(prefix))

    def below(self, folder: str) -> Iterator[list[str]]:
        """Yield the paths below a top folder, split into their steps, the folder itself apart."""
        return (path.split("/") for path in self.paths_below(folder))

    def refused_in(self, folder: str) -> Iterator[list[str]]:
        """Yield the paths below a top folder that the source refused, as :meth:`below` does."""
        return (path[1:] for path in self._refused if path[0] == folder and len(path) > 1)

    def manifest(self, kind: str, file: str, key: str) -> Manifest | None:
        """Read one manifest; None when it is missing or wrong, with ``key`` marked as broken."""
        if file in self.source.refused:
            self.broken[key] = file
            return None
        if file not in self._paths:
            remedy = "add it (molthub fmt completes what a person began), or take its folder away"
            self.add(Problem("MH104", f"{file.rpartition('/')[2]} is missing", remedy, file=file), key)
            return None
        try:
            content = self.source.read(file)
        except RegistryError as error:
            self.add(Problem("MH001", error.message, error.remedy, file=file), key)
            return None
        found, problems = read_manifest(kind, content, file)
        self.problems += problems
        if found is None:
            self.broken[key] = file
        return found

    def text(self, file: str) -> bytes:
        """Return a file's bytes; what cannot be read is a finding, and empty."""
        try:
            return self.source.read(file)
        except RegistryError as error:
            self.problems.append(Problem("MH001", error.message, error.remedy, file=file))
            return b""

    def holds(self, file: str) -> bool:
        """Whether the registry holds ``file``."""
        return file in self._paths

    def add(self, problem: Problem, broken: str | None = None) -> None:
        """Note a finding; ``broken`` is what cannot be used because of it."""
        self.problems.append(problem)
        if broken is not None and problem.severity == "error" and problem.file is not None:
            self.broken.setdefault(broken, problem.file)

    def stray(self, file: str, message: str = "the file belongs to nothing", severity: Severity = "warning") -> None:
        """Note a file that stands where nothing is declared."""
        remedy = "move it to where it belongs, or take it away"
        self.problems.append(Problem("MH014", message, remedy, severity, file=file))

    def named(self, manifest: Manifest, pointer: Pointer, expected: object, key: str) -> bool:
        """Whether the name or number at ``pointer`` is that of its path, which is the truth."""
        value: object = manifest.value
        for part in pointer:
            value = value[part]  # type: ignore[index] # the schema has said that these are maps
        if value == expected:
            return True
        message = f"this is {expected} by its path, but the document says {value}"
        self.add(manifest.problem("MH103", pointer, message, f"write {expected}, or move the file"), key)
        return False

    def refused_below(self, folder: str) -> str | None:
        """Return a path at, below or above ``folder`` that the source refused, or None."""
        if not self._refused:
            return None
        steps = folder.split("/")
        found = (path for path in self._refused if path[: len(steps)] == steps or path == steps[: len(path)])
        return next(("/".join(path) for path in found), None)

    def refer(self, references: Iterable[Reference]) -> None:
        """Note who refers to what, to be judged when everything is read."""
        self.references.extend(references)
