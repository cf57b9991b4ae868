"""What people type about packs, as documents hold it: names, skills, servers, variables. Pure."""

from __future__ import annotations

from molthub.documents import DNS_LABEL, SKILL_NAME
from molthub.errors import UsageError
from molthub.model import Json
from molthub.registry.authoring.mend import slug
from molthub.versions import is_range


def pack_name(display_name: str) -> str:
    """Return the name of a pack that people call ``display_name``. Raises :class:`UsageError`."""
    name = display_name if DNS_LABEL.match(display_name) else slug(display_name)[:63].strip("-")
    if not name:
        raise UsageError(f"no name can be made of {display_name!r}", remedy="give one with letters or digits in it")
    return name


def skill_item(text: str) -> Json:
    """Return what a pack says of ``git`` or ``git@^1.2`` or ``@acme/notes@2``. Raises :class:`UsageError`."""
    name, _, wanted = text.strip().rpartition("@") if "@" in text.strip()[1:] else (text.strip(), "", "")
    if not SKILL_NAME.match(name):
        raise UsageError(f"{text!r} is no skill", remedy="write NAME or NAME@RANGE, separated by commas")
    if not wanted:
        return name
    if not is_range(wanted):
        raise UsageError(f"{wanted!r} is no version range", remedy="write it as npm does: git@^1.2")
    return {"name": name, "version": wanted}


def server_item(text: str) -> Json:
    """Return what a pack says of ``NAME=COMMAND`` or ``NAME=URL``. Raises :class:`UsageError`."""
    name, equals, command = text.partition("=")
    if not (name and equals and command.strip()):
        raise UsageError(f"{text!r} is no MCP server", remedy="write NAME=COMMAND or NAME=https://...")
    field = "url" if command.startswith(("http://", "https://")) else "command"
    return {"name": name, field: command.strip()}


def variable(text: str) -> tuple[str, str]:
    """Return the key and value of ``KEY=VALUE``. Raises :class:`UsageError`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"{text!r} is no variable", remedy="write KEY=VALUE")
    return key, value


def base_item(text: str) -> Json:
    """Return what a pack says of the base ``standard-dev`` or ``standard-dev@3``. Raises :class:`UsageError`."""
    name, number = pack_and_number(text)
    return name if number is None else {"name": name, "version": number}


def pack_and_number(text: str) -> tuple[str, int | None]:
    """Return the name and number of ``standard-dev`` or ``standard-dev@3``. Raises :class:`UsageError`."""
    name, _, number = text.strip().partition("@")
    number = "" if number == "latest" else number
    if not DNS_LABEL.match(name) or (number and not (number.isascii() and number.isdecimal() and int(number))):
        raise UsageError(f"{text!r} is no pack", remedy="write NAME or NAME@N, as standard-dev@3")
    return name, int(number) if number else None
