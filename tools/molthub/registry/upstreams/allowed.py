"""Which addresses may be asked for imported versions. They stand in files to which strangers may propose changes.

Without being told otherwise only https and ssh are spoken, to hosts of the public network: a build machine often
reaches hosts that its readers do not. Names are resolved here and once more by whoever connects; in between they could
change, and then the other host must still show a certificate, or a host key, of the name.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from molthub.errors import RefusedUpstreamError

Permissions = frozenset[str]
"""What is allowed beyond https and ssh: ``file``, folders of this machine; ``http``, unencrypted; ``private`` hosts."""

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?"
_PATH = r"/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*"
_INDEX = re.compile(rf"(?:https?://{_HOST}|file://){_PATH}\Z")
_GIT = re.compile(rf"(?:https?://{_HOST}|ssh://(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?{_HOST}|file://){_PATH}\Z")
_SHAPES = {"index": _INDEX, "git": _GIT}
_WRITTEN = {
    "index": "write it as https://skills.example.com/",
    "git": "write it as https://host/repository.git or ssh://git@host/repository.git",
}
_OPTION = "--allow-upstream {}"


def check_address(kind: str, location: str, allowed: Permissions) -> None:
    """Raise :class:`RefusedUpstreamError` where an index (``kind`` index) or repository (git) may not be asked."""
    if not _SHAPES[kind].match(location):
        raise RefusedUpstreamError(_misshapen(location), place=shown(location), remedy=_WRITTEN[kind])
    scheme = location.partition("://")[0]
    if scheme in ("file", "http") and scheme not in allowed:
        what = "a folder of this machine" if scheme == "file" else "http, which anybody on the way can read and change"
        remedy = f"use https, or allow it: {_OPTION.format(scheme)}"
        raise RefusedUpstreamError(f"it is {what}", place=location, remedy=remedy)
    if scheme != "file" and "private" not in allowed:
        _check_public(location)


def _misshapen(location: str) -> str:
    if re.match(r"https?://[^/]*@", location):
        return "its address holds a name or password, which do not belong into a registry"
    return "this is no address of an upstream"


def shown(location: str) -> str:
    """Return an address without user and password, for messages."""
    return re.sub(r"(?<=://)[^/@]*@", "", location)


def _check_public(location: str) -> None:
    host = urlsplit(location).hostname or ""
    for address in _addresses(host):
        if not ipaddress.ip_address(address).is_global:
            message = f"the host {host} is in a private network ({address})"
            remedy = f"if it is meant to be asked: {_OPTION.format('private')}"
            raise RefusedUpstreamError(message, place=shown(location), remedy=remedy)


def _addresses(host: str) -> list[str]:
    """Return a host's addresses; none where it has none here: then a proxy may know it, or connecting says so."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]).partition("%")[0] for *_, address in found]
