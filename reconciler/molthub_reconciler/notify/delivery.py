"""One message to one channel over HTTP: signed, within a time limit, with an id by which a second copy is known.

Signatures follow Standard Webhooks 1.0: ``webhook-id``, ``webhook-timestamp`` (seconds since 1970) and
``webhook-signature``, which is ``v1,`` and the Base64 of HMAC-SHA256 over ``<id>.<timestamp>.<body>``. A retry has the
id of the first attempt and a time and signature of its own.
"""

from __future__ import annotations

import http.client
import socket
from base64 import b64decode, b64encode
from hmac import digest
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from molthub import __version__
from molthub_reconciler.notify.settings import Channel

_MOST_READ = 4096
_PREFIX = "whsec_"


class DeliveryError(Exception):
    """A message did not arrive. The text never holds the address. ``is_final``: trying again is of no use."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class _NoRedirects(HTTPRedirectHandler):
    """A message goes where the operator said, with its token and signature, and nowhere else."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow nothing."""


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    key = b64decode(secret.removeprefix(_PREFIX)) if secret.startswith(_PREFIX) else secret.encode()
    signed = digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{b64encode(signed).decode()}"


def headers_of(channel: Channel, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return what is sent beside the body."""
    found = {
        "Content-Type": "application/json",
        "User-Agent": f"molthub/{__version__}",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
    }
    if channel.secret:
        found["webhook-signature"] = signature(channel.secret, message_id, timestamp, body)
    if channel.kind == "github-status":
        found |= {"Authorization": f"Bearer {channel.token}", "Accept": "application/vnd.github+json"}
    elif channel.kind == "gitlab-status":
        found["PRIVATE-TOKEN"] = channel.token
    return found


def deliver(channel: Channel, path: str, message_id: str, timestamp: int, body: bytes) -> None:
    """Send a message. Raises :class:`DeliveryError`."""
    url = channel.url.rstrip("/") + path if path else channel.url
    request = Request(url, body, headers_of(channel, message_id, timestamp, body), method="POST")  # noqa: S310 (checked)
    try:
        with build_opener(_NoRedirects).open(request, timeout=channel.timeout) as answer:
            answer.read(_MOST_READ)
    except HTTPError as error:
        error.close()
        raise DeliveryError(f"answered {error.code}", is_final=_is_final(error.code)) from None
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise DeliveryError(_why(error)) from None


def _is_final(status: int) -> bool:
    """Whether an answer says that the message itself is not wanted; 408, 425 and 429 ask for patience (RFC 9110)."""
    return 400 <= status < 500 and status not in (401, 403, 408, 425, 429)  # noqa: PLR2004 (RFC 9110, 15)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError | socket.timeout):
        return "did not answer in time"
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    return type(reason).__name__
