"""An HTTP answer that must come at a pace, and within bounds, from its first byte to its last.

A socket's timeout limits one wait, so a server that sends a byte now and then holds its client for ever, and so does
one that sends headers, interim answers or chunk extensions without end. Here every byte of an answer counts: how many
may come, and how long they may take.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SLOWEST = 32 * 1024
"""Bytes a second: an answer that is slower is given up once its timeout has passed too."""

MAX_HEAD = 256 * 1024
"""Bytes of status line and headers, interim answers (RFC 9110, section 15.2) among them."""


class SlowError(TimeoutError):
    """An answer comes slower than it may."""


class LongError(http.client.HTTPException):
    """An answer has more bytes around its content than any good one."""


class _PacedBytes(io.RawIOBase):
    """The bytes of one answer as they come from a socket."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._timeout: float = sock.gettimeout()
        self._begin = time.monotonic()
        self._size = 0
        self.allowed = MAX_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read what is there; wait for it no longer than the whole answer may still take."""
        spent = time.monotonic() - self._begin
        left = self._timeout + self._size / SLOWEST - spent
        if left <= 0:
            raise SlowError(f"only {self._size} bytes came in {spent:.0f} seconds")
        self._sock.settimeout(min(self._timeout, left))
        try:
            count: int = self._raw.readinto(buffer) or 0
        except TimeoutError:
            if self._size:
                raise SlowError(f"only {self._size} bytes came in {self._timeout:g} seconds") from None
            raise
        finally:
            self._sock.settimeout(self._timeout)
        self._size += count
        if self._size > self.allowed:
            raise LongError
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """What ``http.client`` makes of an answer, read at a pace."""

    def __init__(self, sock: Any, *rest: Any, **more: Any) -> None:
        super().__init__(sock, *rest, **more)
        self.fp.close()
        self._bytes = _PacedBytes(sock)
        self.fp = io.BufferedReader(self._bytes)

    def allow(self, content: int) -> None:
        """Let a body of so many bytes come, and some around it (chunks have sizes, extensions, trailers)."""
        self._bytes.allowed = content + content // 8 + 2 * MAX_HEAD
