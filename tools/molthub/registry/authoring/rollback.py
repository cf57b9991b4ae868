"""Rolling a pack back: the next number, with what an earlier version declared and what it was locked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molthub.errors import NotFoundError, RegistryError
from molthub.model import Json, Locked, PackVersion
from molthub.registry.authoring.pack_edits import PackEdits, edited_text
from molthub.registry.authoring.pack_shown import known_pack
from molthub.registry.authoring.packs import next_number, next_version
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import latest_pack
from molthub.registry.rules.packs import difference
from molthub.registry.source import Source
from molthub.yaml_text import parse


@dataclass(frozen=True)
class RolledBack:
    """A pack's next version. ``pins`` are what it names exactly, so that nothing newer comes along.

    ``differs`` says where its lock is another than the earlier one's all the same.
    """

    files: Mapping[str, bytes]
    version: PackVersion
    pins: Mapping[str, str]
    differs: str = ""


def roll_back(source: Source, catalog: Catalog, name: str, to: int, *, published: str) -> RolledBack:
    """Return the next version of a pack, being what version ``to`` was.

    Its lock is derived anew, as that of every version; what would have moved on since is named exactly. Raises
    :class:`NotFoundError`, :class:`RegistryError` where the newest version is that already, and
    :class:`~molthub.errors.ResolutionError` where what it was locked to may not be used any more.
    """
    pack = known_pack(catalog, name)
    wanted, latest = pack.versions.get(to), latest_pack(pack)
    if wanted is None:
        remedy = f"there are {', '.join(map(str, pack.versions))}"
        raise NotFoundError(f"the pack {name} has no version {to}", remedy=remedy)
    if latest is not None and latest.number == to:
        raise RegistryError(f"version {to} of {name} is the newest", remedy=f"choose an earlier one, not {to}")
    number = next_number(pack)
    text = source.read(wanted.file).decode()
    pins: dict[str, str] = {}
    files, version = next_version(source, name, number, text, owner=None, published=published)
    for kind in ("pack/", ""):  # skills of a base stay where that version of the base locks them
        text, new = _pinned(text, wanted, version.resolved, kind)
        if new:
            pins |= new
            files, version = next_version(source, name, number, text, owner=None, published=published)
    if latest is not None and _declared(source.read(latest.file)) == _declared(files[version.file]):
        message = f"the newest version of {name}, {latest.number}, is already what {to} was"
        raise RegistryError(message, remedy="there is nothing to roll back")
    return RolledBack(files, version, pins, difference(wanted.resolved, version.resolved))


def _pinned(text: str, wanted: PackVersion, found: Mapping[str, Locked], kind: str) -> tuple[str, dict[str, str]]:
    """Name exactly what ``wanted`` is locked to and ``found`` is not: bases that it names itself, or skills."""
    direct = {f"pack/{use.name}" for use in wanted.layer.packs}
    moved = {
        name: lock.version
        for name, lock in wanted.resolved.items()
        if found.get(name) != lock and (name in direct if kind else not name.startswith("pack/"))
    }
    items: list[Json] = [
        {"name": name.removeprefix("pack/"), "version": int(number) if kind else number}
        for name, number in moved.items()
    ]
    edits = PackEdits(extends=items) if kind else PackEdits(skills=items)
    return edited_text(text, edits, file=wanted.file)[0], moved


def _declared(content: bytes) -> dict[str, Any]:
    spec = parse(content, "").value["spec"]
    return {key: value for key, value in spec.items() if key != "version"}
