"""One bot on its way through a pass: what is asked of it, what it is found to be, what it is to be given."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from molthub.errors import Problem
from molthub.model import Artifact, DesiredState, FileEntry
from molthub.references.secrets import placeholders
from molthub_reconciler.bot_home import adapter_of, home_of, policy_for
from molthub_reconciler.comparing import Comparing
from molthub_reconciler.findings import Look, Result
from molthub_reconciler.plan import Change, Place
from molthub_reconciler.policy.fights import FILE as FIGHTS_FILE
from molthub_reconciler.policy.fights import Fights, fights_from_bytes
from molthub_reconciler.policy.pins import FILE as PIN_FILE
from molthub_reconciler.policy.policy import Held, Policy
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.remarks import lifted, moved
from molthub_reconciler.subjects import Subject
from molthub_reconciler.surroundings import Surroundings
from molthub_reconciler.takeover import taking_over
from molthub_reconciler.targets.base import Home, Step
from molthub_reconciler.wanted import wanted

_MAX_SETTINGS = 4 * 1024 * 1024
CORRECTED = ("missing", "modified", "stale")
"""The drift that is put right."""


@dataclass(slots=True)
class BotPass:
    """One bot, in this order: :meth:`begin`, :meth:`announce`, :meth:`settle`.

    What is announced is written between (:mod:`.writing`). If removals may be, :meth:`removing` and
    :meth:`settle_removed` follow. ``coming`` are the skills that are to be written, by key.
    """

    around: Surroundings
    subject: Subject
    desired: DesiredState
    home: Home
    comparing: Comparing
    receipt: Receipt
    look: Look
    fights: Fights
    problems: list[Problem] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    wrote_at: float = 0.0
    has_new_document: bool = False
    coming: dict[str, Artifact] = field(default_factory=dict)

    @classmethod
    def begin(cls, around: Surroundings, subject: Subject, desired: DesiredState) -> BotPass:
        """Look at the bot and compare. Raises :class:`MolthubError` for what keeps it from being worked on at all."""
        receipt, problems = around.state.receipt(subject.bot)
        adapter = adapter_of(desired.platform)
        home = home_of(subject.bot, desired, adapter, receipt, is_orphan=subject.state == "orphaned")
        if receipt.home not in ("", home.folder):
            problems = (*problems, moved(receipt.home))
            receipt = Receipt(subject.bot)
        policy = policy_for(around, subject.bot, desired)
        if around.act:
            if policy.held is None:
                around.target.tidy(home)
            if subject.lifted is not None:
                around.state.keep_note(subject.bot, PIN_FILE, b"")
                problems = (*problems, lifted(subject.lifted))
        read = partial(around.target.read, home.folder, limit=_MAX_SETTINGS)
        problems = (*problems, *around.unmet(desired, read))
        want = wanted(desired, adapter)
        comparing = Comparing(around, desired, adapter, home, policy, want)
        comparing.learn(receipt)
        fights = fights_from_bytes(around.state.note(subject.bot, FIGHTS_FILE))
        look = comparing.compare(receipt)
        if subject.bot in around.adoption.bots:
            look, kept = taking_over(look, desired, adapter, around.adoption, around.supply)
            problems = (*problems, *kept)
        work = cls(around, subject, desired, home, comparing, receipt, look, fights, [*problems, *want.problems])
        work.coming = work._to_come()
        if not (around.act and any(work.may_write(change) for change in look.plan.changes)):
            work.problems += dict.fromkeys(work._refused().values())
        return work

    @property
    def fleet(self) -> str:
        """The bot's fleet."""
        return self.desired.fleet

    @property
    def policy(self) -> Policy:
        """How the bot is kept in sync."""
        return self.comparing.policy

    @property
    def removals(self) -> list[Change]:
        """What is to be taken away; where policy holds that back, it is only told."""
        deletes = [change for change in self.look.plan.changes if change.action == "delete"]
        return [change for change in deletes if self.holds(change) is None]

    def holds(self, change: Change) -> Held | None:
        """Return why a difference is told and not mended."""
        held = self.policy.holds(change)
        if held is None and change.cause == "drifted" and change.drift in CORRECTED:
            return "fight" if self.fights.is_resting(change.key, self.around.now.timestamp()) else None
        return held

    def may_write(self, change: Change) -> bool:
        """Whether a difference is mended, not only told."""
        return self.around.act and change.action != "keep" and self.holds(change) is None

    def _to_come(self) -> dict[str, Artifact]:
        """Return the skills that are to be written, by key, as far as the document says how to fetch them."""
        desired, known = self.desired.desired, self.desired.skills
        changes = (change for change in self.look.plan.changes if change.action in ("create", "update"))
        keys = [change.key for change in changes if change.key.startswith("skill/")]
        return {key: known[desired[key]] for key in keys if desired.get(key) in known}

    def _refused(self) -> dict[str, Problem]:
        """Return why some of the skills that are to be written would not be: their signatures do not count."""
        return self.around.supply.refused(self.coming) if self.coming else {}

    def lacking(self) -> dict[str, Problem]:
        """Return why some of the skills that are to be written cannot be had, by key. Fills the store."""
        return self._not_to_be_had(self.coming)

    def _not_to_be_had(self, skills: Mapping[str, Artifact]) -> dict[str, Problem]:
        refused = self.around.supply.refused(skills) if skills else {}
        missing = self.around.supply.provide(one for key, one in skills.items() if key not in refused)
        return refused | {key: missing[one.digest] for key, one in skills.items() if one.digest in missing}

    # --- writing ---------------------------------------------------------------------------------------------------

    @property
    def has_to_write(self) -> bool:
        """Whether anything is to be written, not only told or taken away."""
        return any(change.action != "delete" and self.may_write(change) for change in self.look.plan.changes)

    def announce(self) -> list[Step]:
        """Return what is to be written: what git asks for and what drifted. The receipt says so from now on."""
        changes = [change for change in self.look.plan.changes if change.action != "delete" and self.may_write(change)]
        if changes:
            # Survives a kill as it is; a power cut takes what it announces along with it.
            announced = {change.key: self.look.wanted.keys[change.key] for change in changes}
            self._save(self.receipt.about_to_write(announced, self.look.observed.standing), durable=False)
        return [self._step(change) for change in changes]

    def settle(self) -> None:
        """Bring the receipt up to date after what was announced was written, or nothing was to be."""
        want, found = self.look.wanted.keys, self.look.plan
        applied = (key for key, result in self.results.items() if result == "applied")
        self._settle({key: want[key].all for key in (*found.record, *applied)}, found.forget)

    def removing(self) -> list[Step]:
        """Return what is to be taken away."""
        return [self._step(change) for change in self.removals] if self.around.act else []

    def settle_removed(self) -> None:
        """Bring the receipt up to date after that was taken away; drop it when nothing is left."""
        removals = self.removals if self.around.act else []
        if removals:
            self._settle({}, [change.key for change in removals if self.results[change.key] == "applied"])
        if self.subject.state == "orphaned" and not self.receipt.keys:
            self.around.state.forget(self.subject.bot)

    def _step(self, change: Change) -> Step:
        if not change.key.startswith("skill/"):
            contents = {place: self.look.wanted.contents[place] for place in change.write}
            return Step(change.key, contents, change.remove)
        contents = dict.fromkeys(change.write, self.desired.desired.get(change.key))
        kept = {place: files for place in change.write if (files := self.look.kept_files.get(place, ()))}
        return Step(change.key, contents, change.remove, kept)

    def missing(self, steps: Sequence[Step]) -> dict[str, Problem]:
        """Return why some skills of ``steps`` cannot be had, or must not be, by key. Fills the store."""
        to_bring = [step.key for step in steps if step.contents and step.key.startswith("skill/")]
        known, desired = self.desired.skills, self.desired.desired
        return self._not_to_be_had({key: known[desired[key]] for key in to_bring if desired[key] in known})

    def note(self, steps: Iterable[Step], failed: Mapping[str, Problem]) -> None:
        """Take note of what became of ``steps``."""
        self.results |= {step.key: "failed" if step.key in failed else "applied" for step in steps}
        self.problems += dict.fromkeys(failed.values())
        self.wrote_at = time.monotonic()

    def _settle(self, wrote: Mapping[str, Mapping[Place, str]], gone: list[str] | tuple[str, ...]) -> None:
        """Keep the receipt and the document, if they say anything new."""
        is_held = self.policy.held is not None and not self.look.plan.in_sync
        document = self.receipt.document if is_held else self.subject.document or self.receipt.document
        is_same_document = (document, self.home.folder, self.desired.platform) == (
            self.receipt.document,
            self.receipt.home,
            self.receipt.platform,
        )
        secrets = self._secrets_told()
        if is_same_document and not wrote and not gone and secrets == self.receipt.secrets:
            return
        if document is not None and document == self.subject.document:
            earlier = self.comparing.document(self.receipt.document)
            self.has_new_document |= earlier is None or earlier.digest != self.desired.digest
            self.around.state.keep_document(self.subject.bot, document, self.subject.content)
            self.comparing.documents.setdefault(document, self.desired)
        receipt = replace(self.receipt.settled(wrote, gone), document=document, secrets=secrets)
        self._save(receipt.with_files(self._file_lists(receipt)))

    def _secrets_told(self) -> dict[str, str]:
        """Return the versions of secrets that the bot has been told of by now."""
        if not self.comparing.secrets:
            return dict(self.receipt.secrets)
        desired = self.desired.desired
        undone = (change.key for change in self.look.plan.changes if self.results.get(change.key) != "applied")
        untold = {secret for key in undone if key in desired for secret in placeholders(desired[key])}
        untold &= self.comparing.rotated
        earlier, named = self.receipt.secrets, {*placeholders(dict(desired))}
        known = {name: version for name, version in self.comparing.secrets.items() if name not in untold}
        return {name: earlier[name] for name in earlier.keys() & named} | known

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
