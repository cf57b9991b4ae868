"""``contexts.yaml``: reading it, and what a command takes from it.

::

    current: prod
    contexts:
      prod:
        index: https://skills.example.com/
        target: /srv/bots
        state: /var/lib/molthub
        registry: ~/src/registry
        selector: machine=m1

Paths are relative to the file; ``~`` is the user's home. ``$MOLTHUB_CONTEXTS`` names another file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molthub.client.paths import config_folder
from molthub.errors import FormatError, ManifestError, NotFoundError, UsageError
from molthub.nearest import did_you_mean

FILE_VARIABLE = "MOLTHUB_CONTEXTS"
NAME_VARIABLE = "MOLTHUB_CONTEXT"
PLACES = ("index", "target", "state", "registry")
FIELDS = (*PLACES, "selector")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Context:
    """One context: an index's URL or folder, the folder of bots' homes, the reconciler's state, a registry's checkout.

    A ``target`` may be the URL of the controller that keeps the bots, too. ``selector`` are the labels of the bots that
    are kept there. None: the context does not say.
    """

    name: str
    index: str | None = None
    target: str | None = None
    state: str | None = None
    registry: str | None = None
    selector: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return what it says."""
        shown = {"name": self.name, **{key: getattr(self, key) for key in FIELDS}}
        return {key: value for key, value in shown.items() if value is not None}


@dataclass(frozen=True)
class Contexts:
    """The whole file. ``text`` is as it stands on disk, empty where there is none."""

    path: Path
    current: str | None = None
    known: Mapping[str, Context] = field(default_factory=dict)
    text: str = ""

    def named(self, name: str) -> Context:
        """Return the context of that name. Raises :class:`NotFoundError`."""
        if name not in self.known:
            there_are = f"there are: {', '.join(self.known)}" if self.known else "molthub context set makes one"
            remedy = did_you_mean(name, self.known, there_are)
            raise NotFoundError(f"there is no context {name}", place=str(self.path), remedy=remedy)
        return self.known[name]


def contexts_file() -> Path:
    """Return the path of ``contexts.yaml``."""
    given = os.environ.get(FILE_VARIABLE)
    return Path(given) if given else config_folder() / "contexts.yaml"


def read_contexts(path: Path | None = None) -> Contexts:
    """Read the file; none is a file without contexts. Raises :class:`FormatError`, with the line at fault."""
    path = path or contexts_file()
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Contexts(path)
    except UnicodeDecodeError as error:
        raise FormatError(f"this is no UTF-8 text ({error.reason})", place=str(path), remedy=_REMEDY) from None
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> Contexts:
    from molthub.yaml_text import parse

    try:
        document = parse(text, str(path))
    except ManifestError as error:
        raise FormatError(error.message, place=error.place or str(path), remedy=_REMEDY) from None

    def refuse(message: str, *pointer: str) -> FormatError:
        return FormatError(message, place=f"{path}:{document.key_mark(pointer).line}", remedy=_REMEDY)

    value = document.value if document.value is not None else {}
    if not isinstance(value, dict) or not isinstance(value.get("contexts", {}), dict):
        raise refuse("this is no file of contexts")
    for key in value.keys() - {"current", "contexts"}:
        raise refuse(f"{key} has no place here", key)
    known = {name: _context(name, said, path, refuse) for name, said in value.get("contexts", {}).items()}
    current = value.get("current")
    if current is not None and current not in known:
        raise refuse(f"the current context {current} is none of those below", "current")
    return Contexts(path, current, known, text)


def _context(name: str, said: Any, path: Path, refuse: Callable[..., FormatError]) -> Context:
    if not NAME.match(name) or not isinstance(said, dict):
        raise refuse(f"{name} is no context", "contexts", name)
    for key, item in said.items():
        if key not in FIELDS or not isinstance(item, str) or not item:
            raise refuse(f"{key} is no setting of a context", "contexts", name, key)
    return Context(name, **{key: _resolved(item, path) if key in PLACES else item for key, item in said.items()})


_REMEDY = "molthub context set NAME --index URL|DIR --target DIR writes it as it should be"


def _resolved(value: str, path: Path) -> str:
    """Return a URL as it is, a path from where the file stands."""
    return value if "://" in value else str(path.parent.joinpath(Path(value).expanduser()))


def chosen_context(name: str | None, given: Mapping[str, Any], contexts: Contexts | None = None) -> Context:
    """Return what the options of a command and a context say together: ``given`` are the options, None where absent.

    A context that is named fills in what no option says. The current one (of ``$MOLTHUB_CONTEXT`` or the file) counts
    only where neither an index nor a target is given, so that no other bots are reached than the ones typed. Raises
    :class:`NotFoundError`, :class:`FormatError`.
    """
    said = {key: str(value) for key, value in given.items() if value is not None}
    if name is None and said.keys() & {"index", "target"}:
        return Context("", **said)
    contexts = contexts or read_contexts()
    name = name or os.environ.get(NAME_VARIABLE) or contexts.current
    if not name:
        return Context("", **said)
    found = contexts.named(name)
    return Context(name, **{key: said.get(key, getattr(found, key)) for key in FIELDS})


def need(context: Context, *fields: str) -> None:
    """Raise :class:`UsageError` where neither an option nor a context says one of ``fields``."""
    missing = [key for key in fields if getattr(context, key) is None]
    if missing:
        options = " and ".join(f"--{key}" for key in missing)
        where = f"the context {context.name} does not say it" if context.name else "no context is set"
        remedy = f"give {options}, or set it once: molthub context set NAME --index URL|DIR --target DIR"
        raise UsageError(f"there is no {' and no '.join(missing)}: {where}", remedy=remedy)
