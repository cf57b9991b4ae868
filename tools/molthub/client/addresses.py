"""The address of an index, written in one way: origin and path, nothing else.

An address is no place for a password: it ends up in shell histories, files, logs and messages. So one that holds a user
or a password is refused (:mod:`molthub.client.access` says where credentials come from instead).
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from molthub.errors import MolthubError, UsageError

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """What a connection leads to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.has_usual_port else f":{self.port}")

    @property
    def has_usual_port(self) -> bool:
        """Whether the scheme alone says the port."""
        return self.port == _PORTS[self.scheme]

    @property
    def is_local(self) -> bool:
        """Whether it is this machine itself (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3; RFC 4291)."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent: https, or this machine itself."""
        return self.scheme == "https" or self.is_local


class Address(NamedTuple):
    """Where an index is: an origin, and the path below which its files are, ending in a slash."""

    origin: Origin
    path: str

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def parse_address(url: str) -> Address:
    """Read the URL of an index, with or without ``registry.json``. Raises :class:`UsageError`."""
    try:
        parts = urlsplit(url)
        origin = _origin(parts.scheme, parts.hostname, parts.port)
    except ValueError as error:
        raise _no_url(url, str(error)) from None
    path = quoted(parts.path.removesuffix("registry.json").rstrip("/") + "/")
    if parts.query or parts.fragment:
        raise _no_url(url, "an index has no ? or # in its address")
    address = Address(origin, path)
    if "@" in parts.netloc:
        raise UsageError(
            "an address must not hold a user or password: it would end up in files, logs and messages",
            place=str(address),
            remedy=f"give the address without them, after: skills registry login {address} --user NAME",
        )
    return address


def redirected(origin: Origin, path: str, target: str) -> tuple[Origin, str]:
    """Return where a redirect leads (RFC 9110, section 10.2.2). A user or password in it is left out.

    Raises :class:`ValueError` for what is no web address.
    """
    parts = urlsplit(urljoin(f"{origin}{path}", target))
    return _origin(parts.scheme, parts.hostname, parts.port), quoted(parts.path, parts.query)


def quoted(path: str, query: str = "") -> str:
    """Return a path and query as a request holds them; what is quoted already stays as it is."""
    shown = quote(path or "/", safe="/%:@!$&'()*+,;=~-._")
    return shown + ("?" + quote(query, safe="/%:@!$&'()*+,;=~-._?") if query else "")


def without_credentials(url: str) -> str:
    """Return a URL as it may be shown: without user and password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else url


def _origin(scheme: str, host: str | None, port: int | None) -> Origin:
    if scheme not in _PORTS or not host:
        raise ValueError("it needs http:// or https:// and a host")
    if not host.isascii():
        host = host.encode("idna").decode()
    if any(character <= " " for character in host):
        raise ValueError("a host holds no spaces")
    return Origin(scheme, host, port or _PORTS[scheme])


def _no_url(url: str, why: str) -> MolthubError:
    # What cannot be parsed may still hold a password somewhere before an @; and so may the reason.
    shown = url.rpartition("@")[2]
    reason = why if "@" not in url else "it cannot be read"
    return UsageError(
        f"not the address of an index: {reason}", place=shown, remedy="write it as https://skills.example.com/"
    )
