"""The bots of a controller as an operator elsewhere sees them (:class:`molthub.observed.ObservedTarget`)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NoReturn

from molthub.documents.printable import printable
from molthub.errors import FormatError, MolthubError, UsageError
from molthub.observed import ObservedBot
from molthub_reconciler.remote.known import bot_from_json
from molthub_reconciler.remote.link import TOKEN_VARIABLE, ControllerLink, read_token
from molthub_reconciler.remote.orders import order_of


class OperatedController:
    """The bots that the controller at ``address`` keeps, or that its agents keep. It knows its own index and state.

    What it shows is a pass old at most: the controller looks at its bots all the time, and so do agents at theirs.
    """

    def __init__(self, address: str, *, index: str | None = None, state: str | None = None) -> None:  # noqa: ARG002 (every target is opened so)
        self._address = address

    @property
    def where(self) -> str:
        """The controller's address."""
        return self._address

    def remembered(self) -> Mapping[str, ObservedBot]:
        """Return every bot that the controller has on record."""
        said = self._link.bots()
        try:
            found = [bot_from_json(printable(one, b"\\u")) for one in said["bots"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"a value is missing or of the wrong type ({error})"
            raise FormatError(message, place=self._address, remedy="check the address") from None
        return {bot.bot: bot for bot in found}

    def observe(self, bots: Collection[str]) -> Mapping[str, ObservedBot]:
        """Return what the controller has on record of ``bots``."""
        return {bot: seen for bot, seen in self.remembered().items() if bot in bots}

    def nudge(self) -> str | None:
        """Ask the controller to look now."""
        return self._link.nudge()

    def reconcile(self, bots: Collection[str]) -> None:  # noqa: ARG002 (nothing can be done from here)
        """Refuse: only the controller and the agents reach the bots."""
        remedy = "leave --once out: the controller is asked to look now"
        raise UsageError("bots are brought in sync where they live, not from here", place=self._address, remedy=remedy)

    def run_there(self) -> NoReturn:
        """Have the controller run the command at hand instead, and end as it ended there."""
        from molthub_reconciler.remote.ordered import run_there

        run_there(self._link)

    def asked_there(self, command: str, options: Mapping[str, Any]) -> tuple[int, str]:
        """Have the controller run a command; return its exit status and what it printed. Raises MolthubError."""
        outcome = self._link.order(order_of(command, options))
        if outcome.errors and not outcome.output:
            raise MolthubError(outcome.errors.strip().removeprefix("error: "), place=self._address)
        return outcome.status, outcome.output

    @cached_property
    def _link(self) -> ControllerLink:
        return operator_link(self._address)


def operator_link(address: str) -> ControllerLink:
    """Return an operator's way to a controller, with the token of this user."""
    file = os.environ.get(TOKEN_VARIABLE)
    return ControllerLink(address, partial(read_token, Path(file)) if file else None)
