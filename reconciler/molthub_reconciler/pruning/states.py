"""Which state folders take skills from a store: each says so there, so that what it names is never taken away.

::

    <store>/.states/<12 hex of the path>     the path of a state folder
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.client.cache import Store
from molthub.documents import hex_of

_FOLDER = ".states"


def make_known(store: Store, state: Path) -> None:
    """Take note that ``state`` names skills of the store. Raises :class:`OSError`."""
    path = str(state.absolute())
    place = store.root / _FOLDER / hex_of(path.encode())[:12]
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, path.encode(), durable=False)


def known_states(store: Store) -> Iterator[Path]:
    """Yield the state folders that took note of themselves and are still there. Raises :class:`OSError`."""
    with contextlib.suppress(FileNotFoundError):
        for place in sorted((store.root / _FOLDER).iterdir()):
            state = Path(place.read_bytes().decode(errors="surrogateescape"))
            if state.is_absolute() and state.is_dir():
                yield state
