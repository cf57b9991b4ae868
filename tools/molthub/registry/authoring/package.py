"""From a loose skill folder to the files of one version: SKILL.md that loads, and skill.yaml. Pure.

skill.yaml is taken as it is where the folder has one; else it is made from the frontmatter, without dates, so that
the same folder makes the same version each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molthub import schema_files
from molthub.documents import SKILL_NAME, file_entry, tree_digest
from molthub.errors import ManifestError, Problem
from molthub.model import Json, bare_name
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.first_paragraph import shortened
from molthub.registry.authoring.loose_skills import LooseSkill
from molthub.registry.authoring.mend import SKILL_MD, mend_skill_md
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.manifest import read_manifest
from molthub.registry.reading.skill_needs import SaidNeeds, said_needs
from molthub.registry.reading.skill_spec import SkillMd, check_skill_md
from molthub.versions import is_version

SKILL_YAML = "skill.yaml"
FIRST_VERSION = "1.0.0"
_NEARLY_VERSION = re.compile(r"[vV=]?\s*(0|[1-9][0-9]{0,8})(?:\.(0|[1-9][0-9]{0,8}))?(?:\.(0|[1-9][0-9]{0,8}))?\Z")
_URL = re.compile(r"https?://[^ \t\n\r<>\"]+\Z")
_MAX_TAG = 64
_MAX_TAGS = 32
_MAX_LINE = 256
_IDENTIFIERS = """
0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause
BSL-1.0 BUSL-1.1 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-SA-4.0 CC0-1.0 ECL-2.0 EPL-2.0 EUPL-1.2 GPL-2.0
GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later
LGPL-3.0 LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-2.0 MS-PL MulanPSL-2.0 NCSA OFL-1.1 OSL-3.0 PostgreSQL
Python-2.0 Unlicense UPL-1.0 Vim WTFPL X11 Zlib ZPL-2.1
"""
SPDX = {identifier.lower(): identifier for identifier in _IDENTIFIERS.split()}
"""The identifiers of https://spdx.org/licenses/ that skills are found under, by their lower-case spelling."""


@dataclass(frozen=True, slots=True)
class Package:
    """A skill ready to become a version: its full name, its files but for skill.yaml, and what skill.yaml shall say.

    ``declared`` is the version that the folder itself names, or None. ``notes`` say what was mended or left out.
    """

    name: str
    declared: str | None
    files: Mapping[str, NewFile]
    values: Mapping[str, Json]
    given: str | None
    notes: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def at_version(self, number: str) -> dict[str, NewFile]:
        """Return the files of the version ``number``, skill.yaml among them, sorted by path."""
        text = self.given
        if text is None:
            schema = f"{schema_files.BASE_URL}skill{schema_files.SUFFIX}"
            text = yaml_write.document({"name": self.name, "version": number, **self.values}, schema=schema)
        else:
            for key, value in (("name", self.name), ("version", number)):
                text = edit.set_value(text, (key,), value, file=SKILL_YAML) if _says(text, key) != value else text
        executable = SKILL_YAML in self.files and self.files[SKILL_YAML].executable
        files = {**self.files, SKILL_YAML: NewFile(text.encode(), executable)}
        return dict(sorted(files.items()))


def digest_of_files(files: Mapping[str, NewFile]) -> str:
    """Return the digest of a version made of ``files``."""
    return tree_digest(file_entry(path, file.content, executable=file.executable) for path, file in files.items())


def package(skill: LooseSkill, *, name: str | None = None, folder: str | None = None) -> Package:
    """Make a loose skill ready, under ``name`` where one is wanted (it may have a scope).

    ``folder`` stands in for the folder's name where no other name is found. Raises :class:`ManifestError`.
    """
    given, values = _given_manifest(skill)
    wanted = name or values.get("name")
    bare = bare_name(str(wanted)) if wanted else None
    mended = mend_skill_md(skill.files[SKILL_MD].content, folder=folder or skill.path.name, name=bare)
    full = str(wanted or mended.name)
    notes = [*skill.notes, *mended.mends]
    if given is not None and values.get("name") != full:
        notes.append(_note("MH502", f"changed the name to {full}", SKILL_YAML))
    typed = skill.files[SKILL_MD].content
    declared, remark = _declared_version(values, mended.read, typed)
    notes += remark
    made: dict[str, Json] = {}
    if given is None:
        made, remarks = _values_of(mended.read, typed)
        notes += remarks
    files = {**skill.files, SKILL_MD: NewFile(mended.content, skill.files[SKILL_MD].executable)}
    problems = check_skill_md(mended.content, SKILL_MD, name=mended.name, paths=[*files, SKILL_YAML])
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ManifestError(errors[0].message, place=SKILL_MD, problems=errors)
    return Package(full, declared, files, made, given, tuple(notes), tuple(problems))


def _note(problem_id: str, message: str, file: str = SKILL_MD, line: int | None = None) -> Problem:
    return Problem(problem_id, message, severity="warning", file=file, line=line)


def _given_manifest(skill: LooseSkill) -> tuple[str | None, dict[str, Any]]:
    """Return the folder's own skill.yaml, text and values; (None, {}) where it has none."""
    if SKILL_YAML not in skill.files:
        return None, {}
    content = skill.files[SKILL_YAML].content
    manifest, problems = read_manifest("skill", content, SKILL_YAML)
    if manifest is None:
        remedy = "mend it, or rename it: molthub then makes one from SKILL.md"
        raise ManifestError("its skill.yaml is none of molthub's", place=SKILL_YAML, remedy=remedy, problems=problems)
    return content.decode("utf-8"), manifest.value


