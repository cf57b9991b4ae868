"""What a machine is to keep running. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from molthub.documents import hex_of

MARK = "Written by molthub reconcile"
"""Stands in every file that was made here: no other one is replaced or removed."""
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Job:
    """A ``command`` that runs on: the ``name`` of its file without an ending, and what it is ``about``.

    ``files`` are options of the command whose files hold secrets: tokens, keys. ``user`` is who runs it; None: the user
    himself. ``writable`` are the folders that it writes into, and it listens at a ``port`` below 1024 where there is
    one.
    """

    name: str
    about: str
    command: Sequence[str]
    user: str | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    writable: Sequence[Path] = ()
    port: int | None = None


def agent_name(bot: str) -> str:
    """Return the name of a bot's agent: letters, digits, hyphens and dots alone, as bots' names are."""
    return f"molthub-agent-{bot.replace('/', '.')}"


def target_name(target: PurePath) -> str:
    """Return the name of whoever keeps the bots of a target: its path in words, told from any other that reads so."""
    path = target.as_posix()
    words = re.sub(r"[^a-z0-9.]+", "-", path.lower()).strip("-.")[:_LONGEST]
    is_plain = path == f"/{words.replace('-', '/')}" and words
    return f"molthub-reconcile-{words}" if is_plain else f"molthub-reconcile-{words}-{hex_of(path.encode())[:8]}"
