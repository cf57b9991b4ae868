"""From an agent program's own entry back to what would have to be declared for it: the inverse of an adapter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from molthub.documents import ENV_KEY
from molthub.model import Json
from molthub.platforms.config_file import same
from molthub.platforms.table import Form
from molthub.references.exec_wrapper import COMMAND
from molthub.references.interpolation import Interpolation
from molthub.references.secrets import value_error

_FIELDS = {"command": ("command", "args", "env"), "url": ("url", "headers")}
_LEAVE = "it stays as it is, the owner's"


def typed_form(**fixed: Json) -> Form:
    """Return the form of a program that spells servers as they are declared, with ``fixed`` fields."""
    return Form(fixed)


def declared_value(key: str, value: Json, interpolation: Interpolation, at: str = "") -> Json:
    """Return a value of any depth with every text as it would have to be declared.

    Raises :class:`molthub.errors.PlatformValueError` (MH707), also for a variable that is no text or has a name that
    cannot be declared.
    """
    if key.startswith("env/") and not at:
        if not isinstance(value, str):
            raise value_error(key, "the value is not a text", "write it as a text, or leave it as it is")
        if not ENV_KEY.match(key.partition("/")[2]):
            raise value_error(key, "the name is none of an environment variable", _LEAVE)
    if isinstance(value, str):
        return interpolation.read_back(key, value, at)
    if isinstance(value, dict):
        return {name: declared_value(key, item, interpolation, f"{at}/{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [declared_value(key, item, interpolation, f"{at}/{number}") for number, item in enumerate(value)]
    return value


def declared_server(
    key: str,
    entry: Json,
    forms: Iterable[tuple[str | None, Form]],
    interpolation: Callable[[str], Interpolation],
) -> Json:
    """Return the declared server that one of ``forms`` (each with its transport) spells as ``entry``.

    A fixed field may be missing in the entry. Raises :class:`molthub.errors.PlatformValueError` (MH707) where none
    does, or where a text means nothing that can be declared.
    """
    if not isinstance(entry, dict):
        raise value_error(key, "the entry is not an object", _LEAVE)
    unknown: list[str] = []
    for transport, form in forms:
        fields = _unspelled(form, entry)
        start = "command" if transport is None else "url"
        if fields is None or start not in fields:
            continue
        unknown = unknown or sorted(fields.keys() - set(_FIELDS[start]))
        if not fields.keys() - set(_FIELDS[start]):
            check_shape(key, fields)
            read = {
                field: declared_value(key, item, interpolation(field), f"/{field}") for field, item in fields.items()
            }
            return read | ({"transport": "sse"} if transport == "sse" else {})
    if unknown:
        problem = f"the field {unknown[0]} has no declared form"
        raise value_error(key, problem, "take the field away if it is not needed, or leave the server as it is")
    raise value_error(key, "this is no server with a command or a url that can be declared", _LEAVE)


def check_shape(key: str, server: Mapping[str, Json]) -> None:
    """Check that every field of a server has the type that is declared. Raises as :func:`declared_server` does."""
    for field, item in server.items():
        if not _SHAPES[field](item):
            raise value_error(key, f"the field {field} has another type than can be declared", _LEAVE)
    if server.get("command") == COMMAND and list(server.get("args", ()))[:2] == ["exec", "--server"]:
        raise value_error(key, "it is started by molthub exec already", "declare the server that it starts")


def texts_of(key: str, field: str, value: Json) -> Json:
    """Return a field that names variables: a list of texts, or texts by name. Raises like the others."""
    if _is_texts(value) or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        return value
    raise value_error(key, f"the field {field} has another type than can be declared", _LEAVE)


def with_named(key: str, server: Json, field: str, named: Mapping[str, Json], *, before: str = "") -> Json:
    """Return a declared server whose ``field`` also has what variables hold: each name with its variable.

    ``before`` is text that stands before it. Raises as :func:`declared_server` does.
    """
    added = {
        name: before + _VARIABLE.read_back(key, f"${{{variable}}}", f"/{field}") for name, variable in named.items()
    }
    return {**server, field: {**server.get(field, {}), **added}} if added else server


_VARIABLE = Interpolation(re.compile(r"\A\$\{(?P<name>.*)\}\Z", re.DOTALL))


def _is_texts(value: Json) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


_SHAPES: Mapping[str, Callable[[Json], bool]] = {
    "command": lambda value: isinstance(value, str) and bool(value.strip()),
    "url": lambda value: isinstance(value, str) and bool(value),
    "args": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "env": lambda value: _is_texts(value) and all(ENV_KEY.match(name) for name in value),
    "headers": _is_texts,
}


def _unspelled(form: Form, entry: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return an entry's fields by their declared names, None where the entry is not of this form."""
    ours = {theirs: field for field, theirs in form.names.items()}
    if any(field in entry for field in form.names):
        return None
    fields: dict[str, Json] = {}
    for name, item in entry.items():
        if name in form.fixed and same(item, form.fixed[name]):
            continue
        field = ours.get(name, name)
        if name in form.fixed and field not in _SHAPES:
            return None
        if item or field in ("command", "url") or field not in _SHAPES:
            fields[field] = item
    command = fields.get("command")
    if form.joined and isinstance(command, list) and command:
        first, *rest = command
        fields |= {"command": first, **({"args": rest} if rest else {})}
    return fields
