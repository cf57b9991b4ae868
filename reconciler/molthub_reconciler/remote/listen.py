"""Where a controller listens, and with which certificates."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from molthub.errors import UsageError

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True)
class Listen:
    """Where to listen, and with which certificate. ``client_ca``: only who shows a certificate of it is let in."""

    host: str
    port: int
    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None

    @property
    def url(self) -> str:
        """The address as agents on this network name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/"


def listen_at(
    text: str, certificate: str | None, key: str | None, *, insecure: bool, client_ca: str | None = None
) -> Listen:
    """Read ``ADDR:PORT`` or ``PORT``. Raises :class:`UsageError`, too, where tokens would be sent for all to read."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal()) or int(port) > 65_535:  # noqa: PLR2004 (RFC 9293: 16 bits)
        raise UsageError(f"{text!r} is no address to listen at", remedy="write it as ADDR:PORT, like 0.0.0.0:8443")
    if certificate is None and not insecure and not _is_loopback(host):
        raise UsageError(
            f"over plain http everybody on the way to {host} could read the tokens",
            remedy="give --tls-certificate and --tls-key; or listen at 127.0.0.1 behind a proxy that has a "
            "certificate; --insecure-listen where that proxy is another machine",
        )
    return Listen(host, int(port), certificate, key, client_ca)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def server_context(listen: Listen) -> ssl.SSLContext | None:
    """Return the TLS settings to listen with; None: plain http. Raises :class:`UsageError` for unusable files.

    TLS 1.2 is the oldest that is spoken (RFC 8996).
    """
    if listen.certificate is None:
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.certificate, listen.key, _no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        remedy = "give PEM files: the certificate with those between it and its CA, and its key without a password"
        raise _unusable("certificate", listen.certificate, error, remedy) from None
    if listen.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(listen.client_ca)
        except (OSError, ssl.SSLError) as error:
            remedy = "give a PEM file: the CA that issued the agents' certificates"
            raise _unusable("CA of clients", listen.client_ca, error, remedy) from None
    return context


def stamp_of(listen: Listen) -> tuple[object, ...]:
    """Return what changes with the files of TLS."""
    found: list[object] = []
    for place in filter(None, (listen.certificate, listen.key, listen.client_ca)):
        with contextlib.suppress(OSError):
            status = os.stat(place)  # noqa: PTH116 (asked twice a second)
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
    return tuple(found)


def _no_password() -> str:
    # OpenSSL would ask on the terminal, in the middle of whatever runs.
    raise ValueError("its key has a password")


def _unusable(what: str, place: str, error: Exception, remedy: str) -> UsageError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return UsageError(f"the {what} cannot be used: {reason}", place=place, remedy=remedy)
