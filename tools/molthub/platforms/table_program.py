"""The adapter of a program that is one row of the table (:mod:`molthub.platforms.table`)."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.model import Json
from molthub.platforms.base import (
    Entry,
    FileFormat,
    Pointer,
    Reload,
    Source,
    Wiring,
    check_value,
    manifest_entry,
    manifest_wiring,
    skill_path,
)
from molthub.platforms.expansion import LITERAL, References
from molthub.platforms.pitfalls import Pitfall
from molthub.platforms.read_back import declared_server, declared_value
from molthub.platforms.table import Form, Row
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.references.exec_wrapper import wrapped_server
from molthub.references.secrets import as_declared, is_sensitive, placeholders, reference, value_error
from molthub.references.skill_folders import SKILL_FOLDERS, SkillFolders


class TableProgram:
    """One row as a platform, for homes that live on ``system`` (:data:`molthub.platforms.table.SYSTEMS`).

    A home has one agent of the program.
    """

    def __init__(self, row: Row, system: str) -> None:
        self._row = row
        self._file = row.server_file(system)

    @property
    def name(self) -> str:
        """The row's name."""
        return self._row.name

    @property
    def bundled_skills(self) -> frozenset[str]:
        """The program's own skills."""
        return BUNDLED_SKILLS.get(self._row.name, frozenset())

    @property
    def reload(self) -> Reload:
        """When the program takes a change up."""
        return self._row.reload

    @property
    def pitfalls(self) -> tuple[Pitfall, ...]:
        """The row's pitfalls."""
        return self._row.pitfalls

    def skills_root(self, agent: str) -> str:  # noqa: ARG002 (a home has one agent)
        """Return the row's folder."""
        return self._row.skills

    def searched(self, agent: str) -> SkillFolders:  # noqa: ARG002 (a home has one agent)
        """Return the row's folder, and those of others that the program reads."""
        return SKILL_FOLDERS[self._row.name]

    def skill_folder(self, agent: str, name: str) -> str:
        """Return the skill's folder below :meth:`skills_root`."""
        return skill_path(self.skills_root(agent), name)

    def entries(self, agent: str, key: str, value: Json) -> tuple[Entry, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the key's places: the program's file where it has one for the key, and the manifest."""
        check_value(key, value)
        kind, _, name = key.partition("/")
        manifest = manifest_entry(key, value)
        if kind == "mcp":
            return (Entry(self._file, (*self._row.servers, name), self._server(name, value)), manifest)
        if kind == "env" and self._row.env is not None and not is_sensitive(value):
            file, pointer = self._row.env
            return (Entry(file, (*pointer, name), LITERAL.written(key, value)), manifest)
        return (manifest,)

    def shadows(self, agent: str, key: str, value: Json) -> tuple[tuple[str, Pointer], ...]:  # noqa: ARG002
        """Return nothing: what overrides a user's own files are projects' files, which are not in the home."""
        return ()

    def wiring(self, agent: str, desired: Mapping[str, Json]) -> tuple[Wiring, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the manifest's format line; the program finds its own files."""
        return manifest_wiring(desired)

    def file_format(self, file: str) -> FileFormat:
        """Return the row's format for the servers' file, ``json`` for every other."""
        return self._row.file_format if file == self._file else "json"

    def owners_fields(self, file: str, pointer: Pointer) -> frozenset[str]:
        """Return the row's fields, for the entry of a server."""
        is_server = file == self._file and pointer[:-1] == self._row.servers
        return frozenset(self._row.owners_fields) if is_server else frozenset()

    def sources(self, agent: str) -> tuple[Source, ...]:  # noqa: ARG002 (a home has one agent)
        """Return the servers' place, and that of plain variables where the program has one."""
        servers = Source("mcp", self._file, self._row.servers)
        return (servers,) if self._row.env is None else (servers, Source("env", *self._row.env))

    def read_back(self, agent: str, key: str, value: Json) -> Json:  # noqa: ARG002 (a home has one agent)
        """Return what to declare for an entry of the program's file."""
        kind, _, name = key.partition("/")
        if kind != "mcp":
            return declared_value(key, value, LITERAL)
        if name in self._row.reserved:
            raise value_error(key, f"{self._row.title} uses this name itself", "leave it as it is")
        if not isinstance(value, dict):
            return declared_server(key, value, (), self._row.references.of)
        return self._read_back(
            key, {field: item for field, item in value.items() if field not in self._row.owners_fields}
        )

    def _read_back(self, key: str, server: dict[str, Json]) -> Json:
        """Return the declared form of a server's entry, of which the owner's fields were taken away."""
        row = self._row
        for field, words in row.older:
            if field in server:
                remedy = f"write {words} instead, which means the same to {row.title}, and adopt it again"
                raise value_error(key, f"the field {field} is an older form, and is not written here", remedy)
        known = ((None, row.started), ("http", row.http), ("sse", row.sse))
        forms = tuple((transport, form) for transport, form in known if form is not None)
        return declared_server(key, server, forms, row.references.of)

    def _server(self, name: str, server: Json) -> Json:
        """Return a declared server in the program's words.

        Raises :class:`molthub.errors.PlatformValueError` (MH707).
        """
        key, references = f"mcp/{name}", self._row.references
        if name in self._row.reserved:
            raise value_error(key, f"{self._row.title} uses this name itself", "choose another name")
        form = self._form(key, server)
        meant = _wrapped(name, server, references)
        written = {
            field: references.of(field).written(key, value, f"/{field}")
            for field, value in meant.items()
            if field != "transport"
        }
        return _spelled(form, written)

    def _form(self, key: str, server: Json) -> Form:
        if "command" in server:
            return self._row.started
        form = self._row.sse if server.get("transport") == "sse" else self._row.http
        if form is None:
            problem = f"{self._row.title} reads only servers that it starts, by a command"
            raise value_error(key, problem, "add this server in the program itself, or take it away from this bot")
        return form


def _wrapped(name: str, server: Json, references: References) -> Json:
    """Return the declared server, or the declared form of its start by ``molthub exec`` where it needs that."""
    secrets = placeholders(server)
    withheld = [secret for secret in secrets if reference(secret) in references.withheld]
    if "command" not in server and withheld and references.usual is not None:
        problem = f"the program keeps the variable {reference(withheld[0])} for itself"
        raise value_error(f"mcp/{name}", problem, f"give the secret {withheld[0]!r} another name")
    is_shown = any(is_sensitive(server.get(field)) for field in references.wrapped)
    needs_exec = references.usual is None or ("command" in server and bool(withheld or is_shown))
    if not secrets or not needs_exec:
        return server
    wrapped = as_declared(wrapped_server(name, server))
    if not references.passed:
        return wrapped
    passed = {reference(secret): f"${{secrets.{secret}}}" for secret in secrets}
    return {**wrapped, "env": {**wrapped.get("env", {}), **passed}}


_ORDER = ("source", "type", "command", "args", "url", "httpUrl", "serverUrl", "headers", "env", "environment")
"""How people write an entry."""


def _spelled(form: Form, server: Mapping[str, Json]) -> Json:
    fields = dict(server)
    if form.joined and "command" in fields:
        fields["command"] = [fields["command"], *fields.pop("args", ())]
    spelled = {**form.fixed, **{form.names.get(field, field): value for field, value in fields.items()}}
    return {field: spelled[field] for field in (*_ORDER, *spelled) if field in spelled}
