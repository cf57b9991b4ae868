"""Bringing bots back to a document that they had before, and letting go of it again.

Documents that were acted upon here are kept. One that a bot on another machine was given, or that is named in full, is
fetched from the index, which has for 30 days what older revisions named.

First every bot is judged, and nothing is touched: is the document to be had, can every skill of it be had? Then the
pins are written, then comes an ordinary pass against the older documents. A pass that is killed is finished by the next
one, which finds the pins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from molthub.client.index_cache import timestamp
from molthub.documents import HEX, bot_from_json
from molthub.errors import MolthubError, Problem, UnreachableError, UsageError
from molthub.model import DesiredState
from molthub_reconciler.declared import Declared
from molthub_reconciler.policy.pins import FILE as PIN_FILE
from molthub_reconciler.policy.pins import Pin, pin_to_bytes
from molthub_reconciler.problems import problem_of
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.records.history import Kept, given_documents, in_force, kept_documents
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport, Report
from molthub_reconciler.rollout.follow import Rollouts
from molthub_reconciler.subjects import Choice, Subject, kept, pin_of, pinned
from molthub_reconciler.workplace import Workplace

_LEAST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Way:
    """How one bot goes back: its ``pin``, the ``subject`` as it is then, and the document, where it was fetched."""

    subject: Subject
    pin: Pin
    content: bytes = b""


def roll_back(place: Workplace, choice: Choice, to: str | None, rules: Rules) -> Report:
    """Bring bots back to what they had before, or to ``to``: a revision, or the digest of a desired state or document.

    A bot whose document or skills cannot be had is told and not touched. Unless ``rules.act``, none is.
    """
    subjects, revision = _subjects(place, choice)
    revisions = place.state.revisions()
    known = tuple(dict.fromkeys([*revisions, *([revision] if revision else [])]))
    ways: list[_Way] = []
    refused: dict[str, tuple[Subject, tuple[Problem, ...]]] = {}
    for subject in subjects:
        try:
            ways.append(_way(place, subject, to, revisions=known))
        except MolthubError as error:
            refused[subject.bot] = (subject, (problem_of(error),))
    lacking = place.lacking([way.subject for way in ways], online=revision is not None)
    refused |= {way.subject.bot: (way.subject, lacking[way.subject.bot]) for way in ways if way.subject.bot in lacking}
    ways = [way for way in ways if way.subject.bot not in lacking]
    if rules.act:
        for way in ways:
            if way.content:
                place.state.keep_document(way.subject.bot, way.pin.document, way.content)
            place.state.keep_note(way.subject.bot, PIN_FILE, pin_to_bytes(way.pin))
    report = place.one_pass("rollback", [way.subject for way in ways], rules, online=revision is not None)
    told = [*report.bots, *(_refusal(subject, problems) for subject, problems in refused.values())]
    return replace(report, bots=tuple(sorted(told, key=lambda bot: bot.bot)))


def release(state: TargetState, bots: Iterable[str]) -> dict[str, Pin]:
    """Take away the pins of ``bots``; return those that there were."""
    found = {}
    for bot in bots:
        try:
            pin = pin_of(state, bot)
        except MolthubError:
            pin = Pin("", "", "")
        if pin is not None:
            state.keep_note(bot, PIN_FILE, b"")
            head = {"at": timestamp(), "revision": None, "state": "released", "command": "rollback --release"}
            state.add_pass(bot, {**head, "document": None, "changes": [], "problems": []})
            found[bot] = pin
    return found


def _subjects(place: Workplace, choice: Choice) -> tuple[list[Subject], str | None]:
    """Return the bots, as they are declared now, and the index's revision; without an index, as they are kept."""
    try:
        declared = Declared(place.index, place.state, choice, rollouts=Rollouts(place.state, place.folder))
        return [_without_pin(subject) for subject in declared], place.index.root().revision
    except UnreachableError:
        return [_without_pin(subject) for subject in kept(place.state, choice)], None


def _without_pin(subject: Subject) -> Subject:
    """Return what git says of a bot, as far as that can be told."""
    if subject.pin is None:
        return subject
    asked = subject.asked or subject.pin.instead_of
    return replace(subject, asked=asked, problems=tuple(found for found in subject.problems if found.id != "MH712"))


