"""Whether one version of an upstream can be taken, and why not: names, numbers, policy, risks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from molthub.documents import DNS_LABEL
from molthub.errors import ManifestError, Problem, RegistryError
from molthub.model import Project, VersionRecord, bare_name
from molthub.registry import edit
from molthub.registry.authoring.import_plan import FoundPack, FoundSkill, Outcome, Wishes
from molthub.registry.authoring.loose_skills import LooseSkill
from molthub.registry.authoring.mend import SKILL_MD
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.package import (
    FIRST_VERSION,
    SKILL_YAML,
    Package,
    digest_of_files,
    is_skill_name,
    package,
)
from molthub.registry.authoring.packs import pack_file_digest
from molthub.registry.authoring.publish import CLOSED, bumped, license_of
from molthub.registry.catalog import Catalog
from molthub.registry.manifest import read_manifest
from molthub.registry.upstreams.upstream import OWN_FILES, Upstream, upstream_of
from molthub.versions import is_version, sort_key

REFUSED = "MH905"


class ImportJudge:
    """Decides on one version after the other, by the catalog's word."""

    def __init__(self, catalog: Catalog, wishes: Wishes) -> None:
        self.catalog = catalog
        self.wishes = wishes

    # --- skills ---

    def skill(self, found: FoundSkill) -> Outcome:
        """Say what becomes of a skill."""
        outcome = Outcome("skill", "new", found.name or "", found.version or "", found.upstream)
        folder = (found.upstream.path or found.upstream.location.removesuffix(".git")).rpartition("/")[2]
        loose = LooseSkill(Path(folder), folder, {e.path: NewFile(read, e.executable) for e, read in found.files})
        if SKILL_MD not in loose.files:
            message = f"there is no {SKILL_MD} in {found.upstream.shown}"
            return outcome.refused(Problem(REFUSED, message, "give the folder of a skill: --path skills/NAME"))
        try:
            made = package(loose, name=found.name, folder=folder)
        except ManifestError as error:
            return outcome.refused(*(error.problems or (Problem(REFUSED, error.message, error.remedy),)))
        return self._packaged(found, replace(outcome, name=made.name), made, loose)

    def _packaged(self, found: FoundSkill, outcome: Outcome, made: Package, loose: LooseSkill) -> Outcome:
        records = _records(self.catalog.skills, made.name)
        number = found.version or self._number(made, records)
        if not (is_skill_name(made.name) and is_version(number)):
            message = f"{made.name!r} {number!r} is no skill's name and version"
            return outcome.refused(Problem(REFUSED, message, "name it otherwise: --as NAME"))
        files = made.at_version(number)
        size = sum(len(file.content) for file in files.values())
        outcome = replace(outcome, version=number, digest=digest_of_files(files), size=size)
        same = self._same(made, records, number if found.version else None)
        if same is not None:
            return replace(outcome, state="unchanged", version=same, digest=records[same].digest)
        reasons = [
            *_mended(made, loose),
            *self._name_faults("skill", made.name, found.upstream),
            *_number_faults("skill", made.name, number, records),
            *self._policy_faults(made.name, files[SKILL_YAML].content),
            *_risks(files, made, number),
        ]
        errors = [reason for reason in reasons if reason.severity == "error"]
        if errors:
            return outcome.refused(*errors)
        kept = {path: file for path, file in files.items() if path in OWN_FILES}
        return replace(outcome, problems=(*found.notes, *made.warnings, *reasons), files=kept)

    def _number(self, made: Package, records: Mapping[str, VersionRecord]) -> str:
        if self.wishes.bump and records:
            return bumped(max(records, key=sort_key), self.wishes.bump)
        return made.declared or FIRST_VERSION

    def _same(self, made: Package, records: Mapping[str, VersionRecord], asked: str | None) -> str | None:
        """Return the number of the version that already holds this content, if any."""
        for number in [asked] if asked is not None else sorted(records, key=sort_key, reverse=True):
            known = records.get(number)
            if known and known.removed is None and known.digest == digest_of_files(made.at_version(number)):
                return number
        return None

    # --- packs ---

    def pack(self, found: FoundPack) -> Outcome:
        """Say what becomes of a pack."""
        number = str(found.number)
        outcome = Outcome("pack", "new", found.name, number, found.upstream)
        try:
            content = _named(found)
        except (RegistryError, ManifestError) as error:
            return outcome.refused(Problem(REFUSED, str(error), error.remedy))
        digest = pack_file_digest(found.number, content)
        kept = {f"{number}.yaml": NewFile(content)}
        outcome = replace(outcome, digest=digest, size=len(content), files=kept)
        records = _records(self.catalog.packs, found.name)
        known = records.get(number)
        if known is not None and known.removed is None and known.digest == digest:
            return replace(outcome, state="unchanged", files={})
        reasons = [
            *_unreadable(content, found),
            *self._name_faults("pack", found.name, found.upstream),
            *_number_faults("pack", found.name, number, records),
        ]
        return outcome.refused(*reasons) if reasons else replace(outcome, problems=found.notes)

    # --- names and policy ---

    def _name_faults(self, kind: Literal["skill", "pack"], name: str, upstream: Upstream) -> Iterator[Problem]:
        key = f"{kind}/{name}"
        projects = self.catalog.skills if kind == "skill" else self.catalog.packs
        owner = self.wishes.owner or self.catalog.registry.owner
        known = projects.get(name)
        if key in self.catalog.broken:
            message = f"the registry's {self.catalog.broken[key]} cannot be read"
            yield Problem(REFUSED, message, "run molthub check, and mend it first")
        elif known is not None:
            yield from self._taken(kind, name, known.project, upstream)
        elif not name.startswith("@") and owner not in self.catalog.publishers:
            names = ", ".join(self.catalog.publishers) or "there is none yet"
            message = f"the owner {owner} has no publishers/{owner}/publisher.yaml in this registry"
            yield Problem(REFUSED, message, f"add it, or choose another with --owner: {names}")
        if name.startswith("@"):
            yield from self._scope_faults(name)

    def _taken(self, kind: str, name: str, project: Project, upstream: Upstream) -> Iterator[Problem]:
        """Refuse a name that stands for something else here: nobody could tell the two apart."""
        if project.status in CLOSED:
            message = f"the project {name} is {project.status}: {CLOSED[project.status]}"
            yield Problem(REFUSED, message, _rename(kind, name))
        origins = [origin for record in project.versions.values() for origin in [upstream_of(record)] if origin]
        if not any(origin.same_place(upstream) for origin in origins):
            from_where = f"was imported from {origins[0].location}" if origins else "is this registry's own"
            message = f"the name {name} is taken: the {kind} of that name {from_where}"
            yield Problem(REFUSED, message, _rename(kind, name))
        if self.wishes.owner and project.owners and self.wishes.owner not in project.owners:
            owners = " and ".join(project.owners)
            yield Problem(REFUSED, f"{name} belongs to {owners}, not to {self.wishes.owner}", "leave --owner out")

    def _scope_faults(self, name: str) -> Iterator[Problem]:
        scope = name[1:].partition("/")[0]
        if not any(scope in publisher.scopes for publisher in self.catalog.publishers.values()):
            message = f"no publisher of this registry has the scope @{scope}"
            remedy = f"add {scope!r} to the scopes of a publisher, or name it otherwise: --as {bare_name(name)}"
            yield Problem(REFUSED, message, remedy)

    def _policy_faults(self, name: str, skill_yaml: bytes) -> Iterator[Problem]:
        policy = self.catalog.registry.policy
        owner = self.wishes.owner or self.catalog.registry.owner
        if bare_name(name) in policy.get("reservedNames", ()) and owner != self.catalog.registry.owner:
            yield Problem(REFUSED, f"the name {name} is reserved for the registry's owner", _rename("skill", name))
        allowed = policy.get("licenses")
        license_ = license_of(skill_yaml)
        if allowed and license_ not in allowed:
            said = f"the licence {license_}" if license_ else "no licence that SPDX knows"
            message = f"it has {said}, and this registry takes {', '.join(allowed)}"
            yield Problem(REFUSED, message, "leave it, or change `policy.licenses` of registry.yaml")


