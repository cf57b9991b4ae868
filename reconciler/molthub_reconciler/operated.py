"""A folder of bots' homes as its operator sees it (:class:`molthub.observed.ObservedTarget`)."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

from molthub.atomic import try_lock
from molthub.client.index_cache import timestamp
from molthub.client.paths import state_folder
from molthub.contexts.context_file import Context, need
from molthub.observed import ObservedBot
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.records.state import NUDGE, TargetState
from molthub_reconciler.remote.known import all_remembered
from molthub_reconciler.report import Report
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace


class OperatedDirectory:
    """The bots below ``address``. What is remembered of them needs no ``index``, looking at them does."""

    def __init__(self, address: str, *, index: str | None = None, state: str | None = None) -> None:
        self._folder = Path(address).resolve()
        self._index = index
        self._root = Path(state).resolve() if state else state_folder().resolve()
        self._state = TargetState(self._root, str(self._folder))

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._folder)

    def remembered(self) -> Mapping[str, ObservedBot]:
        """Return every bot that has a receipt, with what the last pass that changed or found something said."""
        return all_remembered(self._state)

    def observe(self, bots: Collection[str]) -> Mapping[str, ObservedBot]:
        """Look at ``bots`` in their homes, as `molthub plan` does."""
        self._workplace.index.refresh()
        report = self._workplace.once("plan", Rules(), Choice(bots=frozenset(bots)))
        return self._seen(report)

    def nudge(self) -> str | None:
        """Leave a note that a running `molthub reconcile` finds within a second; return which process that is."""
        self._state.keep_note("", NUDGE, f"{timestamp()} {os.getpid()} {time.monotonic_ns()}\n".encode())
        return self._holder()

    def reconcile(self, bots: Collection[str]) -> None:
        """Do one pass over ``bots``."""
        self._workplace.make_target()
        with self._state.lock():
            self._workplace.index.refresh()
            self._workplace.once("reconcile", Rules(act=True), Choice(bots=frozenset(bots)))

    @cached_property
    def _workplace(self) -> Workplace:
        need(Context("", index=self._index, target=str(self._folder)), "index")
        return Workplace(str(self._index), self._folder, self._root, Choice())

    def _packs(self, bot: str) -> dict[str, int]:
        document = self._state.document(bot, self._state.receipt(bot)[0].document)
        return {name: pack.version for name, pack in document.packs.items()} if document is not None else {}

    def _seen(self, report: Report) -> dict[str, ObservedBot]:
        return {
            told.bot: ObservedBot(
                bot=told.bot,
                packs=self._packs(told.bot),
                state=told.state,
                at=report.at,
                desired=told.desired,
                observed=told.observed,
                problems=told.problems,
                held=told.held or "",
            )
            for told in report.bots
        }

    def _holder(self) -> str | None:
        """Return the process that holds the target's lock, if there is one."""
        place = self._state.folder / "lock"
        try:
            descriptor = os.open(place, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            return None if try_lock(descriptor) else place.read_text().strip() or "an unknown process"
        finally:
            os.close(descriptor)
