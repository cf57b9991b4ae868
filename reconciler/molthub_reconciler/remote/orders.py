"""The commands that an operator may give from elsewhere, and how they travel: by name, with named values. Pure.

Only what is listed here is run for somebody else; where bots, index and state are is the controller's own affair, so
the options that say it do not travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from molthub.errors import FormatError, UsageError

_LOOK = frozenset(
    {"bots", "fleets", "selector", "full", "show_ignored", "elsewhere", "detail", "form", "prefix", "as_json", "quiet"}
)
_OF_FLEET = frozenset({"fleet", "as_json", "quiet"})
LOOKS: dict[str, frozenset[str]] = {
    "plan": _LOOK,
    "drift": _LOOK,
    "history": frozenset({"bot", "count", "as_json", "quiet"}),
    "rollout status": _OF_FLEET,
    "rollout history": _OF_FLEET | {"export", "change"},
    "agents list": frozenset({"as_json", "quiet"}),
}
"""What everybody with an operator's token may ask, and with which options."""
OPERATES: dict[str, frozenset[str]] = {
    "rollback": frozenset({"bots", "to", "release", "dry_run", "allow_mass_removal", "as_json", "quiet"}),
    **{f"rollout {wish}": _OF_FLEET for wish in ("pause", "resume", "promote", "abort", "undo")},
}
"""What only those may ask who may operate."""
ROLLBACK = "rollback"
MAX_ANSWER = 64 * 1024 * 1024
OF_THIS_MACHINE = frozenset({"context", "index", "target", "output", "no_color", "debug"})
"""Options that say where, and how it looks here; they do not travel."""
_MOST_VALUES = 10_000
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Order:
    """A command by its name below `molthub`, with its ``options`` by the names of their parameters."""

    command: str
    options: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """Whether it is for those alone who may operate."""
        return self.command in OPERATES

    def to_json(self) -> dict[str, Any]:
        """Return the document ``molthub.order/1``."""
        return {"format": "molthub.order/1", "command": self.command, "options": dict(self.options)}

    def arguments(self, command: click.Command) -> list[str]:
        """Return the order as words of a command line: no value of it can be taken for an option."""
        options: list[str] = []
        words: list[str] = []
        for parameter in command.params:
            value = self.options.get(str(parameter.name))
            if value is None or value is False:
                continue
            values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
            if isinstance(parameter, click.Argument):
                words += values
            elif value is True:
                options.append(max(parameter.opts, key=len))
            else:
                name = max(parameter.opts, key=len)
                options += [f"{name}={one}" if name.startswith("--") else f"{name}{one}" for one in values]
        return [*options, "--", *words] if words else options


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and how it ended."""

    status: int
    output: str
    errors: str

    def to_json(self) -> dict[str, Any]:
        """Return the document ``molthub.outcome/1``."""
        return {"format": "molthub.outcome/1", "status": self.status, "output": self.output, "errors": self.errors}


def is_known(command: str) -> bool:
    """Whether a command can be given from elsewhere."""
    return command in LOOKS or command in OPERATES


def order_of(command: str, parameters: Mapping[str, Any]) -> Order:
    """Return the order that a command line means; ``parameters`` are those that were typed.

    Raises :class:`UsageError` for one that counts on the controller's machine alone.
    """
    known = (LOOKS | OPERATES)[command]
    for name in sorted(parameters.keys() - known - OF_THIS_MACHINE):
        message = f"--{name.replace('_', '-')} works on bots' folders, not through a controller"
        raise UsageError(message, remedy="leave it out, or run it on the controller's machine")
    options = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
        if name in known and value not in (None, False, ())
    }
    return Order(command, options)


def order_from_json(said: Mapping[str, Any] | None, where: str) -> Order:
    """Read ``molthub.order/1``. Raises :class:`FormatError` for what is no such order."""
    remedy = "give it with the same version of molthub as the controller's"
    if said is None or said.get("format") != "molthub.order/1":
        raise FormatError("this is no order", place=where, remedy=remedy)
    command, options = said.get("command"), said.get("options")
    if not isinstance(command, str) or not is_known(command) or not isinstance(options, dict):
        raise FormatError("this command cannot be given from elsewhere", place=where, remedy=remedy)
    unknown = options.keys() - (LOOKS | OPERATES)[command]
    if unknown or not all(map(_is_value, options.values())):
        raise FormatError(f"{command} takes other options from elsewhere", place=where, remedy=remedy)
    return Order(command, options)


def outcome_from_json(said: Mapping[str, Any], where: str) -> Outcome:
    """Read ``molthub.outcome/1``. Raises :class:`FormatError`."""
    status, output, errors = (said.get(key) for key in ("status", "output", "errors"))
    if isinstance(status, bool) or not isinstance(status, int) or not isinstance(output, str):
        raise FormatError("the answer is not that of a controller", place=where, remedy="check the address")
    return Outcome(status, _shown(output), _shown(errors) if isinstance(errors, str) else "")


def _shown(text: str) -> str:
    """Return text without what a terminal would act upon."""
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _MOST_VALUES and all(isinstance(one, str) and _is_value(one) for one in value)
    if isinstance(value, str):
        return len(value) <= _LONGEST and value.isprintable()
    return isinstance(value, bool | int)