def _way(place: Workplace, subject: Subject, to: str | None, *, revisions: Sequence[str]) -> _Way:
    """Return how a bot goes back. Raises :class:`MolthubError` with what it can go back to."""
    state, bot = place.state, subject.bot
    suspend = subject.desired.sync.suspend if subject.desired is not None else None
    if subject.state in ("suspended", "orphaned") or (suspend is not None and suspend.holds(datetime.now(UTC))):
        what = "orphaned" if subject.state == "orphaned" else "suspended"
        raise _refused(f"the bot is {what}, and stays as it is", "declare it, or end its suspension, first")
    found = (*kept_documents(state, bot), *given_documents(state, bot))
    asked = subject.asked
    if asked is None and subject.pin is None:
        asked = next((one.digest for one in found if one.is_current), None)
    chosen = _earlier(found, subject, asked) if to is None else _named(state, bot, found, to, revisions)
    older, content = (None, b"") if chosen.at_hand else _fetched(place, bot, chosen, found)
    digest = chosen.digest if older is None else str(older.digest)
    if digest == asked:
        raise _refused(f"git asks for {chosen} already", f"`molthub reconcile --bot {bot}` brings it there")
    pin = Pin(chosen.document, digest, timestamp(), asked, chosen.revision, tuple(revisions))
    return _Way(pinned(state, replace(subject, state=None, lifted=None), pin, older), pin, content)


def _earlier(found: Sequence[Kept], subject: Subject, asked: str | None) -> Kept:
    current = next((one for one in found if one.is_current), None)
    now = {current.digest if current else None, asked, subject.pin.instead_of if subject.pin else None}
    earlier = [one for one in found if one.digest not in now]
    if not earlier:
        raise _refused(
            "no earlier document of this bot is at hand", "a bot can go back to what a pass here brought it to"
        )
    return earlier[0]


def _named(state: TargetState, bot: str, found: Sequence[Kept], to: str, revisions: Sequence[str]) -> Kept:
    """Return the document that ``to`` means: by its own name, by its desired state, or by a revision."""
    wanted = to.removeprefix("sha256:").lower()
    if len(wanted) < _LEAST_DIGITS:
        raise UsageError(f"{to!r} is too short to name a revision or a digest", remedy="give at least four digits")
    by_name = [one for one in found if one.document.startswith(wanted)]
    by_digest = [one for one in found if one.digest.removeprefix("sha256:").startswith(wanted)]
    names = {one.digest: one for one in reversed(by_name or by_digest)}
    seen = [] if names else [one for one in revisions if one.startswith(wanted)]
    documents = {in_force(state.passes(bot), revisions, one) for one in seen}
    names |= {one.digest: one for one in reversed(found) if one.document in documents}
    if len(names) == 1:
        return next(iter(names.values()))
    if not names and HEX.match(to):
        return Kept(to, "", None, "", at_hand=False)  # the index may have it: that is a document's whole name
    what = f"{to} means several documents" if names else f"what the bot had at {to} is not at hand"
    raise _refused(what, _at_hand(found))


def _fetched(place: Workplace, bot: str, chosen: Kept, found: Sequence[Kept]) -> tuple[DesiredState, bytes]:
    """Return a document from the index, by its content's name. Raises :class:`MolthubError` where it is gone."""
    where = f"{place.index.where}: bots/{chosen.document}.json"
    try:
        content = place.index.bot_content(chosen.document)
        desired = bot_from_json(content, where)
    except MolthubError as error:
        message = f"the document {chosen.document[:8]} is not at hand, and the index does not give it: {error.message}"
        remedy = f"an index keeps for 30 days what an older revision named; {_at_hand(found)}"
        raise _refused(message, remedy) from None
    if desired.path != bot or not desired.resolved or desired.template:
        raise _refused(f"{chosen.document[:8]} is no document that {bot} can have", _at_hand(found))
    return desired, content


def _at_hand(found: Sequence[Kept]) -> str:
    return f"it can go back to: {'; '.join(str(one) for one in found if one.at_hand) or 'nothing'}"


def _refused(message: str, remedy: str) -> MolthubError:
    return MolthubError(message, remedy=remedy, problems=[Problem("MH717", message, remedy)])


def _refusal(subject: Subject, problems: tuple[Problem, ...]) -> BotReport:
    platform = subject.desired.platform if subject.desired else ""
    return BotReport(subject.bot, "failed", platform, subject.asked, problems=problems)


def resolve_bots(place: Workplace, names: Sequence[str]) -> Choice:
    """Return which bots are meant by names of bots and fleets: ``prod/ada``, ``ada``, ``prod``.

    Raises :class:`MolthubError` for a name that nobody knows.
    """
    fleets = {bot.partition("/")[0] for bot in place.state.bots()}
    chosen = frozenset(name for name in names if name in fleets)
    choice = Choice(frozenset(names) - chosen, chosen)
    known = set(place.state.bots())
    if choice.bots <= known:
        return choice
    return Declared(place.index, place.state, choice).check_choice()
