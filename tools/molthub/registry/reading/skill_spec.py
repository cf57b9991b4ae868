"""The Agent Skills specification (https://agentskills.io/specification), held against one SKILL.md.

Two measures. *Strict* is the specification as written, for what a registry makes itself. *Lenient* is what the agents'
programs need to load a skill: readable frontmatter, a name that equals the folder's, a description; all else that the
specification refuses is then a warning. The reference validator (PyPI ``skills-ref``) judges otherwise in places where
the specification's text is on our side; the tests list each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from molthub.documents import MAX_SKILL_NAME, SKILL_NAME
from molthub.errors import ManifestError, Problem, Severity
from molthub.model import Json, SkillManifest
from molthub.registry.reading import frontmatter
from molthub.yaml_text import Pointer, YamlDocument, parse, pointer_text

SPEC_KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500
ADVISED_LINES = 500
ADVISED_TOKENS = 5000
CHARACTERS_PER_TOKEN = 4  # the usual rule of thumb for English text

_CLAUDE = "Claude Code"
_OPENCLAW = "OpenClaw"
EXTENSION_KEYS: Mapping[str, tuple[str, ...]] = {
    "agent": (_CLAUDE,),
    "argument-hint": (_CLAUDE,),
    "command-arg-mode": (_OPENCLAW,),
    "command-dispatch": (_OPENCLAW,),
    "command-tool": (_OPENCLAW,),
    "context": (_CLAUDE,),
    "disable-model-invocation": (_CLAUDE, _OPENCLAW),
    "effort": (_CLAUDE,),
    "homepage": (_OPENCLAW,),
    "hooks": (_CLAUDE,),
    "mcp-servers": ("molthub",),
    "model": (_CLAUDE,),
    "paths": (_CLAUDE,),
    "user-invocable": (_CLAUDE, _OPENCLAW),
    "when_to_use": (_CLAUDE,),
}
"""Keys outside the specification that agents' programs read, and which programs do."""

