"""The options that commands of ``molthub rollout`` share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from molthub.console import common_options
from molthub.errors import MolthubError
from molthub_reconciler.places import context_option, remembered, state_option, target_option

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


def place_options(command: Wrapped) -> Wrapped:
    """Add the options that say whose rollouts are meant."""
    return context_option(target_option(state_option(common_options(command))))


def fleet_argument(*, required: bool = True) -> Callable[[Wrapped], Wrapped]:
    """Return the argument FLEET; a shell offers the fleets that have rollouts there."""
    return click.argument("fleet", required=required, shell_complete=_fleets)


def _fleets(context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    from molthub_reconciler.rollout.kept import fleets_of

    said = context.params
    with suppress(MolthubError, OSError):  # what is wrong offers nothing
        place = remembered(said.get("context"), *(_folder(said.get(key)) for key in ("target", "state")))
        return [CompletionItem(fleet) for fleet in fleets_of(place) if fleet.startswith(word)]
    return []


def _folder(said: Any) -> Path | None:
    return None if said is None else Path(said)
