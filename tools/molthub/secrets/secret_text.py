"""The two forms of a file of secrets: lines ``NAME=value``, and JSON by key or pointer (RFC 6901). Pure.

An edit leaves everything else of a text byte for byte. Nothing here quotes a text: it holds secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from molthub.documents import ENV_KEY
from molthub.model import Json
from molthub.references.secrets import variable_of
from molthub.secrets.dotenv import DotenvError, parse_dotenv, with_entry, without_entry


class SecretTextError(Exception):
    """A text is not in its form, or cannot hold what it shall; the message goes behind the file's name."""


class SecretText(Protocol):
    """One form. Every method raises :class:`SecretTextError`."""

    empty: str
    """The text of a file that holds nothing."""

    def own_id(self, secret: str) -> str:
        """Return what a secret is called."""
        ...

    def held(self, text: str) -> Mapping[str, Json]:
        """Return what a text holds."""
        ...

    def at(self, held: Mapping[str, Json], wanted: str) -> Json:
        """Return the value of an id; None where there is none."""
        ...

    def written(self, text: str, wanted: str, value: str) -> str:
        """Return the text with a value for an id."""
        ...

    def removed(self, text: str, wanted: str) -> str:
        """Return the text without an id that it holds."""
        ...


class Lines:
    """Lines ``NAME=value``: an id is a variable."""

    empty = ""

    def own_id(self, secret: str) -> str:
        """Return the secret's variable."""
        return variable_of(secret)

    def held(self, text: str) -> Mapping[str, Json]:
        """Return the variables."""
        try:
            return parse_dotenv(text)
        except DotenvError as error:
            raise SecretTextError(f":{error.line} is no NAME=value") from None

    def at(self, held: Mapping[str, Json], wanted: str) -> Json:
        """Return a variable's value."""
        return held.get(wanted)

    def written(self, text: str, wanted: str, value: str) -> str:
        """Return the text with another value in the variable's line, or with a line more."""
        if not ENV_KEY.match(wanted):
            raise SecretTextError(f" cannot hold {wanted!r}: it is no variable")
        self.held(text)
        return with_entry(text, wanted, value)

    def removed(self, text: str, wanted: str) -> str:
        """Return the text without the variable's lines."""
        self.held(text)
        return without_entry(text, wanted)


class Members:
    """A JSON object: an id is a key, or a pointer such as ``/github/token``."""

    empty = "{}\n"

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def held(self, text: str) -> Mapping[str, Json]:
        """Return the object."""
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            raise SecretTextError(" is no JSON") from None
        if not isinstance(held, dict):
            raise SecretTextError(" holds no JSON object")
        return held

    def at(self, held: Mapping[str, Json], wanted: str) -> Json:
        """Return the value at a key or pointer."""
        value: Json = dict(held)
        for key in _steps(wanted):
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return value

    def written(self, text: str, wanted: str, value: str) -> str:
        """Return the text with another value of a member, or with a member more."""
        from molthub.platforms.document import InTheWayError
        from molthub.platforms.json_document import JsonDocument

        steps = _steps(wanted)
        held = self.held(text)
        document = JsonDocument(text, "json")
        if self.at(held, wanted) is not None:
            return document.replaced(steps, value)
        try:
            return document.added(steps, value)
        except InTheWayError as error:
            at = "/".join(("", *error.pointer))
            raise SecretTextError(f" cannot hold {wanted}: {at} is no object") from None

    def removed(self, text: str, wanted: str) -> str:
        """Return the text without a member."""
        from molthub.platforms.json_document import JsonDocument

        self.held(text)
        return JsonDocument(text, "json").removed(_steps(wanted))


def _steps(wanted: str) -> tuple[str, ...]:
    """Return the keys of an id: a pointer's where it begins with a slash."""
    if not wanted.startswith("/"):
        return (wanted,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in wanted[1:].split("/"))
