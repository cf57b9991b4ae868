"""MH817 and MH818: what only one agent understands, and files that are too large to be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text, shown

_SYNTAX: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Claude Code", re.compile(r"\bmcp__\w+|(?:^|\s)!`[^`\n]+`|\$\{claude_(?:plugin_root|skill_dir)\}|\$arguments\b|\b(?:todowrite|askuserquestion|exitplanmode)\b|\btask tool\b")),
    ("OpenClaw", re.compile(r"\{basedir\}|\bsessions_(?:spawn|send)\b|\bopenclaw (?:cron|gateway|agent)\b")),
    ("Codex", re.compile(r"\bapply_patch\b|\bupdate_plan\b")),
    ("Copilot", re.compile(r"(?:^|\s)#(?:codebase|terminallastcommand|file:\S+)")),
)
_NAMES = {"Claude Code": "claude", "OpenClaw": "openclaw|clawdbot|moltbot|clawdis", "Codex": "codex", "Copilot": "copilot|vs ?code"}
_LARGE = 1024 * 1024
_LARGE_PROSE = 100 * 1024
_LONG_LINE = 5000


def look_at_syntax(text: Text) -> Iterator[Finding]:
    """Yield the first place of each agent's own syntax in SKILL.md, where its head does not name that agent."""
    head = text.low[:4000].split("\n---", 1)[0]
    for agent, pattern in _SYNTAX:
        match = pattern.search(text.low)
        if match and not re.search(_NAMES[agent], head):
            message = f"only {agent} understands {shown(match[0], 40)!r}"
            remedy = "say it in words that every agent understands, or name the agent under `compatibility`"
            yield text.finding("MH817", "warning", match.start(), message, remedy)


def look_at_size(path: str, size: int) -> Iterator[Finding]:
    """Yield a finding for a file that is too large for anybody to read."""
    prose = path.lower().endswith((".md", ".txt"))
    limit = _LARGE_PROSE if prose else _LARGE
    if size > limit:
        message = f"the file has {size:,} bytes; {limit:,} can be reviewed"
        yield Finding("MH818", "warning", path, message, "split it, or fetch it when it is needed")


def look_at_lines(text: Text) -> Iterator[Finding]:
    """Yield the first line of code that is too long for anybody to read."""
    if text.kind == "code" and not text.path.lower().endswith((".json", ".ipynb", ".yaml", ".yml")):
        match = re.search(rf"^[^\n]{{{_LONG_LINE},}}", text.visible, re.MULTILINE)
        if match:
            message = f"a line of {len(match[0]):,} characters hides what the code does"
            yield text.finding("MH818", "warning", match.start(), message, "ship the source, not its packed form")
