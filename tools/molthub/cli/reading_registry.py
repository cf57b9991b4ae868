"""The options of commands that only read a registry, and the catalog they ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console, counted
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub.registry.catalog import Catalog
    from molthub.registry.source import Source

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class ReadingRegistry:
    """Which state of which registry a command reads."""

    registry: str
    rev: str | None = None
    worktree: bool = False

    @functools.cached_property
    def source(self) -> Source:
        """Return the registry's files. Raises :class:`molthub.errors.RegistryError`."""
        from molthub.registry.source import open_source

        return open_source(Path(self.registry), rev=self.rev, worktree=self.worktree)

    @functools.cached_property
    def catalog(self) -> Catalog:
        """Return what the registry declares. Raises :class:`molthub.errors.RegistryError`."""
        from molthub.registry.catalog import read_catalog

        return read_catalog(self.source)

    def warn(self, console: Console) -> None:
        """Say that there are changes which are not looked at."""
        if self.source.uncommitted and self.rev is None:
            files = counted(self.source.uncommitted, "uncommitted file")
            verb = "is" if self.source.uncommitted == 1 else "are"
            console.warn(f"{files} {verb} not read; --worktree reads them")


def reading_options(command: Command) -> Command:
    """Add ``--registry``, ``--rev`` and ``--worktree``; the command gets ``reading``."""

    @click.option("--registry", metavar="DIR", default=".", help="The registry's checkout. Default: here.")
    @click.option("--rev", metavar="REV", help="The commit to read. Default: HEAD.")
    @click.option("--worktree", is_flag=True, help="Read the files as they lie on disk.")
    @functools.wraps(command)
    def with_reading(*args: Any, registry: str, rev: str | None, worktree: bool, **kwargs: Any) -> Any:
        if rev is not None and worktree:
            raise UsageError("--rev and --worktree exclude each other", remedy="give one of the two")
        return command(*args, reading=ReadingRegistry(registry, rev, worktree), **kwargs)

    return with_reading  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click
