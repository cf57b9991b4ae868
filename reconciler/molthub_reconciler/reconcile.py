"""One pass over the bots of a target.

The story of one bot (:mod:`.one_bot`): its document says what is *desired*; the home is *observed*; the *plan* compares
both with the receipt; what git asks for and what drifted is *applied*, together with that of a few others
(:mod:`.under_way`, :mod:`.writing`); the *report* says what was found and what is left (:mod:`.one_bot_told`). Removals
wait until every bot of the pass was seen, because only then it shows whether too much would go at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from molthub.client.index_cache import timestamp
from molthub.errors import MolthubError, Problem
from molthub_reconciler.at_rest.by_files import Resting
from molthub_reconciler.one_bot import BotPass
from molthub_reconciler.problems import problem_of
from molthub_reconciler.records.neighbours import Neighbours, is_mass_removal
from molthub_reconciler.records.secret_versions import SecretVersions
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport, Command, Report
from molthub_reconciler.subjects import Subject
from molthub_reconciler.supply.releases import Releases
from molthub_reconciler.supply.supply import Supply
from molthub_reconciler.surroundings import Adoption, Surroundings, Unmet, nothing_unmet, utc_now
from molthub_reconciler.targets.base import Target
from molthub_reconciler.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class Rules:
    """How a pass works.

    ``act``: mend, not only look. ``full``: trust nothing that an earlier look found. ``may_remove``: take away what is
    declared no more, unless it is suspiciously much; ``allow_mass_removal``: even then. ``stop`` is asked after each
    bot. ``forced`` are bots that are changed outside their windows too (None: all), ``adoption``
    says whose own entries are taken over. ``show_ignored``: tell also what
    policy ignores. ``clock`` says when a pass begins. ``unmet`` says what a bot lacks on its machine. ``run_gates``:
    gates of rollouts may run commands.
    """

    act: bool = False
    full: bool = False
    may_remove: bool = True
    allow_mass_removal: bool = False
    run_gates: bool = False
    stop: Callable[[], bool] = lambda: False
    forced: Collection[str] | None = ()
    adoption: Adoption = field(default_factory=Adoption)
    show_ignored: bool = False
    clock: Callable[[], datetime] = utc_now
    unmet: Unmet = nothing_unmet

    @property
    def asks_for_more(self) -> bool:
        """Whether something is to be told of bots that are in sync, too: then each is looked at."""
        of_all = self.full or self.show_ignored or self.unmet is not nothing_unmet
        return of_all or bool(self.adoption.bots)


def run_pass(
    command: Command,
    subjects: Iterable[Subject],
    target: Target,
    state: TargetState,
    supply: Supply,
    *,
    rules: Rules,
    revision: str | None = None,
    empty_fleets: Collection[str] = (),
    releases: Releases | None = None,
    secrets: SecretVersions | None = None,
    resting: Resting | None = None,
) -> Report:
    """Work on every bot and return what was found and done. A bot that fails never stops the others.

    ``empty_fleets`` declare no bots any more, which may well be a mistake: nothing of theirs is removed. ``releases``
    says what was withdrawn, ``secrets`` which secrets changed, ``resting`` takes note of bots that are in sync.
    """
    around = Surroundings(
        target,
        state,
        supply,
        Neighbours(state),
        act=rules.act,
        full=rules.full,
        command=command,
        releases=releases,
        secrets=secrets,
        forced=rules.forced,
        adoption=rules.adoption,
        show_ignored=rules.show_ignored,
        now=rules.clock(),
        unmet=rules.unmet,
        resting=resting,
    )
    if rules.act and revision is not None:
        state.see_revision(revision, timestamp())
    try:
        told, problems = _worked_on(subjects, around, rules, revision, empty_fleets)
        if releases is not None:
            releases.remember()
    finally:
        lost = state.settle()
    if resting is not None:
        resting.settle(lost)
    told = [_without_receipt(bot, lost[bot.bot]) if bot.bot in lost else bot for bot in told]
    return Report(command, timestamp(), revision, tuple(sorted(told, key=lambda bot: bot.bot)), tuple(problems))


def lacking(
    subjects: Iterable[Subject], target: Target, state: TargetState, supply: Supply
) -> dict[str, tuple[Problem, ...]]:
    """Return why some bots could not be brought to their documents: skills that cannot be had. Changes no bot."""
    around = Surroundings(target, state, supply, Neighbours(state))
    found: dict[str, tuple[Problem, ...]] = {}
    for subject in subjects:
        if subject.desired is not None:
            try:
                found[subject.bot] = tuple(BotPass.begin(around, subject, subject.desired).lacking().values())
            except (MolthubError, OSError) as error:
                found[subject.bot] = (problem_of(error),)
    return {bot: problems for bot, problems in found.items() if problems}


def _worked_on(
    subjects: Iterable[Subject],
    around: Surroundings,
    rules: Rules,
    revision: str | None,
    empty_fleets: Collection[str],
) -> tuple[list[BotReport], Iterable[Problem]]:
    """Do the work of :func:`run_pass`; return what is told of the bots, and of fleets."""
    bots = UnderWay(around, revision)
    for subject in subjects:
        bots.look(subject)
        bots.tell()
        if rules.stop():
            break
    bots.bring()
    refused = {} if rules.allow_mass_removal else _suspicious(bots, empty_fleets)
    bots.take_away({work.fleet for work in bots.waiting} - refused.keys() if rules.may_remove else set())
    bots.tell(wait=True)
    return bots.told, refused.values()


def _without_receipt(told: BotReport, error: OSError) -> BotReport:
    """Say that what was done to a bot is not on record: the next pass finds out by itself."""
    return replace(told, state="failed", problems=(*told.problems, problem_of(error)))


def _suspicious(bots: UnderWay, empty_fleets: Collection[str]) -> dict[str, Problem]:
    """Return the fleets of which too much would go at once, and why nothing of them is removed."""
    deletes: Counter[str] = Counter()
    for work in bots.waiting:
        deletes[work.fleet] += len(work.removals)
    found: dict[str, Problem] = {}
    for fleet, count in sorted(deletes.items()):
        owned = bots.around.neighbours.owned(fleet) - bots.new_keys[fleet]
        if fleet in empty_fleets:
            found[fleet] = _guard(f"fleet {fleet} declares no bots any more, though there were some")
        elif is_mass_removal(count, owned):
            found[fleet] = _guard(f"{count} of the {owned} keys that molthub wrote for fleet {fleet} would go at once")
    return found


def _guard(why: str) -> Problem:
    remedy = "if this is meant, run it once with --allow-mass-removal"
    return Problem("MH703", f"{why}: nothing of it is removed", remedy)
