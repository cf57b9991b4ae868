"""The search for risks in one skill version: every rule over every file, weak signals added up, allow-comments.

Pure: bytes by path in, findings out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from molthub.registry.risk import (
    binaries,
    declared,
    downloads,
    exfiltration,
    hidden,
    instructions,
    payloads,
    portability,
    prerequisites,
    safeguards,
    secrets,
    takeover,
)
from molthub.registry.risk.allow import Allowance, applied, read_allowances
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Kind, Text

SKILL_MD = "SKILL.md"
MAX_SAME = 20
MAX_READ = 8 * 1024 * 1024
MAX_LOOKED_AT = 500
"""Findings of a kind that a file shows; bytes of a text file that are read; findings of a rule after which it stops.

Whoever goes beyond the last two has a blocking finding for that alone, so that no flood hides anything.
"""


class Rule(NamedTuple):
    """What looks, at which kinds of files, and the words without one of which it has nothing to find."""

    look: Callable[[Text], Iterator[Finding]]
    kinds: frozenset[Kind]
    triggers: frozenset[bytes]


def _rule(look: Callable[[Text], Iterator[Finding]], kinds: tuple[Kind, ...], triggers: Collection[str] = ()) -> Rule:
    return Rule(look, frozenset(kinds), frozenset(word.encode() for word in triggers))


RULES: tuple[Rule, ...] = (
    _rule(downloads.look, ("prose", "code"), downloads.TRIGGERS),
    _rule(prerequisites.look, ("prose",), prerequisites.TRIGGERS),
    _rule(payloads.look, ("prose", "code"), payloads.TRIGGERS),
    _rule(payloads.look_at_names, ("code",)),
    _rule(exfiltration.look, ("prose", "code"), exfiltration.TRIGGERS),
    _rule(takeover.look, ("prose", "code"), takeover.TRIGGERS),
    _rule(safeguards.look, ("prose", "code"), safeguards.TRIGGERS),
    _rule(instructions.look, ("prose", "code"), instructions.TRIGGERS),
    _rule(hidden.look_at_hidden_text, ("prose",)),
    _rule(secrets.look, ("prose", "code", "other")),
    _rule(portability.look_at_lines, ("code",)),
)
_CONCEALS = frozenset({"MH803", "MH813", "MH814"})
_ACTS = frozenset({"MH804", "MH805", "MH806", "MH808", "MH809", "MH810"})
_WEAK = _ACTS | {"MH811", "MH812"}
_MANY_CLASSES = 4


def scan_skill(files: Mapping[str, bytes], *, environment: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return what is found in the files of one skill version, by path and line.

    ``files`` are the version's files, relative to its folder. ``environment`` are the variables that skill.yaml names;
    None leaves out what compares code with a manifest. Blocking findings have the severity ``error`` and no
    allow-comment.
    """
    findings: list[Finding] = []
    allowances: dict[str, list[Allowance]] = {}
    texts: list[Text] = []
    for path, content in sorted(files.items()):
        findings += portability.look_at_size(path, len(content))
        findings += binaries.look(path, content)
        if b"\x00" in content[:8192] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        if len(content) > MAX_READ:
            message = f"text of {len(content):,} bytes; {MAX_READ:,} are read"
            findings.append(Finding("MH818", "error", path, message, "split it, or leave it out"))
        text = Text(path, _as_utf8(content[:MAX_READ]))
        texts.append(text)
        findings += _in_text(text)
        for allowance in _allowed(text, files, findings):
            allowances.setdefault(allowance.path, []).append(allowance)
    findings += _across(texts, environment)
    findings += _together(findings)
    return tuple(_few(applied(dict.fromkeys(sorted(findings, key=_place)), allowances)))


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the first findings of a kind in a file: nobody reads the thousandth, and none hides another kind."""
    count: Counter[tuple[str, str, bool]] = Counter()
    for finding in findings:
        kind = (finding.path, finding.id, finding.blocks)
        count[kind] += 1
        if count[kind] <= MAX_SAME:
            yield finding


def _as_utf8(content: bytes) -> bytes:
    """Return text in UTF-16, which some editors write, as UTF-8; other bytes as they are."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    return content


def _in_text(text: Text) -> Iterator[Finding]:
    if text.holds_invisible:
        yield from hidden.look_at_characters(text)
    for rule in RULES:
        if text.kind in rule.kinds and not (rule.triggers and rule.triggers.isdisjoint(text.words)):
            found = list(islice(rule.look(text), MAX_LOOKED_AT))
            yield from found
            if len(found) == MAX_LOOKED_AT:
                message = f"more than {MAX_LOOKED_AT} signals like {found[0].id} in one file, which nobody can review"
                yield Finding("MH819", "error", text.path, message, "split the file, or leave it out")
    if text.path == SKILL_MD:
        yield from portability.look_at_syntax(text)


def _allowed(text: Text, paths: Collection[str], findings: list[Finding]) -> list[Allowance]:
    allowances, refused = read_allowances(text, paths)
    findings += refused
    return allowances


def _across(texts: list[Text], environment: Collection[str] | None) -> Iterator[Finding]:
    if environment is None:
        return
    said = " ".join(text.low for text in texts if text.path in (SKILL_MD, "skill.yaml"))
    yield from declared.look_at_variables(texts, environment)
    yield from declared.look_at_hosts(texts, said)


def _together(findings: list[Finding]) -> list[Finding]:
    """Return a blocking finding where signals that are weak alone stand together: what acts, and what conceals it."""
    meant = [finding for finding in findings if not finding.cited]
    if any(finding.severity == "error" for finding in meant):
        return []
    acting = {finding.path for finding in meant if finding.id in _ACTS}
    conceals = [finding for finding in meant if finding.id in _CONCEALS and finding.path in acting]
    weak = [finding for finding in meant if finding.id in _WEAK]
    if not conceals and len({finding.id for finding in weak}) < _MANY_CLASSES:
        return []
    first = (conceals or weak)[0]
    why = ", ".join(sorted({finding.id for finding in (*weak, *conceals)}))
    message = f"signals that are weak alone stand together: {why}"
    remedy = "remove what the skill does not need; explain the rest by allow-comments, one by one"
    return [Finding("MH819", "error", first.path, message, remedy, first.line, first.column)]


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.path, finding.line or 0, finding.column or 0, finding.id
