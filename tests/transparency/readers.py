"""Readers of a signed registry, each with a state of its own, until their standard input ends.

``python readers.py URL ROOT FOLDER COUNT`` prints JSON at the end: how many times they have read everything, what was
not right, and the sizes of the log that each has seen.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from functools import partial
from pathlib import Path

from molthub.client.cache import Store
from molthub.client.index import Index
from molthub.client.lockfile import InstalledVersion
from molthub.client.log_proofs import check_log
from molthub.client.trust import Trust
from molthub.errors import MolthubError
from molthub.versions import latest

PAUSE = 0.02


class Reader:
    """Follows every chain of an index again and again: metadata, lists, shards, archive, log."""

    def __init__(self, url: str, root: bytes, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.reads = 0
        self.failures: list[str] = []
        self.sizes: list[int] = []
        Trust.of(url, folder).begin(root)

    def run(self, stop: threading.Event) -> None:
        """Read until told to stop."""
        while not stop.is_set():
            try:
                self.read()
                self.reads += 1
            except (MolthubError, AssertionError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            time.sleep(PAUSE)

    def read(self) -> None:
        """Read once, everything verified."""
        open_index = partial(Index.open, self.url, state=self.folder)
        with open_index() as index:
            index.search_rows()
            skill = index.skill("git")
            newest = skill.releases[latest(skill.releases) or ""].artifact
            index.fetch([newest], Store(self.folder / "store"))
        report = check_log(self.url, open_index, [InstalledVersion("git", newest.version, newest.digest)])
        assert report.state == "proven", report.problems
        assert report.head is not None
        assert not self.sizes or report.head.size >= self.sizes[-1]
        self.sizes.append(report.head.size)


def main(url: str, root: str, folder: str, count: str) -> None:
    """Read with so many readers at once."""
    content = Path(root).read_bytes()
    readers = [Reader(url, content, Path(folder) / str(number)) for number in range(int(count))]
    stop = threading.Event()
    threads = [threading.Thread(target=reader.run, args=(stop,)) for reader in readers]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    told = [{"reads": reader.reads, "failures": reader.failures, "sizes": reader.sizes} for reader in readers]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
