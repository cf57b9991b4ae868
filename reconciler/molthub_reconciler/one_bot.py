"""One bot on its way through a pass: looked at, mended, looked at again, told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from molthub.client.index_cache import timestamp
from molthub.errors import MolthubError, Problem
from molthub.model import Artifact, DesiredState, FileEntry, Json
from molthub.platforms import platform, platforms
from molthub.platforms.base import FileFormat, Platform
from molthub_reconciler.findings import Look, Result, State, observed_digest, shown_changes, state_of
from molthub_reconciler.neighbours import Neighbours
from molthub_reconciler.pins import FILE as PIN_FILE
from molthub_reconciler.pins import Pin
from molthub_reconciler.plan import Change, Place, no_mates, plan
from molthub_reconciler.receipt import Receipt
from molthub_reconciler.report import BotReport, Command
from molthub_reconciler.state import TargetState
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply import Supply
from molthub_reconciler.targets.base import Home, Observed, Step, Target
from molthub_reconciler.wanted import wanted

_STATE_KEY = re.compile(r"skill/[A-Za-z0-9@_./-]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every bot of a pass works with. ``act``: mend, not only look; ``full``: trust no earlier look."""

    target: Target
    state: TargetState
    supply: Supply
    neighbours: Neighbours
    act: bool = False
    full: bool = False
    command: Command = "reconcile"


