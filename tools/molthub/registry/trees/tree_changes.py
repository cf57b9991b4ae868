"""What differs between two trees of git, at the cost of what differs: equal subtrees are not looked into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pygit2


def changed_between(before: pygit2.Tree | None, after: pygit2.Tree | None, prefix: str = "") -> Iterator[str]:
    """Yield every path that is new, gone or different, files, links and submodules alike, modes included."""
    old = {entry.name: entry for entry in before} if before is not None else {}
    new = {entry.name: entry for entry in after} if after is not None else {}
    for name in sorted(old.keys() | new.keys(), key=str):
        was, is_ = old.get(name), new.get(name)
        if was is not None and is_ is not None and (was.id, was.filemode) == (is_.id, is_.filemode):
            continue
        if any(entry is not None and entry.type_str != "tree" for entry in (was, is_)):
            yield f"{prefix}{name}"
        old_folder, new_folder = _folder(was), _folder(is_)
        if old_folder is not None or new_folder is not None:
            yield from changed_between(old_folder, new_folder, f"{prefix}{name}/")


def _folder(entry: Any) -> pygit2.Tree | None:
    return entry if entry is not None and entry.type_str == "tree" else None
