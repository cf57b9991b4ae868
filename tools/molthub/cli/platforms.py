"""``molthub platforms``: the agent programs that bots may run on, and what is written where for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from molthub.command_group import CommandGroup
from molthub.console import Console, common_options

if TYPE_CHECKING:
    from molthub.platforms.about import About

_SYSTEMS = ("linux", "darwin", "win32")
_TAKEN = {"hot": "at once", "session": "in the next session", "restart": "when it starts anew"}
_WAYS = {
    "before": "found first, its own skill of that name is not taken",
    "after": "found too, its own skill of that name is taken",
    "beside": "found too, either skill of that name may be taken",
}
_system = click.option(
    "--system",
    type=click.Choice(_SYSTEMS),
    default=sys.platform if sys.platform in _SYSTEMS else "linux",
    show_default="this one",
    help="The system on which the homes are.",
)


@click.group(cls=CommandGroup)
def platforms() -> None:
    """Say what agent programs bots may run on, and which of their files are written.

    \b
    Examples:
      molthub platforms list
      molthub platforms show gemini-cli
    """


@platforms.command("list")
@_system
@common_options
def list_platforms(console: Console, *, system: str) -> None:
    """List every platform with where its skills and its MCP servers stand in a home.

    \b
    Examples:
      molthub platforms list
      molthub platforms list --system darwin --json
    """
    from molthub.platforms.about import every_platform

    found = every_platform(system)
    console.json({"platforms": [one.to_json() for one in found]})
    rows = [(one.name, one.title, one.skills, f"{one.file} {'.'.join(one.at)}") for one in found]
    console.table(("PLATFORM", "PROGRAM", "SKILLS", "MCP SERVERS"), rows)
    console.say("next: molthub platforms show NAME")


@platforms.command()
@click.argument("name")
@_system
@common_options
def show(console: Console, *, name: str, system: str) -> None:
    """Show what is written for the platform NAME and where, how a secret gets in, and what is its owner's.

    \b
    Examples:
      molthub platforms show codex
      molthub platforms show vscode --system darwin
    """
    from molthub.platforms.about import about

    one = about(name, system)
    console.json(one.to_json())
    console.result(f"{one.name}: {one.title}")
    console.table(("WHAT", "HOW"), list(_lines(one)))


def _lines(one: About) -> Iterator[tuple[str, str]]:
    """Yield what is said of one platform, each with its head."""
    yield "skills", one.skills
    for folder, way in one.finds.items():
        yield "", f"{folder}: {_WAYS[way]}"
    yield "servers", f"{one.file}, in {'.'.join(one.at)}: {', '.join(one.transports)}"
    yield "secrets", "; ".join(_secrets(one))
    for pitfall in one.pitfalls:
        yield "", pitfall.replace("`", "")
    yield "taken up", f"skills {_TAKEN[one.skills_taken]}, servers {_TAKEN[one.servers_taken]}"
    for head, names in (
        ("sooner by", (one.hint,)),
        ("the owner's", one.owners_fields),
        ("its own servers", one.reserved_servers),
        ("its own skills", one.bundled_skills),
        ("judged by", (one.judged_by,)),
    ):
        if any(names):
            yield head, ", ".join(names)


def _secrets(one: About) -> Iterator[str]:
    if one.named_in:
        yield f"named in {', '.join(one.named_in)}, or else the server is started by molthub exec"
    elif one.secret:
        yield f"written as {one.secret}"
    if one.started_by_exec and not one.named_in:
        yield f"a server with one in {', '.join(one.started_by_exec)} is started by molthub exec"
    if one.withheld:
        yield f"a server that needs one of {', '.join(one.withheld)} is started by molthub exec"
