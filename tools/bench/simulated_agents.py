"""Agents of many bots in one process: their own way to the controller, and bots that are always as they should be.

Usage: ``python simulated_agents.py URL STATE < tokens``, where each line is ``FLEET/BOT TOKEN``. Prints a line of JSON
for every assignment that an agent takes: bot, serial number, and when (seconds since 1970).
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from pathlib import Path

from molthub.client.index_cache import timestamp
from molthub.errors import MolthubError
from molthub_reconciler.agent.assignments import AssignmentWatch, Followed
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote.exchange import Answer, report_to_bytes
from molthub_reconciler.remote.link import ControllerLink
from molthub_reconciler.report import BotReport, Report

INTERVAL = 60.0
TELLERS = 8
_PRINTING = threading.Lock()


class Agent(threading.Event):
    """One agent; what its watch sets as news is noted and told."""

    def __init__(self, url: str, bot: str, token: str, state: TargetState, to_tell: queue.Queue[Agent]) -> None:
        super().__init__()
        self.bot = bot
        self._link = ControllerLink(url, lambda: token)
        self._link.agent = bot.replace("/", "-")
        self._to_tell = to_tell
        self._serial = 0
        self.watch = AssignmentWatch(Followed(self._link, bot, INTERVAL, state), INTERVAL, self)

    def set(self) -> None:
        """Take note of news."""
        at = time.time()
        try:
            given = self.watch.latest().assignment
        except MolthubError:
            return
        if given.serial != self._serial:
            self._serial = given.serial
            line = json.dumps({"bot": self.bot, "serial": given.serial, "at": at})
            with _PRINTING:
                print(line, flush=True)
            self._to_tell.put(self)

    def tell(self) -> None:
        """Report that the bot has what it was given."""
        answer: Answer = self.watch.latest()
        given = answer.assignment
        told = BotReport(self.bot, "in-sync", "agents-dir", given.digest, given.digest)
        report = Report("reconcile", timestamp(), given.revision, (told,))
        self._link.tell(self.bot, report_to_bytes(report, given.document, given.generation))


def main() -> None:
    """Run them until the process is ended."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    threading.stack_size(256 * 1024)
    state = TargetState(folder, "simulated")
    to_tell: queue.Queue[Agent] = queue.Queue()
    agents = [Agent(url, *line.split(), state, to_tell) for line in sys.stdin]

    def tell() -> None:
        while True:
            agent = to_tell.get()
            try:
                agent.tell()
            except MolthubError as error:
                print(error, file=sys.stderr, flush=True)

    for _ in range(TELLERS):
        threading.Thread(target=tell, daemon=True).start()
    for agent in agents:
        agent.watch.start()
        time.sleep(0.002)  # not all at the same moment, as a controller that starts again is not asked either
    threading.Event().wait()


if __name__ == "__main__":
    main()
