"""Importing skills and packs from upstreams: what becomes of each, and the files that one commit then holds.

Planning is pure: it takes what was read from an upstream, the catalog and the wishes of the command line. It is all or
nothing: where one skill of a pack, or one dependency, cannot be taken, nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from molthub.errors import ManifestError, Problem, RegistryError
from molthub.model import Json
from molthub.registry.authoring.import_judge import REFUSED, ImportJudge
from molthub.registry.authoring.import_plan import FoundPack, FoundSkill, Outcome, Plan, Wishes
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.publish import record_version
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.rules.packs import check_locks
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay


def plan_imports(
    skills: Sequence[FoundSkill],
    packs: Sequence[FoundPack],
    catalog: Catalog,
    wishes: Wishes,
    contents: Callable[[str], str | None],
) -> Plan:
    """Say what becomes of everything that was found; ``contents(path)`` is the text of a file of the registry."""
    judge = ImportJudge(catalog, wishes)
    found: tuple[FoundSkill | FoundPack, ...] = (*skills, *packs)
    outcomes = [judge.skill(one) if isinstance(one, FoundSkill) else judge.pack(one) for one in found]
    files: dict[str, NewFile] = {}
    for number, outcome in enumerate(outcomes):
        if outcome.state == "new":
            project = f"{outcome.kind}s/{outcome.name}/project.yaml"
            text = files[project].content.decode() if project in files else contents(project)
            try:
                files |= _files_of(outcome, text, wishes, catalog.registry.owner, found[number].yanked)
            except (RegistryError, ManifestError) as error:
                outcomes[number] = outcome.refused(Problem(REFUSED, str(error), error.remedy))
    whole = not any(outcome.state == "refused" for outcome in outcomes)
    return Plan(tuple(outcomes), files if whole else {})


def _files_of(
    outcome: Outcome, project: str | None, wishes: Wishes, owner: str, yanked: str | None
) -> dict[str, NewFile]:
    """Return what a version adds: what its folder keeps, and its record."""
    folder = f"{outcome.kind}s/{outcome.name}"
    record: dict[str, Json] = {"published": wishes.published, "digest": outcome.digest}
    record["upstream"] = outcome.upstream.to_json(outcome.digest)
    record |= {"yanked": f"Yanked upstream: {yanked}"} if yanked is not None else {}
    owners = None if outcome.name.startswith("@") else [wishes.owner or owner]
    kind = f"{outcome.kind}-project"
    text = record_version(project, outcome.version, record, owners=owners, kind=kind)
    inside = f"{folder}/{outcome.version}/" if outcome.kind == "skill" else f"{folder}/"
    kept = {f"{inside}{path}": file for path, file in outcome.files.items()}
    return {**kept, f"{folder}/project.yaml": NewFile(text.encode())}


# --- with the rest of the registry ---------------------------------------------------------------------------------


def with_whole_registry(plan: Plan, source: Source) -> Plan:
    """Return ``plan`` as it is where the registry would hold together with it, else with what would not as refused."""
    if not plan.files:
        return plan
    catalog = read_catalog(Overlay(source, {path: file.content for path, file in plan.files.items()}))
    ours = {f"{outcome.kind}s/{outcome.name}/" for outcome in plan.having("new")}
    problems = [
        problem
        for problem in (*catalog.problems, *check_locks(catalog, [o.name for o in plan.outcomes if o.kind == "pack"]))
        if problem.severity == "error" and any((problem.file or "").startswith(folder) for folder in ours)
    ]
    if not problems:
        return plan
    outcomes = []
    for outcome in plan.outcomes:
        folder = f"{outcome.kind}s/{outcome.name}/"
        own = [problem for problem in problems if (problem.file or "").startswith(folder)]
        outcomes.append(outcome.refused(*own) if own and outcome.state == "new" else outcome)
    return Plan(tuple(outcomes), {})
