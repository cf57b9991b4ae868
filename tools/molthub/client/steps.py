"""What a command does with installed versions, step by step: before it is done, and when it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from molthub.client.differences import Difference
from molthub.client.lockfile import InstalledVersion
from molthub.errors import Problem
from molthub.model import Artifact

if TYPE_CHECKING:
    from molthub.client.signatures.installing import Found


class Step(NamedTuple):
    """What is done with one version. ``differences`` are the files that a repair puts right."""

    action: Literal["added", "kept", "repaired", "removed"]
    entry: InstalledVersion
    differences: tuple[Difference, ...] = ()


class Report(NamedTuple):
    """What a command did, or with ``dry_run`` would do. ``refused`` says what could not be done beside it.

    ``first_signers`` are publishers and keys that were not known before, and are believed from now on.
    """

    steps: tuple[Step, ...]
    warnings: tuple[Problem, ...] = ()
    dry_run: bool = False
    refused: tuple[Problem, ...] = ()
    first_signers: tuple[tuple[str, str], ...] = ()

    def of(self, action: str) -> tuple[Step, ...]:
        """Return the steps of one kind."""
        return tuple(step for step in self.steps if step.action == action)


class Plan:
    """Steps before they are taken, with what to fetch by name and version.

    ``judged`` is what was found of signatures, once that was asked for.
    """

    def __init__(self, warnings: Iterable[Problem]) -> None:
        self.steps: list[Step] = []
        self.artifacts: dict[tuple[str, str], Artifact] = {}
        self.warnings = list(warnings)
        self.refused: list[Problem] = []
        self.judged: Found | None = None

    def artifact(self, step: Step) -> Artifact:
        """Return what a step is about, as the index has it. Raises KeyError of one that only takes away."""
        return self.artifacts[step.entry.name, step.entry.version]

    @property
    def writes(self) -> list[Step]:
        """The steps that write files."""
        return [step for step in self.steps if step.action in ("added", "repaired")]
