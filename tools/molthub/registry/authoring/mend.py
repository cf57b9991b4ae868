"""Mending a SKILL.md that agents could not load, as little as possible, each edit with its line. Pure.

Real SKILL.md files break in a handful of ways: a value that holds ``: `` and no quotes, a name with spaces or capitals,
no frontmatter at all, frontmatter that is never closed, a byte order mark, no description. Those are mended. Whatever
loads as it is stays as it is, byte for byte, keys that the specification does not know among it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from molthub.documents import MAX_SKILL_NAME, SKILL_NAME
from molthub.errors import ManifestError, Problem, RegistryError
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.first_paragraph import first_paragraph
from molthub.registry.authoring.mend_quotes import KEY_LINE, fault_of, quoted
from molthub.registry.reading.frontmatter import FENCE, Split, split
from molthub.registry.reading.skill_spec import SkillMd, read_skill_md
from molthub.yaml_text import parse

SKILL_MD = "SKILL.md"
_BOM = b"\xef\xbb\xbf"
_MOST_REPAIRS = 50
_WHY = {"MH003": "mend it by hand", "MH005": "shorten it", "MH001": "save it as UTF-8"}


@dataclass(frozen=True, slots=True)
class MendedSkillMd:
    """A SKILL.md that loads: its bytes, what was mended (MH502, lines of the original), and its parts."""

    content: bytes
    mends: tuple[Problem, ...]
    read: SkillMd
    name: str


def mend_skill_md(content: bytes, *, folder: str, name: str | None = None) -> MendedSkillMd:
    """Return ``content`` in a form that loads; equal to it where it already does.

    ``folder`` is the name of the folder it was found in; ``name`` a bare name that is wanted instead of the file's own.
    Raises :class:`ManifestError` where nothing usable is there.
    """
    mending = _Mending(content)
    mending.find_frontmatter()
    mending.make_it_parse()
    given = mending.settle_name(folder, name)
    mending.settle_description()
    mended = mending.content()
    read, problems = read_skill_md(mended, SKILL_MD)
    if read is None:
        raise ManifestError(problems[0].message, place=SKILL_MD, problems=problems)
    return MendedSkillMd(mended, tuple(mending.mends), read, given)


def slug(text: str) -> str:
    """Return a skill name made of ``text``: lower-case ASCII words joined by hyphens; empty where none are in it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SKILL_NAME].strip("-")


def is_bare_name(text: object) -> bool:
    """Whether ``text`` is a skill name without a scope."""
    return (
        isinstance(text, str) and len(text) <= MAX_SKILL_NAME and "/" not in text and SKILL_NAME.match(text) is not None
    )


