"""The way in at one address: credentials and TLS settings, looked for when they are first needed."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from molthub.client.access.credentials import Credentials, basic, bearer
from molthub.client.access.environment import certificate_from_environment, from_environment, variable
from molthub.client.access.keyring_entry import read_secret
from molthub.client.access.logins import Login, read_logins
from molthub.client.access.netrc_file import from_netrc
from molthub.client.addresses import Address, Origin
from molthub.errors import DeniedError, MolthubError, UsageError

if TYPE_CHECKING:
    import ssl

_UNAUTHORIZED = 401
_PROXY = 407


class Access:
    """The way in at ``address``. ``login`` and ``secret`` are tried instead of what is remembered (for logging in).

    Safe for threads: each thing is looked for once.
    """

    def __init__(self, address: Address, login: Login | None = None, secret: str | None = None) -> None:
        self.address = address
        self._given = (login, secret)
        self._lock = threading.Lock()
        self._looked = False
        self._credentials: Credentials | None = None
        self._login = Login()
        self._context: ssl.SSLContext | None = None

    def headers(self, origin: Origin, *, by_proxy: bool) -> dict[str, str]:
        """Return what a request to ``origin`` shows: nothing to any other, nor where others can read it.

        Raises :class:`UsageError`, :class:`DeniedError` for credentials that cannot be had.
        """
        hidden = origin.scheme == "https" or (origin.is_local and not by_proxy)
        if origin != self.address.origin or not hidden:
            return {}
        self._look()
        return {"Authorization": self._credentials.authorization} if self._credentials else {}

    def context(self, origin: Origin) -> ssl.SSLContext:
        """Return the TLS settings for ``origin``: only its own server is shown the client certificate."""
        from molthub.client.access.tls import make_context

        if origin != self.address.origin:
            return make_context(None, None)
        self._look()
        with self._lock:
            if self._context is None:
                files = certificate_from_environment(origin, os.environ) or self._login.certificate
                self._context = make_context(files, self._login.ca)
            return self._context

    def denied(self, status: int, where: str) -> DeniedError:
        """Return the error for 401, 403 and 407."""
        origin = self.address.origin
        if status == _PROXY:
            message, remedy = "the proxy wants a user and a password", "set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
        elif not where.startswith(str(origin) + "/"):
            message = "access denied where it redirects to, and credentials are shown to no other host"
            remedy = "log in at the address that it leads to, and use that"
        elif not origin.is_private and self._withheld():
            message = "access denied: over http everybody on the way could read the credentials, so they are not sent"
            remedy = f"use https://{origin.host}/"
        elif self._credentials is not None:
            right = "are not accepted" if status == _UNAUTHORIZED else "give no right to this file"
            message = f"access denied: the credentials from {self._credentials.source} {right}"
            remedy = f"{_login_line(self.address)}, or ask whoever runs this index"
        else:
            message = "access denied, and no credentials are known for it"
            remedy = f"{_login_line(self.address)}; or set {variable('TOKEN', origin)}, or use ~/.netrc"
        return DeniedError(f"{message} (HTTP {status})", place=where, remedy=remedy)

    def no_certificate(self, where: str, alert: str) -> DeniedError:
        """Return the error for a server that ends a handshake: it refuses the client's certificate, or its lack."""
        shown = certificate_from_environment(self.address.origin, os.environ) or self._login.certificate
        told = "does not accept the client certificate" if shown else "may want a client certificate"
        message = f"the server {told} ({alert.replace('_', ' ').lower()})"
        remedy = f"{_login_line(self.address)} --certificate FILE --key FILE"
        return DeniedError(message, place=where, remedy=remedy)

    def _withheld(self) -> bool:
        """Whether there are credentials that may not be sent."""
        try:
            return self._find() is not None
        except MolthubError:
            return True

    def _look(self) -> None:
        with self._lock:
            if not self._looked:
                self._credentials = self._find()
                self._looked = True

    def _find(self) -> Credentials | None:
        login, secret = self._given
        if login is not None:
            self._login = login
            return _from_login(login, self.address, secret)
        self._login = read_logins().get(str(self.address), Login())
        found = from_environment(self.address.origin, os.environ)
        return found or _from_login(self._login, self.address, None) or from_netrc(self.address.origin)


def _from_login(login: Login, address: Address, secret: str | None) -> Credentials | None:
    if login.way == "helper":
        from molthub.client.access.helper import from_helper

        return from_helper(login.helper, address)
    if not login.way:
        return None
    source = "the keyring" if secret is None else "what was typed"
    found = read_secret(str(address)) if secret is None else secret
    if found is None:
        message = "the keyring no longer has the credentials for it"
        raise UsageError(message, place=str(address), remedy=_login_line(address))
    return basic(login.user, found, source) if login.way == "password" else bearer(found, source)


def _login_line(address: Address) -> str:
    return f"log in: skills registry login {address}"
