"""``molthub doctor``: whether what commands need is in order on this machine, and what can be done where it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub import __version__
from molthub.cli import completing
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, MolthubError

if TYPE_CHECKING:
    from molthub.contexts.context_file import Context, Contexts
    from molthub.model import Json

_EXTRAS = {"registry": ("pygit2", "ruamel.yaml", "jsonschema"), "reconciler": ("watchfiles",)}
_WELL = frozenset({"in-sync", "revoked", "rolled-back", "suspended"})


@dataclass(frozen=True)
class _Finding:
    """One thing that was looked at. ``remedy`` is empty where it is in order."""

    what: str
    said: str
    remedy: str = ""

    def to_json(self) -> Json:
        """Return the shape that ``--json`` prints."""
        return {"what": self.what, "ok": not self.remedy, "said": self.said, "remedy": self.remedy}


@click.command()
@click.option("--context", metavar="NAME", shell_complete=completing.contexts, help="Only this context. Default: all.")
@common_options
def doctor(console: Console, *, context: str | None) -> ExitStatus:
    """Look whether what commands need is in order on this machine, and change nothing.

    Looked at are the installed extras, git, the settings of secrets, and of each context its index, the folder of its
    bots and how they were last seen. `molthub drift` looks at the bots themselves.

    \b
    Examples:
      molthub doctor
      molthub doctor --context prod --json

    \b
    Exit status:
      0  all is in order
      1  something is not: each with what can be done
    """
    found = [*_of_machine(), *_of_contexts(context)]
    for one in found:
        mark = console.style("!", fg="red") if one.remedy else console.style("=", fg="green")
        console.result(f"{mark} {one.what}: {one.said}")
        if one.remedy:
            console.result(f"    {one.remedy}")
    console.json({"format": "molthub.doctor/1", "version": __version__, "findings": [one.to_json() for one in found]})
    wrong = sum(bool(one.remedy) for one in found)
    console.say("all is in order" if not wrong else f"{counted(wrong, 'thing')} to look after")
    return ExitStatus.FAILED if wrong else ExitStatus.DONE


def _of_machine() -> Iterator[_Finding]:
    there = [extra for extra, modules in _EXTRAS.items() if all(_is_there(module) for module in modules)]
    yield _Finding("molthub", f"{__version__}, with {' and '.join(there) or 'no extras'}")
    yield _tried("git", _git)
    yield _tried("secrets", _secrets)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _tried(what: str, look: Callable[[], str]) -> _Finding:
    try:
        return _Finding(what, look())
    except (MolthubError, OSError) as error:
        remedy = error.remedy if isinstance(error, MolthubError) else ""
        return _Finding(what, str(error), remedy or "the message names the place")


def _git() -> str:
    from shutil import which

    from molthub.registry.authoring.checkout import require_identity

    if which("git") is None:
        raise MolthubError("it is not installed", remedy="install git: commands that edit a registry commit with it")
    require_identity(Path.cwd())
    return "installed, and it knows who commits"


def _secrets() -> str:
    from molthub.secrets.assemble import resolver_for
    from molthub.secrets.read_settings import read_settings

    settings = read_settings()
    if settings.where and settings.tells_bots_apart:
        return f"as {settings.where} says, for each bot"
    asked = ", ".join(provider.name for provider in resolver_for(settings, None).providers)
    return f"asked are {asked}" + (f", as {settings.where} says" if settings.where else "")


def _of_contexts(only: str | None) -> Iterator[_Finding]:
    from molthub.contexts.context_file import read_contexts

    try:
        contexts = read_contexts()
        chosen = [contexts.named(only)] if only else [*contexts.known.values()]
    except MolthubError as error:
        yield _Finding("contexts", str(error), error.remedy)
        return
    if not chosen:
        yield _Finding("contexts", "none is set; molthub context set prod --index URL|DIR --target DIR makes one")
    for context in chosen:
        yield from _of_context(context, contexts)


def _of_context(context: Context, contexts: Contexts) -> Iterator[_Finding]:
    name = f"context {context.name}{' (current)' if context.name == contexts.current else ''}"
    if context.index is not None:
        yield _tried(f"{name}, index", lambda: _index(context))
    if context.target is not None:
        yield _target(f"{name}, bots", context)


def _index(context: Context) -> str:
    from molthub.client.index import Index
    from molthub.client.paths import index_cache

    where = str(context.index)
    index = Index.open(where, cache=index_cache(where) if "://" in where else None)
    root = index.root()
    fleets = index.fleets()
    return f"{where} at {root.revision[:12]}, {counted(len(fleets), 'fleet')}"


def _target(what: str, context: Context) -> _Finding:
    from molthub.cli.listed_bots import age
    from molthub.observed import open_target

    where = str(context.target)
    if "://" not in where and not Path(where).is_dir():
        return _Finding(what, f"{where} is not there", "`molthub reconcile` makes it, or: molthub context set")
    try:
        seen = open_target(where, index=context.index, state=context.state).remembered()
    except (MolthubError, OSError) as error:
        remedy = error.remedy if isinstance(error, MolthubError) else ""
        return _Finding(what, str(error), remedy or "look at the place that it names")
    if not seen:
        return _Finding(what, f"{where}: none was seen yet; molthub plan says what a reconcile would do")
    states = Counter(str(bot.state) for bot in seen.values())
    newest = max((bot.at for bot in seen.values() if bot.at), default=None)
    said = f"{where}: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}"
    said += f"; something was new {age(newest)} ago" if newest else ""
    ill = sorted(states.keys() - _WELL)
    remedy = f"molthub bots list --context {context.name} --status {','.join(ill)}" if ill and ill != ["None"] else ""
    return _Finding(what, said, remedy)
