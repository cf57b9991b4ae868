"""MH817 and MH818: what only one agent understands, and files that are too large to be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text, shown

_SYNTAX: tuple[tuple[str, str, re.Pattern[str], tuple[str, ...]], ...] = (
    (
        "Claude Code",
        "claude",
        re.compile(
            r"mcp__\w+|!`[^`\n]+`|\$\{claude_(?:plugin_root|skill_dir)\}|\$arguments\b|(?:todowrite|"
            r"askuserquestion|exitplanmode)\b"
        ),
        ("mcp", " !`", "${claude_", "$arguments", "todowrite", "askuserquestion", "exitplanmode"),
    ),
    (
        "OpenClaw",
        "openclaw|clawdbot|moltbot|clawdis",
        re.compile(r"\{basedir\}|sessions_(?:spawn|send)\b"),
        ("{basedir}", "sessions_spawn", "sessions_send"),
    ),
    ("Codex", "codex", re.compile(r"apply_patch\b|update_plan\b"), ("apply_patch", "update_plan")),
    (
        "Copilot",
        "copilot|vs ?code",
        re.compile(r"#(?:codebase|terminallastcommand)\b"),
        ("#codebase", "#terminallastcommand"),
    ),
)
_LARGE = 1024 * 1024
_LARGE_PROSE = 100 * 1024
_LONG_LINE = 5000


def look_at_syntax(text: Text) -> Iterator[Finding]:
    """Yield the first place of each agent's own syntax in SKILL.md, where its head does not name that agent."""
    head = text.low[:4000].split("\n---", 1)[0]
    for agent, names, pattern, anchors in _SYNTAX:
        match = next(text.matches(pattern, *anchors, back=1, ahead=120), None)
        if match and not re.search(names, head):
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
