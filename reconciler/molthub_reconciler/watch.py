"""Seeing within a moment that something moved in a bot's home.

Watching only decides *when* to look: what is seen is never believed, and what is missed is found at the next poll.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from molthub_reconciler.targets.inside import STAGING

DEBOUNCE_MS = 300
_STEP_MS = 50


class HomeWatch:
    """Watches the homes below ``root`` in a thread of its own, as a context.

    ``seen`` is called with the homes (``<fleet>/<home>``) in which something moved; ``lost`` once, with the reason,
    when watching does not work or no more.
    """

    def __init__(self, root: Path, seen: Callable[[frozenset[str]], None], lost: Callable[[str], None]) -> None:
        self._root = root
        self._seen = seen
        self._lost = lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            from watchfiles import watch
        except ImportError:
            self._lost("watchfiles is not installed (pip install 'molthub[reconciler]')")
            return
        try:
            changes = watch(
                self._root,
                watch_filter=None,
                debounce=DEBOUNCE_MS,
                step=_STEP_MS,
                rust_timeout=500,
                stop_event=self._stop,
                raise_interrupt=False,
            )
            for batch in changes:
                homes = {home for _, path in batch if (home := home_of(self._root, path)) is not None}
                if homes:
                    self._seen(frozenset(homes))
        except Exception as error:  # noqa: BLE001 (whatever it is, polling goes on; typically the system's limit of watches)
            self._lost(str(error))


def home_of(root: Path, path: str) -> str | None:
    """Return the home (``<fleet>/<home>``) that a path is in; None where it is in none, or only our own staging."""
    try:
        parts = Path(path).relative_to(root).parts
    except ValueError:
        return None
    if len(parts) < _HOME_DEPTH or STAGING in parts:
        return None
    return "/".join(parts[:_HOME_DEPTH])


_HOME_DEPTH = 2