def _rename(kind: str, name: str) -> str:
    if kind == "pack":
        return "import it under another name: --as NAME"
    return f"import it into a scope of yours: --as @SCOPE/{bare_name(name)}"


def _records(projects: Mapping[str, object], name: str) -> Mapping[str, VersionRecord]:
    found = projects.get(name)
    records: Mapping[str, VersionRecord] = found.project.versions if found is not None else {}  # type: ignore[attr-defined] # a Skill or a Pack
    return records


def _number_faults(kind: str, name: str, number: str, records: Mapping[str, VersionRecord]) -> Iterator[Problem]:
    known = records.get(number)
    if known is not None:
        what = "holds other content here" if known.removed is None else f"was removed here for good: {known.removed}"
        remedy = "choose another number: NAME@VERSION, or --bump patch" if kind == "skill" else "import a later version"
        yield Problem(REFUSED, f"{name} {number} {what}", remedy)
    elif kind == "skill" and any(other.partition("+")[0] == number.partition("+")[0] for other in records):
        message = f"{name} {number} differs from a version that is here in its build metadata alone"
        yield Problem(REFUSED, message, "import another version")


def _mended(made: Package, loose: LooseSkill) -> Iterator[Problem]:
    """Refuse what would have to be changed to be loaded: it would no longer be what the upstream has."""
    if made.files[SKILL_MD].content == loose.files[SKILL_MD].content:
        return
    mends = [note.message for note in made.notes if note.id == "MH502" and note.file == SKILL_MD]
    message = f"its {SKILL_MD} cannot be taken as it is: {'; '.join(mends) or 'it would have to be mended'}"
    remedy = "ask its owner to mend it, or publish a copy of your own: skills publish"
    yield Problem(REFUSED, message, remedy, file=SKILL_MD)


