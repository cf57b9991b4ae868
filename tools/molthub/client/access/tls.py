"""TLS settings: the system's certificates (or ``SSL_CERT_FILE``), a CA of one's own, a client certificate."""

from __future__ import annotations

import ssl

from molthub.client.access.environment import CertificateFiles
from molthub.errors import UsageError


def make_context(certificate: CertificateFiles | None, ca: str | None) -> ssl.SSLContext:
    """Return settings that check the server's certificate and name. ``ca`` is trusted besides the system's.

    Raises :class:`UsageError` for files that cannot be used.
    """
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise _unusable("CA certificate", ca, error) from None
    if certificate is not None:
        try:
            context.load_cert_chain(certificate.certificate, certificate.key, _no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            shown = " and ".join(filter(None, certificate))
            raise _unusable("client certificate", shown, error) from None
    return context


def _no_password() -> str:
    # OpenSSL would ask on the terminal, in the middle of whatever runs.
    raise ValueError("its key has a password")


def _unusable(what: str, files: str, error: Exception) -> UsageError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    remedy = "give PEM files; a client's key must have no password, and belong to the certificate"
    return UsageError(f"the {what} cannot be used: {reason}", place=files, remedy=remedy)
