"""Where a command works: the options that say it, and the context that fills them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.contexts.context_file import Context, chosen_context, need
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub_reconciler.state import TargetState

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
_FOLDER = click.Path(path_type=Path, file_okay=False)


def target_option(*, required: bool = False) -> Callable[[Wrapped], Wrapped]:
    """Return the option ``--target``; it is ``required`` where no context fills it in."""
    return click.option(
        "--target", required=required, type=_FOLDER, help="The folder of the bots' homes: DIR/<fleet>/<home>."
    )


context_option = click.option(
    "--context", metavar="NAME", help="Where `molthub context` says. Default: the current one."
)
index_option = click.option("--index", metavar="URL|DIR", help="The index: a URL, or a folder that was built.")
state_option = click.option("--state", type=_FOLDER, help="Where receipts are kept (default: $XDG_STATE_HOME/molthub).")
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The index's root of trust (N.root.json): it must be signed, and never go back.",
)


def whole_place(
    context: str | None, index: str | None, target: Path | None, state: Path | None, *, needs_index: bool = True
) -> tuple[str, Path, Path | None]:
    """Return index, target and state as the options and a context say. Raises :class:`UsageError`.

    Where none is needed, the index may be empty.
    """
    found = said_place(context, index, target, state)
    need(found, *(("index", "target") if needs_index else ("target",)))
    return str(found.index or ""), Path(str(found.target)), Path(found.state) if found.state else None


def said_place(context: str | None, index: str | None, target: Path | None, state: Path | None) -> Context:
    """Return what the options and a context say of where bots are on this machine.

    Raises :class:`UsageError` where they are a controller's.
    """
    found = chosen_context(context, {"index": index, "target": target, "state": state})
    if found.target is not None and found.target.startswith(("http:/", "https:/")):
        remedy = "run it on the controller's machine; molthub bots list and skill-packs sync work from here"
        raise UsageError("this works on bots' folders, not through a controller", place=found.target, remedy=remedy)
    return found


def remembered(context: str | None, target: Path | None, state: Path | None) -> TargetState:
    """Return what is remembered of the target that the options or a context name. Raises :class:`UsageError`."""
    found = said_place(context, None, target, state)
    need(found, "target")
    return target_state(Path(str(found.target)), Path(found.state) if found.state else None)


def target_state(target: Path, state: Path | None) -> TargetState:
    """Return what is remembered of a target."""
    from molthub.client.paths import state_folder
    from molthub_reconciler.state import TargetState

    return TargetState((state or state_folder()).resolve(), str(target.resolve()))
