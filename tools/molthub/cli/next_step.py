"""How commands that write into a registry end: with the commit, and what to type next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from molthub.console import Console

if TYPE_CHECKING:
    from molthub.registry.authoring.checkout import Checkout


def say_next(console: Console, checkout: Checkout, commit: str | None, *, first: str = "") -> None:
    """Say what was committed, if anything was, and the next steps. The registry is named as it was typed.

    ``first`` is a command that comes before the check.
    """
    here = checkout.shown == "."
    place = shlex.quote(checkout.shown)
    registry = "" if here else f" --registry {place}"
    before = f"{first}{registry}, then " if first else ""
    if commit:
        console.say(f"committed {commit[:12]} on {checkout.branch}")
        console.say(f"next: {before}molthub check{registry}, then git {'' if here else f'-C {place} '}push")
    else:
        console.say(f"not committed; next: {before}molthub check{registry} --worktree")
