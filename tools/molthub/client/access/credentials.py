"""Credentials as a request carries them. Pure; nothing here prints what is secret."""

from __future__ import annotations

from molthub.errors import UsageError


class Credentials:
    """The value of one ``Authorization`` header. ``source`` says where it is from, for messages."""

    __slots__ = ("authorization", "source")

    def __init__(self, authorization: str, source: str) -> None:
        self.authorization = authorization
        self.source = source

    def __repr__(self) -> str:
        return f"Credentials(from {self.source})"


def bearer(token: str, source: str) -> Credentials:
    """Return the credentials that are a token (RFC 6750, section 2.1). Raises :class:`UsageError`."""
    _check(token, "token", source, space=False)
    return Credentials(f"Bearer {token}", source)


def basic(user: str, password: str, source: str) -> Credentials:
    """Return the credentials that are a user and a password (RFC 7617, UTF-8). Raises :class:`UsageError`."""
    _check(user, "user", source, space=True)
    if ":" in user:
        raise UsageError("a user's name holds no colon", place=source, remedy="give the name alone (RFC 7617)")
    _check(password, "password", source, space=True)
    return Credentials(basic_authorization(user, password), source)


def basic_authorization(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header for a user and a password (RFC 7617)."""
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _check(text: str, what: str, source: str, *, space: bool) -> None:
    """Refuse what no header can hold, or what was cut or pasted wrongly, without showing it."""
    good = text and all(char.isprintable() and (space or "!" <= char <= "~") for char in text)
    if not good:
        raise UsageError(
            f"the {what} is empty, or holds characters that no {what} has",
            place=source,
            remedy=f"give the {what} alone, without a line end or quotes",
        )
