"""The bots of one pass: which were asked for, and what each is compared with.

What the index declares is in :mod:`.declared`; here is what is known without it: the last good documents, and pins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from molthub.errors import FormatError, MolthubError, NotFoundError, Problem, UsageError
from molthub.model import DesiredState
from molthub_reconciler.findings import State
from molthub_reconciler.policy.pins import FILE as PIN_FILE
from molthub_reconciler.policy.pins import Pin, pin_from_bytes
from molthub_reconciler.problems import problem_of
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport


@dataclass(frozen=True, slots=True)
class Choice:
    """Which bots were asked for: all, unless ``bots`` (``<fleet>/<bot>``) or ``fleets`` name some.

    Those in ``without`` are left out for this time. ``is_listed``: ``bots`` are all, also where there are none.
    """

    bots: frozenset[str] = frozenset()
    fleets: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    is_listed: bool = False

    @property
    def is_all(self) -> bool:
        """Whether none are named."""
        return not self.bots and not self.fleets and not self.is_listed

    @property
    def is_everything(self) -> bool:
        """Whether all are asked for and none is left out."""
        return self.is_all and not self.without

    def of(self, bots: Iterable[str]) -> set[str]:
        """Return those of ``bots`` that were asked for."""
        return set(bots) if self.is_everything else {bot for bot in bots if self.has(bot)}

    def has(self, bot: str) -> bool:
        """Whether ``bot`` was asked for."""
        is_named = self.is_all or bot in self.bots or bot.partition("/")[0] in self.fleets
        return is_named and bot not in self.without

    def may_have(self, fleet: str) -> bool:
        """Whether a bot of ``fleet`` may have been asked for."""
        return self.is_all or fleet in self.fleets or any(bot.startswith(f"{fleet}/") for bot in self.bots)


@dataclass(frozen=True, slots=True)
class Subject:
    """One bot of a pass.

    ``desired`` is what it is compared with; without it the bot is only reported. Of a bot that lives elsewhere nobody
    here reads the document: it has the ``digest`` instead. One that is at rest is ``told`` without a look.
    ``document`` is the document's hex name, ``content`` its bytes where they come from the index and may have to be
    kept. ``state`` is set where the bot's state does not follow from its changes, and ``problems`` say why. ``asked``
    is the digest that git asks for, as far as it is known. A bot that was rolled back has its ``pin``; one that git
    moved on from has its ``lifted`` one.
    """

    bot: str
    desired: DesiredState | None = None
    document: str | None = None
    state: State | None = None
    problems: tuple[Problem, ...] = ()
    content: bytes = b""
    asked: str | None = None
    pin: Pin | None = None
    lifted: Pin | None = None
    digest: str | None = None
    told: BotReport | None = None


def the_bot(name: str, known: Collection[str], none: str, where: str, remedy: str) -> str:
    """Return the one of the ``known`` bots that is meant by its path or its bare name.

    Raises :class:`NotFoundError`, which says ``none`` at ``where`` and ``remedy`` unless a bot is called nearly so;
    :class:`UsageError` for the name of several.
    """
    found = [path for path in sorted(known) if name in (path, path.partition("/")[2])]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{name!r} is the name of {len(found)} bots", remedy=f"write one of {', '.join(found)}")
    from difflib import get_close_matches

    bare = {path.partition("/")[2]: path for path in known}
    near = get_close_matches(name, known, n=1) or [bare[one] for one in get_close_matches(name, bare, n=1)]
    raise NotFoundError(f"{none} {name}", place=where, remedy=f"did you mean {near[0]}?" if near else remedy)


_NO_DOCUMENT = Problem(
    "MH601", "no earlier document of this bot is at hand", "it is kept as it is until the index answers"
)


def kept(state: TargetState, choice: Choice, elsewhere: Collection[str] = ()) -> Iterator[Subject]:
    """Yield every bot with the last good document, for when the index cannot be reached.

    Those ``elsewhere`` have theirs where they live, unless they were rolled back from here.
    """
    for bot in state.bots():
        if choice.has(bot):
            known = last_good(state, bot)
            yield Subject(bot) if bot in elsewhere and known.desired is None and known.pin is None else known


def pin_of(state: TargetState, bot: str) -> Pin | None:
    """Return a bot's pin, if it was rolled back. Raises :class:`MolthubError` for one that cannot be read."""
    try:
        return pin_from_bytes(state.note(bot, PIN_FILE), bot)
    except FormatError as error:
        remedy = f"say again what it is to have: `molthub rollback {bot} --to ...`, or --release"
        problem = Problem("MH712", f"its pin cannot be read: {error.message}", remedy)
        raise MolthubError(problem.message, place=bot, remedy=remedy, problems=[problem]) from None


def pinned(state: TargetState, subject: Subject, pin: Pin, older: DesiredState | None = None) -> Subject:
    """Return a bot as it was rolled back to; how it is kept in sync is still what git says, if that is known.

    ``older`` is that document, where it is not kept yet.
    """
    older = older or state.document(subject.bot, pin.document)
    if older is None:
        problem = Problem("MH717", f"the document {pin.document[:8]} that it is pinned to is gone", _repin(subject.bot))
        return Subject(subject.bot, state="failed", problems=(problem,), asked=subject.asked, pin=pin)
    sync = subject.desired.sync if subject.desired is not None else older.sync
    instead = f" instead of {pin.instead_of[:15]}" if pin.instead_of else ""
    of = f" (revision {pin.revision[:8]})" if pin.revision else ""
    message = f"rolled back at {pin.at}, pinned to {pin.digest[:15]}{of}{instead} until git asks for something newer"
    remedy = f"`molthub rollback --release {subject.bot}` follows git again at once"
    problem = Problem("MH712", message, remedy, severity="warning")
    return replace(subject, desired=replace(older, sync=sync), document=pin.document, content=b"", pin=pin,
                   problems=(*subject.problems, problem))  # fmt: skip


def _repin(bot: str) -> str:
    return f"`molthub rollback --release {bot}` follows git again"


def last_good(state: TargetState, bot: str) -> Subject:
    """Return a bot with the last document that was acted upon; without one it is only reported."""
    try:
        pin = pin_of(state, bot)
    except MolthubError as error:
        return Subject(bot, state="failed", problems=(problem_of(error),))
    if pin is not None:
        return pinned(state, Subject(bot), pin)
    receipt, _ = state.receipt(bot)
    document = state.document(bot, receipt.document)
    if document is None:
        return Subject(bot, state="failed", problems=(_NO_DOCUMENT,))
    return Subject(bot, document, receipt.document)
