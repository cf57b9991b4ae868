"""What policy leaves to the bot, inside what it otherwise keeps: parts of values, files of skills. Pure.

What should stand somewhere is taken with the ignored parts as they are. So they never differ, and whoever writes the
rest writes them as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from molthub.model import FileEntry, Json
from molthub_reconciler.difference import NOTHING

IsIgnored = Callable[[tuple[str, ...]], bool]


def with_parts_of(rendered: Json, observed: Json, is_ignored: IsIgnored) -> Json:
    """Return ``rendered`` with its ignored parts as in ``observed``: other values, none, or more of them."""
    return _with_parts((), rendered, observed, is_ignored)


def _with_parts(path: tuple[str, ...], rendered: Json, observed: Json, is_ignored: IsIgnored) -> Json:
    if path and is_ignored(path):
        return observed
    if isinstance(rendered, Mapping) and (isinstance(observed, Mapping) or observed is NOTHING):
        seen = observed if isinstance(observed, Mapping) else {}
        found = {
            key: _with_parts((*path, key), rendered.get(key, NOTHING), seen.get(key, NOTHING), is_ignored)
            for key in (*rendered, *(key for key in seen if key not in rendered))
        }
        left = {key: value for key, value in found.items() if value is not NOTHING}
        return NOTHING if not left and rendered and observed is NOTHING and path else left
    if rendered is NOTHING and isinstance(observed, Mapping):
        left = {key: _with_parts((*path, key), NOTHING, value, is_ignored) for key, value in observed.items()}
        return {key: value for key, value in left.items() if value is not NOTHING} or NOTHING
    if isinstance(rendered, list | tuple) and isinstance(observed, list | tuple) and len(rendered) == len(observed):
        pairs = enumerate(zip(rendered, observed, strict=True))
        return [_with_parts((*path, str(number)), one, other, is_ignored) for number, (one, other) in pairs]
    return rendered


def with_files_of(
    desired: Iterable[FileEntry], observed: Iterable[FileEntry], is_ignored: Callable[[str], bool]
) -> tuple[FileEntry, ...]:
    """Return the files that a skill's folder should hold: the ignored ones as they are."""
    wanted = [entry for entry in desired if not is_ignored(entry.path)]
    return (*wanted, *(entry for entry in observed if is_ignored(entry.path)))
