"""How a difference is shown: part by part, in the form in which the value was declared.

An agent program's file holds a value in the program's own form: secrets are references, a field may be added. What
is shown is the declared form, so that a report reads like the manifests. Where the declared value holds a placeholder
and something else than our reference was found, ``***`` is shown; so are texts that the owner added, of which nobody
said whether they are secret. A program may also have other words, or one list for what was declared apart: of a value
with a secret somewhere in it, only texts are shown that stand where they were declared, as they were declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from molthub.documents import PLACEHOLDER, canonical, hex_of
from molthub.model import FileEntry, Json, Origin
from molthub.references.secrets import is_sensitive, render

HIDDEN = "***"


class _Nothing:
    """No value at all, which JSON's null is not."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Part:
    """One part that differs.

    ``path`` leads to it: a file of a skill, or keys inside a value (none: the whole value). Either side may be
    :data:`NOTHING`.
    """

    path: tuple[str, ...]
    before: Json
    after: Json

    @property
    def pointer(self) -> str:
        """The path as an RFC 6901 pointer."""
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in self.path)


def fingerprint(value: Json) -> str:
    """Return the fingerprint of a value in a file: SHA-256 over its canonical JSON.

    A file of the owner may hold what canonical JSON cannot (JSON5's ``NaN``, half a surrogate pair); nothing that we
    want to see there is equal to that.
    """
    try:
        return hex_of(canonical(value))
    except ValueError:
        return hex_of(repr(value).encode(errors="backslashreplace"))


def value_parts(desired: Json, rendered: Json, observed: Json) -> tuple[Part, ...]:
    """Return what differs between an observed value and how the program's file should hold ``desired``."""
    return tuple(_parts((), desired, rendered, observed, guarded=is_sensitive(desired)))


def _parts(path: tuple[str, ...], desired: Json, rendered: Json, observed: Json, *, guarded: bool) -> Iterator[Part]:
    """Yield what differs. ``guarded``: there is a secret somewhere in the whole declared value."""
    if observed is not NOTHING and rendered is not NOTHING and fingerprint(rendered) == fingerprint(observed):
        return
    if isinstance(rendered, Mapping) and isinstance(observed, Mapping):
        for key in sorted({*rendered, *observed}):
            inner = (_item(side, key) for side in (desired, rendered, observed))
            yield from _parts((*path, key), *inner, guarded=guarded)
    elif _are_alike_lists(desired, rendered, observed):
        for number, (one, other) in enumerate(zip(rendered, observed, strict=True)):
            yield from _parts((*path, str(number)), desired[number], one, other, guarded=guarded)
    else:
        after = desired if desired is not NOTHING else rendered
        yield Part(path, _shown(desired, rendered, observed, guarded=guarded), after)


def _item(value: Json, key: str) -> Json:
    return value.get(key, NOTHING) if isinstance(value, Mapping) else NOTHING


def _are_alike_lists(*values: Json) -> bool:
    return all(isinstance(value, list | tuple) for value in values) and len({len(value) for value in values}) == 1


def _shown(desired: Json, rendered: Json, observed: Json, *, guarded: bool) -> Json:
    if observed is NOTHING:
        return NOTHING
    is_unknown = (desired is NOTHING and rendered is NOTHING) or (guarded and not _stands_there(desired, rendered))
    return HIDDEN if is_sensitive(desired) or (is_unknown and _holds_text(observed)) else as_declared(observed)


def _stands_there(desired: Json, rendered: Json) -> bool:
    """Whether the program's file holds, at one place, the literal text that was declared at the same place."""
    if desired is NOTHING or rendered is NOTHING:
        return False
    return fingerprint(render(desired, str, str)) == fingerprint(rendered)


def _holds_text(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_text(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_text(item) for item in value)
    return isinstance(value, str)


def as_declared(value: Json) -> Json:
    """Return a literal value as a manifest would declare it: what looks like a placeholder is escaped."""
    if isinstance(value, Mapping):
        return {key: as_declared(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_declared(item) for item in value]
    if isinstance(value, str):
        text = value.encode(errors="replace").decode()
        return PLACEHOLDER.sub(lambda match: "$" + match[0] if match[1] else "$$$$", text)
    return value if value == value and value not in (_ENDLESS, -_ENDLESS) else str(value)  # noqa: PLR0124 (NaN is not)


_ENDLESS = float("inf")


def declared_form(desired: Json, parts: Iterable[Part]) -> Json:
    """Return the observed value in the declared form: ``desired`` with what differs put in."""
    value = desired
    for part in parts:
        value = _with(value, part.path, part.before)
    return value


def _with(value: Json, path: tuple[str, ...], put: Json) -> Json:
    if not path:
        return None if put is NOTHING else put
    if isinstance(value, list | tuple):
        number = int(path[0])
        return [*value[:number], _with(value[number], path[1:], put), *value[number + 1 :]]
    held = dict(value) if isinstance(value, Mapping) else {}
    if len(path) == 1 and put is NOTHING and path[0] in held:
        return {key: item for key, item in held.items() if key != path[0]}
    return {**held, path[0]: _with(held.get(path[0]), path[1:], put)}


def file_parts(desired: Iterable[FileEntry], observed: Iterable[FileEntry]) -> tuple[Part, ...]:
    """Return the files of a skill that differ, by path, with the SHA-256 of their bytes."""
    wanted = {entry.path: entry for entry in desired}
    found = {entry.path: entry for entry in observed}
    return tuple(
        Part((path,), _hash(found.get(path)), _hash(wanted.get(path)))
        for path in sorted({*wanted, *found})
        if found.get(path) != wanted.get(path)
    )


def _hash(entry: FileEntry | None) -> Json:
    return NOTHING if entry is None else entry.sha256


def origin_of(key: str, origins: Mapping[str, tuple[Origin, ...]]) -> str | None:
    """Return ``file:line`` of the layer that decided ``key``."""
    layers = origins.get(key, ())
    return layers[0].at if layers else None


def part_origin(key: str, path: tuple[str, ...], desired: Mapping[str, Json],
                origins: Mapping[str, tuple[Origin, ...]]) -> str | None:  # fmt: skip
    """Return ``file:line`` of what decided one part of a server's environment.

    A server's variable comes from the bot's ``env/<KEY>``, unless the server itself says another value.
    """
    if not key.startswith("mcp/") or len(path) < _ENV_DEPTH or path[0] != "env":
        return None
    variable = f"env/{path[1]}"
    own = desired.get(key, {}).get("env", {}).get(path[1])
    return origin_of(variable, origins) if own == desired.get(variable) else origin_of(key, origins)


_ENV_DEPTH = 2