@dataclass(slots=True)
class BotPass:
    """One bot, in this order: :meth:`bring`, :meth:`take_away` if it may, :meth:`report`."""

    around: Surroundings
    subject: Subject
    desired: DesiredState
    home: Home
    look: Look
    receipt: Receipt
    problems: list[Problem] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    wrote_at: float = 0.0
    has_new_document: bool = False
    began_with: str | None = None
    documents: dict[str, DesiredState | None] = field(default_factory=dict)

    @classmethod
    def begin(cls, around: Surroundings, subject: Subject, desired: DesiredState) -> BotPass:
        """Look at the bot and compare. Raises :class:`MolthubError` for what keeps it from being worked on at all."""
        receipt, problems = around.state.receipt(subject.bot)
        adapter = _adapter(desired.platform)
        is_orphan = subject.state == "orphaned"
        home = Home(
            bot=subject.bot,
            folder=f"{desired.fleet}/{desired.home}",
            skill_roots=() if is_orphan else (adapter.skills_root(desired.agent),),
            file_format=_file_formats(adapter, receipt.platform),
            owners_fields=adapter.owners_fields,
            files=receipt.files,
        )
        if receipt.home not in ("", home.folder):
            problems = (*problems, _moved(receipt.home))
            receipt = Receipt(subject.bot)
        if around.act:
            around.target.tidy(home)
            if subject.lifted is not None:
                around.state.keep_note(subject.bot, PIN_FILE, b"")
                problems = (*problems, _lifted(subject.lifted))
        want = wanted(desired, adapter)
        work = cls(around, subject, desired, home, Look(desired, want), receipt, [*problems, *want.problems])
        work.began_with = receipt.document
        work.look = work._compared()
        if not work.may_write:
            work.problems += dict.fromkeys(work._refused().values())
        return work

    @property
    def fleet(self) -> str:
        """The bot's fleet."""
        return self.desired.fleet

    @property
    def removals(self) -> list[Change]:
        """What is to be taken away."""
        return [change for change in self.look.plan.changes if change.action == "delete"]

    @property
    def may_write(self) -> bool:
        """Whether differences are mended, not only told."""
        return self.around.act and self.desired.sync.mode != "detect"

    def _coming(self) -> dict[str, Artifact]:
        """Return the skills that are to be written, by key, as far as the document says how to fetch them."""
        desired, known = self.desired.desired, self.desired.skills
        changes = (change for change in self.look.plan.changes if change.action in ("create", "update"))
        keys = [change.key for change in changes if change.key.startswith("skill/")]
        return {key: known[desired[key]] for key in keys if desired.get(key) in known}

    def _refused(self) -> dict[str, Problem]:
        """Return why some of the skills that are to be written would not be: their signatures do not count."""
        coming = self._coming()
        return self.around.supply.refused(coming) if coming else {}

    def lacking(self) -> dict[str, Problem]:
        """Return why some of the skills that are to be written cannot be had, by key. Fills the store."""
        coming = self._coming()
        refused = self.around.supply.refused(coming) if coming else {}
        missing = self.around.supply.provide(coming.values())
        return refused | {key: missing[one.digest] for key, one in coming.items() if one.digest in missing}

    # --- looking ---------------------------------------------------------------------------------------------------

    def _compared(self) -> Look:
        """Look at the home and compare; in detail only when there is something to tell."""
        known = {key: written for key, written in self.receipt.keys.items() if key not in self.look.wanted.refused}
        places = {place for want in self.look.wanted.keys.values() for place in (*want.all, *want.shadows)}
        places |= {place for written in known.values() for place in written.all_places}

        def compared(observed: Observed, mates: Callable[[Place], frozenset[str]]) -> Look:
            found = plan(
                self.look.wanted.keys,
                observed.standing,
                known,
                prune=self.desired.sync.prune is not False,
                skills=_by_key(observed),
                mates=mates,
            )
            return replace(self.look, observed=observed, receipt=self.receipt, plan=found)

        target = self.around.target
        look = compared(target.observe(self.home, places, full=self.around.full), no_mates)
        if not look.plan.changes:
            return look
        mates = self.around.neighbours.mates(self.subject.bot, self.home.folder)
        detail = _told_in_detail(look)
        if detail:
            return compared(target.observe(self.home, places, detail=detail), mates)
        return look if mates is no_mates else compared(look.observed, mates)

    # --- writing ---------------------------------------------------------------------------------------------------

    def bring(self) -> None:
        """Write what git asks for and what drifted, and bring the receipt up to date."""
        want, found = self.look.wanted.keys, self.look.plan
        changes = [change for change in found.changes if change.action in ("create", "update")]
        wrote = {key: want[key].all for key in found.record}
        if changes and self.may_write:
            # Survives a kill as it is; a power cut takes what it announces along with it.
            announced = {change.key: want[change.key] for change in changes}
            self._save(self.receipt.about_to_write(announced, self.look.observed.standing), durable=False)
            self._apply([self._step(change) for change in changes])
            wrote |= {key: want[key].all for key, result in self.results.items() if result == "applied"}
        self._settle(wrote, found.forget)

    def take_away(self) -> None:
        """Take away what is declared no more."""
        if self.may_write:
            removals = self.removals
            self._apply([self._step(change) for change in removals])
            self._settle({}, [change.key for change in removals if self.results[change.key] == "applied"])
        if self.subject.state == "orphaned" and not self.receipt.keys:
            self.around.state.forget(self.subject.bot)

    def _step(self, change: Change) -> Step:
        if change.key.startswith("skill/"):
            contents = dict.fromkeys(change.write, self.desired.desired.get(change.key))
        else:
            contents = {place: self.look.wanted.contents[place] for place in change.write}
        return Step(change.key, contents, change.remove)

    def _apply(self, steps: list[Step]) -> None:
        failed = self._try(steps)
        damaged = [step for step in steps if step.key in failed and failed[step.key].id == "MH603"]
        if damaged:  # in the store, which dropped it: fetched anew, it may be whole
            for step in damaged:
                del failed[step.key]
                self.around.supply.forget(self.desired.desired[step.key])
            failed |= self._try(damaged)
        self.results |= {step.key: "failed" if step.key in failed else "applied" for step in steps}
        self.problems += dict.fromkeys(failed.values())
        self.wrote_at = time.monotonic()

    def _try(self, steps: list[Step]) -> dict[str, Problem]:
        to_bring = [step.key for step in steps if step.contents and step.key.startswith("skill/")]
        skills = {key: self.desired.desired[key] for key in to_bring}
        artifacts = {
            key: self.desired.skills[digest] for key, digest in skills.items() if digest in self.desired.skills
        }
        failed = self.around.supply.refused(artifacts)
        missing = self.around.supply.provide(found for key, found in artifacts.items() if key not in failed)
        failed |= {key: missing[digest] for key, digest in skills.items() if digest in missing}
        return failed | dict(self.around.target.apply(self.home, [step for step in steps if step.key not in failed]))

    def _settle(self, wrote: Mapping[str, Mapping[Place, str]], gone: list[str] | tuple[str, ...]) -> None:
        """Keep the receipt and the document, if they say anything new."""
        document = self.subject.document or self.receipt.document
        is_same_document = (document, self.home.folder, self.desired.platform) == (
            self.receipt.document,
            self.receipt.home,
            self.receipt.platform,
        )
        if is_same_document and not wrote and not gone:
            return
        receipt = replace(self.receipt.settled(wrote, gone), document=document)
        if document is not None and self.subject.document is not None:
            earlier = self._earlier()
            self.has_new_document |= earlier is None or earlier.digest != self.desired.digest
            self.around.state.keep_document(self.subject.bot, document, self.subject.content)
        self._save(receipt.with_files(self._file_lists(receipt)))

    def _file_lists(self, receipt: Receipt) -> dict[str, tuple[FileEntry, ...]]:
        digests = {left for written in receipt.keys.values() for left in written.places.values()}
        unknown = digests & self.desired.skills.keys() - receipt.files.keys()
        found = {digest: self.around.supply.files(digest) for digest in unknown}
        # A skill that was there before us need not be in the store; what is edited in it later cannot be named then.
        return {digest: files for digest, files in found.items() if files}

    def _save(self, receipt: Receipt, *, durable: bool = True) -> None:
        self.receipt = replace(receipt, home=self.home.folder, platform=self.desired.platform)
        self.around.state.save(self.receipt, durable=durable)
        self.around.neighbours.update(self.receipt)

    # --- telling ---------------------------------------------------------------------------------------------------

    def report(self, revision: str | None) -> BotReport:
        """Look again if anything was written, and say what was found, what became of it, and what is left."""
        before = self.look
        left = self._compared() if self.results else before
        state = self._state(left)
        is_exact = left.plan.in_sync and not left.wanted.refused
        told = BotReport(
            bot=self.subject.bot,
            platform=self.desired.platform,
            state=state,
            desired=self.desired.digest,
            observed=self.desired.digest if is_exact and self.desired.digest else observed_digest(left),
            problems=(*self.subject.problems, *self.problems, *_notes(left)),
            changes=shown_changes(before, self.results if self.around.act else None),
            versions=self._versions(before),
            is_watched=self.desired.sync.mode == "detect",
            pinned=self.subject.pin.to_json() if self.subject.pin is not None else None,
        )
        if self.around.act and (told.differences or told.problems or self.has_new_document):
            self._log(told, revision)
        return told

    def _state(self, left: Look) -> State:
        if any(problem.severity == "error" for problem in self.problems):
            return "failed"
        found = self.subject.state or state_of(left.plan)
        return "rolled-back" if found == "in-sync" and self.subject.pin is not None else found

    def _earlier(self) -> DesiredState | None:
        """Return the document that was acted upon before this pass."""
        name = self.began_with
        if name is not None and name not in self.documents:
            self.documents[name] = self.around.state.document(self.subject.bot, name)
        return self.documents.get(name) if name is not None else None

    def _versions(self, look: Look) -> dict[str, str]:
        """Return the numbers of the skill versions that changed, by digest, as far as documents at hand tell."""
        if not any(change.key.startswith("skill/") for change in look.plan.changes):
            return {}
        earlier = self._earlier()
        documents = (earlier, self.desired) if earlier is not None else (self.desired,)
        return {digest: skill.version for document in documents for digest, skill in document.skills.items()}

    def _log(self, told: BotReport, revision: str | None) -> None:
        line: dict[str, Json] = {"at": timestamp(), "revision": revision, "state": told.state}
        line |= {"command": self.around.command, "document": self.receipt.document}
        line |= {"desired": told.desired, "observed": told.observed}
        changes = [_logged(change, told.versions) for change in told.changes]
        if self.receipt.keys or self.subject.state != "orphaned":
            problems = [problem.to_json() for problem in told.problems]
            self.around.state.add_pass(told.bot, {**line, "changes": changes, "problems": problems})


