"""What the index declares of the bots of one pass, and what becomes of those that it does not declare any more.

Every bot is judged by itself. A document that cannot be had, or that does not resolve, leaves the bot with the last
good one; a bot that is declared no more is an orphan; neither keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from molthub.client.index import Index
from molthub.documents import bot_from_json
from molthub.errors import FormatError, MolthubError, NotFoundError, Problem, UnreachableError
from molthub.model import BotRef, DesiredState, FleetState, Json, SyncPolicy
from molthub_reconciler.at_rest.by_digests import AtRest, LastPass, nobody
from molthub_reconciler.findings import State
from molthub_reconciler.problems import problem_of
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.follow import Followed, Rollouts
from molthub_reconciler.rollout.records import Document
from molthub_reconciler.subjects import Choice, Subject, last_good, pin_of, pinned, the_bot


def _given(name: str, ref: BotRef, fleet: FleetState, followed: Followed | None) -> Document | None:
    """Return what a bot is to have now, as far as digests say it; None also of a template."""
    if ref.digest is None or ref.template:
        return None
    if fleet.rollout is None:
        return Document(ref.file, ref.digest)
    return followed.document(name) if followed is not None else None


def _without(fleet: FleetState, at_rest: Collection[str]) -> dict[str, BotRef]:
    """Return a fleet's bots but for those ``at_rest``."""
    if len(at_rest) == len(fleet.bots):
        return {}
    start = len(fleet.fleet) + 1
    names = {bot[start:] for bot in at_rest}
    return {name: ref for name, ref in fleet.bots.items() if name not in names}


