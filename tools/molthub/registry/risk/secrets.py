"""MH801: live-looking credentials in a skill's files. Pure; nothing found is ever repeated.

The detectors are those of ``detect-secrets`` that know a token by its shape; its entropy and keyword detectors flag
good skills and are left out. The library is imported only where a cheap look has found something of a token's shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from molthub.errors import Severity, missing_extra
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text

REMEDY = (
    "revoke it, since git remembers it; then declare the variable in skill.yaml and give the value where the bot runs"
)

_SHAPE = re.compile(
    r"gh[opusr]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{30}|glpat-[\w-]{16}|xox[abeoprs]-[\w-]{10}|(?:AKIA|"
    r"ASIA)[0-9A-Z]{16}|AIza[\w-]{35}|"
    r"sk-[\w-]{20}|[rs]k_live_\w{16}|npm_\w{30}|pypi-AgE\w{20}|hf_[A-Za-z]{30}|SG\.[\w-]{16}|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AccountKey=|"
    r"\b\d{8,10}:[\w-]{35}|[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27}|hooks\.slack\.com/services/T|(?:AC|"
    r"SK)[0-9a-f]{32}|-us[0-9]{1,2}\b"
)
_TOKEN = re.compile(r"[\w+/=.:-]+")
_NEAR = 200
_GLUED = (b"AKIA", b"ASIA", b"AIza", b":AA")
_BEGINNINGS: dict[bytes, bytes] = {
    **{f"gh{kind}".encode(): f"gh{kind}_".encode() for kind in "opusr"},
    **{f"xox{kind}".encode(): f"xox{kind}-".encode() for kind in "abeoprs"},
    b"github": b"github_pat_",
    b"glpat": b"glpat-",
    b"sk": b"sk-",
    b"live": b"k_live_",
    b"npm": b"npm_",
    b"pypi": b"pypi-AgE",
    b"hf": b"hf_",
    b"sg": b"SG.",
    b"private": b"PRIVATE KEY",
    b"accountkey": b"AccountKey=",
    b"hooks": b"hooks.slack.com",
    **{f"us{number}".encode(): f"-us{number}".encode() for number in range(1, 30)},
}
"""What tokens begin with (or end with), by the word that then stands in a file."""
_FIRST_WORDS = frozenset(_BEGINNINGS)
_OURS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a Google API key", re.compile(r"(?<![\w-])AIza[\w-]{35}(?![\w-])")),
    ("a Hugging Face token", re.compile(r"(?<!\w)hf_[A-Za-z]{34}(?!\w)")),
    ("a GitHub token", re.compile(r"(?<!\w)github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?!\w)")),
    ("an Anthropic API key", re.compile(r"(?<![\w-])sk-ant-(?:api|admin)\d\d-[\w-]{80,}")),
    (
        "an OpenAI API key",
        re.compile(
            r"(?<![\w-])sk-(?:proj|svcacct|admin)-[\w-]{60,}|(?<![\w-])sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"
        ),
    ),
)
_STANDS_FOR_ONE = re.compile(
    r"example|sample|dummy|fake|placeholder|your|xxxx|test|redacted|changeme|replace|insert|foobar|0123456|"
    r"1234567|abcdef|\.\.\.|<|\*\*\*|aaaa|0000|1111|deadbeef",
    re.IGNORECASE,
)
_MIN_DIFFERENT = 10


def look(text: Text) -> Iterator[Finding]:
    """Yield tokens and private keys that look live."""
    begun = text.words & _FIRST_WORDS
    if not any(_BEGINNINGS[word] in text.content for word in begun) and not any(g in text.content for g in _GLUED):
        return
    seen: set[str] = set()
    for match in _SHAPE.finditer(text.raw):
        begin = max(text.raw.rfind("\n", 0, match.start()) + 1, match.start() - _NEAR)
        end = text.raw.find("\n", match.end(), match.end() + _NEAR)
        line = text.raw[begin : end if end >= 0 else match.end() + _NEAR]
        whole = _TOKEN.match(text.raw, match.start())
        for name, severity, part in _in_line(line):
            secret = whole[0] if whole and part in whole[0] else part  # some detectors name a token's prefix alone
            if secret not in seen and _looks_live(text, match, secret, line):
                seen.add(secret)
                yield _at(text, match.start(), severity, name)


def credential_kind(text: str) -> str | None:
    """Return what kind of credential a single value is by its shape, as "a GitHub token"; None where it has none."""
    if _SHAPE.search(text) is None:
        return None
    return next((name for name, _, _ in _in_line(text)), None)


def _in_line(line: str) -> Iterator[tuple[str, Severity, str]]:
    for name, shape in _OURS:
        for match in shape.finditer(line):
            yield name, "error", match[0]
    for plugin, severity in _detectors():
        for secret in plugin.analyze_string(line):
            yield f"{_article(plugin.secret_type)} {plugin.secret_type}", severity, str(secret)


@cache
def _detectors() -> tuple[tuple[Any, Severity], ...]:
    """Return the detectors that are asked, and how grave what each finds is."""
    try:
        from detect_secrets.plugins.aws import AWSKeyDetector
        from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
        from detect_secrets.plugins.discord import DiscordBotTokenDetector
        from detect_secrets.plugins.github_token import GitHubTokenDetector
        from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
        from detect_secrets.plugins.jwt import JwtTokenDetector
        from detect_secrets.plugins.mailchimp import MailchimpDetector
        from detect_secrets.plugins.npm import NpmDetector
        from detect_secrets.plugins.private_key import PrivateKeyDetector
        from detect_secrets.plugins.pypi_token import PypiTokenDetector
        from detect_secrets.plugins.sendgrid import SendGridDetector
        from detect_secrets.plugins.slack import SlackDetector
        from detect_secrets.plugins.square_oauth import SquareOAuthDetector
        from detect_secrets.plugins.stripe import StripeDetector
        from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
        from detect_secrets.plugins.twilio import TwilioKeyDetector
    except ImportError as error:
        raise missing_extra("registry", "the search for secrets") from error
    live = (
        AWSKeyDetector,
        AzureStorageKeyDetector,
        DiscordBotTokenDetector,
        GitHubTokenDetector,
        GitLabTokenDetector,
        MailchimpDetector,
        NpmDetector,
        PrivateKeyDetector,
        PypiTokenDetector,
        SendGridDetector,
        SlackDetector,
        SquareOAuthDetector,
        StripeDetector,
        TelegramBotTokenDetector,
    )
    unsure = (JwtTokenDetector, TwilioKeyDetector)
    return (*((plugin(), "error") for plugin in live), *((plugin(), "warning") for plugin in unsure))


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeio" else "a"


def _looks_live(text: Text, match: re.Match[str], secret: str, line: str) -> bool:
    """Whether a credential looks like one that opens something, and not like one that stands for it."""
    if "PRIVATE KEY" in secret or "BEGIN" in secret:
        body = text.raw[match.end() : match.end() + 400]
        return re.search(r"[A-Za-z0-9+/]{50,}", body.replace("\\n", "\n")) is not None and not _STANDS_FOR_ONE.search(
            body[:200]
        )
    return not _STANDS_FOR_ONE.search(secret) and len(set(secret)) >= _MIN_DIFFERENT and "regex" not in line.lower()


def _at(text: Text, offset: int, severity: Severity, name: str) -> Finding:
    line, column = text.raw_place(offset)
    return Finding("MH801", severity, text.path, f"this looks like {name}", REMEDY, line, column)
