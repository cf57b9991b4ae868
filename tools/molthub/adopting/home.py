"""One bot's home, as its program reads it: flat keys with what to declare, and what stays its owner's. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.adopting.literals import NOTHING_JUDGED, Judged, Literals, Needed, references_of
from molthub.documents import MCP_NAME
from molthub.errors import MolthubError, PlatformValueError
from molthub.model import Json
from molthub.platforms.base import MANIFEST_FILE, Platform, Source
from molthub.platforms.config_file import ConfigFile, same
from molthub.references.exec_wrapper import COMMAND
from molthub.references.secrets import is_sensitive

WRITTEN_BY_US = "molthub wrote it: it is declared already"
_AGENT = "main"


@dataclass(frozen=True, slots=True)
class Left:
    """Something that stays the owner's: which key, or skill, and why; ``remedy`` says what can be done.

    ``near`` is the version (``git@1.2.0``) that a skill is an edited copy of, and ``differs`` how each file differs.
    """

    key: str
    reason: str
    remedy: str = ""
    near: str = ""
    differs: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        shown: dict[str, Json] = {"key": self.key, "reason": self.reason, "remedy": self.remedy}
        files = [{"path": path, "is": how} for path, how in self.differs]
        return {**shown, **({"near": self.near, "differs": files} if self.near else {})}


@dataclass(frozen=True, slots=True)
class HandMade:
    """What a bot has that can be declared. ``spelled`` are keys to which the program's own words will be added."""

    keys: Mapping[str, Json]
    secrets: tuple[Needed, ...]
    left: tuple[Left, ...]
    spelled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """One key. ``standing`` is None for what the manifest says: molthub wrote it, and as it is declared."""

    key: str
    declared: Json
    standing: Json
    file: str


def read_home(home: Path, program: Platform, judged: Judged = NOTHING_JUDGED, *, is_copy: bool = False) -> HandMade:
    """Return what a home's own files say, of the program's main agent. Files of other programs are not looked at.

    ``judged`` are names that a person has decided to be secrets, or none. ``is_copy``: what molthub wrote there was
    written for another bot, of whose home this is a copy, so it is this bot's own now.

    Raises :class:`molthub.errors.PlatformFileError` for a file that does not parse, and :class:`OSError`.
    """
    left: list[Left] = []
    known = _manifest(home)
    given = known if is_copy else {}
    others = {} if is_copy else known
    read = [found for source in program.sources(_AGENT) for found in _of_source(home, program, source, others, left)]
    read = [*_of_manifest(program, given), *(found for found in read if not _is_in(given, found.key))]
    left = [one for one in left if not _is_in(given, one.key)]
    taken = frozenset(one.name for item in read for one in references_of(item.key, item.declared, ""))
    literals = Literals(taken, judged)
    keys: dict[str, Json] = {}
    secrets: list[Needed] = []
    spelled: list[str] = []
    for item in read:
        before = len(literals.needed)
        declared = literals.replaced(item.key, item.declared, item.file)
        try:
            program.entries(_AGENT, item.key, declared)
            is_exact = item.standing is None or _is_exact(program, item)
        except PlatformValueError as error:
            del literals.needed[before:]
            left.append(Left(item.key, error.message.removeprefix(f"{item.key}: "), error.remedy))
            continue
        keys[item.key] = declared
        secrets += references_of(item.key, item.declared, item.file)
        spelled += [] if is_exact else [item.key]
    return HandMade(keys, (*secrets, *literals.needed), tuple(left), tuple(spelled))


def _of_source(
    home: Path, program: Platform, source: Source, known: Mapping[str, Json], left: list[Left]
) -> Iterator[_Read]:
    path = home / source.file
    if not path.is_file():
        return
    config = ConfigFile.parse(path.read_bytes(), program.file_format(source.file), str(path))
    is_there, members = config.get(source.pointer)
    if not is_there or not isinstance(members, dict):
        return
    for name, member in members.items():
        key = f"{source.kind}/{name}"
        if source.inner and (not isinstance(member, dict) or source.inner not in member):
            continue
        if name in known.get(source.kind, {}):
            left.append(Left(key, WRITTEN_BY_US))
            continue
        if source.kind == "mcp" and not MCP_NAME.match(name):
            remedy = "give it a name of lower-case letters, digits and hyphens"
            left.append(Left(key, "a server of this name cannot be declared", remedy))
            continue
        value = member[source.inner] if source.inner else member
        try:
            yield _Read(key, program.read_back(_AGENT, key, value), value, source.file)
        except PlatformValueError as error:
            left.append(Left(key, error.message.removeprefix(f"{key}: "), error.remedy))


def bots_named(home: Path) -> tuple[str, ...]:
    """Return the bots (``<fleet>/<bot>``) that molthub's own file in a home names as those whose home it is."""
    return tuple(sorted(_manifest(home).get("bots", {})))


def _of_manifest(program: Platform, known: Mapping[str, Json]) -> Iterator[_Read]:
    """Yield what molthub wrote for another bot, of the kinds that the program has."""
    kinds = {source.kind for source in program.sources(_AGENT)} | {"env"}
    for kind in sorted(known.keys() & kinds):
        for name, value in known[kind].items():
            yield _Read(f"{kind}/{name}", value, None, MANIFEST_FILE)


def _is_in(known: Mapping[str, Json], key: str) -> bool:
    kind, _, name = key.partition("/")
    return name in known.get(kind, {})


def _is_exact(program: Platform, item: _Read) -> bool:
    """Whether what is declared is written as it stands, but for literals and the owner's fields.

    Raises :class:`PlatformValueError` where the program would find something else there than it does now.
    """
    entry = program.entries(_AGENT, item.key, item.declared)[0]
    written, standing = entry.value, item.standing
    if not isinstance(written, dict) or not isinstance(standing, dict):
        if not same(written, standing):
            raise PlatformValueError("it cannot be written again as it stands", remedy="it stays as it is, the owner's")
        return True
    if is_sensitive(item.declared) and written.get("command", written.get("cmd")) in (COMMAND, [COMMAND]):
        return True
    owners = program.owners_fields(entry.file, entry.pointer)
    changed = [
        field
        for field, value in standing.items()
        if field not in owners and not same(written.get(field), value) and (value or field in written)
    ]
    if changed:
        message = f"the field {changed[0]} cannot be written again as it stands"
        raise PlatformValueError(message, remedy="it stays as it is, the owner's")
    return written.keys() - owners == standing.keys() - owners


def _manifest(home: Path) -> Mapping[str, Json]:
    path = home / MANIFEST_FILE
    if not path.is_file():
        return {}
    try:
        value = ConfigFile.parse(path.read_bytes(), "json", str(path)).value
    except MolthubError:
        return {}
    return {kind: members for kind, members in value.items() if isinstance(members, dict)}