@dataclass(slots=True)
class Declared:
    """The bots that an index declares, and those of ``state`` that it does not. Iterate to get the subjects."""

    index: Index
    state: TargetState
    choice: Choice = field(default_factory=Choice)
    problems: list[Problem] = field(default_factory=list)
    empty_fleets: set[str] = field(default_factory=set)
    declared: int = 0
    rollouts: Rollouts | None = None
    last: LastPass = field(default_factory=LastPass)
    at_rest: AtRest = nobody
    elsewhere: Collection[str] = ()
    resting: Callable[[str, Document], BotReport | None] = lambda _bot, _given: None
    _unreachable: UnreachableError | None = None

    def check_choice(self) -> Choice:
        """Return the choice with every bot named in full: ``ada`` is ``prod/ada`` where there is one ada only.

        Raises :class:`NotFoundError` for a bot or fleet that nobody knows, :class:`UsageError` for a name of several.
        """
        known = set(self.state.bots())
        if not self.index.fleets() and not known:
            remedy = "a public index has none; build a private one with `molthub build --fleets`"
            raise NotFoundError("this index declares no bots", place=self.index.where, remedy=remedy)
        for fleet in sorted(self.choice.fleets - {bot.partition("/")[0] for bot in known}):
            self.index.fleet(fleet)
        missing = self.choice.bots - known
        if missing:
            known |= {f"{fleet}/{bot}" for fleet in self.index.fleets() for bot in self.index.fleet(fleet).bots}
        none, where = "there is no bot", self.index.where
        named = {bot: the_bot(bot, known, none, where, "declare it in git") for bot in sorted(missing)}
        return replace(self.choice, bots=frozenset(named.get(bot, bot) for bot in self.choice.bots))

    def doubts(self) -> tuple[Problem, ...]:
        """Say what looks like a mistake as a whole, after the subjects were gone through."""
        if self.declared or self.choice.bots:  # one bot may well be taken out of git
            return ()
        left = sum(map(self.choice.has, self.state.bots()))
        if not left:
            return ()
        fleets = f" of {', '.join(sorted(self.choice.fleets))}" if self.choice.fleets else ""
        message = f"the index declares no bots{fleets}, though {left} had been declared: nothing is removed"
        return (Problem("MH703", message, "build the index with --fleets, or look what happened in git"),)

    def __iter__(self) -> Iterator[Subject]:
        """Yield declared bots fleet by fleet, then the orphans; without those at rest."""
        left = self.choice.of(self.state.bots())
        for name in self.index.fleets():
            if not self.choice.may_have(name):
                continue
            of_fleet = {bot for bot in left if bot.startswith(f"{name}/")}
            left -= of_fleet
            try:
                fleet = self.index.fleet(name)
            except MolthubError as error:
                problem = problem_of(error)
                self.problems.append(problem)
                yield from (self._last_good(bot, "failed", (problem,)) for bot in sorted(of_fleet))
                continue
            if not fleet.bots:
                self.empty_fleets.add(name)
            self.declared += len(fleet.bots)
            yield from self._of_fleet(fleet)
            gone = of_fleet - {f"{name}/{bot}" for bot in fleet.bots}
            policy = replace(fleet.sync, windows=fleet.windows)
            yield from (self._orphan(bot, policy) for bot in sorted(gone))
        yield from (self._orphan(bot, SyncPolicy()) for bot in sorted(left))

    def _of_fleet(self, fleet: FleetState) -> Iterator[Subject]:
        followed = self._followed(fleet)
        at_rest = self._at_rest(fleet, followed)
        left = fleet.bots if not at_rest else _without(fleet, at_rest)
        for name, ref in sorted(left.items()):
            bot = f"{fleet.fleet}/{name}"
            if not self.choice.has(bot):
                continue
            given = _given(name, ref, fleet, followed)
            told = self.resting(bot, given) if given is not None and bot not in self.elsewhere else None
            if told is not None:
                yield Subject(bot, told=told, asked=ref.digest)
                continue
            is_plain = ref.digest is not None and not ref.template
            if is_plain and (given is None or (given.file != ref.file and bot not in self.elsewhere)):
                yield self._held_back(bot, ref, followed, given)
                continue
            if bot in self.elsewhere and given is not None:
                yield self._unless_pinned(Subject(bot, document=given.file, digest=given.digest, asked=ref.digest))
                continue
            try:
                desired, content = self._document(bot, ref.file)
            except MolthubError as error:
                yield replace(self._last_good(bot, "failed", (problem_of(error),)), asked=ref.digest)
                continue
            if desired.template:
                continue
            if not desired.resolved:
                known = self._last_good(bot, "unresolved", (*map(_problem, desired.problems), _UNRESOLVED))
                good = replace(known.desired, sync=desired.sync) if known.desired is not None else None
                yield replace(known, desired=good)
            else:
                yield self._unless_pinned(Subject(bot, desired, ref.file, content=content, asked=ref.digest))

    def _at_rest(self, fleet: FleetState, followed: Followed | None) -> Collection[str]:
        """Return the bots of which nothing has moved since the last pass."""
        if fleet.rollout is not None and (followed is None or followed.problem is not None):
            return ()
        asked = self.last.asked(fleet, followed.state.assigned if followed is not None else None)
        if not self.choice.is_everything:
            asked = {bot: given for bot, given in asked.items() if self.choice.has(bot)}
        return self.at_rest(asked)

    def _followed(self, fleet: FleetState) -> Followed | None:
        """Return what a fleet's rollout keeps its bots at; None where it has none, or it is not followed here."""
        if self.rollouts is None:
            return None
        if fleet.rollout is None:
            self.rollouts.forget(fleet.fleet)
            return None
        return self.rollouts.follow(fleet)

    def _held_back(self, bot: str, ref: BotRef, followed: Followed | None, given: Document | None) -> Subject:
        """Return a bot as its fleet's rollout keeps it, at another document than git asks for."""
        if followed is None or given is None:
            why = _ROLLOUT if followed is None else followed.problem or _WAITS
            return Subject(bot, state="suspended", problems=(why,), asked=ref.digest)
        older, content = self.state.document(bot, given.file), b""
        if older is None:
            try:
                older, content = self._document(bot, given.file)
            except MolthubError as error:
                return Subject(bot, state="failed", problems=(problem_of(error),), asked=ref.digest)
        return self._unless_pinned(Subject(bot, older, given.file, content=content, asked=ref.digest))

    def _unless_pinned(self, subject: Subject) -> Subject:
        """Return a bot as git asks for it, or, as long as its pin holds, as it was rolled back to."""
        try:
            pin = pin_of(self.state, subject.bot)
        except MolthubError as error:
            return Subject(subject.bot, state="failed", problems=(problem_of(error),), asked=subject.asked)
        if pin is None:
            return subject
        if not pin.holds(subject.asked, self.index.root().revision):
            return replace(subject, lifted=pin)
        return pinned(self.state, subject, pin)

    def _document(self, bot: str, hex_name: str) -> tuple[DesiredState, bytes]:
        kept = self.state.document_content(bot, hex_name)
        if kept is None and self._unreachable is not None:
            raise self._unreachable  # asking again for each bot would take hours
        try:
            content = self.index.bot_content(hex_name) if kept is None else kept
        except UnreachableError as error:
            self._unreachable = error
            raise
        desired = bot_from_json(content, f"{self.index.where}: bots/{hex_name}.json")
        if desired.path != bot:
            raise FormatError(f"the index gives the document of {desired.path} for {bot}", place=self.index.where)
        return desired, content

    def _last_good(self, bot: str, state: State, problems: tuple[Problem, ...]) -> Subject:
        known = last_good(self.state, bot)  # what is wrong now says more than that nothing is at hand
        return replace(known, state=state, problems=(*problems, *(known.problems if known.pin else ())))

    def _orphan(self, bot: str, sync: SyncPolicy) -> Subject:
        receipt, _ = self.state.receipt(bot)
        fate = "what was written for it is taken away" if sync.orphans == "delete" else "what was written for it stays"
        problem = Problem("MH706", f"this bot is no longer declared: {fate}", _ORPHAN_REMEDY, severity="warning")
        is_cleared = sync.orphans == "delete" and receipt.platform
        nothing = nothing_desired(receipt, sync) if is_cleared else None
        return Subject(bot, nothing, state="orphaned", problems=(problem,))


def nothing_desired(receipt: Receipt, sync: SyncPolicy) -> DesiredState:
    """Return the desired state of a bot that should have nothing."""
    fleet, _, bot = receipt.bot.partition("/")
    return DesiredState(
        fleet=fleet,
        bot=bot,
        platform=receipt.platform,
        home=receipt.home.partition("/")[2] or bot,
        agent="main",
        labels={},
        sync=replace(sync, prune=True),
    )


def _problem(value: Json) -> Problem:
    """Read a problem of a document; one that is not as it should be is still told."""
    try:
        return Problem(**value)
    except (TypeError, ValueError):
        return Problem("MH210", str(value))


_ORPHAN_REMEDY = "declare it again, or say `sync: {orphans: delete}` in its fleet"
_ROLLOUT = Problem(
    "MH710",
    "the bot's fleet has a rollout, which is followed for the fleet as a whole",
    "reconcile without --bot and --selector; one controller keeps bots of several machines (molthub agents --help)",
)
_WAITS = Problem(
    "MH725", "its turn in its fleet's rollout has not come", "see `molthub rollout status`", severity="warning"
)
_UNRESOLVED = Problem(
    "MH708", "the bot's document does not resolve: it keeps its last good state", "mend what `molthub check` names"
)
