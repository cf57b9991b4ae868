"""Allow-comments: who knows why a finding must stand says so beside it, and the report repeats it. Pure.

``molthub-allow: MH804 <reason>`` takes findings of that id on its own line, on the next one, and in fenced code that
begins on the next one. ``molthub-allow-file: MH804 <reason>`` in a file's first lines takes all of that id in the file.
For files that hold no comments, SKILL.md says ``molthub-allow-file: MH807 assets/tool.jar <reason>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text

FIRST_LINES = 20
_COMMENT = re.compile(
    r"(?:<!--|#|//|/\*|--|;|\brem\b|"
    r"\[//\]:\s*#\s*\()[ \t]*molthub-allow(?P<file>-file)?:[ \t]*(?P<ids>MH[0-9]{3}(?:[ \t]*,[ \t]*MH[0-9]{3})*)?"
    r"(?P<reason>[^\n]*)",
    re.IGNORECASE,
)
_END = re.compile(r"(?:-->|\*/|\)\s*$).*$")
_FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})")
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One allow-comment: what it takes, where, and why. ``path`` is the file that it speaks of."""

    ids: frozenset[str]
    path: str
    reason: str
    line: int
    whole_file: bool
    until: int

    def takes(self, finding: Finding) -> bool:
        """Whether the comment takes ``finding``."""
        if finding.id not in self.ids or finding.path != self.path:
            return False
        return self.whole_file or (finding.line is not None and self.line <= finding.line <= self.until)


def read_allowances(text: Text, paths: Iterable[str]) -> tuple[list[Allowance], list[Finding]]:
    """Return the allow-comments of a file, and a finding for each that does not count."""
    if b"molthub" not in text.words:
        return [], []
    allowances: list[Allowance] = []
    refused: list[Finding] = []
    for match in _COMMENT.finditer(text.raw):
        line, _ = text.raw_place(match.start())
        problem = _wrong(text, match, line)
        if problem:
            remedy = "write `molthub-allow: MH804 <why it must be there>`"
            refused.append(Finding("MH821", "warning", text.path, problem, remedy, line))
        else:
            allowances.append(_read(text, match, line, frozenset(paths)))
    return allowances, refused


def _reason(match: re.Match[str]) -> str:
    return _END.sub("", match["reason"]).strip(" \t:,.\"'")


def _wrong(text: Text, match: re.Match[str], line: int) -> str:
    """Return why an allow-comment does not count, or nothing."""
    if not match["ids"]:
        return "an allow-comment names no problem id, so it takes nothing"
    if not _WORD.search(_reason(match)):
        return "an allow-comment gives no reason, so it takes nothing"
    if match["file"] and line > FIRST_LINES + _head(text):
        return f"an allow-comment for a whole file stands below its first {FIRST_LINES} lines, so it takes nothing"
    return ""


def _head(text: Text) -> int:
    """Return how many lines the frontmatter takes."""
    end = text.raw.find("\n---", 3) if text.raw.startswith("---") else -1
    return text.raw.count("\n", 0, end) + 2 if end >= 0 else 0


def _read(text: Text, match: re.Match[str], line: int, paths: frozenset[str]) -> Allowance:
    ids = frozenset(re.findall(r"MH[0-9]{3}", match["ids"].upper()))
    reason, path = _reason(match), text.path
    first, _, rest = reason.partition(" ")
    if match["file"] and text.path == "SKILL.md" and first in paths and _WORD.search(rest):
        path, reason = first, rest.strip()
    until = line + 1 if match["file"] else _reach(text, line)
    return Allowance(ids, path, reason, line, bool(match["file"]), until)


def _reach(text: Text, line: int) -> int:
    """Return the last line that an allow-comment on ``line`` takes: the next, or the end of code that begins there."""
    if line >= len(text.raw_lines) or text.raw is not text.visible:
        return line + 1
    begin = text.raw_lines[line]
    fence = text.fence_at(begin) if _FENCE.match(text.raw, begin) else None
    return text.line_number(fence[1]) if fence else line + 1


def applied(findings: Iterable[Finding], allowances: Mapping[str, list[Allowance]]) -> Iterator[Finding]:
    """Yield ``findings``, those that an allow-comment takes with its reason."""
    for finding in findings:
        taking = next((one for one in allowances.get(finding.path, ()) if one.takes(finding)), None)
        yield finding.taken(taking.reason) if taking else finding
