"""Where a command works: the options that say it, and the context that fills them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, cast

import click

from molthub.contexts.context_file import Context, chosen_context, need, read_contexts

if TYPE_CHECKING:
    from molthub_reconciler.records.state import TargetState
    from molthub_reconciler.workplace import Workplace

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
_FOLDER = click.Path(path_type=Path, file_okay=False)


def _known_contexts(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    from molthub.errors import MolthubError

    try:
        return [name for name in read_contexts().known if name.startswith(typed)]
    except (MolthubError, OSError):
        return []


target_option = click.option("--target", type=_FOLDER, help="The folder of the bots' homes: DIR/<fleet>/<home>.")
context_option = click.option(
    "--context",
    metavar="NAME",
    shell_complete=_known_contexts,
    help="Where `molthub context` says. Default: the current one.",
)
index_option = click.option("--index", metavar="URL|DIR", help="The index: a URL, or a folder that was built.")
state_option = click.option("--state", type=_FOLDER, help="Where receipts are kept (default: $XDG_STATE_HOME/molthub).")
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The index's root of trust (N.root.json): it must be signed, and never go back.",
)


@dataclass(frozen=True, slots=True)
class WholePlace:
    """Where a command works; ``index`` may be empty where none is needed, ``selector`` is a context's."""

    index: str
    target: Path
    state: Path | None
    selector: str | None


def whole_place(
    context: str | None, index: str | None, target: Path | None, state: Path | None, *, needs_index: bool = True
) -> WholePlace:
    """Return index, target and state as the options and a context say. Raises :class:`UsageError`."""
    found = said_place(context, index, target, state)
    need(found, *(("index", "target") if needs_index else ("target",)))
    kept = Path(found.state) if found.state else None
    return WholePlace(str(found.index or ""), Path(str(found.target)), kept, found.selector)


def said_place(context: str | None, index: str | None, target: Path | None, state: Path | None) -> Context:
    """Return what the options and a context say of where bots are on this machine.

    Where they are a controller's, it runs the command instead (:mod:`molthub_reconciler.remote.ordered`), and this
    does not return. Raises :class:`UsageError` for commands that it does not run.
    """
    found = chosen_context(context, {"index": index, "target": target, "state": state})
    controller = _controller(found)
    if controller is not None:
        controller.run_there()
    return found


def elsewhere(context: str | None, target: Path | None, state: Path | None) -> Elsewhere | None:
    """Return the controller whose bots the options and a context name; None where those are on this machine."""
    return _controller(chosen_context(context, {"target": target, "state": state}))


def _controller(found: Context) -> Elsewhere | None:
    address = _ADDRESS.match(found.target) if found.target is not None else None
    if address is None:
        return None
    from molthub.observed import open_target

    return cast("Elsewhere", open_target(f"{address[1]}://{address[2]}", index=None, state=None))


class Elsewhere(Protocol):
    """A controller, as whoever runs commands sees it."""

    def asked_there(self, command: str, options: Mapping[str, Any]) -> tuple[int, str]:
        """Have the controller run a command; return its exit status and what it printed. Raises MolthubError."""
        ...

    def run_there(self) -> NoReturn:
        """Have the controller run the command at hand instead, and end as it ended there."""
        ...


_ADDRESS = re.compile(r"(https?):/+(.+)\Z")  # a path swallows a slash


def holding(context: click.Context, place: Workplace) -> None:
    """Have a command work at ``place``, of which whoever runs it holds the lock: a controller between two passes."""
    context.meta[_HELD] = place


def held_place() -> Workplace | None:
    """Return the place where the command at hand is to work, if it is run by whoever holds the lock there."""
    return click.get_current_context().meta.get(_HELD)


def locked(state: TargetState) -> AbstractContextManager[None]:
    """Return the lock of a target; nothing, where whoever runs the command at hand has it already."""
    return nullcontext() if held_place() is not None else state.lock()


_HELD = "molthub_reconciler.held"


def remembered(context: str | None, target: Path | None, state: Path | None) -> TargetState:
    """Return what is remembered of the target that the options or a context name. Raises :class:`UsageError`."""
    found = said_place(context, None, target, state)
    need(found, "target")
    return target_state(Path(str(found.target)), Path(found.state) if found.state else None)


def target_state(target: Path, state: Path | None) -> TargetState:
    """Return what is remembered of a target."""
    from molthub.client.paths import state_folder
    from molthub_reconciler.records.state import TargetState

    return TargetState((state or state_folder()).resolve(), str(target.resolve()))
