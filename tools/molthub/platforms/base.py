"""What every agent program's adapter offers: where one desired key stands in that program's files.

An adapter is a pure description. It turns ``mcp/``, ``env/`` and ``config/`` keys into entries (a file, a pointer into
it, the value in the program's own form) and ``skill/`` keys into folders; it reads and writes nothing. Whoever applies
a plan merges the entries into files that the owner edits too (:mod:`molthub.platforms.config_file`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from molthub.errors import PlatformValueError
from molthub.model import Json, bare_name
from molthub.platforms.pitfalls import Pitfall
from molthub.references.secrets import placeholders, reference, value_error
from molthub.references.skill_folders import SkillFolders

FileFormat = Literal["json", "jsonc", "json5", "toml", "yaml"]
"""How a file is written. ``jsonc`` is JSON with comments and trailing commas, and nothing else of JSON5."""

Pointer = tuple[str, ...]

MANIFEST_FILE = ".agents/molthub.json"
MANIFEST_FORMAT = "molthub.manifest/1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One place that a desired key takes in the program's files.

    ``file`` is relative to the bot's home, with ``/``; ``pointer`` are the keys that lead to ``value``, which is what
    the program itself would hold there.
    """

    file: str
    pointer: Pointer
    value: Json


@dataclass(frozen=True, slots=True)
class Wiring:
    """A line in a file that makes the program read what molthub writes for keys of one ``kind``.

    Plain wiring wants ``value`` at ``pointer``. *Listed* wiring wants ``value`` as an item of the list at ``pointer``,
    beside the owner's own items (:meth:`ConfigFile.add_item <molthub.platforms.config_file.ConfigFile.add_item>`).
    ``reads`` is the file that the line names: it must exist before the line does, and as long as it stands.
    A line that is gone means that no key of its kind is in effect. ``kind`` is the first part of those keys
    (``mcp``); it is empty where the line serves all of them.
    """

    file: str
    pointer: Pointer
    value: Json
    kind: str = ""
    listed: bool = False
    reads: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the owner's own entries of one ``kind`` stand: each is a member of the object at ``pointer``.

    With ``inner``, what counts of a member is its field of that name.
    """

    kind: str
    file: str
    pointer: Pointer
    inner: str = ""


Taken = Literal["hot", "session", "restart"]
"""When a program notices a change: while it runs, in its next session, or when it is started anew."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a running program needs until what was written is in effect. ``hint`` says how a person hurries it."""

    skills: Taken
    servers: Taken
    hint: str = ""


class Platform(Protocol):
    """One agent program. ``agent`` names which agent of the program the bot is, where it runs several."""

    @property
    def name(self) -> str:
        """The platform's name in manifests."""
        ...

    @property
    def bundled_skills(self) -> frozenset[str]:
        """The skill names that the program brings itself; a user's skill of that name replaces or hides its own."""
        ...

    @property
    def reload(self) -> Reload:
        """When the running program takes a change up."""
        ...

    @property
    def pitfalls(self) -> tuple[Pitfall, ...]:
        """Values of secrets that the program spoils on their way to a server."""
        ...

    def skills_root(self, agent: str) -> str:
        """Return the folder, relative to the home, that the program searches for this agent's skills."""
        ...

    def searched(self, agent: str) -> SkillFolders:
        """Return the folders, relative to the home, that the program searches for this agent's skills."""
        ...

    def skill_folder(self, agent: str, name: str) -> str:
        """Return the folder of one skill, relative to the home; ``name`` may have a scope, the folder has none."""
        ...

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:
        """Return every place that an ``mcp/``, ``env/`` or ``config/`` key takes; the first is the one reports show.

        There is always an entry in the manifest (:data:`MANIFEST_FILE`), where placeholders stay, so that no key is
        ever dropped. Raises :class:`PlatformValueError` (MH707) when the program cannot hold the value as meant.
        """
        ...

    def shadows(self, agent: str, key: str, value: Json) -> tuple[tuple[str, Pointer], ...]:
        """Return the owner's places, as (file, pointer), that override the key's first entry where something stands.

        They are never written. A value there that differs from the entry's is what the program really uses.
        """
        ...

    def wiring(self, agent: str, desired: Mapping[str, Json]) -> tuple[Wiring, ...]:
        """Return the lines that the program needs to read what the entries of ``desired`` hold.

        A line that names a file is there only if a key has an entry in that file.
        """
        ...

    def file_format(self, file: str) -> FileFormat:
        """Return how a file that entries or wiring name is written."""
        ...

    def owners_fields(self, file: str, pointer: Pointer) -> frozenset[str]:
        """Return the fields of the entry at ``pointer`` that are the owner's: whether it is on, which tools it may use.

        Where somebody set one inside an entry of ours, it is no difference, and stays when the entry is updated. It
        goes when the entry goes. A value that an entry has for one is written when the entry is new, and only then.
        """
        ...

    def sources(self, agent: str) -> tuple[Source, ...]:
        """Return where the owner writes by hand what :meth:`entries` would write for an agent."""
        ...

    def read_back(self, agent: str, key: str, value: Json) -> Json:
        """Return what to declare for what stands at one of the :meth:`sources`: the inverse of :meth:`entries`.

        Fields that are the owner's are left out. Raises :class:`PlatformValueError` (MH707) where nothing that can be
        declared means the same.
        """
        ...


def skill_path(root: str, name: str) -> str:
    """Return the folder of a skill below ``root``: its bare name."""
    return f"{root}/{bare_name(name)}"


def check_value(key: str, value: Json) -> None:
    """Check what holds on every platform: the shape that the kind of key has, and the names of its secrets.

    Raises :class:`PlatformValueError` (MH707).
    """
    kind = key.partition("/")[0]
    if kind not in _SHAPES:
        raise value_error(key, "this molthub knows no keys of this kind", "install a newer molthub")
    if not _has_shape(kind, value):
        raise value_error(key, f"the value is not {_SHAPES[kind]}", "build the index again with molthub")
    for secret in placeholders(value):
        try:
            reference(secret)
        except PlatformValueError as error:
            raise value_error(key, error.message, error.remedy) from None


_SHAPES = {"env": "a text", "config": "an object", "mcp": "an object with a command or a url"}


def _has_shape(kind: str, value: Json) -> bool:
    if kind == "env":
        return isinstance(value, str)
    if kind == "config":
        return isinstance(value, dict)
    starts = [value[field] for field in ("command", "url") if field in value] if isinstance(value, dict) else []
    return len(starts) == 1 and isinstance(starts[0], str)


def manifest_entry(key: str, value: Json) -> Entry:
    """Return the key's place in the resolved manifest, which every platform writes: the desired value as it is."""
    kind, _, name = key.partition("/")
    return Entry(MANIFEST_FILE, (kind, name), value)


def manifest_wiring(keys: Iterable[str]) -> tuple[Wiring, ...]:
    """Return the line that says what the resolved manifest is, when any of ``keys`` stands in it."""
    if any(not key.startswith("skill/") for key in keys):
        return (Wiring(MANIFEST_FILE, ("format",), MANIFEST_FORMAT),)
    return ()
