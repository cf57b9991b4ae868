"""Passes of a controller whose bots live elsewhere, in one process: what each takes, opens and leaves behind.

Usage: ``python tools/bench/controlled.py INDEX FOLDER PASSES [CHANGED_INDEX]``. Prints JSON: for each kind of pass CPU
and wall seconds, for passes at rest also the files they opened and what they wrote, and memory at pass 10 and the last.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from molthub.console import Console
from molthub.documents import canonical_plain
from molthub_reconciler.controller import Controller
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Owner
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace

SHOWN = 10
_watching: list[str] | None = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching is not None and event in ("open", "os.listdir", "os.scandir"):
        _watching.append(str(arguments[0]))


sys.addaudithook(_hear)


def main() -> None:
    """Do the passes and print what they took."""
    index, folder, passes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    (folder / "bots").mkdir(parents=True)
    place = Workplace(index, folder / "bots", folder / "state", Choice())
    place.refresh()
    bots = [f"{fleet}/{bot}" for fleet in place.index.fleets() for bot in place.index.fleet(fleet).bots]
    for bot in bots:
        place.agents.tokens.enrol(Owner(bot=bot))
    said: dict[str, Any] = {"bots": len(bots)}
    with place.state.lock(), (folder / "log").open("w") as log, contextlib.redirect_stdout(log):
        controller = Controller(place, Rules(act=True), 3600.0, Console(quiet=True))
        _settle(controller, place, bots, said)
        said |= _at_rest(controller, folder, passes)
        if len(sys.argv) > 4:  # noqa: PLR2004 (there is another index)
            _publish(Path(sys.argv[4]), Path(index))
            said["changed"] = _timed(controller._poll)  # noqa: SLF001 (one round of what it does all the time)
            said["assigned"] = sum(_is_behind(place.agents, bot) for bot in bots)
    print(json.dumps(said))


def _settle(controller: Controller, place: Workplace, bots: list[str], said: dict[str, Any]) -> None:
    """Do passes until all bots were given what they are to have, and told that they have it."""
    said["first"] = _timed(controller._poll)  # noqa: SLF001
    while behind := [bot for bot in bots if _is_behind(place.agents, bot)]:
        for bot in behind:
            _tell(place.agents, bot)
        took = _timed(controller._poll)  # noqa: SLF001
        said.setdefault("told", took)
    controller._poll()  # noqa: SLF001


def _is_behind(store: AgentStore, bot: str) -> bool:
    given, told = store.assignment(bot), store.report(bot)
    return given is not None and (told is None or told.document != given.document)


def _tell(store: AgentStore, bot: str) -> None:
    """Tell what the agent of a bot tells that has what it was given."""
    given = store.assignment(bot)
    if given is None or given.document is None:
        return
    store.presence.heard(bot, 86_400.0)
    one = {"bot": bot, "platform": "agents-dir", "state": "in-sync", "desired": given.digest, "observed": given.digest,
           "problems": [], "changes": []}  # fmt: skip
    store.told(bot, canonical_plain({
        "format": "molthub.report/1", "command": "reconcile", "at": "2026-11-21T12:00:00Z", "revision": "a" * 40,
        "summary": {}, "bots": [one], "document": given.document, "generation": given.generation, "held": None,
    }))  # fmt: skip


def _at_rest(controller: Controller, folder: Path, passes: int) -> dict[str, Any]:
    global _watching  # noqa: PLW0603 (an audit hook has no other door)
    before = _written(folder / "state")
    took = [_timed(controller._poll) for _ in range(SHOWN)]  # noqa: SLF001
    memory = _memory()
    _watching = []
    controller._poll()  # noqa: SLF001
    opened, _watching = _watching, None
    for _ in range(passes - SHOWN):
        controller._poll()  # noqa: SLF001
    after = _memory()  # before the list of all files is made, which takes some itself
    return {
        "rest": [median(one[0] for one in took), median(one[1] for one in took)],
        "opened": len([path for path in opened if "/bots/" in path or "/agents/" in path]),
        "written": len(set(_written(folder / "state").items()) ^ set(before.items())),
        "memory": [memory, after],
    }


def _publish(changed: Path, index: Path) -> None:
    """Put another index in the place of one, as a deploy does."""
    shutil.copytree(changed, index, dirs_exist_ok=True)


def _written(folder: Path) -> dict[str, int]:
    return {path: os.lstat(path).st_mtime_ns for path in _walk(str(folder))}


def _walk(folder: str) -> Iterator[str]:
    for at, _folders, names in os.walk(folder):
        yield at
        yield from (f"{at}/{name}" for name in names)


def _timed(work: Callable[[], object]) -> list[float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return [time.process_time() - cpu, time.perf_counter() - wall]


def _memory() -> float:
    """Return the memory that this process has, in MiB."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return 0.0


if __name__ == "__main__":
    main()
