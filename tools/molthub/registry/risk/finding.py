"""What the search for risks finds: one finding, its severity and its place. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from molthub.errors import Problem, Severity

OVERALL_REMEDY = "remove it, or say why it must be there: `molthub-allow: {id} <reason>` on the line or the one before"


@dataclass(frozen=True, slots=True)
class Finding:
    """One risk in one file of a skill version.

    ``path`` is relative to the version's folder; ``line`` and ``column`` count from 1, and a finding about a whole file
    has neither. ``cited`` is true where the text only speaks of an attack: such a finding never blocks, and never
    counts when weak signals are added up. ``allowed`` is the reason of the allow-comment that takes it.
    """

    id: str
    severity: Severity
    path: str
    message: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None
    cited: bool = False
    allowed: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this finding stops a version from being merged."""
        return self.severity == "error" and not self.allowed

    def taken(self, reason: str) -> Finding:
        """Return the finding as an allow-comment with ``reason`` takes it."""
        return replace(self, allowed=reason)

    def problem(self, folder: str) -> Problem:
        """Return the finding as the check reports it; an allowed one is a warning that quotes its reason."""
        file = f"{folder}/{self.path}" if folder else self.path
        if self.allowed:
            message = f"allowed by a comment ({self.allowed}): {self.id} {self.message}"
            return Problem("MH820", message, "judge the reason before merging", "warning", file, self.line, self.column)
        remedy = self.remedy or OVERALL_REMEDY.format(id=self.id)
        return Problem(self.id, self.message, remedy, self.severity, file, self.line, self.column)
