"""Publishing loose skill folders into a registry: what becomes of each, and the files that one commit then holds.

Planning is pure: it takes what was found, the catalog and the wishes of the command line, and says for every folder
whether it is new, unchanged or refused, with all that was mended and left out. Nothing vanishes without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from molthub import schema_files
from molthub.errors import ManifestError, Problem, RegistryError
from molthub.model import Json, Publisher, Skill, VersionRecord, bare_name
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.loose_skills import Found, LooseSkill
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.package import FIRST_VERSION, SKILL_YAML, Package, digest_of_files, package
from molthub.registry.catalog import Catalog
from molthub.versions import is_prerelease, sort_key

State = Literal["new", "unchanged", "refused"]
Bump = Literal["major", "minor", "patch"]
CLOSED = {
    "archived": "it is kept as it is, and takes no more versions",
    "quarantined": "nobody has judged it yet",
    "removed": "it is gone, and its name stays taken",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for: ``name`` and ``version`` make sense for one skill only."""

    name: str | None = None
    version: str | None = None
    bump: Bump | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one skill folder. ``problems`` are notes and warnings, or the reasons for a refusal."""

    shown: str
    state: State
    name: str = ""
    version: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, NewFile] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        shown = {"path": self.shown, "name": self.name, "version": self.version, "digest": self.digest}
        known = {key: value for key, value in shown.items() if value}
        problems = [problem.to_json() for problem in self.problems]
        return {**known, "result": self.state, "problems": problems}


@dataclass(frozen=True, slots=True)
class Plan:
    """All outcomes, in the order the folders were found; ``files`` are what the commit writes."""

    outcomes: tuple[Outcome, ...]
    left_out: tuple[Problem, ...]
    files: Mapping[str, NewFile]

    def having(self, state: State) -> tuple[Outcome, ...]:
        """Return the outcomes of one kind."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == state)

    @property
    def message(self) -> str:
        """The commit's message."""
        new = [f"{outcome.name} {outcome.version}" for outcome in self.having("new")]
        if len(new) == 1:
            return f"Publish {new[0]}"
        return f"Publish {len(new)} skills\n\n" + "\n".join(f"- {name}" for name in new)


def plan_publish(
    found: Found,
    read: Callable[[str], LooseSkill],
    catalog: Catalog,
    wishes: Wishes,
    *,
    published: str,
    contents: Callable[[str], str | None],
) -> Plan:
    """Say what becomes of every folder in ``found``.

    ``read`` reads a found folder by how it is shown; ``published`` is the time to record; ``contents(path)`` is the
    text of a file of the registry, or None where there is none.
    """
    outcomes = [Outcome(shown, "refused", problems=(problem,)) for shown, problem in found.refused]
    for _, shown in found.folders:
        outcomes.append(_Judge(catalog, wishes).outcome(shown, read))
    outcomes = _without_clashes(outcomes)
    files: dict[str, NewFile] = {}
    for number, outcome in enumerate(outcomes):
        if outcome.state == "new":
            project = f"skills/{outcome.name}/project.yaml"
            known = files[project].content.decode() if project in files else contents(project)
            try:
                files |= _files_of(outcome, known, wishes.owner or catalog.registry.owner, published)
            except (RegistryError, ManifestError) as error:
                outcomes[number] = _refused(outcome, Problem("MH501", str(error), error.remedy))
    return Plan(tuple(outcomes), found.left_out, files)


def _files_of(outcome: Outcome, project: str | None, owner: str, published: str) -> dict[str, NewFile]:
    """Return what a new version adds; ``project`` is the text of its project.yaml, if there is one."""
    folder = f"skills/{outcome.name}"
    record = {"published": published, "digest": outcome.digest}
    owners = None if outcome.name.startswith("@") else [owner]
    text = record_version(project, outcome.version, record, owners=owners)
    inside = {f"{folder}/{outcome.version}/{path}": file for path, file in outcome.files.items()}
    return {**inside, f"{folder}/project.yaml": NewFile(text.encode())}


