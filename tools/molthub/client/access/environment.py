"""Credentials from variables that name the host they are for. Pure: the environment is given.

``MOLTHUB_TOKEN_<HOST>``, or ``MOLTHUB_USER_<HOST>`` and ``MOLTHUB_PASSWORD_<HOST>``; a client certificate is
``MOLTHUB_CERTIFICATE_<HOST>`` and ``MOLTHUB_KEY_<HOST>``, two files. In ``<HOST>`` a dot is ``_``, a hyphen is ``__``,
and a port that is not the scheme's own follows: ``skills-eu.example.com:8443`` is ``SKILLS__EU_EXAMPLE_COM_8443``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from molthub.client.access.credentials import Credentials, basic, bearer
from molthub.client.addresses import Origin
from molthub.errors import UsageError


class CertificateFiles(NamedTuple):
    """A client certificate, PEM, and its key where that is another file."""

    certificate: str
    key: str | None = None


def variable(kind: str, origin: Origin) -> str:
    """Return the name of the variable that holds a ``TOKEN``, ``USER`` ... for one origin."""
    host = origin.host.upper().replace("-", "__").replace(".", "_").replace(":", "_")
    return f"MOLTHUB_{kind}_{host}" + ("" if origin.has_usual_port else f"_{origin.port}")


def from_environment(origin: Origin, environment: Mapping[str, str]) -> Credentials | None:
    """Return the credentials that the environment holds for ``origin``. Raises :class:`UsageError`."""
    token_name, user_name, password_name = (variable(kind, origin) for kind in ("TOKEN", "USER", "PASSWORD"))
    token, user, password = (environment.get(name) for name in (token_name, user_name, password_name))
    if token:
        return bearer(token, token_name)
    if not user and not password:
        return None
    if not user or password is None:
        missing = password_name if user else user_name
        raise UsageError(f"{missing} is missing", remedy=f"set {user_name} and {password_name}, or {token_name}")
    return basic(user, password, password_name)


def certificate_from_environment(origin: Origin, environment: Mapping[str, str]) -> CertificateFiles | None:
    """Return the client certificate that the environment names for ``origin``."""
    certificate = environment.get(variable("CERTIFICATE", origin))
    return CertificateFiles(certificate, environment.get(variable("KEY", origin)) or None) if certificate else None
