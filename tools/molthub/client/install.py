"""Installing, updating and uninstalling: choose, fetch, stage, commit. All of a command's skills, or none.

Everything that can fail for reasons outside this machine (choosing, fetching, verifying) is over before the first file
is staged; see :mod:`molthub.client.skills_folder` for how the change itself is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from molthub.client.cache import Store
from molthub.client.dependencies import Choice, Chosen, choose, pick_pack
from molthub.client.dependents import dependents
from molthub.client.index import Index
from molthub.client.index_cache import timestamp
from molthub.client.installed_state import look
from molthub.client.lockfile import Installed, InstalledVersion, in_order
from molthub.client.skills_folder import Change, SkillsFolder
from molthub.client.steps import Plan, Report, Step
from molthub.client.wanted import Wanted, parse_wanted, weightier
from molthub.errors import IntegrityError, NotFoundError, Problem, ResolutionError
from molthub.model import Artifact
from molthub.versions import sort_key

if TYPE_CHECKING:
    from molthub.client.signatures.installing import InstalledSignatures

Progress = Callable[[int], None]


@dataclass
class Installer:
    """Changes one ``.skills`` folder from one index. ``hosts`` are the applications that run here."""

    folder: SkillsFolder
    index: Index
    store: Store
    hosts: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = lambda _done: None
    on_wait: Callable[[], None] = lambda: None
    signatures: InstalledSignatures | None = None

    def install(self, wanted: Sequence[Wanted], *, dry_run: bool = False) -> Report:
        """Install what is wanted and its dependencies. Raises :class:`MolthubError`; nothing is then changed."""
        choice = self._choose(wanted)
        if dry_run:
            plan = self._plan(choice, self.folder.installed())
            self._judge(plan, wanted)
            return self._report(plan, dry_run=True)
        with self.folder.writing(self.on_wait):
            installed = self.folder.installed()
            plan = self._plan(choice, installed)
            self._fetch_and_judge(plan, wanted)
            self._carry_out(plan, installed)
        return self._report(plan)

    def update(self, names: Sequence[Wanted] = (), *, dry_run: bool = False) -> Report:
        """Bring what was requested to the newest version that its request admits.

        ``names`` limits it to some skills or packs. A version that its request has left is removed, unless it was
        edited or another installed skill needs it. A request that can no longer be met is reported as refused and the
        rest goes on. Raises :class:`MolthubError`; nothing is then changed.
        """
        if dry_run:
            plan, requests = self._plan_update(self.folder.installed(), names)
            self._judge(plan, requests)
            return self._report(plan, dry_run=True)
        with self.folder.writing(self.on_wait):
            installed = self.folder.installed()
            plan, requests = self._plan_update(installed, names)
            self._fetch_and_judge(plan, requests)
            self._carry_out(plan, installed)
        return self._report(plan)

    def _fetch_and_judge(self, plan: Plan, wanted: Sequence[Wanted]) -> None:
        """Judge signatures while what the steps need comes into the store; nothing is in the folder yet."""
        with self.index.fetching([plan.artifact(step) for step in plan.writes], self.store, self.progress):
            self._judge(plan, wanted)

    def _judge(self, plan: Plan, wanted: Sequence[Wanted]) -> None:
        """Judge the signatures of what will be written, and note who signed. Raises :class:`SignatureError`."""
        artifacts = [plan.artifact(step) for step in plan.steps if step.action != "removed"]
        asked = [request for request in wanted if request.kind == "pack" and plan.writes]
        packs = [pick_pack(request, self.index.pack(request.name))[1] for request in asked]
        everything = (*artifacts, *(release.artifact for release in packs))
        if self.signatures is None or not self.signatures.matter(everything, self.index):
            return
        known = {step.entry for step in plan.steps if step.action == "kept"}
        found = plan.judged = self.signatures.judge(artifacts, known, packs, self.index, self.store)
        plan.warnings += found.warnings
        plan.steps = [step._replace(entry=found.signed(step.entry)) for step in plan.steps]

    def _choose(self, wanted: Sequence[Wanted]) -> Choice:
        self.index.prefetch((request.kind, request.name) for request in wanted)
        return choose(wanted, self.index, self.hosts)

    def _plan(self, choice: Choice, installed: Installed) -> Plan:
        plan = Plan(choice.warnings)
        for chosen in choice.versions:
            plan.artifacts[chosen.artifact.name, chosen.artifact.version] = chosen.artifact
            plan.steps.append(self._step(chosen, installed.get((chosen.artifact.name, chosen.artifact.version))))
        return plan

    def _step(self, chosen: Chosen, known: InstalledVersion | None) -> Step:
        entry = _entry(chosen, self.index.where)
        if known is None:
            return Step("added", entry)
        if known.digest != entry.digest:
            raise IntegrityError(
                f"{entry} is installed with other content than this index has",
                place=self.index.where,
                remedy=f"it came from {known.registry}; uninstall it first if you want this one",
            )
        found = look(known, self.folder, self.store)
        entry = known._replace(requested=weightier(known.requested, entry.requested))
        return Step("kept", entry) if found.state == "intact" else Step("repaired", entry, found.differences)

    def _plan_update(self, installed: Installed, names: Sequence[Wanted]) -> tuple[Plan, list[Wanted]]:
        requests, others = self._requests(installed, names)
        choice, refused = self._choose_each(requests)
        plan = self._plan(choice, installed)
        plan.warnings += others
        plan.refused += refused.values()
        chosen = {(item.artifact.name, item.artifact.version) for item in choice.versions}
        met = {request.text for request in requests} - refused.keys()
        left = [entry for key, entry in installed.items() if key not in chosen and _is_left(entry, met, chosen)]
        self._plan_removals(plan, left, installed)
        return plan, [request for request in requests if request.text in met]

    def _choose_each(self, requests: Sequence[Wanted]) -> tuple[Choice, dict[str, Problem]]:
        """Choose for each request alone, as they were installed; return also why some are refused."""
        self.index.prefetch((request.kind, request.name) for request in requests)
        versions: dict[tuple[str, str], Chosen] = {}
        warnings: list[Problem] = []
        refused: dict[str, Problem] = {}
        for request in requests:
            try:
                choice = choose([request], self.index, self.hosts)
            except (NotFoundError, ResolutionError) as error:
                refused[request.text] = Problem("MH606", f"{request.text}: {error.message}", error.remedy)
                continue
            warnings += choice.warnings
            for chosen in choice.versions:
                key = (chosen.artifact.name, chosen.artifact.version)
                known = versions.get(key, chosen)
                versions[key] = chosen._replace(requested=weightier(known.requested, chosen.requested))
        return Choice(tuple(versions[key] for key in sorted(versions)), tuple(warnings)), refused

    def _requests(self, installed: Installed, names: Sequence[Wanted]) -> tuple[list[Wanted], list[Problem]]:
        """Return what is to be asked for again, and a warning for each other index that something came from."""
        asked = {(name.kind, name.name) for name in names}
        requests: dict[str, Wanted] = {}
        elsewhere: dict[str, list[str]] = {}
        met = set()
        for entry in in_order(installed.values()):
            if entry.requested is None:
                continue
            request = parse_wanted(entry.requested)
            keys = {(request.kind, request.name), ("skill", entry.name)}
            if asked and not keys & asked:
                continue
            met |= keys
            if entry.registry not in (None, self.index.where):
                elsewhere.setdefault(str(entry.registry), []).append(str(entry))
                continue
            requests[request.text] = request
        missing = sorted(name.shown for name in names if (name.kind, name.name) not in met)
        if missing:
            raise NotFoundError(f"not installed by request: {', '.join(missing)}", remedy="see `skills list`")
        warnings = [
            Problem("MH606", f"from another index, left alone: {', '.join(them)}", f"add --registry {where}", "warning")
            for where, them in elsewhere.items()
        ]
        return list(requests.values()), warnings

    def _plan_removals(self, plan: Plan, left: Iterable[InstalledVersion], installed: Installed) -> None:
        after = dict(installed)
        after.update({(step.entry.name, step.entry.version): step.entry for step in plan.steps})
        leaving = list(left)
        staying = [entry for entry in after.values() if entry not in leaving]
        for entry in leaving:
            needed = dependents(entry, staying, self.folder)
            found = look(entry, self.folder, self.store)
            if needed:
                message = f"{entry} stays, because {', '.join(needed)} needs it"
                plan.warnings.append(Problem("MH202", message, severity="warning"))
            elif found.state == "modified":
                message = f"{entry} stays, because its files were edited"
                remedy = f"take it away with: skills uninstall {entry} --force"
                plan.warnings.append(Problem("MH608", message, remedy, "warning"))
            else:
                plan.steps.append(Step("removed", entry))

    def _carry_out(self, plan: Plan, installed: Installed) -> None:
        """Change the folder in one go, from what the store holds."""
        after = dict(installed)
        for step in plan.steps:
            if step.action == "removed":
                after.pop((step.entry.name, step.entry.version), None)
            else:
                after[step.entry.name, step.entry.version] = step.entry
        removed = [step.entry for step in plan.steps if step.action == "removed"]
        if self.signatures is not None and plan.judged is not None:
            self.signatures.remember(self.index, plan.judged)
        if not plan.writes and after == installed:
            return
        with self.folder.change() as change:
            for step in plan.writes:
                self._stage(plan.artifact(step), change)
            for entry in removed:
                change.remove(entry.name, entry.version)
            change.commit(after)

    def _stage(self, artifact: Artifact, change: Change) -> None:
        place = change.add(artifact.name, artifact.version)
        try:
            self.store.copy(artifact.digest, place)
        except IntegrityError:
            # A torn entry of the store was dropped; what is fetched now is fresh.
            self.index.fetch([artifact], self.store)
            self.store.copy(artifact.digest, place)

    def _report(self, plan: Plan, *, dry_run: bool = False) -> Report:
        firsts = plan.judged.first if plan.judged is not None else ()
        return Report(tuple(plan.steps), tuple(plan.warnings), dry_run, tuple(plan.refused), firsts)


def _is_left(entry: InstalledVersion, requests: set[str], chosen: set[tuple[str, str]]) -> bool:
    """Whether an update leaves a version behind: its request chose another, or as a dependency a newer one came."""
    if entry.requested is not None:
        return entry.requested in requests
    newer = [version for name, version in chosen if name == entry.name]
    return any(sort_key(version) > sort_key(entry.version) for version in newer)


def _entry(chosen: Chosen, where: str) -> InstalledVersion:
    artifact = chosen.artifact
    return InstalledVersion(
        artifact.name, artifact.version, artifact.digest, artifact.archive, where, chosen.requested, timestamp()
    )
