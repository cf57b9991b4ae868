"""Which bots are worked on here, by their labels: those of a machine that keeps a part of a fleet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from molthub.client.index import Index
from molthub.documents import bot_from_json
from molthub.errors import MolthubError
from molthub.selectors import Term
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.subjects import Choice


class Selection:
    """The bots of an index that have given labels, found anew in each pass; each document is read once."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = tuple(terms)
        self._fitting: dict[str, bool] = {}
        self._last: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether no labels are asked for."""
        return not self._terms

    def of(self, choice: Choice, index: Index, state: TargetState) -> Choice:
        """Return those of ``choice`` that have the labels, and those of ``state`` that nobody declares any more.

        Where the index cannot say what a bot's labels are, a bot on record is worked on as before, and told by the
        pass. Raises :class:`MolthubError` without a readable index.
        """
        if self.is_all:
            return choice
        known, declared, chosen, seen = frozenset(state.bots()), set(), set(), {}
        for name in filter(choice.may_have, index.fleets()):
            try:
                fleet = index.fleet(name)
            except MolthubError:  # its bots are told as failed
                chosen |= {bot for bot in known if bot.startswith(f"{name}/")}
                continue
            for bot, ref in fleet.bots.items():
                path = f"{name}/{bot}"
                declared.add(path)
                fits = self._fits(index, path, ref.file)
                if fits is not None:
                    seen[ref.file] = fits
                if choice.has(path) and (path in known if fits is None else fits):
                    chosen.add(path)
        self._fitting = seen
        self._last = frozenset(chosen) | {bot for bot in known - declared if choice.has(bot)}
        return Choice(bots=self._last, is_listed=True)

    def offline(self, choice: Choice) -> Choice:
        """Return those of ``choice`` that the last pass with an index worked on; before one, all on record."""
        if self.is_all or self._last is None:
            return choice
        return Choice(bots=frozenset(filter(choice.has, self._last)), is_listed=True)

    def _fits(self, index: Index, bot: str, file: str) -> bool | None:
        """Whether a bot has the labels; None where its document cannot be had."""
        known = self._fitting.get(file)
        if known is not None:
            return known
        try:
            labels = bot_from_json(index.bot_content(file), bot).labels
        except MolthubError:
            return None
        return all(term.fits(labels) for term in self._terms)


def listed(choice: Choice, index: Index) -> Iterator[str]:
    """Yield the bots that a choice names: one by one, or by their fleets."""
    yield from choice.bots
    for fleet in choice.fleets:
        yield from (f"{fleet}/{bot}" for bot in index.fleet(fleet).bots)
