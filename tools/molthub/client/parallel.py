"""A few threads for work that waits.

``concurrent.futures`` does more, but importing it takes longer than a small download.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


def in_threads(work: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call ``work`` once with each item, ``threads`` at a time; return when all are done.

    The first exception ends the hand-out of further items and is raised when the running ones are done. A single item
    is worked on in the calling thread.
    """
    waiting = list(reversed(list(items)))
    failures: list[BaseException] = []

    def run() -> None:
        while not failures:
            try:
                item = waiting.pop()
            except IndexError:
                return
            try:
                work(item)
            except BaseException as error:  # noqa: BLE001 (raised again in the calling thread)
                failures.append(error)

    started = [threading.Thread(target=run, daemon=True) for _ in range(min(threads, len(waiting)) - 1)]
    for thread in started:
        thread.start()
    run()
    for thread in started:
        thread.join()
    if failures:
        raise failures[0]


@contextmanager
def beside(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Do ``work`` in a thread of its own while the block runs, and wait for it; what it raises is raised then.

    Where the block raises, ``stop`` is called, ``work`` is waited for, and what the block raised counts.
    """
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (raised again in the calling thread)
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        stop()
        thread.join()
        raise
    thread.join()
    if failures:
        raise failures[0]
