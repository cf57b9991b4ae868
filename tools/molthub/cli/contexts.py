"""``molthub context``: where an operator's indexes and bots are, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.command_group import CommandGroup
from molthub.console import Console, common_options
from molthub.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from molthub.contexts.context_file import Contexts


@click.group(cls=CommandGroup)
def context() -> None:
    """Name the places you work with: an index, the folder of its bots, the reconciler's state, a registry's checkout.

    They are kept in ~/.config/molthub/contexts.yaml, which is yours to edit ($MOLTHUB_CONTEXTS names another file).
    Commands on bots take the current context where neither --index nor --target is given, and another one by --context.

    \b
    Examples:
      molthub context set prod --index https://skills.example.com/ --target /srv/bots
      molthub context use prod
      molthub drift
      molthub drift --context staging
    """


@context.command("list")
@common_options
def list_contexts(console: Console) -> None:
    """List the contexts; a star marks the current one.

    \b
    Examples:
      molthub context list
      molthub context list --json
    """
    from molthub.contexts.context_file import read_contexts

    contexts = read_contexts()
    shown = [found.to_json() for found in contexts.known.values()]
    console.json({"file": str(contexts.path), "current": contexts.current, "contexts": shown})
    if not contexts.known:
        console.say("there are no contexts yet; set one: molthub context set prod --index URL|DIR --target DIR")
        return
    rows = [
        ("*" if name == contexts.current else "", name, found.index or "", found.target or "", found.selector or "")
        for name, found in contexts.known.items()
    ]
    if any(found.selector for found in contexts.known.values()):
        console.table(("", "NAME", "INDEX", "TARGET", "SELECTOR"), rows)
    else:
        console.table(("", "NAME", "INDEX", "TARGET"), [row[:4] for row in rows])


@context.command()
@click.argument("name", required=False)
@common_options
def show(console: Console, *, name: str | None) -> None:
    """Show a context: the current one, or the one named.

    \b
    Examples:
      molthub context show
      molthub context show staging --json
    """
    from molthub.contexts.context_file import read_contexts

    contexts = read_contexts()
    chosen = name or contexts.current
    if chosen is None:
        raise NotFoundError(
            "no context is the current one", place=str(contexts.path), remedy="molthub context use NAME"
        )
    shown = contexts.named(chosen).to_json()
    for key, value in shown.items():
        console.result(f"{key}: {value}")
    console.json(shown)


@context.command()
@click.argument("name")
@common_options
def use(console: Console, *, name: str) -> None:
    """Make a context the current one.

    \b
    Examples:
      molthub context use staging
    """
    from molthub.contexts.context_file import read_contexts

    contexts = read_contexts()
    found = contexts.named(name)
    _edit(contexts, {("current",): name})
    console.result(f"the current context is {name}" + (f": {found.target}" if found.target else ""))
    console.json({"current": name})


@context.command("set")
@click.argument("name")
@click.option("--index", metavar="URL|DIR", help="The index: a URL, or a folder that was built.")
@click.option("--target", metavar="DIR|URL", help="The folder of the bots' homes, or the URL of a controller.")
@click.option("--state", metavar="DIR", help="Where the reconciler keeps its receipts.")
@click.option("--registry", metavar="DIR", help="The registry's checkout, for commands that edit it.")
@click.option("--selector", metavar="LABELS", help="Which bots are kept there, where it is not all: machine=m1.")
@common_options
def set_context(
    console: Console,
    *,
    name: str,
    index: str | None,
    target: str | None,
    state: str | None,
    registry: str | None,
    selector: str | None,
) -> None:
    """Make a context, or change what it says. The first one becomes the current one.

    \b
    Examples:
      molthub context set prod --index https://skills.example.com/ --target /srv/bots
      molthub context set prod --state /var/lib/molthub
      molthub context set m1 --index https://skills.example.com/ --target /srv/bots --selector machine=m1
    """
    from molthub.client.addresses import parse_address
    from molthub.contexts.context_file import NAME, PLACES, read_contexts
    from molthub.selectors import selector as terms_of

    if not NAME.match(name):
        remedy = "use letters, digits, hyphens, dots and underscores, at most 63"
        raise UsageError(f"{name!r} is no name for a context", remedy=remedy)
    given = {"index": index, "target": target, "state": state, "registry": registry, "selector": selector}
    said = {key: value for key, value in given.items() if value is not None}
    if not said:
        raise UsageError("nothing is said about it", remedy="give --index, --target, --state, --registry or --selector")
    terms_of([selector or ""])
    contexts = read_contexts()
    if index is not None and index.startswith(("http://", "https://")):
        parse_address(index)
    edits: dict[tuple[str, ...], str | None] = {("current",): name} if contexts.current is None else {}
    edits |= {("contexts", name, key): _absolute(value) if key in PLACES else value for key, value in said.items()}
    _edit(contexts, edits)
    shown = read_contexts().named(name).to_json()
    console.result(f"{'changed' if name in contexts.known else 'made'} the context {name}")
    if contexts.current is None:
        works = (
            "molthub bots and skill-packs look" if "://" in (target or "") else "molthub drift, plan and reconcile work"
        )
        console.say(f"it is the current one: {works} there")
    elif contexts.current != name:
        console.say(f"next: molthub context use {name}, or --context {name}")
    console.json(shown)


@context.command()
@click.argument("name")
@common_options
def remove(console: Console, *, name: str) -> None:
    """Forget a context. Nothing at its places is touched.

    \b
    Examples:
      molthub context remove staging
    """
    from molthub.contexts.context_file import read_contexts

    contexts = read_contexts()
    contexts.named(name)
    _edit(contexts, {("contexts", name): None, **({("current",): None} if contexts.current == name else {})})
    console.result(f"forgot the context {name}")
    console.json({"removed": name})


def _absolute(value: str) -> str:
    return value if "://" in value else str(Path(value).expanduser().resolve())


def _edit(contexts: Contexts, edits: dict[tuple[str, ...], str | None]) -> None:
    """Change single values of the file; None takes one away. Comments and all else stay as they are."""
    from molthub.atomic import write_atomically
    from molthub.registry import edit

    text = contexts.text
    for pointer, value in edits.items():
        if value is None:
            text = edit.remove(text, pointer, file=str(contexts.path))
        else:
            text = edit.set_value(text, pointer, value, file=str(contexts.path))
    contexts.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(contexts.path, text.encode(), 0o600)
