"""Secrets in one file: lines ``NAME=value``, or JSON by key or pointer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.errors import MolthubError
from molthub.model import Json
from molthub.secrets.private_file import PrivateFileError, as_text, read_private
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.secret_text import Lines, Members, SecretText, SecretTextError
from molthub.secrets.value import SecretValue


class FileProvider:
    """The provider of kind ``file``. An id is a variable, or, in JSON, a key or a pointer such as ``/github/token``."""

    variables: tuple[str, ...] = ()
    only_if_named = True

    def __init__(self, name: str, path: Path, *, as_json: bool) -> None:
        self.name = name
        self.where = str(path)
        self._path = path
        self._form: SecretText = Members() if as_json else Lines()

    def own_id(self, secret: str) -> str:
        """Return the secret's name in JSON, its variable among lines."""
        return self._form.own_id(secret)

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return what the file holds; it is read once."""
        try:
            held = self._held()
        except PrivateFileError as error:
            return all_failed(ids, error.failure)
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for wanted in ids:
            found = self._form.at(held, wanted)
            if found is None or found == "":
                errors[wanted] = Failure(NOT_FOUND, f"no {wanted} in {self._path}")
            elif isinstance(found, str):
                values[wanted] = SecretValue(found)
            else:
                errors[wanted] = Failure("NOT_TEXT", f"{wanted} in {self._path} is no text")
        return Answer(values, errors)

    def ids(self) -> tuple[str, ...]:
        """Return the variables, or the keys at the top."""
        return tuple(sorted(self._known()))

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Write the value; everything else of the file stays. Where there is none, it is made, its owner's alone."""
        self._edit(lambda text: self._form.written(text, secret_id, value.reveal()))
        return f"{self._path} as {secret_id}"

    def forget(self, secret_id: str) -> str | None:
        """Take the line or the member away."""
        if self._form.at(self._known(), secret_id) is None:
            return None
        self._edit(lambda text: self._form.removed(text, secret_id))
        return str(self._path)

    def _known(self) -> Mapping[str, Json]:
        """Return what the file holds; nothing where there is none. Raises :class:`MolthubError`."""
        try:
            return self._held()
        except PrivateFileError as error:
            if error.failure.code == NOT_FOUND:
                return {}
            raise MolthubError(error.failure.message, remedy=error.failure.remedy) from None

    def _edit(self, edited: Callable[[str], str]) -> None:
        path = self._path.resolve()  # a link stays one
        try:
            text = as_text(path, read_private(path))
        except PrivateFileError as error:
            if error.failure.code != NOT_FOUND:
                raise MolthubError(error.failure.message, remedy=error.failure.remedy) from None
            text = self._form.empty
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            content = edited(text).encode()
        except SecretTextError as error:
            raise MolthubError(f"{self._path}{error}") from None
        write_atomically(path, content, 0o600)

    def _held(self) -> Mapping[str, Json]:
        text = as_text(self._path, read_private(self._path))
        try:
            return self._form.held(text)
        except SecretTextError as error:
            raise PrivateFileError(Failure("MALFORMED", f"{self._path}{error}")) from None
