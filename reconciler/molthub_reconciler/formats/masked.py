"""Text of bots' files with whatever may be a secret taken out. Pure.

Nobody declared what an owner writes into a skill, so nobody knows what of it is secret. What is named like one, or has
the shape of a token, is not shown; rather one harmless word too many than one token too few.
"""

from __future__ import annotations

import re

from molthub_reconciler.difference import HIDDEN

# Each begins where a word does, and gives nothing back of long runs: a line of a megabyte takes no longer than many.
_NAMED = re.compile(
    r"(?i)((?:(?<![\w-])[\w-]*(?:api[_-]?key|token|secret|passw(?:or)?d|passphrase|credential|private[_-]?key)"
    r"[\w-]{0,64}+|authorization)"
    r"[\"']?\s*(?:[:=]|=>)\s*[\"']?(?:bearer\s+|basic\s+)?)(?!\$\{secrets\.)([^\s\"',;<>]{4,})"
)
_SHAPED = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{12,}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|[A-Za-z0-9+/_-]{40,}={0,2})"
)
_URL_PASSWORD = re.compile(r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+://[^/\s:@]*:)[^/\s@]+(@)")
_HEX = re.compile(r"(?:sha256:)?[0-9a-f]{64}\Z|[0-9a-f]{40}\Z")
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def masked(text: str) -> str:
    """Return ``text`` with what may be a secret replaced by ``***``; the number of lines stays."""
    text = _KEY_BLOCK.sub(lambda match: HIDDEN + "\n" * match[0].count("\n"), text)
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}\2", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _SHAPED.sub(lambda match: match[0] if _HEX.match(match[0]) else HIDDEN, text)
