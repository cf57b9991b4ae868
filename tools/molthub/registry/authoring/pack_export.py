"""Packs and attachments as other SkillPack services keep them: their JSON records, mapped to ours. Pure.

A pack is ``{id, name, description, workspaceId, skills, mcps, envVars, isBuiltin, version, createdAt, updatedAt}``, an
attachment ``{id, botInstanceId, skillPackId, envOverrides, attachedAt}``. What has no place here is named, never
dropped without a word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from molthub.documents import SKILL_NAME
from molthub.errors import FormatError, Problem
from molthub.model import Json
from molthub.registry.authoring.mend import slug
from molthub.registry.reading.clear_secrets import clear_secrets
from molthub.yaml_text import Pointer, pointer_text

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")
_CONTENT = frozenset({"skills", "mcps", "envVars"})
_DATES = frozenset({"createdAt", "updatedAt"})
_PACK_KEYS = _CONTENT | _DATES | {"id", "name", "description", "workspaceId", "isBuiltin", "version"}
_SKILL_KEYS = frozenset({"name", "version", "config"})
_SERVER_KEYS = frozenset({"name", "command", "args", "env", "url", "headers", "transport"})
_ATTACHMENT_KEYS = frozenset({"id", "botInstanceId", "skillPackId", "envOverrides", "attachedAt"})


@dataclass(frozen=True)
class ExportedPack:
    """One pack. ``content`` are the fields of its text; ``notes`` say what is not as it was."""

    id: str
    name: str
    content: Mapping[str, Any]
    builtin: bool | None = None
    published: str | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class ExportedAttachment:
    """One attachment: of the pack with this id, to a bot as it is called there."""

    pack_id: str
    bot: str
    env: Mapping[str, str] = field(default_factory=dict)
    attached_at: str | None = None
    notes: tuple[str, ...] = ()


def read_export(value: Json, file: str) -> tuple[list[ExportedPack], list[ExportedAttachment]]:
    """Read one record, a list of records, or an object that holds such lists. Raises :class:`FormatError`."""
    packs: list[ExportedPack] = []
    attachments: list[ExportedAttachment] = []
    for pointer, record in _records(value, ()):
        if "skillPackId" in record and "botInstanceId" in record:
            attachments.append(_attachment(record, file, pointer))
        elif record.keys() & _REQUEST:
            message = f"{pointer_text(pointer) or 'the document'} asks to attach a pack, and does not say which"
            raise FormatError(message, place=file, remedy=_attaching(record))
        elif "name" in record:
            packs.append(_pack(record, file, pointer))
        else:
            raise FormatError(f"{pointer_text(pointer) or 'the document'} is no pack and no attachment", place=file,
                              remedy="a pack has a name, an attachment botInstanceId and skillPackId")  # fmt: skip
    if not (packs or attachments):
        remedy = 'it holds one pack, {"name": ..., "skills": [...]}, or a list of them'
        raise FormatError("there are no packs in it", place=file, remedy=remedy)
    return packs, attachments


_REQUEST = frozenset({"botInstanceId", "botInstanceIds"})


def _attaching(record: Mapping[str, Any]) -> str:
    """Return the command that does what a request of another service says."""
    bots = record.get("botInstanceIds", record.get("botInstanceId"))
    named = ",".join(map(str, bots)) if isinstance(bots, list) else str(bots)
    overrides = record.get("envOverrides")
    keys = [f"--env {shlex.quote(f'{key}=...')}" for key in overrides] if isinstance(overrides, dict) else []
    return " ".join(["molthub skill-packs attach PACK", f"--bots {shlex.quote(named)}", *keys])


def _records(value: Json, pointer: Pointer) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _records(item, (*pointer, index))
    elif isinstance(value, dict):
        is_record = (_CONTENT | _REQUEST | {"name", "skillPackId"}) & value.keys()
        lists = {key: item for key, item in value.items() if isinstance(item, list | dict)}
        if is_record or not lists:
            yield pointer, value
        else:
            for key, item in lists.items():
                yield from _records(item, (*pointer, key))


# --- packs ---------------------------------------------------------------------------------------------------------


class _Mapping:
    """One record on its way: where it stands, and what is to be said about it."""

    def __init__(self, file: str, pointer: Pointer) -> None:
        self.file, self.pointer = file, pointer
        self.notes: list[str] = []
        self.problems: list[Problem] = []

    def refuse(self, problem_id: str, pointer: Pointer, message: str, remedy: str) -> None:
        at = pointer_text((*self.pointer, *pointer))
        self.problems.append(Problem(problem_id, message, remedy, file=self.file, at=at))

    def of_kind(self, record: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
        """Return a field of a record; one of another kind is refused, and the default counts."""
        value = record.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            words = {str: "text", list: "a list", dict: "an object", bool: "true or false", int: "a number"}
            self.refuse("MH101", (key,), f"{key} is not {words[kind]}", f"write it as {words[kind]}")
            return default
        return value

    def unknown(self, what: str, record: Mapping[str, Any], known: frozenset[str]) -> None:
        self.notes += [f"{what}{key} has no place here and is left out" for key in sorted(record.keys() - known)]

    def renamed(self, kind: str, name: str, *, fits: bool) -> str:
        """Return a name as it is written here."""
        new = name if fits else slug(name)
        if new != name:
            self.notes.append(f"the {kind} {name!r} is called {new}")
        return new

    def time(self, record: Mapping[str, Any], *keys: str) -> str | None:
        """Return the first of some times, in UTC and to the second."""
        for key in keys:
            if record.get(key) is None:
                continue
            try:
                found = datetime.fromisoformat(str(record[key]))
            except ValueError:
                self.notes.append(f"{key} {str(record[key])[:40]!r} is no time and is left out")
                continue
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return None


def _pack(record: dict[str, Any], file: str, pointer: Pointer) -> ExportedPack:
    said = _Mapping(file, pointer)
    title = said.of_kind(record, "name", str, "").strip()
    name = slug(title)[:63].strip("-")
    if not name:
        said.refuse("MH101", ("name",), "no name can be made of it", "give it one with letters or digits")
    if "latest" in record or "archive" in record or isinstance(record.get("versions"), dict):
        message = "this is what an index of molthub says of a pack, not the pack"
        said.refuse("MH101", (), message, f"molthub import pack/{name} --from URL, with the address of the index")
    content = {
        "display_name": title,
        "description": " ".join(said.of_kind(record, "description", str, "").split()),
        "labels": _labels(record, said),
        "skills": [*_skills(record, said)],
        "mcps": [*_servers(record, said)],
        "env": _variables(said.of_kind(record, "envVars", dict, {})),
    }
    said.unknown("", record, _PACK_KEYS)
    if isinstance(number := record.get("version"), int) and number != 1:
        said.notes.append(f"its version {number} is not kept: numbers here begin at 1")
    for key, part in (("skills", content["skills"]), ("mcps", content["mcps"]), ("envVars", content["env"])):
        for found in clear_secrets(part, (key,)):
            remedy = f"write {_placeholder(found.pointer)} there, and give the value where the bots run"
            said.refuse(found.id, found.pointer, found.message, remedy if found.id == "MH105" else found.remedy)
    builtin = said.of_kind(record, "isBuiltin", bool, None)
    published = said.time(record, "updatedAt", "createdAt")
    pack_id = str(record.get("id", "")) or name
    return ExportedPack(pack_id, name, content, builtin, published, tuple(said.notes), tuple(said.problems))


def _labels(record: Mapping[str, Any], said: _Mapping) -> dict[str, str]:
    workspace = record.get("workspaceId")
    if workspace is None:
        return {}
    if not isinstance(workspace, str) or not _LABEL.match(workspace):
        said.notes.append("workspaceId cannot be a label and is left out")
        return {}
    return {"workspace": workspace}


def _skills(record: Mapping[str, Any], said: _Mapping) -> Iterator[Json]:
    for item in said.of_kind(record, "skills", list, []):
        if not isinstance(item, dict):
            yield said.renamed("skill", str(item), fits=bool(SKILL_NAME.match(str(item))))
            continue
        name = said.renamed("skill", str(item.get("name", "")), fits=bool(SKILL_NAME.match(str(item.get("name", "")))))
        said.unknown(f"skill {name}: ", item, _SKILL_KEYS)
        whole = {"name": name, "version": item.get("version"), "config": item.get("config")}
        known = {key: value for key, value in whole.items() if value not in (None, {}, "")}
        yield name if known.keys() == {"name"} else known


def _servers(record: Mapping[str, Any], said: _Mapping) -> Iterator[Json]:
    for index, item in enumerate(said.of_kind(record, "mcps", list, [])):
        if not isinstance(item, dict):
            said.refuse("MH101", ("mcps", index), "this is no MCP server", 'write {"name": ..., "command": ...}')
            continue
        name = str(item.get("name", ""))
        name = said.renamed("MCP server", name, fits=bool(re.fullmatch(r"[a-z0-9-]{1,63}", name)))
        said.unknown(f"MCP server {name}: ", item, _SERVER_KEYS)
        known = {key: value for key, value in item.items() if key in _SERVER_KEYS and value not in (None, [], {})}
        yield {**known, "name": name}


def _variables(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables as text: 8080 is "8080", true is "true". What is neither is left to the schema to refuse."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value
        for key, value in values.items()
    }


def _placeholder(pointer: Pointer) -> str:
    """Return the placeholder to write instead of a secret, named after the nearest key that has a name."""
    words = [str(part) for part in pointer if isinstance(part, str)]
    name = re.sub(r"[^a-z0-9_.-]+", "_", words[-1].lower()).strip("_.-") or "secret"
    return f"${{secrets.{name}}}"


# --- attachments ---------------------------------------------------------------------------------------------------


def _attachment(record: dict[str, Any], file: str, pointer: Pointer) -> ExportedAttachment:
    said = _Mapping(file, pointer)
    said.unknown("attachment: ", record, _ATTACHMENT_KEYS)
    env = _variables(said.of_kind(record, "envOverrides", dict, {}))
    at = said.time(record, "attachedAt")
    notes = (*said.notes, *(problem.message for problem in said.problems))
    return ExportedAttachment(str(record["skillPackId"]), str(record["botInstanceId"]), env, at, notes)
