"""The options of commands that look at what is declared and at what bots have, and where these come from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.cli import completing
from molthub.cli.reading_registry import ReadingRegistry
from molthub.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from molthub.client.index import Index
    from molthub.contexts.context_file import Context
    from molthub.observed import ObservedTarget

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operating:
    """Where a command works: the operator's ``place``, and a registry's checkout where there is one.

    ``asks_for_registry``: it was named, so its absence is an error.
    """

    place: Context
    registry: str
    rev: str | None
    worktree: bool
    asks_for_registry: bool

    @functools.cached_property
    def reading(self) -> ReadingRegistry | None:
        """The registry; None where none was named, and none is here. Raises :class:`RegistryError`."""
        reading = ReadingRegistry(self.registry, self.rev, self.worktree)
        try:
            reading.source  # noqa: B018 (opens it)
        except RegistryError:
            if self.asks_for_registry or self.place.index is None:
                raise
            return None
        return reading

    def need_registry(self) -> ReadingRegistry:
        """Return the registry. Raises :class:`RegistryError` where there is none."""
        return self.reading or ReadingRegistry(self.registry, self.rev, self.worktree)

    @functools.cached_property
    def target(self) -> ObservedTarget | None:
        """The target; None where neither an option nor a context names one."""
        if self.place.target is None:
            return None
        from molthub.observed import open_target

        return open_target(self.place.target, index=self.place.index, state=self.place.state)

    @functools.cached_property
    def index(self) -> Index:
        """The index. Raises :class:`UsageError` where neither an option nor a context names one."""
        from molthub.client.index import Index
        from molthub.client.paths import index_cache
        from molthub.contexts.context_file import need

        need(self.place, "index")
        where = str(self.place.index)
        state = Path(self.place.state).resolve() if self.place.state else None
        return Index.open(where, cache=index_cache(where) if "://" in where else None, state=state)


def operating_options(command: Command) -> Command:
    """Add ``--context``, ``--index``, ``--target``, ``--state`` and the options of reading a registry."""

    @click.option(
        "--context",
        metavar="NAME",
        shell_complete=completing.contexts,
        help="Where `molthub context` says. Default: the current one.",
    )
    @click.option("--index", metavar="URL|DIR", help="The index: a URL, or a folder that was built.")
    @click.option("--target", metavar="DIR|URL", help="The bots' homes, DIR/<fleet>/<home>, or a controller.")
    @click.option("--state", metavar="DIR", help="Where receipts are kept (default: $XDG_STATE_HOME/molthub).")
    @click.option("--registry", metavar="DIR", help="The registry's checkout. Default: here, or the context's.")
    @click.option("--rev", metavar="REV", help="The commit to read. Default: HEAD.")
    @click.option("--worktree", is_flag=True, help="Read the files as they lie on disk.")
    @functools.wraps(command)
    def with_operating(
        *args: Any,
        context: str | None,
        index: str | None,
        target: str | None,
        state: str | None,
        registry: str | None,
        rev: str | None,
        worktree: bool,
        **kwargs: Any,
    ) -> Any:
        from molthub.contexts.context_file import chosen_context

        if rev is not None and worktree:
            raise UsageError("--rev and --worktree exclude each other", remedy="give one of the two")
        place = chosen_context(context, {"index": index, "target": target, "state": state, "registry": registry})
        asked = registry is not None or rev is not None or worktree
        operating = Operating(place, place.registry or ".", rev, worktree, asked)
        return command(*args, operating=operating, **kwargs)

    return with_operating  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click
