"""Which proxy a request goes through, by the environment's customs. Pure: the environment is given.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` mean what curl(1) says under "ENVIRONMENT"; lower case
wins. Python's ``urllib.request`` reads them too, but importing it costs more than fetching a skill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from molthub.client.access.credentials import basic_authorization
from molthub.errors import UsageError


class Proxy(NamedTuple):
    """A proxy's address; ``authorization`` is the value of ``Proxy-Authorization``, or empty."""

    host: str
    port: int
    authorization: str


def proxy_for(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to ``scheme://host:port``, or None. Raises :class:`UsageError`."""
    if bypassed(host, port, _value("NO_PROXY", environment)):
        return None
    name = f"{scheme.upper()}_PROXY"
    # A CGI program's HTTP_PROXY comes from a header of whoever calls it (CVE-2016-5385).
    as_cgi = name == "HTTP_PROXY" and "REQUEST_METHOD" in environment
    text = environment.get("http_proxy", "") if as_cgi else _value(name, environment)
    text = text or _value("ALL_PROXY", environment)
    return _proxy(text, name) if text else None


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` (hosts, domain suffixes, ``host:port``, or ``*``) names the host."""
    for entry in no_proxy.replace(" ", ",").lower().split(","):
        name, _, wanted_port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        if entry == "*":
            return True
        name = name.removeprefix("*").strip("[].")
        fits = host.lower() == name or host.lower().endswith("." + name)
        if name and fits and wanted_port in ("", str(port)):
            return True
    return False


def _authorization(user: str | None, password: str | None) -> str:
    """Return the value of ``Proxy-Authorization`` for what stood in a proxy's address, or nothing without a user."""
    return basic_authorization(unquote(user), unquote(password or "")) if user is not None else ""


def _value(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name.lower()) or environment.get(name) or ""


def _proxy(text: str, name: str) -> Proxy:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port:
        raise UsageError(
            "it is not the address of an HTTP proxy", place=name, remedy=f"write {name}=http://proxy.example.com:3128"
        )
    return Proxy(parts.hostname, port, _authorization(parts.username, parts.password))