def record_version(
    text: str | None, number: str, record: Mapping[str, Json], *, owners: list[str] | None, kind: str = "skill-project"
) -> str:
    """Return project.yaml with one more version; a new one where ``text`` is None. Raises :class:`RegistryError`."""
    if text is not None:
        return edit.set_value(text, ("versions", number), dict(record), file="project.yaml")
    head: dict[str, Json] = {"owners": owners} if owners else {}
    schema = f"{schema_files.BASE_URL}{kind}{schema_files.SUFFIX}"
    return yaml_write.document({**head, "status": "active", "versions": {number: dict(record)}}, schema=schema)


def _refused(outcome: Outcome, *problems: Problem) -> Outcome:
    return replace(outcome, state="refused", problems=problems, files={})


def _without_clashes(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse folders that would become the same version with different content; of equal ones keep the first."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.state == "new":
            groups.setdefault((outcome.name, outcome.version), []).append(outcome)
    return [_one_of(outcome, groups.get((outcome.name, outcome.version), [])) for outcome in outcomes]


def _one_of(outcome: Outcome, group: list[Outcome]) -> Outcome:
    if outcome.state != "new" or len(group) < 2:  # noqa: PLR2004 (alone in its group)
        return outcome
    others = [other.shown for other in group if other.shown != outcome.shown]
    if len({other.digest for other in group}) > 1:
        message = f"{', '.join(others)} would become {outcome.name} {outcome.version} too, with other content"
        remedy = "publish one of them alone with --name, or rename its skill"
        return _refused(outcome, Problem("MH501", message, remedy, file=outcome.shown))
    if outcome is group[0]:
        return outcome
    note = Problem("MH503", f"the same as {group[0].shown}", severity="warning", file=outcome.shown)
    return replace(outcome, state="unchanged", problems=(*outcome.problems, note), files={})


class _Judge:
    """Decides on one folder after the other, by the catalog's word."""

    def __init__(self, catalog: Catalog, wishes: Wishes) -> None:
        self.catalog = catalog
        self.wishes = wishes

    def outcome(self, shown: str, read: Callable[[str], LooseSkill]) -> Outcome:
        try:
            made = package(read(shown), name=self.wishes.name)
            return self._placed(shown, made)
        except ManifestError as error:
            problems = error.problems or (Problem("MH501", error.message, error.remedy),)
            return _refused(Outcome(shown, "refused"), *(_in_folder(shown, problem) for problem in problems))
        except RegistryError as error:
            return _refused(Outcome(shown, "refused"), Problem("MH501", str(error), error.remedy, file=shown))

    def _placed(self, shown: str, made: Package) -> Outcome:
        notes = tuple(_in_folder(shown, problem) for problem in (*made.notes, *made.warnings))
        skill = self.catalog.skills.get(made.name)
        outcome = Outcome(shown, "new", made.name, problems=notes)
        records = skill.project.versions if skill is not None else {}
        same = self._same(made, records)
        if same is not None:
            return Outcome(shown, "unchanged", made.name, same, records[same].digest)
        number = self._number(made, records)
        outcome = replace(outcome, version=number)
        reasons = [
            *self._name_faults(made, skill),
            *self._number_faults(made, number, records),
            *self._policy_faults(made, number),
        ]
        if reasons:
            return _refused(outcome, *(replace(reason, file=shown) for reason in reasons))
        files = made.at_version(number)
        return replace(outcome, digest=digest_of_files(files), files=files)

    def _same(self, made: Package, records: Mapping[str, VersionRecord]) -> str | None:
        """Return the number of the version that already holds this content, if any."""
        asked = [self.wishes.version] if self.wishes.version else sorted(records, key=sort_key, reverse=True)
        for number in asked:
            known = records.get(number)
            if known and known.removed is None and known.digest == digest_of_files(made.at_version(number)):
                return number
        return None

    def _number(self, made: Package, records: Mapping[str, VersionRecord]) -> str:
        if self.wishes.version:
            return self.wishes.version
        if self.wishes.bump and records:
            return bumped(max(records, key=sort_key), self.wishes.bump)
        return made.declared or FIRST_VERSION

    def _name_faults(self, made: Package, skill: Skill | None) -> Iterable[Problem]:
        name, owner = made.name, self.wishes.owner or self.catalog.registry.owner
        if f"skill/{name}" in self.catalog.broken:
            message = f"the registry's {self.catalog.broken[f'skill/{name}']} cannot be read"
            yield Problem("MH501", message, "run molthub check, and mend it first")
        elif skill is not None:
            status = skill.project.status
            if status in CLOSED:
                yield Problem("MH501", f"the project {name} is {status}: {CLOSED[status]}", "choose another --name")
            if self.wishes.owner and skill.project.owners and self.wishes.owner not in skill.project.owners:
                owners = " and ".join(skill.project.owners)
                yield Problem(
                    "MH501", f"{name} belongs to {owners}, not to {self.wishes.owner}", "choose another --name"
                )
        elif not name.startswith("@") and owner not in self.catalog.publishers:
            message = f"the owner {owner} has no publishers/{owner}/publisher.yaml in this registry"
            yield Problem("MH501", message, f"add it, or choose another: {_known(self.catalog.publishers)}")
        if name.startswith("@"):
            yield from self._scope_faults(name)

    def _scope_faults(self, name: str) -> Iterable[Problem]:
        scope = name[1:].partition("/")[0]
        holders = [publisher.name for publisher in self.catalog.publishers.values() if scope in publisher.scopes]
        if not holders:
            remedy = f"add {scope!r} to the scopes of a publisher.yaml first"
            yield Problem("MH501", f"the scope @{scope} belongs to no publisher of this registry", remedy)
        elif self.wishes.owner and self.wishes.owner not in holders:
            yield Problem(
                "MH501", f"the scope @{scope} belongs to {holders[0]}", "leave --owner out, or choose another"
            )

    def _number_faults(self, made: Package, number: str, records: Mapping[str, VersionRecord]) -> Iterable[Problem]:
        highest = max(records, key=sort_key, default=number)
        if number in records:
            next_one = bumped(highest, "patch")
            removed = records[number].removed
            taken = "is in the registry with other content" if removed is None else f"was removed for good: {removed}"
            message = f"{made.name} {number} {taken}"
            remedy = f"publish it as the next version with --bump patch ({next_one}), or under another --name"
            yield Problem("MH504", message, remedy)
        elif any(known.partition("+")[0] == number.partition("+")[0] for known in records):
            message = f"{made.name} {number} differs from a published version in its build metadata alone"
            yield Problem("MH504", message, "choose another number with --version or --bump")

    def _policy_faults(self, made: Package, number: str) -> Iterable[Problem]:
        policy = self.catalog.registry.policy
        owner = self.wishes.owner or self.catalog.registry.owner
        if bare_name(made.name) in policy.get("reservedNames", ()) and owner != self.catalog.registry.owner:
            yield Problem(
                "MH501", f"the name {made.name} is reserved for the registry's owner", "choose another --name"
            )
        allowed = policy.get("licenses")
        if allowed:
            text = made.at_version(number)[SKILL_YAML].content
            license_ = license_of(text)
            if license_ not in allowed:
                said = f"the licence {license_}" if license_ else "no licence that SPDX knows"
                remedy = f"name one of them in the frontmatter: {', '.join(allowed)}"
                yield Problem("MH501", f"it has {said}, and this registry takes certain ones", remedy)


def license_of(skill_yaml: bytes) -> str:
    """Return the licence that a skill.yaml names, or an empty text."""
    from molthub.registry.manifest import read_manifest

    manifest, _ = read_manifest("skill", skill_yaml, SKILL_YAML)
    return str(manifest.value.get("license", "")) if manifest is not None else ""


def _known(publishers: Mapping[str, Publisher]) -> str:
    return ", ".join(publishers) or "there is none yet"


def _in_folder(shown: str, problem: Problem) -> Problem:
    return problem.in_file(f"{shown.rstrip('/')}/{problem.file}" if problem.file else shown)


def bumped(version: str, part: Bump) -> str:
    """Return the next version after ``version``: the release of a pre-release, else one ``part`` higher."""
    core = version.partition("+")[0].partition("-")[0]
    major, minor, patch = (int(number) for number in core.split("."))
    if part == "major":
        return f"{major + 1}.0.0"
    if part == "minor":
        return f"{major}.{minor + 1}.0"
    return core if is_prerelease(version) else f"{major}.{minor}.{patch + 1}"
