"""What the shell offers while somebody types the name of a bot or a fleet: those that are on record on this machine.

Nothing is fetched: whoever types waits for no network. What cannot be read offers nothing, and says nothing.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from molthub.contexts.context_file import chosen_context
from molthub.errors import MolthubError


def bots(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Return the bots that what was typed may mean: as ``<fleet>/<bot>``, and by name where one bot has it."""
    known = _on_record(context)
    names = Counter(bot.partition("/")[2] for bot in known)
    alone = sorted(name for name, count in names.items() if count == 1)
    return [name for name in (*known, *(alone if typed else ())) if name.startswith(typed)]


def fleets(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Return the fleets that what was typed may mean."""
    return sorted({fleet for bot in _on_record(context) if (fleet := bot.partition("/")[0]).startswith(typed)})


def bots_and_fleets(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Return both."""
    return [*fleets(context, parameter, typed), *bots(context, parameter, typed)]


def _on_record(context: click.Context) -> tuple[str, ...]:
    from molthub_reconciler.places import target_state

    said = context.params
    try:
        found = chosen_context(said.get("context"), {"target": said.get("target"), "state": said.get("state")})
    except (MolthubError, OSError):
        return ()
    if found.target is None or "://" in found.target:
        return ()
    return target_state(Path(found.target), Path(found.state) if found.state else None).bots()