def _says(text: str, key: str) -> Json:
    manifest, _ = read_manifest("skill", text.encode(), SKILL_YAML)
    return manifest.value.get(key) if manifest is not None else None


def _line_of(read: SkillMd, key: str, typed: bytes) -> int | None:
    """Return the line of SKILL.md as it was ``typed`` that says ``key``, at the top or under metadata."""
    pointer = (key,) if key in read.values else ("metadata", key)
    line = read.document.key_mark(pointer).line
    mended = (read.parts.head + read.parts.yaml).split("\n")[line - 1].strip()
    lines = typed.decode("utf-8-sig").split("\n")
    same = [number for number, text in enumerate(lines, 1) if text.strip() == mended]
    return min(same, key=lambda number: abs(number - line), default=None)


def _declared_version(values: Mapping[str, Json], read: SkillMd, typed: bytes) -> tuple[str | None, list[Problem]]:
    """Return the version that skill.yaml, or else the frontmatter, names; ``1.0`` and ``v1`` are completed."""
    if "version" in values:
        return str(values["version"]), []
    said = _either(read.values, "version")
    if not isinstance(said, str) or is_version(said):
        return said if isinstance(said, str) else None, []
    nearly = _NEARLY_VERSION.match(said.strip())
    if nearly is None:
        message = f"did not take {said!r} for a version: it is none of SemVer"
        return None, [_note("MH502", message, line=_line_of(read, "version", typed))]
    number = ".".join(part or "0" for part in nearly.groups())
    return number, [_note("MH502", f"took the version {said!r} as {number}", line=_line_of(read, "version", typed))]


# --- skill.yaml from frontmatter -----------------------------------------------------------------------------------


def manifest_values(read: SkillMd) -> dict[str, Json]:
    """Return what skill.yaml says besides name and version, made from a SKILL.md."""
    return _values_of(read, b"")[0]


def _values_of(read: SkillMd, typed: bytes) -> tuple[dict[str, Json], list[Problem]]:
    head = read.values
    notes: list[Problem] = []
    text = " ".join(str(head.get("description") or "").split())
    description = shortened(text)
    if description != text:
        message = f"cut the description of {len(text)} characters to fit into skill.yaml"
        notes.append(_note("MH502", message, line=_line_of(read, "description", typed)))
    license_ = _license(head.get("license"))
    if license_ is None:
        message = f"left the licence {_line(head['license'])!r} out of skill.yaml: it is no SPDX identifier"
        notes.append(_note("MH502", message, line=_line_of(read, "license", typed)))
    said = said_needs(head)
    values: dict[str, Json] = {
        "description": description,
        "tags": _words(head, "tags"),
        "author": _line(_either(head, "author")),
        "license": license_ or "",
        "homepage": _url(_either(head, "homepage")),
        "mcp-servers": list(said.mcp_servers or ()),
        "env": _env_needs(said),
        "bins": list(said.bins or ()),
        "any-bins": [list(group) for group in said.any_bins or ()],
        "os": list(said.systems or ()),
    }
    return {key: value for key, value in values.items() if value}, notes


def _either(head: Mapping[str, Json], key: str) -> Json:
    metadata = head.get("metadata")
    return head.get(key, metadata.get(key) if isinstance(metadata, Mapping) else None)


def _words(head: Mapping[str, Json], key: str) -> list[str]:
    said = _either(head, key)
    words = said if isinstance(said, list) else str(said).split(",") if isinstance(said, str) else []
    fitting = [word.strip() for word in words if isinstance(word, str)]
    return list(dict.fromkeys(word for word in fitting if word and len(word) <= _MAX_TAG and "\n" not in word))[
        :_MAX_TAGS
    ]


def _line(said: Json) -> str:
    text = " ".join(said.split()) if isinstance(said, str) else ""
    return text if len(text) <= _MAX_LINE else ""


def _url(said: Json) -> str:
    return said if isinstance(said, str) and _URL.match(said) else ""


def _license(said: Json) -> str | None:
    """Return the licence as an SPDX expression, empty where none is said; None for what stays in SKILL.md alone."""
    if not isinstance(said, str) or not said.strip():
        return ""
    words = re.sub(r"\s+licen[cs]e\Z", "", said.strip(), flags=re.IGNORECASE).split()
    written = [word if word in ("AND", "OR") else SPDX.get(word.strip("()").lower(), "") for word in words]
    if (
        all(written)
        and len(words) % 2 == 1
        and all((word in ("AND", "OR")) == bool(n % 2) for n, word in enumerate(words))
    ):
        return " ".join(written)
    return None


def _env_needs(said: SaidNeeds) -> list[Json]:
    flags = ({"secret": need.secret, "required": need.required} for need in said.env or ())
    kept = ({flag: True for flag, is_set in found.items() if is_set} for found in flags)
    return [{"name": need.name, **flag} for need, flag in zip(said.env or (), kept, strict=True)]


def is_skill_name(name: str) -> bool:
    """Whether ``name`` is a skill's full name, with or without a scope."""
    return SKILL_NAME.match(name) is not None
