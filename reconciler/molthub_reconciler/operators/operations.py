"""Doing what operators elsewhere ask: their commands are run here, as whoever runs the controller would run them.

Each is a process of its own, except going back, which needs the target's lock: that is an errand of the controller,
done between two of its passes.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import click

from molthub.console import Console, failed
from molthub.errors import FormatError
from molthub_reconciler.places import holding
from molthub_reconciler.remote.connection import Reply, Request, json_body
from molthub_reconciler.remote.orders import MAX_ANSWER, ROLLBACK, Order, Outcome, order_from_json

if TYPE_CHECKING:
    from molthub_reconciler.remote.token_files import Kept
    from molthub_reconciler.workplace import Workplace

AT_ONCE = 2
SECONDS = 300.0
_COMMANDS = "molthub.commands"
"""The entry points by which commands join `molthub`."""


class Operations:
    """The operations of one controller, whose bots are at ``place``. ``say`` is told who asked for what."""

    def __init__(self, place: Workplace, say: Callable[[str], None]) -> None:
        self._place = place
        self._say = say
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def do(self, request: Request, right: Kept) -> Reply:
        """Run a command for an operator, if it is one that may be given from elsewhere, and that he may give."""
        try:
            order = order_from_json(json_body(request), "the order")
        except FormatError as error:
            return Reply.error(HTTPStatus.BAD_REQUEST, f"{error.message}; {error.remedy}")
        if order.changes and not right.may_operate:
            return Reply.error(HTTPStatus.FORBIDDEN, f"{right.owner} may look, and operate nothing")
        if order.changes:
            self._say(f"{right.owner} asks for: {order.command} {' '.join(order.arguments(_command(order.command)))}")
        try:
            async with self._at_once, asyncio.timeout(SECONDS):
                outcome = await (self._errand(order) if order.command == ROLLBACK else self._run(order))
        except TimeoutError:
            return Reply.error(HTTPStatus.GATEWAY_TIMEOUT, f"it took more than {SECONDS:.0f} seconds")
        return Reply.of(outcome.to_json())

    async def _run(self, order: Order) -> Outcome:
        command = _command(order.command)
        words = [sys.executable, "-m", "molthub.cli.main", *order.command.split(" "), *self._arguments(order, command)]
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if len(output) > MAX_ANSWER:
            return Outcome(1, "", "error: it printed more than can be sent; ask for fewer bots (--bot, --fleet)\n")
        return Outcome(int(process.returncode or 0), output.decode(errors="replace"), errors.decode(errors="replace"))

    async def _errand(self, order: Order) -> Outcome:
        """Have the controller do it between two passes, as it holds the target's lock."""
        done: Future[Outcome] = Future()

        def work() -> None:
            if done.set_running_or_notify_cancel():
                done.set_result(self._printed(order))

        self._place.errands.put(work)
        self._place.news.set()
        return await asyncio.wrap_future(done)

    def _printed(self, order: Order) -> Outcome:
        """Run a command here, and return what it prints. Nobody else prints meanwhile: this thread works on bots."""
        command = _command(order.command)
        said = order.options
        console = Console(as_json=bool(said.get("as_json")), quiet=bool(said.get("quiet")), color=False)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                with command.make_context(order.command, self._arguments(order, command)) as context:
                    holding(context, self._place)
                    status = command.invoke(context)
            except Exception as error:  # noqa: BLE001 (an errand never ends the controller)
                status = failed(error, console)
        return Outcome(int(status or 0), output.getvalue(), errors.getvalue())

    def _arguments(self, order: Order, command: click.Command) -> list[str]:
        """Return an order as words of a command line, with where this controller's bots are."""
        names = {parameter.name for parameter in command.params}
        places = {"index": self._place.index.where, "target": str(self._place.folder),
                  "state": str(self._place.state.root)}  # fmt: skip
        where = [f"--{name}={value}" for name, value in places.items() if name in names]
        return [*where, *order.arguments(command)]


def _command(name: str) -> click.Command:
    first, *rest = name.split(" ")
    (point,) = entry_points(group=_COMMANDS, name=first)
    found: Any = point.load()
    for word in rest:
        found = found.commands[word]
    assert isinstance(found, click.Command)  # noqa: S101 (it is one of those that are listed)
    return found
