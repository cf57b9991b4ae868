"""Secrets as files of one directory, a file for each: your own, a volume of Kubernetes, credentials of systemd.

A Secret that is mounted into a pod holds its files behind the link ``..data``; ``$CREDENTIALS_DIRECTORY``
(systemd.exec(5), "Credentials") is made for one service. In both the system says who reads them, and modes say nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.errors import MolthubError
from molthub.secrets.private_file import PrivateFileError, as_text, read_private, unsafe
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

_FILE_NAME = re.compile(r"(?!\.\.)[A-Za-z0-9._-]{1,253}\Z")
_VOLUME_LINK = "..data"


class DirectoryProvider:
    """The provider of kind ``directory``: an id is a file's name. One line end at a file's end is not the secret's.

    ``of_system``: the directory was made by the system for this service alone. ``own`` is the folder of one bot, whose
    files count before those that all bots share.
    """

    variables: tuple[str, ...] = ()
    only_if_named = False

    def __init__(self, name: str, folder: Path, *, of_system: bool = False, own: Path | None = None) -> None:
        self.name = name
        self.where = str(folder)
        self._folder = folder
        self._of_system = of_system
        self._own = DirectoryProvider(name, own) if own is not None else None

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return what the files hold."""
        if self._own is None or not os.path.lexists(self._own.where):
            return self._shared(ids)
        own = self._own.resolve(ids)
        absent = [name for name in ids if name in own.errors and own.errors[name].code == NOT_FOUND]
        shared = self._shared(absent) if absent else Answer({}, {})
        return Answer({**shared.values, **own.values}, {**own.errors, **shared.errors} if absent else own.errors)

    def _shared(self, ids: Sequence[str]) -> Answer:
        refused = unsafe(self._folder)
        if refused is not None and refused.code == NOT_FOUND:
            missing = Failure(NOT_FOUND, f"no directory {self._folder}")
            return all_failed(ids, missing)
        if refused is not None:
            return all_failed(ids, refused)
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for name in ids:
            try:
                values[name] = self._read(name)
            except PrivateFileError as error:
                errors[name] = error.failure
        return Answer(values, errors)

    def ids(self) -> tuple[str, ...]:
        """Return the files' names."""
        own = self._own.ids() if self._own is not None else ()
        return tuple(sorted({*self._names(), *own}))

    def _names(self) -> tuple[str, ...]:
        try:
            found = [path.name for path in self._folder.iterdir() if _FILE_NAME.match(path.name) and path.is_file()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise MolthubError(f"it cannot be listed: {error.strerror}", place=self.where) from None
        return tuple(sorted(found))

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Write the value into a file that its owner alone may read, whole or not at all; of one bot, into its own."""
        if self._own is not None:
            return self._own.keep(secret_id, value)
        path = self._own_file(secret_id)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refused = unsafe(self._folder)
        if refused is not None:
            raise MolthubError(refused.message, remedy=refused.remedy)
        write_atomically(path, value.reveal().encode(), 0o600)
        return str(path)

    def forget(self, secret_id: str) -> str | None:
        """Remove the file; of one bot, its own."""
        if self._own is not None:
            return self._own.forget(secret_id)
        path = self._own_file(secret_id)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MolthubError(f"it cannot be removed: {error.strerror}", place=str(path)) from None
        return str(path)

    def _own_file(self, secret_id: str) -> Path:
        """Return the file of an id that may be written here. Raises :class:`MolthubError`."""
        if self._of_system or os.path.lexists(self._folder / _VOLUME_LINK):
            remedy = "put it there the way the others came, and take it away likewise"
            raise MolthubError("the system keeps the files of this directory", place=self.where, remedy=remedy)
        if not _FILE_NAME.match(secret_id):
            raise MolthubError(_no_name(secret_id).message, place=self.where)
        return self._folder / secret_id

    def _read(self, name: str) -> SecretValue:
        if not _FILE_NAME.match(name):
            raise PrivateFileError(_no_name(name))
        path = self._folder / name
        is_volume = self._of_system or os.path.lexists(self._folder / _VOLUME_LINK)
        text = as_text(path, read_private(path, any_reader=is_volume))
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise PrivateFileError(Failure("EMPTY", f"{path} is empty"))
        return SecretValue(text)


def _no_name(name: str) -> Failure:
    return Failure("REFUSED", f"{name!r} is no file's name: letters, digits, ., _ and -")
