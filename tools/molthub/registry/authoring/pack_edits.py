"""Changes of what a pack declares, made in the text of its latest version. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from molthub.errors import RegistryError
from molthub.model import Json
from molthub.registry import edit
from molthub.registry.authoring.bot_choice import nearest
from molthub.yaml_text import parse

_LISTS = {"skill": "skills", "mcp": "mcps", "pack": "extends"}


@dataclass(frozen=True, slots=True)
class PackEdits:
    """What to put in, by name, and what to take out: ``skill/git``, ``mcp/github``, ``env/KEY``, ``pack/base``."""

    skills: Sequence[Json] = ()
    mcps: Sequence[Json] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    extends: Sequence[Json] = ()
    display_name: str = ""
    description: str = ""
    without: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to change."""
        return any((self.skills, self.mcps, self.env, self.extends, self.display_name, self.description, self.without))


NO_EDITS = PackEdits()


def edited_text(text: str, edits: PackEdits, *, file: str = "") -> tuple[str, tuple[str, ...]]:
    """Return a version's text with ``edits``, and what they changed in it, as ``+ mcp/github``.

    Raises :class:`RegistryError` for something to be taken out that is not there.
    """
    said: list[str] = []
    for name in edits.without:
        text = _without(text, name, file)
        said.append(f"- {name}")
    for kind, items in (("skill", edits.skills), ("mcp", edits.mcps), ("pack", edits.extends)):
        for item in items:
            text, word = _with_item(text, kind, item, file)
            said += word
    singles = [("displayName", edits.display_name), ("description", edits.description)]
    singles += [(f"envVars/{key}", value) for key, value in edits.env.items()]
    for path, value in singles:
        pointer = ("spec", *path.split("/", 1))
        before = _at(parse(text, file).value, pointer)
        if before != value and (value or path.startswith("envVars/")):
            text = edit.set_value(text, pointer, value, file=file)
            said.append(f"{'+' if before is None else '~'} {path.replace('envVars/', 'env/')}")
    return text, tuple(said)


def _at(value: Any, pointer: Sequence[str]) -> Any:
    for part in pointer:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _names(spec: Mapping[str, Any], kind: str) -> Iterator[str]:
    return (item if isinstance(item, str) else item["name"] for item in spec.get(_LISTS[kind], ()))


def _with_item(text: str, kind: str, item: Any, file: str) -> tuple[str, list[str]]:
    """Put an item into its list; one that has its name already gets the fields that are given, and keeps the rest."""
    spec = parse(text, file).value["spec"]
    name = item if isinstance(item, str) else item["name"]
    names = list(_names(spec, kind))
    pointer = ("spec", _LISTS[kind])
    if name not in names:
        return edit.set_value(text, (*pointer, len(names)), item, file=file), [f"+ {kind}/{name}"]
    at = names.index(name)
    known = spec[_LISTS[kind]][at]
    whole = _merged(kind, {"name": known} if isinstance(known, str) else known, item)
    if whole == known or (isinstance(known, str) and whole == {"name": known}):
        return text, []
    return edit.set_value(text, (*pointer, at), whole, file=file), [f"~ {kind}/{name}"]


def _merged(kind: str, known: dict[str, Any], item: Any) -> dict[str, Any]:
    """Return an item changed. A skill named without a version floats again; a server has a command or a URL."""
    given = {"name": item} if isinstance(item, str) else item
    gone = {"version"} if kind != "mcp" else {"command", "args", "url", "transport", "headers"}
    return {key: value for key, value in known.items() if key not in gone} | given


def _without(text: str, name: str, file: str) -> str:
    kind, _, what = name.partition("/")
    spec = parse(text, file).value["spec"]
    if kind == "env" and what in spec.get("envVars", {}):
        return edit.remove(text, ("spec", "envVars", what), file=file)
    names = list(_names(spec, kind)) if kind in _LISTS else []
    if what in names:
        return edit.remove(text, ("spec", _LISTS[kind], names.index(what)), file=file)
    held = [*(f"{kind}/{one}" for kind in _LISTS for one in _names(spec, kind)),
            *(f"env/{key}" for key in spec.get("envVars", {}))]  # fmt: skip
    declares = f"it declares {', '.join(held) or 'nothing'}; what a base brings is taken away by `enabled: false`"
    remedy = nearest(name, held) or declares
    raise RegistryError(f"{name} is not in it", place=file, remedy=remedy)
