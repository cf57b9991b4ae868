"""Secrets in one file: lines ``NAME=value``, or JSON by key or pointer (RFC 6901)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from molthub.errors import MolthubError
from molthub.model import Json
from molthub.references.secrets import variable_of
from molthub.secrets.dotenv import DotenvError, parse_dotenv
from molthub.secrets.private_file import PrivateFileError, as_text, read_private
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue


class FileProvider:
    """The provider of kind ``file``. An id is a variable, or, in JSON, a key or a pointer such as ``/github/token``."""

    variables: tuple[str, ...] = ()

    def __init__(self, name: str, path: Path, *, as_json: bool) -> None:
        self.name = name
        self.where = str(path)
        self._path = path
        self._as_json = as_json

    def own_id(self, secret: str) -> str:
        """Return the secret's name in JSON, its variable among lines."""
        return secret if self._as_json else variable_of(secret)

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return what the file holds; it is read once."""
        try:
            held = self._held()
        except PrivateFileError as error:
            return all_failed(ids, error.failure)
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for wanted in ids:
            found = _at(held, wanted)
            if found is None or found == "":
                errors[wanted] = Failure(NOT_FOUND, f"no {wanted} in {self._path}")
            elif isinstance(found, str):
                values[wanted] = SecretValue(found)
            else:
                errors[wanted] = Failure("NOT_TEXT", f"{wanted} in {self._path} is no text")
        return Answer(values, errors)

    def ids(self) -> tuple[str, ...]:
        """Return the variables, or the keys at the top."""
        try:
            return tuple(sorted(self._held()))
        except PrivateFileError as error:
            if error.failure.code == NOT_FOUND:
                return ()
            raise MolthubError(error.failure.message, remedy=error.failure.remedy) from None

    def _held(self) -> Mapping[str, Json]:
        text = as_text(self._path, read_private(self._path))
        if not self._as_json:
            try:
                return parse_dotenv(text)
            except DotenvError as error:
                raise PrivateFileError(Failure("MALFORMED", f"{self._path}:{error.line} is no NAME=value")) from None
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            raise PrivateFileError(Failure("MALFORMED", f"{self._path} is no JSON")) from None
        if not isinstance(held, dict):
            raise PrivateFileError(Failure("MALFORMED", f"{self._path} holds no JSON object"))
        return held


def _at(held: Mapping[str, Json], wanted: str) -> Json:
    """Return the value at a key, or at a pointer where the id begins with a slash; None where there is none."""
    if not wanted.startswith("/"):
        return held.get(wanted)
    value: Json = dict(held)
    for step in wanted[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value
