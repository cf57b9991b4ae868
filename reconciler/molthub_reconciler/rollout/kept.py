"""What a target's state folder keeps of rollouts: how far each fleet's is, and the words that people left for it.

::

    rollout-<fleet>.json                      molthub.rollout/1; replaced whole, and on disk before anybody acts upon it
    rollout-<fleet>.wish-<stamp>-<word>       what a person asked for: of which change, at which wave
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, get_args

from molthub.client.index_cache import timestamp
from molthub.documents import canonical_plain
from molthub.errors import FormatError, Problem
from molthub_reconciler.records.state import NUDGE, TargetState
from molthub_reconciler.rollout.documents import state_from_bytes, state_to_bytes
from molthub_reconciler.rollout.records import RolloutState, Wish, Wished

_WISHES: tuple[Wish, ...] = get_args(Wish)
_PREFIX, _SUFFIX = "rollout-", ".json"
MEND = "put a copy of it back; or remove it: what its bots have then counts as good. Until then nobody is changed"


def state_file(fleet: str) -> str:
    """Return the name of the file in a target's state folder that holds a fleet's rollouts."""
    return f"{_PREFIX}{fleet}{_SUFFIX}"


def fleets_of(state: TargetState) -> list[str]:
    """Return the fleets of which anything is remembered."""
    found = state.folder.glob(f"{_PREFIX}*{_SUFFIX}")
    return sorted(path.name[len(_PREFIX) : -len(_SUFFIX)] for path in found)


def read_state(state: TargetState, fleet: str) -> RolloutState:
    """Return what is remembered of a fleet's rollouts.

    Raises :class:`FormatError` for what is there and cannot be read: taken for nothing, it would let what failed begin
    anew.
    """
    place = state.folder / state_file(fleet)
    try:
        found = state_from_bytes(place.read_bytes(), str(place))
    except FileNotFoundError:
        return RolloutState(fleet)
    except OSError as error:
        raise _unreadable(fleet, place, error.strerror or str(error)) from None
    except FormatError as error:
        raise _unreadable(fleet, place, error.message) from None
    if found.fleet != fleet:
        raise _unreadable(fleet, place, f"it is that of {found.fleet}")
    return found


def keep_state(state: TargetState, rollout: RolloutState) -> None:
    """Remember how far a fleet is, for good. Raises :class:`OSError`; then what was remembered before counts."""
    state.keep_note("", state_file(rollout.fleet), state_to_bytes(rollout), durable=True)


def _unreadable(fleet: str, place: Path, why: str) -> FormatError:
    message = f"what is remembered of the rollouts of {fleet} cannot be read: {why}"
    problem = Problem("MH727", message, MEND, file=str(place))
    return FormatError(message, place=str(place), remedy=MEND, problems=[problem])


def ask_for(state: TargetState, fleet: str, wished: Wished) -> None:
    """Leave word for the controller, which does it at once, or when it runs again."""
    said = canonical_plain({"step": wished.step, "wave": wished.wave})
    state.keep_note("", f"{_PREFIX}{fleet}.wish-{time.time_ns()}-{wished.wish}", said, durable=True)
    state.keep_note("", NUDGE, f"{timestamp()} {wished.wish} {time.monotonic_ns()}\n".encode())


def wishes_of(state: TargetState, fleet: str) -> dict[str, Wished]:
    """Return what people asked for that was not done yet, oldest first, by the files' names."""
    found = sorted(state.folder.glob(f"{_PREFIX}{fleet}.wish-*"))
    read = {path.name: _wished(path) for path in found}
    return {name: wished for name, wished in read.items() if wished is not None}


def _wished(path: Path) -> Wished | None:
    """Read one word; None where it is none, or gone by now."""
    wish = next((one for one in _WISHES if path.name.endswith(f"-{one}")), None)
    try:
        said: Any = json.loads(path.read_bytes())
        step, wave = said["step"], said["wave"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if wish is None or not isinstance(step, str) or not (wave is None or isinstance(wave, int)):
        return None
    return Wished(wish, step, wave)


def forget_wishes(state: TargetState, names: tuple[str, ...]) -> None:
    """Drop the words that were acted upon; that is remembered by then, so that none is acted upon twice."""
    for name in names:
        (state.folder / name).unlink(missing_ok=True)
