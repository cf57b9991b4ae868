"""What an address says about who answers it: a known maker, a stranger, nobody at all. Pure, from the text alone."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Literal, NamedTuple

from molthub.registry.risk.known_hosts import (
    CATCHERS,
    FILE_HOSTS,
    GIT_HOSTS,
    KNOWN,
    KNOWN_OWNERS,
    PAGES,
    PASTES,
    SHORTENERS,
    TUNNELS,
)

Standing = Literal["known", "example", "variable", "stranger", "shady"]
"""known: the maker of widely used software; example: nobody, by RFC 2606, 5737 and habit; variable: decided when it
runs; stranger: anybody; shady: a place where anybody puts anything without a name."""

URL = re.compile(r"(?:http|ftp)s?://(?:\[[0-9a-fA-F:.]{2,45}\])?[^\s\"'`<>()\[\]|\\^]{2,600}", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w@/:.-])((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}(?::\d{1,5})?(?:/[^\s\"'`<>()|;]*)?)")
_SHADY: tuple[tuple[frozenset[str], str], ...] = (
    (PASTES, "a paste site"),
    (FILE_HOSTS, "a file host"),
    (SHORTENERS, "a URL shortener"),
    (TUNNELS, "a tunnel or dynamic name"),
    (CATCHERS, "a request catcher"),
)
_EXAMPLE_LABELS = re.compile(
    r"(?:^|[.-])(?:example|evil|attacker|attack|malicious|malware|bad|badguy|hacker|hack|victim|phish|phishing|target|"
    r"test|invalid|localhost|local|internal|placeholder|foo|bar|acme|mycompany|company|yourcompany|domain|yourdomain|"
    r"mydomain|your|website|yoursite|mysite|myserver|server|host|hostname|contoso|fabrikam|xxx|untrusted|"
    r"unknown|c2|suspicious)"
    r"\d*(?=$|[.-])|^(?:your|my)[a-z-]|\.{3}"
)
_PLACEHOLDER = re.compile(r"[<>{}$*%\u2026]|\.\.\.|^\[")


class Address(NamedTuple):
    """An address and who answers it. ``owner`` is the account on a git host; ``what`` says it for people."""

    url: str
    host: str
    standing: Standing
    what: str
    secure: bool = True


def addresses(text: str) -> list[tuple[int, Address]]:
    """Return (offset, address) of every URL with a scheme in ``text``."""
    return [(match.start(), judge(_trimmed(match[0]))) for match in URL.finditer(text)]


def address_in(arguments: str) -> Address:
    """Return the address that a command's arguments name, with or without a scheme; a variable one where none does."""
    match = URL.search(arguments)
    if match:
        return judge(_trimmed(match[0]))
    bare = _BARE.search(arguments)
    if bare and "." in bare[1] and not _is_file(bare[1]):
        return judge("https://" + _trimmed(bare[1]))
    return Address("", "", "variable", "an address that is decided when it runs")


def _trimmed(url: str) -> str:
    return url.rstrip(".,;:!?*_~}")


def _is_file(name: str) -> bool:
    host = name.split("/", 1)[0]
    return "/" not in name and host.rsplit(".", 1)[-1] in (
        "sh",
        "py",
        "js",
        "zip",
        "json",
        "md",
        "txt",
        "gz",
        "exe",
        "pl",
    )


@lru_cache(maxsize=4096)
def judge(url: str) -> Address:
    """Return what is known of the one who answers ``url``."""
    scheme, _, rest = url.lower().partition("://")
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    network = place.split("/", 1)[0].rpartition("@")[2]
    six = re.match(r"\[([0-9a-f:.]+)\]", network)
    host = six[1] if six else network.split(":", 1)[0].removeprefix("www.")
    secure = scheme == "https"
    if not host or (_PLACEHOLDER.search(network) and not six):
        return Address(url, host, "variable", "an address that is decided when it runs", secure)
    standing, what = _standing(host, place)
    return Address(url, host, standing, what, secure)


def _standing(host: str, place: str) -> tuple[Standing, str]:
    number = _ip(host)
    if number is not None:
        return ("shady", "a bare IP address") if _is_public(number) else ("example", "an address of no public network")
    if "." not in host or host.endswith((".test", ".invalid", ".local", ".internal", ".localhost")):
        return "example", "a local name"
    if host in GIT_HOSTS:
        return _account(host, place)
    shady = next((what for domains, what in _SHADY if _within(host, domains)), None)
    if shady:
        return "shady", shady
    return _by_name(host)


def _by_name(host: str) -> tuple[Standing, str]:
    if _within(host, KNOWN):
        return "known", host
    if _EXAMPLE_LABELS.search(host):
        return "example", "a name that stands for any"
    what = "a page that anybody can publish" if _within(host, PAGES) else "which is not a known maker of software"
    return "stranger", f"{host}, {what}"


def _account(host: str, place: str) -> tuple[Standing, str]:
    steps = place.split("/")
    owner = steps[1] if len(steps) > 1 else ""
    if not owner or _PLACEHOLDER.search(owner):
        return "variable", "a repository that is decided when it runs"
    if owner in KNOWN_OWNERS and not host.startswith("gist"):
        return "known", f"{host}/{owner}"
    if owner in ("owner", "user", "username", "org", "organization", "your-org", "your-username", "example", "acme"):
        return "example", "an account that stands for any"
    if re.match(r"(?:your|my)[-_]|example|user$", owner):
        return "example", "an account that stands for any"
    what = "a gist of anybody" if host.startswith("gist") else f"{host}/{owner}, an account that is not widely known"
    return "stranger", what


def _within(host: str, domains: frozenset[str]) -> bool:
    steps = host.split(".")
    return any(".".join(steps[at:]) in domains for at in range(len(steps) - 1))


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that ``host`` is, also as one number or in hexadecimal, as curl takes it."""
    try:
        if re.fullmatch(r"0x[0-9a-f]{8}|[0-9]{8,10}", host):
            return ipaddress.IPv4Address(int(host, 0))
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether somebody can answer there; RFC 1918, 5735, 5737 and habit (1.2.3.4) stand for nobody."""
    return number.is_global and str(number) not in ("1.2.3.4", "4.3.2.1", "8.8.8.8", "1.1.1.1", "5.6.7.8")
