"""Files that outlast a power cut, made so many at a time.

To make one file last, a file system writes its journal; to make fifty last at once, it writes it once as well. So a
file is written beside its place at once, where a full disk shows, and put there with the others of its group.
"""

from __future__ import annotations

import contextlib
import os

from molthub_reconciler.syncing import sync_files, sync_folders

GROUP = 64
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class LastingFiles:
    """Files on their way to their places. Until :meth:`settle` their old contents are there, whole."""

    def __init__(self, mode: int) -> None:
        self._mode = mode
        self._staged: dict[str, str] = {}
        self._failed: dict[str, OSError] = {}

    def write(self, folder: str, name: str, content: bytes) -> bool:
        """Write what is going to be ``folder/name``; return whether it and all before it are in place by now.

        Raises :class:`OSError`; then nothing is going to be there but what is.
        """
        path, beside = f"{folder}/{name}", f"{folder}/.{name}.staged"
        self._staged[path] = beside
        try:
            _write(beside, content, self._mode)
        except BaseException:
            self.drop(path)
            raise
        if len(self._staged) < GROUP:
            return False
        self._put()
        return True

    def drop(self, path: str) -> None:
        """Forget what was written for ``path`` since the last :meth:`settle`."""
        beside = self._staged.pop(path, None)
        if beside is not None:
            with contextlib.suppress(OSError):
                os.unlink(beside)

    def settle(self) -> dict[str, OSError]:
        """Put every file in its place, for good. Return what failed since the last time, by path."""
        self._put()
        failed, self._failed = self._failed, {}
        return failed

    def _put(self) -> None:
        staged, self._staged = self._staged, {}
        lost = sync_files(staged.values())
        self._failed |= {path: lost[beside] for path, beside in staged.items() if beside in lost}
        folders = {}
        for path, beside in staged.items():
            try:
                if path not in self._failed:
                    os.replace(beside, path)
                    folders[path] = os.path.dirname(path)
            except OSError as error:
                self._failed[path] = error
        lost = sync_folders(folders.values())
        self._failed |= {path: lost[folder] for path, folder in folders.items() if folder in lost}


def _write(path: str, content: bytes, mode: int) -> None:
    descriptor = os.open(path, _NEW, mode)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