def _adapter(name: str) -> Platform:
    try:
        return platform(name)
    except MolthubError as error:
        problem = Problem("MH711", error.message, error.remedy)
        raise MolthubError(error.message, remedy=error.remedy, problems=[problem]) from None


def _file_formats(adapter: Platform, earlier: str) -> Callable[[str], FileFormat]:
    """Return how files are written, also those of the platform that the bot had before."""
    if earlier in ("", adapter.name) or earlier not in platforms():
        return adapter.file_format
    formats = (adapter.file_format, platform(earlier).file_format)
    return lambda file: next((found for file_format in formats if (found := file_format(file)) != "json"), "json")


def _by_key(observed: Observed) -> dict[str, Place]:
    named = {f"skill/{place.file.rpartition('/')[2]}": place for place in observed.skills}
    return {key: place for key, place in named.items() if _STATE_KEY.match(key)}


def _told_in_detail(look: Look) -> tuple[Place, ...]:
    """Return the places that a report shows more of than a fingerprint: values, and skills that were edited."""
    return tuple(
        change.at
        for change in look.plan.changes
        if not change.is_extra
        and change.at in look.observed.standing
        and (change.at.pointer or change.cause != "declared")
    )


def _logged(change: Mapping[str, Json], versions: Mapping[str, str]) -> dict[str, Json]:
    """Return what history keeps of a change: no value of configuration, which is in git or the owner's own."""
    kept = {key: change[key] for key in ("key", "action", "cause", "drift", "origin", "result") if key in change}
    if not change["key"].startswith("skill/"):
        return kept
    sides = {"from": change.get("before"), "to": change.get("after")}
    return kept | {side: versions.get(str(digest), digest) for side, digest in sides.items() if digest is not None}


def _lifted(pin: Pin) -> Problem:
    message = f"git asks for something newer than what was rolled back at {pin.at}: it is followed again"
    return Problem("MH712", message, "nothing needs to be done", severity="warning")


def _moved(old: str) -> Problem:
    message = f"the bot's home was {old}: what was written there stays"
    return Problem("MH706", message, f"remove {old} when nothing uses it any more", severity="warning")


def _notes(look: Look) -> list[Problem]:
    """Say what is left alone although it differs, and why."""
    notes = []
    for change in look.plan.changes:
        file = change.at.file
        if change.cause == "conflict":
            message = f"{change.key}: something else stands there that molthub did not write; it is left alone"
            notes.append(Problem("MH705", message, "move it away, or take the key out of git", "warning", file))
        elif change.action == "keep" and change.cause == "both":
            message = f"{change.key} is no longer declared, but was edited here; it is left alone"
            notes.append(Problem("MH704", message, "remove it by hand, or declare it again", "warning", file))
    return notes
