"""How Vault is spoken to over HTTP: with patience where it is asked for, and around no corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from urllib3.util import Retry

if TYPE_CHECKING:
    from requests import Session
    from urllib3 import BaseHTTPResponse

_TOO_MANY = 429
_TRIES = 3
_MAX_SECONDS = 5.0


class Patience(Retry):
    """Waits as long as the server says (``Retry-After``, RFC 9110, section 10.2.3), but for some seconds at most."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the seconds to wait."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _MAX_SECONDS)


def calm(session: Session, *, is_plain: bool) -> None:
    """Let a session ask again where too many asked at once, which a server that refuses so has not acted upon.

    ``is_plain``: nothing is encrypted. A proxy, which ``HTTP_PROXY`` may name for all addresses, would be shown the
    token then: none is asked.
    """
    again = Patience(total=_TRIES, connect=0, read=0, redirect=0, other=0, status=_TRIES, backoff_factor=0.3,
                      status_forcelist=(_TOO_MANY,), allowed_methods=None, raise_on_status=False)  # fmt: skip
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    if is_plain:
        session.trust_env = False
