"""How an index is to be built."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from molthub.index.search_cut.bounds import USUAL, Bounds
from molthub.index.views import Views
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar for some work of so many steps, and is told of each step that is done."""


@dataclass(frozen=True)
class Wanted:
    """How to build. ``max_delete`` is the share of skills, or of bots, that one build may take away (1: all).

    ``upstreams`` bring the files of imported versions. ``bounds`` say how large search lists are.
    ``upstreams`` bring the files of imported versions. ``views`` says what is written beside the read path.
    """

    fleets: bool = False
    jobs: int = 1
    max_delete: float = 1.0
    progress: Progress = lambda _what, _steps: nullcontext(lambda _done: None)
    upstreams: Upstreams = NO_UPSTREAMS
    views: Views = Views.ALL
    bounds: Bounds = USUAL
