"""What a shell offers for names: packs, bots, fleets and skills of the checkout at hand, and contexts.

Folders are listed and no YAML of the registry is read: a person who presses Tab waits for no parser. What is wrong
offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

_USUAL_FOLDER = "registry-index"

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def packs(context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer packs; behind `NAME@` its versions."""
    name, at, _ = word.partition("@")
    folder = _registry(context) / "packs"
    if not at:
        return _offered(_folders(folder), word)
    return _offered((f"{name}@{path.stem}" for path in (folder / name).glob("*.yaml") if path.stem.isdecimal()), word)


def bots(context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer bots with their fleets, and alone where a fleet is not typed yet."""
    paths = [*_bots(context)]
    return _offered([*paths, *(path.partition("/")[2] for path in paths if "/" not in word and word)], word)


def fleets(context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer fleets."""
    return _offered(_folders(_registry(context) / "fleets"), word)


def skills(context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer skills, those in scopes by their full names."""
    folder = _registry(context) / "skills"
    scoped = (
        f"{scope}/{name}" for scope in _folders(folder) if scope.startswith("@") for name in _folders(folder / scope)
    )
    return _offered([*(name for name in _folders(folder) if not name.startswith("@")), *scoped], word)


def contexts(_context: click.Context, _parameter: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer the operator's contexts."""
    from molthub.contexts.context_file import read_contexts
    from molthub.errors import MolthubError

    with suppress(MolthubError, OSError):
        return _offered(read_contexts().known, word)
    return []


def listed(one: Complete) -> Complete:
    """Return the completion of a list with commas: of its last word."""

    def complete(context: click.Context, parameter: click.Parameter, word: str) -> list[CompletionItem]:
        before, comma, last = word.rpartition(",")
        typed = set(before.split(","))
        found = (item.value for item in one(context, parameter, last) if item.value not in typed)
        return [CompletionItem(f"{before}{comma}{value}") for value in found]

    return complete


def _registry(context: click.Context) -> Path:
    """Return the checkout that the command line names so far: an option's, a context's, or the one here."""
    given = context.params.get("registry")
    if given is None:
        from molthub.contexts.context_file import chosen_context
        from molthub.errors import MolthubError

        with suppress(MolthubError, OSError):
            given = chosen_context(context.params.get("context"), {}).registry
    folder = Path(given or ".")
    return folder / _USUAL_FOLDER if (folder / _USUAL_FOLDER / "registry.yaml").is_file() else folder


def _folders(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from sorted(path.name for path in folder.iterdir() if path.is_dir())


def _bots(context: click.Context) -> Iterator[str]:
    folder = _registry(context) / "fleets"
    fleet = context.params.get("fleet")
    for path in sorted(folder.glob(f"{fleet or '*'}/bots/*.yaml")):
        yield f"{path.parent.parent.name}/{path.stem}"


def _offered(names: Iterable[str], word: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(word)]
