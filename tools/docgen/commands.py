"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

import click

from docgen.kinds import settings
from docgen.markdown import anchor, bullets, code, fence, page, table
from molthub.console import common_options

if TYPE_CHECKING:
    from collections.abc import Iterator


def pages() -> dict[str, str]:
    """Return `CLI_REFERENCE.md`."""
    found = list(walk())
    listed = bullets(f"[{code(path)}](#{anchor(path)}) {_short(command)}" for path, command in found)
    common = [_option_row(option) for option in _common_options()]
    return {
        "CLI_REFERENCE.md": page(
            "Commands",
            settings()["command-line"]["introduction"],
            listed,
            "## Options of every command",
            table(("Option", "Meaning"), common),
            "## Exit status",
            table(("Status", "Meaning"), settings()["command-line"]["exit-status"].items()),
            *(block for path, command in found for block in _command(path, command)),
        )
    }


def walk() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with the words that call it; `molthub skills X` is called `skills X`."""
    from molthub.cli.main import molthub_group, skills_group

    yield from _below(skills_group, "skills", skip=())
    yield from _below(molthub_group, "molthub", skip=("skills",))


def _below(group: click.Group, path: str, skip: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = None if name in skip else _load(group, context, name)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from _below(command, f"{path} {name}", ())
        elif command is not None and not command.hidden:
            yield f"{path} {name}", command


def _load(group: click.Group, context: click.Context, name: str) -> click.Command | None:
    try:
        return group.get_command(context, name)
    except (ImportError, AttributeError) as error:
        print(f"{name} is left out: {error}", file=sys.stderr)
        return None


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    common = {option.name for option in _common_options()}
    options = [param for param in command.params if isinstance(param, click.Option) and param.name not in common]
    rows = [_option_row(option) for option in options if not option.hidden]
    yield f"## {path}"
    yield fence(" ".join([path, *command.collect_usage_pieces(context)]))
    yield from _help_blocks(command.help or "")
    yield table(("Option", "Meaning"), rows) if rows else ""
    yield _exit_status(path)


def _help_blocks(text: str) -> Iterator[str]:
    r"""Split a help text into blocks; what click must not wrap (after a `\b` line) becomes code below its heading."""
    for paragraph in inspect.cleandoc(text).replace("\f", "").split("\n\n"):
        head, verbatim, body = paragraph.strip("\n").rpartition("\b\n")
        if not verbatim:
            yield body.strip()
            continue
        lines = (head + body).split("\n")
        if lines[0].endswith(":") and not lines[0].startswith(" "):
            yield lines.pop(0)
        if lines:
            yield fence(inspect.cleandoc("\n" + "\n".join(lines)))


def _option_row(option: click.Parameter) -> tuple[str, str]:
    record = option.get_help_record(click.Context(click.Command("none"), terminal_width=100))
    assert record is not None  # noqa: S101 (only hidden options have no record)
    names, meaning = record
    return code(names), meaning


def _common_options() -> list[click.Parameter]:
    return list(click.command("none")(common_options(lambda _console: None)).params)


def _exit_status(path: str) -> str:
    own: dict[str, str] = settings()["exit-status"].get(path, {})
    return "Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in own.items()) if own else ""


def _short(command: click.Command) -> str:
    return command.get_short_help_str(limit=100)
