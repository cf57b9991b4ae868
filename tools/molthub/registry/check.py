"""The check: everything that a pull request to a registry is told, gathered and not only the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import Json
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.changes import Change
from molthub.registry.ownership import Actor
from molthub.registry.reading.read_fleets import ReadBots
from molthub.registry.reading.version_files import Folders
from molthub.registry.rules.bots import check_bots
from molthub.registry.rules.cycles import check_cycles
from molthub.registry.rules.history import check_history
from molthub.registry.rules.model_signatures import check_model_signatures
from molthub.registry.rules.new_names import check_new_names
from molthub.registry.rules.owners import check_owners
from molthub.registry.rules.ownership import check_ownership
from molthub.registry.rules.packs import check_packs
from molthub.registry.rules.risks import check_risks
from molthub.registry.rules.rollouts import check_rollouts
from molthub.registry.rules.signatures import check_signatures
from molthub.registry.rules.skills import check_policy, check_skills
from molthub.registry.rules.upstreams import check_imports, imported_count
from molthub.registry.rules.versions import check_versions
from molthub.registry.source import Source
from molthub.registry.touched import touched_sources
from molthub.registry.upstreams.content import Upstreams

FORMAT = "molthub.check/1"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, errors first, then by place.

    ``compared_with`` is the base's revision, or None; ``actors`` are those whose rights were judged. ``uncompared`` is
    how many imported versions were not compared with their upstreams; ``change`` is what was judged beyond the state
    itself.
    """

    problems: tuple[Problem, ...]
    revision: str
    compared_with: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    actors: tuple[Actor, ...] = ()
    uncompared: int = 0
    change: Change | None = field(default=None, repr=False, compare=False)

    def having(self, severity: str) -> int:
        """Return how many problems have this severity."""
        return sum(problem.severity == severity for problem in self.problems)

    def to_json(self) -> dict[str, Json]:
        """Return the document ``molthub.check/1``."""
        return {
            "format": FORMAT,
            "revision": self.revision,
            "comparedWith": self.compared_with,
            "actors": [str(actor) for actor in self.actors],
            "problems": [problem.to_json() for problem in self.problems],
            "summary": {"errors": self.having("error"), "warnings": self.having("warning")},
            "counts": dict(self.counts),
        }


def check(
    source: Source,
    base: Source | None = None,
    *,
    strict_spec: bool = False,
    actors: Sequence[Actor] = (),
    upstreams: Upstreams | None = None,
    jobs: int = 1,
) -> CheckResult:
    """Check a registry; with ``base``, also what the change from there does to merged versions and brings in names.

    With ``actors``, everybody who had a hand in the change, it is also judged whether each of them may make it; that
    needs a base. ``strict_spec`` makes every breach of the Agent Skills specification an error. With a base, content
    that is merged and unchanged is not judged again: between two commits no other skill is read than those that differ
    and those that they, packs and bots name. With ``upstreams``, imported versions are compared with where they came
    from. ``jobs`` processes at most look for risks.

    Raises :class:`~molthub.errors.RegistryError` only where ``registry.yaml`` cannot be read.
    """
    touched = touched_sources(source, base)
    if touched is not None:
        source, base = touched
    bots: ReadBots = {}
    catalog = read_catalog(source, bots)
    before = read_catalog(base, bots) if base is not None else None
    folders = Folders(source, base)
    # A change is judged by the policy that it meets, not by the one it brings.
    policy = (before or catalog).registry.policy
    problems = [
        *catalog.problems,
        *check_versions(catalog, source, folders),
        *check_skills(catalog, source, folders, strict=strict_spec),
        *check_policy(catalog, policy, folders),
        *check_risks(catalog, source, folders, jobs),
        *check_imports(catalog, source, folders, upstreams),
        *check_signatures(catalog, source, before, base, policy),
        *check_model_signatures(catalog, source, before),
        *check_owners(catalog),
        *check_cycles(catalog),
        *check_packs(catalog, before),
        *check_bots(catalog),
        *check_rollouts(catalog),
    ]
    change = None
    if base is not None and before is not None:
        change = Change(before, catalog, base, source)
        problems += check_history(catalog, source, before, base)
        problems += check_new_names(change, actors)
        problems += check_ownership(change, actors)
    compared_with = base.revision if base is not None else None
    uncompared = imported_count(catalog, folders) if upstreams is None else 0
    counts = _counts(catalog, source)
    return CheckResult(_ordered(problems), source.revision, compared_with, counts, tuple(actors), uncompared, change)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    def place(problem: Problem) -> tuple[bool, str, int, int, str]:
        return (
            problem.severity != "error",
            problem.file or "",
            problem.line or 0,
            problem.column or 0,
            problem.id,
        )

    return tuple(sorted(dict.fromkeys(problems), key=place))


def _counts(catalog: Catalog, source: Source) -> dict[str, int]:
    return {
        "files": len(source.files),
        "skills": len(catalog.skills),
        "skillVersions": sum(len(skill.versions) for skill in catalog.skills.values()),
        "packs": len(catalog.packs),
        "fleets": len(catalog.fleets),
        "bots": len(catalog.bots),
    }