_LINK = re.compile(r"!?\[[^\]\n]*\]\(\s*(?:<([^>\n]*)>|([^()\s]+(?:\([^()\s]*\)[^()\s]*)*))(?:\s+[\"'(][^\n]*?)?\s*\)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


@dataclass(frozen=True, slots=True)
class SkillMd:
    """A SKILL.md that could be read: its frontmatter as plain values (scalars as typed), and its body."""

    values: Mapping[str, Json]
    document: YamlDocument
    parts: frontmatter.Split


def check_skill_md(
    content: bytes, file: str, *, name: str, strict: bool = False, paths: Collection[str] | None = None
) -> list[Problem]:
    """Return what is wrong with a SKILL.md of the skill ``name`` (bare, without a scope).

    ``file`` is the place that problems name. With ``paths``, the paths of the skill's files relative to its folder,
    links into the skill are followed too.
    """
    read, problems = read_skill_md(content, file)
    if content.startswith(b"\xef\xbb\xbf"):
        severity: Severity = "error" if strict else "warning"
        message = "the file begins with a byte order mark, which hides the frontmatter from some agents"
        problems = [*problems, Problem("MH302", message, "save it as UTF-8 without BOM", severity, file, 1)]
    if read is None:
        return problems
    rules = _Rules(read, file, strict=strict)
    rules.keys()
    rules.name(name)
    rules.description()
    rules.texts()
    rules.metadata()
    return [*problems, *rules.problems, *_length(read, file), *_links(read, file, paths)]


def read_skill_md(content: bytes, file: str) -> tuple[SkillMd | None, list[Problem]]:
    """Return the parts of a SKILL.md, or None and why it cannot be read."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8"
        return None, [Problem("MH301", message, "save the file as UTF-8", file=file, line=line)]
    parts = frontmatter.split(text)
    if parts is None:
        return None, [_no_frontmatter(text, file)]
    try:
        document = parse(parts.head.replace("---", "", 1) + parts.yaml, file)
    except ManifestError as error:
        return None, [_as_frontmatter_problem(problem) for problem in error.problems]
    if not isinstance(document.value, dict):
        message = "the frontmatter is not a map of keys and values"
        return None, [Problem("MH301", message, "write it as `name: ...` and `description: ...`", file=file, line=2)]
    values = {key: _as_typed(document, (key,), value) for key, value in document.value.items()}
    return SkillMd(values, document, parts), []


def check_needs(read: SkillMd, manifest: SkillManifest, file: str) -> list[Problem]:
    """Return where SKILL.md and skill.yaml both name MCP servers or variables, and not the same ones."""
    pairs = (
        ("mcp-servers", frontmatter.mcp_servers(read.values), set(manifest.needs.mcp_servers)),
        ("env", frontmatter.environment(read.values), {need.name for need in manifest.needs.env}),
    )
    problems = []
    for key, said, declared in pairs:
        if said is not None and declared and set(said) != declared:
            message = f"{key} here ({_listed(said)}) differs from skill.yaml ({_listed(declared)})"
            mark = read.document.key_mark((key,) if key in read.values else ("metadata", key))
            remedy = "name the same ones in both, or leave them out here: skill.yaml counts"
            problems.append(Problem("MH306", message, remedy, "warning", file, mark.line))
    return problems


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _no_frontmatter(text: str, file: str) -> Problem:
    first = text.split("\n", 1)[0].rstrip()
    if frontmatter.FENCE.match(first):
        message, line = "the frontmatter that opens here is never closed", 1
    elif text.strip().startswith("---"):
        message, line = "the frontmatter does not begin on the first line", 1
    else:
        message, line = "the file has no frontmatter", 1
    remedy = "begin with a line `---`, then `name: ...` and `description: ...`, then a line `---`"
    return Problem("MH301", message, remedy, file=file, line=line)


def _as_frontmatter_problem(problem: Problem) -> Problem:
    return Problem("MH301", problem.message, problem.remedy, "error", problem.file, problem.line, problem.column)


def _as_typed(document: YamlDocument, pointer: Pointer, value: Any) -> Any:
    """Return ``value`` with numbers and booleans as the text that was typed; null stays None."""
    if isinstance(value, dict):
        return {key: _as_typed(document, (*pointer, key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_typed(document, (*pointer, index), item) for index, item in enumerate(value)]
    return value if value is None or isinstance(value, str) else document.written[pointer]


class _Rules:
    """The specification's rules on frontmatter, one method each, gathering what they find."""

    def __init__(self, read: SkillMd, file: str, *, strict: bool) -> None:
        self.values = read.values
        self.document = read.document
        self.file = file
        self.minor: Severity = "error" if strict else "warning"
        self.strict = strict
        self.problems: list[Problem] = []

    def keys(self) -> None:
        for key in self.values:
            if key in SPEC_KEYS:
                continue
            readers = EXTENSION_KEYS.get(key, ())
            message = f"{key!r} is no key of the Agent Skills specification"
            if readers:
                message += f"; {' and '.join(readers)} read{'s' if len(readers) == 1 else ''} it"
            remedy = (
                "keep it if the skill is for that agent" if readers else "put it under `metadata`, or into skill.yaml"
            )
            self._add("MH302" if self.strict else "MH303", message, remedy, (key,), self.minor)

    def name(self, expected: str) -> None:
        name = self.values.get("name")
        if not isinstance(name, str) or not name.strip():
            self._add("MH302", "the skill has no name", f"write `name: {expected}`", ("name",), "error")
        elif not SKILL_NAME.match(name) or "/" in name or len(name) > MAX_SKILL_NAME:
            message = f"{name!r} is no skill name"
            remedy = "use at most 64 lower-case letters, digits and single hyphens"
            self._add("MH302", message, remedy, ("name",), "error")
        elif name != expected:
            message = f"the name {name!r} differs from the skill's, {expected!r}"
            self._add("MH103", message, f"write `name: {expected}`, or rename the skill", ("name",), "error")

    def description(self) -> None:
        text = self.values.get("description")
        if not isinstance(text, str) or not text.strip():
            remedy = "say what the skill does and when to use it: agents choose by this text"
            self._add("MH302", "the skill has no description", remedy, ("description",), "error")
        elif len(text) > MAX_DESCRIPTION:
            message = f"the description has {len(text)} characters, the specification allows {MAX_DESCRIPTION}"
            self._add("MH302", message, "shorten it; details belong into the body", ("description",), self.minor)

    def texts(self) -> None:
        for key in ("license", "compatibility", "allowed-tools"):
            if key not in self.values:
                continue
            value = self.values[key]
            if not isinstance(value, str):
                remedy = "write the tools in one line, separated by spaces" if key == "allowed-tools" else "write text"
                self._add("MH302", f"{key} is not text", remedy, (key,), self.minor)
        self._compatibility(self.values.get("compatibility"))

    def _compatibility(self, value: Json) -> None:
        if isinstance(value, str) and not 1 <= len(value.strip()) <= MAX_COMPATIBILITY:
            message = f"compatibility has {len(value)} characters, the specification allows 1 to {MAX_COMPATIBILITY}"
            self._add("MH302", message, "say in a sentence what the skill needs", ("compatibility",), self.minor)

    def metadata(self) -> None:
        if "metadata" not in self.values:
            return
        value = self.values["metadata"]
        if not isinstance(value, Mapping):
            message = "metadata is not a map of text by key"
            self._add("MH302", message, "write keys below it", ("metadata",), self.minor)
            return
        for key, item in value.items():
            if not isinstance(item, str):
                message = f"metadata {key!r} is not text"
                remedy = "write it in quotes; some agents read nested values here all the same"
                self._add("MH302", message, remedy, ("metadata", key), self.minor)

    def _add(self, problem_id: str, message: str, remedy: str, pointer: Pointer, severity: Severity) -> None:
        mark = self.document.key_mark(pointer)
        self.problems.append(
            Problem(problem_id, message, remedy, severity, self.file, mark.line, mark.column, pointer_text(pointer))
        )


def _length(read: SkillMd, file: str) -> Iterator[Problem]:
    body = read.parts.body
    lines, tokens = body.count("\n"), len(body) // CHARACTERS_PER_TOKEN
    if lines > ADVISED_LINES or tokens > ADVISED_TOKENS:
        message = f"the body has {lines} lines, about {tokens} tokens; {ADVISED_LINES} and {ADVISED_TOKENS} are advised"
        remedy = "move details into files under references/, which agents read when they need them"
        yield Problem("MH304", message, remedy, "warning", file, read.parts.body_line)


def _links(read: SkillMd, file: str, paths: Collection[str] | None) -> Iterator[Problem]:
    if paths is None:
        return
    known = set(paths)
    folders = {path[:at] for path in known for at in range(len(path)) if path[at] == "/"}
    for line, target in _relative_links(read.parts.body):
        path = _normal(target)
        if path is None or (path and path not in known and path not in folders):
            message = f"the link to {target} leads to no file of this skill"
            remedy = "add the file, or mend the link: paths are relative to the skill's folder"
            yield Problem("MH305", message, remedy, "warning", file, read.parts.body_line + line)


def _relative_links(body: str) -> Iterator[tuple[int, str]]:
    """Yield (lines above, target) of every link to a relative path outside code and comments."""
    shown = body
    for hidden in (_FENCE, _COMMENT, _CODE):
        shown = hidden.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), shown)
    for match in _LINK.finditer(shown):
        target = match[1] or match[2] or ""
        path = unquote(re.split(r"[#?]", target, maxsplit=1)[0])
        if path and not _SCHEME.match(path) and not path.startswith(("/", "mailto:", "{", "$")):
            yield shown.count("\n", 0, match.start()), path


def _normal(path: str) -> str | None:
    """Return ``path`` without `.` and `..` steps, or None where it leaves the skill's folder."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == ".." and not steps:
            return None
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)
