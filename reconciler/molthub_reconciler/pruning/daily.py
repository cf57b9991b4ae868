"""Pruning that `reconcile` does by itself, once a day: the store and what was fetched, never a bot nor its records.

``~/.config/molthub/reconcile.yaml`` says for how long what nobody needs is kept, or ``never`` to take it away::

    prune: 30d
"""

from __future__ import annotations

import os
from pathlib import Path

from molthub.client.cache import Store
from molthub.client.paths import cache_folder
from molthub.windows import WindowError, length
from molthub_reconciler.operator_file import OperatorFile, read_operator_file
from molthub_reconciler.pruning.prune import DAY, LEAST_AGE, USUAL_AGE, Machine, Pruned, prune_caches
from molthub_reconciler.pruning.states import make_known
from molthub_reconciler.reloading import FILE

_MARK = "pruned"


def kept_for(folder: Path | None = None) -> float | None:
    """Return the seconds that the operator lets pass before what nobody needs goes; None: it never goes by itself.

    Raises :class:`FormatError`.
    """
    file = read_operator_file(FILE, folder)
    if file is None or "prune" not in file.value:
        return USUAL_AGE
    return None if file.value["prune"] == "never" else _seconds(file)


def _seconds(file: OperatorFile) -> float:
    try:
        found = length(str(file.value["prune"])).total_seconds()
    except WindowError as error:
        raise file.refuse(f"{error}, or never", "prune") from None
    if found < LEAST_AGE:
        raise file.refuse("two days (2d) are the least: what is younger may be about to be used", "prune")
    return found


def prune_daily(state: Path, store: Store, older_than: float | None, now: float) -> Pruned | None:
    """Prune the caches unless that was done within a day, or ``older_than`` is None. Return what was taken.

    It never fails: what could not be done costs room alone, and is tried again a day later.
    """
    mark, machine = state / _MARK, Machine(state, store, cache_folder())
    try:
        make_known(store, state)
        if older_than is None or (mark.exists() and now - DAY < mark.stat().st_mtime <= now):
            return None
        mark.touch(mode=0o600)
        os.utime(mark, (now, now))
        return prune_caches(machine, older_than=older_than, now=now)
    except OSError:
        return None