class _Mending:
    """One SKILL.md under repair: its text in parts, and what was done to it."""

    def __init__(self, content: bytes) -> None:
        self.mends: list[Problem] = []
        if content.startswith(_BOM):
            content = content[len(_BOM) :]
            self._say(1, "removed the byte order mark")
        self.original = _decoded(content)
        self.newline = "\r\n" if "\r\n" in self.original else "\n"
        self.parts = Split("", "", "", self.original)
        self.shift = 0
        """How many lines the original is ahead of (or, negative, behind) the text under repair."""

    def content(self) -> bytes:
        parts = self.parts
        return (parts.head + parts.yaml + parts.tail + parts.body).encode()

    def _say(self, line: int, what: str) -> None:
        self.mends.append(Problem("MH502", what, severity="warning", file=SKILL_MD, line=max(line, 1)))

    # --- frontmatter that is there ---

    def find_frontmatter(self) -> None:
        text = self.original.lstrip("\r\n \t")
        blank = self.original[: len(self.original) - len(text)]
        if blank and FENCE.match(text.split("\n", 1)[0].rstrip("\r")):
            self._say(1, "removed blank lines before the frontmatter")
            self.shift = blank.count("\n")
        else:
            text = self.original
        found = split(text)
        if found is not None and _could_be_map(found.yaml):
            self.parts = found
        elif not self._close(text):
            self._open(self.original)

    def _close(self, text: str) -> bool:
        """Close frontmatter that was opened and never closed, after its last `key: value` line."""
        lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        if not lines or not FENCE.match(lines[0].rstrip("\r\n")) or split(text) is not None:
            return False
        stop = 1
        while stop < len(lines) and lines[stop].strip() and (KEY_LINE.match(lines[stop]) or lines[stop][0] in " \t"):
            stop += 1
        if not any(re.match(r"(name|description)[ \t]*:", line) for line in lines[1:stop]):
            return False
        yaml_lines = "".join(lines[1:stop])
        yaml_lines += "" if yaml_lines.endswith("\n") else self.newline
        self.parts = Split(lines[0], yaml_lines, "---" + self.newline, "".join(lines[stop:]))
        self._say(stop + 1 + self.shift, "closed the frontmatter")
        return True

    def _open(self, text: str) -> None:
        """Put frontmatter where none is."""
        if not text.strip():
            raise _unusable("the file is empty", 1, "write what the skill does and how")
        fence = "---" + self.newline
        self.parts = Split(fence, "", fence + ("" if text.startswith(("\n", "\r\n")) else self.newline), text)
        self.shift = 0
        self._say(1, "added frontmatter: there was none")

    # --- YAML that does not parse ---

    def make_it_parse(self) -> None:
        """Quote the values that keep the YAML from parsing."""
        for _ in range(_MOST_REPAIRS):
            fault = fault_of(self.parts.yaml)
            if fault is None:
                return
            repaired = quoted(self.parts.yaml, fault)
            if repaired is None:
                break
            changed, key = repaired.line, repaired.key
            why = "it holds ': '" if "': '" in fault.remedy or '": "' in fault.remedy else "YAML takes it otherwise"
            self._say(changed + 1 + self.shift, f"quoted the value of {key}: {why}")
            self.parts = Split(self.parts.head, repaired.text, self.parts.tail, self.parts.body)
        fault = fault_of(self.parts.yaml)
        if fault is not None:
            remedy = _WHY.get(fault.id, fault.remedy or "mend the YAML by hand")
            raise _unusable(f"the frontmatter does not parse: {fault.message}", self._line(fault.line), remedy)

    def _line(self, line: int | None) -> int:
        return (line or 1) + 1 + self.shift

    # --- name and description ---

    def settle_name(self, folder: str, wanted: str | None) -> str:
        """Make the frontmatter's name a valid one; return it."""
        said = self._value("name")
        missing = "name" not in (parse(self.parts.yaml, SKILL_MD).value or {})
        shown = said if isinstance(said, str) else ""
        name = wanted or (shown if is_bare_name(shown) else slug(shown) or slug(folder))
        if not name:
            raise _unusable(f"no skill name can be made of {folder!r}", 1, "write `name: ...` into its frontmatter")
        if said != name:
            what = f"changed the name from {said!r} to {name}" if said is not None else f"added the name {name}"
            self._set("name", name, what, first=missing)
        return name

    def settle_description(self) -> None:
        """Make the first paragraph the description where there is none."""
        said = self._value("description")
        if isinstance(said, str) and said.strip():
            return
        text = first_paragraph(self.parts.body)
        if not text:
            remedy = "write `description: ...`: what it does and when to use it"
            raise _unusable("there is no description, and no text to take one from", self._key_line("name"), remedy)
        self._set("description", text, "added a description: the first paragraph")

    def _value(self, key: str) -> object:
        document = parse(self.parts.yaml, SKILL_MD)
        value = (document.value or {}).get(key)
        return document.written.get((key,), value) if value is not None else None

    def _key_line(self, key: str) -> int:
        return self._line(parse(self.parts.yaml, SKILL_MD).key_mark((key,)).line)

    def _set(self, key: str, value: str, what: str, *, first: bool = False) -> None:
        line = 2 if first else self._key_line(key)
        yaml = self.parts.yaml
        if first and not yaml.lstrip().startswith("{"):
            yaml = f"{key}: {yaml_write.scalar(value)}{self.newline}{yaml}"
        else:
            try:
                yaml = edit.set_value(yaml, (key,), value)
            except RegistryError as error:
                raise _unusable(error.message, line, error.remedy) from None
        self.parts = Split(self.parts.head, yaml, self.parts.tail, self.parts.body)
        self._say(line, what)


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(f"byte {error.start} is not UTF-8", line, "save the file as UTF-8") from None


def _unusable(message: str, line: int, remedy: str) -> ManifestError:
    problem = Problem("MH501", message, remedy, file=SKILL_MD, line=max(line, 1))
    return ManifestError(message, place=problem.place, remedy=remedy, problems=[problem])


def _could_be_map(yaml: str) -> bool:
    """Whether the text between two fences is frontmatter, perhaps faulty, and no text between two rules."""
    try:
        value = parse(yaml, SKILL_MD).value
    except ManifestError:
        return any(KEY_LINE.match(line.lstrip()) for line in yaml.split("\n"))
    return value is None or isinstance(value, dict)
