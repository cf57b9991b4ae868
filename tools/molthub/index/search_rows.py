"""The rows that a search finds: one for everything that may be offered, made of nothing but its own entry."""

from __future__ import annotations

import re

from molthub.documents import canonical_plain, search_row_to_json
from molthub.index.releases import Archived, is_withdrawn, latest_pack, latest_skill
from molthub.model import PackEntry, SearchRow, SkillEntry
from molthub.registry.upstreams.content import Content
from molthub.search_text import tokens

MAX_WORDS = 24
"""How many words of keywords and headings a row has: enough to be found by, short enough for a list of rows."""

_HEADING = re.compile(rb"\n#{1,4}[ \t]+([^\n]+)")
_FENCED = re.compile(rb"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_COMPATIBILITY = re.compile(rb"^compatibility:[^\n]*(?:\n[ \t]+[^\n]*)*", re.MULTILINE)
_PLATFORMS = {
    "claude-code": re.compile(rb"claude[ -]?code", re.IGNORECASE),
    "codex": re.compile(rb"\bcodex\b", re.IGNORECASE),
    "copilot": re.compile(rb"\bcopilot\b", re.IGNORECASE),
    "cursor": re.compile(rb"\bcursor\b", re.IGNORECASE),
    "gemini-cli": re.compile(rb"gemini[ -]?cli", re.IGNORECASE),
    "openclaw": re.compile(rb"openclaw", re.IGNORECASE),
    "opencode": re.compile(rb"opencode", re.IGNORECASE),
}
"""Agent programs as ``compatibility`` names them, which the Agent Skills specification leaves to free text."""

# Words that most skills have in a heading and nobody looks for.
_EMPTY = frozenset(
    re.findall(
        "[a-z]+",
        "a an and are as at by do for from how if in is it its of on or that the then this to use using what when "
        "where which why with you your step steps usage overview example examples notes instructions introduction",
    )
)


def search_row(archived: Archived, entry: SkillEntry | PackEntry) -> bytes | None:
    """Return an entry's row as canonical JSON: what may be offered has one, what has no available version too."""
    if is_withdrawn(entry):
        return None
    row = _skill_row(archived, entry) if isinstance(entry, SkillEntry) else _pack_row(entry)
    return canonical_plain(search_row_to_json(row))


def _skill_row(archived: Archived, skill: SkillEntry) -> SearchRow:
    latest = latest_skill(skill) or ""
    head = (skill.name, skill.description, latest, skill.tags, skill.status, skill.owners)
    key = (skill.name, latest)
    if key not in archived.contents:
        return SearchRow("skill", *head)
    skill_md = skill_md_of(archived.contents[key])
    said = tokens(f"{skill.name} {skill.description} {' '.join(skill.tags)}".lower())
    return SearchRow(
        "skill",
        *head,
        mcp_servers=skill.releases[latest].needs.mcp_servers,
        platforms=platforms(skill_md),
        words=_words(archived.manifests[key].keywords, skill_md, {*said, *_EMPTY}),
    )


def skill_md_of(content: Content) -> bytes:
    """Return the SKILL.md of a version."""
    return next((read for entry, read in content if entry.path == "SKILL.md"), b"")


def platforms(skill_md: bytes) -> tuple[str, ...]:
    """Return the agent programs that ``compatibility`` names; none: the skill is for any."""
    said = _COMPATIBILITY.search(skill_md) if b"compatibility:" in skill_md else None
    return tuple(name for name, named in _PLATFORMS.items() if named.search(said[0])) if said else ()


def _words(keywords: tuple[str, ...], skill_md: bytes, known: set[str]) -> tuple[str, ...]:
    """Return keywords as they are, then words of headings that nothing else of the row says."""
    kept = [word for word in keywords if not known.issuperset(tokens(word.lower()))]
    known = known.union(token for word in kept for token in tokens(word.lower()))
    text = _FENCED.sub(b"", skill_md) if b"```" in skill_md or b"~~~" in skill_md else skill_md
    headings = b"\n".join(_HEADING.findall(b"\n" + text)).decode("utf-8", "replace").lower()
    words = dict.fromkeys(word for word in re.findall(r"\w+", headings) if len(word) > 1 and word not in known)
    return (*kept, *words)[:MAX_WORDS]


def _pack_row(pack: PackEntry) -> SearchRow:
    newest = latest_pack(pack)
    servers = pack.releases[newest].mcps if newest is not None else ()
    return SearchRow(
        "pack",
        pack.name,
        pack.description or pack.display_name,
        str(newest or ""),
        status=pack.status,
        owners=pack.owners,
        mcp_servers=servers,
        words=tuple(pack.releases[newest].skills) if newest is not None else (),
    )