def _risks(files: Mapping[str, NewFile], made: Package, number: str) -> Iterator[Problem]:
    from molthub.registry.risk import scan_skill  # its patterns are compiled when something is to be scanned

    manifest, _ = read_manifest("skill", files[SKILL_YAML].content, SKILL_YAML)
    declared = None if manifest is None else {need["name"] for need in manifest.value.get("env", ())}
    remedy = "do not import it; who has judged it can publish a copy with an allow-comment: skills publish"
    for finding in scan_skill({path: file.content for path, file in files.items()}, environment=declared):
        problem = finding.problem("")
        place = f"{made.name} {number}: {problem.file}"
        yield replace(problem, file=place, remedy=remedy if finding.blocks else problem.remedy)


# --- packs ---------------------------------------------------------------------------------------------------------


def _named(found: FoundPack) -> bytes:
    """Return a pack version's file under the name that it shall have here. Raises :class:`RegistryError`."""
    if not DNS_LABEL.match(found.name):
        raise RegistryError(f"{found.name!r} is no pack name", remedy="use lower-case letters, digits and hyphens")
    if found.upstream.name == found.name:
        return found.content
    text = found.content.decode()
    return edit.set_value(text, ("metadata", "name"), found.name, file=f"{found.number}.yaml").encode()


def _unreadable(content: bytes, found: FoundPack) -> Iterator[Problem]:
    manifest, problems = read_manifest("skillpack", content, f"{found.name}/{found.number}.yaml")
    yield from (problem for problem in problems if problem.severity == "error")
    if manifest is not None and manifest.value["spec"]["version"] != found.number:
        message = f"its file says version {manifest.value['spec']['version']}, and it is version {found.number}"
        yield Problem("MH103", message, "tell whoever owns it")
