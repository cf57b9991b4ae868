"""Secrets in Vault or OpenBao, of a key-value engine (the extra ``vault``).

How one is let in stands in :mod:`molthub.secrets.vault_login`. A redirect is not followed, and nothing is sent over
http but to this machine itself. What is written keeps the other fields of its path: a change that somebody else made
in between is read anew (check-and-set), which the engine's version 1 does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from molthub.errors import MolthubError, missing_extra
from molthub.secrets.private_file import PrivateFileError
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue
from molthub.secrets.vault_login import VARIABLES, Login, NoLoginError

_SECONDS = 10
_TRIES = 3
_WITHOUT_VERSIONS = 1

Fields = Mapping[str, Any]


class _VaultError(Exception):
    """Something was refused; ``failure`` says what."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class VaultProvider:
    """The provider of kind ``vault``: an id is a field at ``path``, or ``<path below it>#<field>``.

    ``engine`` is the version of the key-value engine at ``mount``; ``ca`` a file with the certificates of authorities
    that count in the place of the system's.
    """

    variables: tuple[str, ...] = VARIABLES
    only_if_named = False

    def __init__(
        self,
        name: str,
        address: str,
        path: str,
        *,
        login: Login,
        mount: str = "secret",
        engine: int = 2,
        namespace: str | None = None,
        ca: Path | None = None,
    ) -> None:
        self.name = name
        self.where = f"{address.rstrip('/')}, {mount}/{path}"
        self._address = address
        self._path = path.strip("/")
        self._mount = mount
        self._engine = engine
        self._namespace = namespace
        self._ca = ca
        self._login = login

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Log in once, and read each path once."""
        try:
            with self._let_in() as client:
                return self._read(client, ids)
        except _VaultError as error:
            return all_failed(ids, error.failure)

    def ids(self) -> tuple[str, ...]:
        """Return the fields at the path; what is below it is asked for by name alone."""
        with self._said(), self._let_in() as client:
            return tuple(sorted(self._held(client, "")[0]))

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Write the field beside those that are there."""
        self._change(secret_id, lambda held, field: {**held, field: value.reveal()})
        return self.where

    def forget(self, secret_id: str) -> str | None:
        """Take the field away; older versions of the engine's second form still hold it."""
        if not self._change(secret_id, lambda held, field: {key: held[key] for key in held if key != field}):
            return None
        still = "" if self._engine == _WITHOUT_VERSIONS else " (its older versions still hold it: vault kv destroy)"
        return f"{self.where}{still}"

    # --- in and out ------------------------------------------------------------------------------------------------

    @contextmanager
    def _let_in(self) -> Iterator[Any]:
        """Yield a client with a token; one that was made for this is revoked at the end. Raises _VaultError."""
        try:
            import hvac

            from molthub.secrets.vault_session import calm
        except ModuleNotFoundError:
            error = missing_extra("vault", "reading from Vault")
            raise _VaultError(Failure("NO_EXTRA", error.message, error.remedy)) from None
        client = hvac.Client(
            url=self._address,
            token="",
            namespace=self._namespace,
            timeout=_SECONDS,
            allow_redirects=False,
            verify=str(self._ca) if self._ca else None,  # None: the system's, or what $VAULT_CACERT names
        )
        calm(client.adapter.session, is_plain=self._address.startswith("http:"))
        try:
            with self._login.of(client):
                yield client
        except NoLoginError as error:
            raise _VaultError(Failure("NO_LOGIN", f"{self.where}: there is no token to show", error.remedy)) from None
        except PrivateFileError as error:
            raise _VaultError(error.failure) from None
        except (_VaultError, MolthubError):
            raise
        except Exception as error:  # noqa: BLE001 (the library's errors quote what the server said)
            raise _VaultError(self._failure("it lets nobody in", error)) from None

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what was refused into what a person reads."""
        try:
            yield
        except _VaultError as error:
            raise MolthubError(error.failure.message, remedy=error.failure.remedy) from None

    def _read(self, client: Any, ids: Sequence[str]) -> Answer:
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for path, wanted in _by_path(ids).items():
            try:
                held, version = self._held(client, path)
            except _VaultError as error:
                errors |= dict.fromkeys(wanted, error.failure)
                continue
            for name, field in wanted.items():
                found = held.get(field)
                if isinstance(found, str) and found:
                    values[name] = SecretValue(found)
                elif found is None or found == "":
                    what = f"{self.where} has no {name}" if version else f"{self.where}: {path or 'it'} is not there"
                    errors[name] = Failure(NOT_FOUND, what)
                else:
                    errors[name] = Failure("NOT_TEXT", f"{name} of {self.where} is no text")
        return Answer(values, errors)

    def _held(self, client: Any, below: str) -> tuple[Fields, int]:
        """Return the fields at a path and its version; none and 0 where nothing is there. Raises _VaultError."""
        at = {"path": self._at(below), "mount_point": self._mount}
        try:
            if self._engine == _WITHOUT_VERSIONS:
                held, version = client.secrets.kv.v1.read_secret(**at)["data"], 1
            else:
                answer = client.secrets.kv.v2.read_secret_version(**at, raise_on_deleted_version=False)["data"]
                held, version = answer["data"] or {}, answer["metadata"]["version"]
        except Exception as error:  # noqa: BLE001 (likewise)
            failure = self._failure(f"{below or 'it'} cannot be read", error)
            if failure.code == NOT_FOUND:
                return {}, 0
            raise _VaultError(failure) from None
        if not isinstance(held, dict) or not isinstance(version, int):
            raise _VaultError(self._failure(f"{below or 'it'} cannot be read", TypeError()))
        return held, version

    def _change(self, secret_id: str, change: Callable[[Fields, str], dict[str, Any]]) -> bool:
        """Write what ``change`` makes of the fields at an id's path; return whether that is something else."""
        below, _, field = secret_id.rpartition("#")
        below = below.strip("/")
        with self._said(), self._let_in() as client:
            self._check_engine(client)
            for left in reversed(range(_TRIES)):
                held, version = self._held(client, below)
                wanted = change(held, field)
                if wanted == held:
                    return False
                try:
                    self._write(client, self._at(below), wanted, version)
                except Exception as error:  # noqa: BLE001 (likewise)
                    if not left or type(error).__name__ != "InvalidRequest":  # which a newer version is answered by
                        raise _VaultError(self._failure(f"{below or 'it'} cannot be written", error)) from None
                else:
                    return True
        return False

    def _write(self, client: Any, path: str, fields: Mapping[str, Any], version: int) -> None:
        at = {"path": path, "mount_point": self._mount}
        if self._engine == _WITHOUT_VERSIONS and not fields:
            client.secrets.kv.v1.delete_secret(**at)
        elif self._engine == _WITHOUT_VERSIONS:
            client.secrets.kv.v1.create_or_update_secret(secret=fields, **at)
        else:
            client.secrets.kv.v2.create_or_update_secret(secret=fields, cas=version, **at)

    def _check_engine(self, client: Any) -> None:
        """Refuse to write to an engine of the other version, which would take it for something else."""
        try:
            said = client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._mount}")["data"]
            version = int((said.get("options") or {}).get("version", 1))
        except Exception as error:  # noqa: BLE001 (likewise)
            raise _VaultError(self._failure(f"{self._mount} cannot be looked at", error)) from None
        if version != self._engine:
            what = f"{self.where}: {self._mount} is an engine of version {version}, not {self._engine}"
            raise _VaultError(Failure("OTHER_ENGINE", what, f"write `engine: {version}` to the provider"))

    def _at(self, below: str) -> str:
        return "/".join(part for part in (self._path, below) if part)

    def _failure(self, what: str, error: Exception) -> Failure:
        """Return why something failed, by the kind of error alone."""
        kind = type(error).__name__
        if isinstance(error, TypeError | KeyError):
            kind = "TypeError"
        if kind not in _REASONS:
            return Failure("UNREACHABLE", f"{self.where}: {what} ({kind})")
        code, why, remedy = _REASONS[kind]
        return Failure(code, f"{self.where}: {what}: {why}", remedy)


_ENGINE = "look whether `mount`, `engine` (1 or 2), `role` and `auth-mount` are as the server has them"
_DENIED = ("DENIED", "it is denied", "the token is wrong or too old, or its policy does not allow it")
_REASONS = {
    "TypeError": ("MALFORMED", "that is no answer of this engine", _ENGINE),
    "InvalidPath": (NOT_FOUND, "it is not there", ""),
    "Forbidden": _DENIED,
    "Unauthorized": _DENIED,
    "VaultDown": ("SEALED", "the server is sealed, or not in service", "unseal it"),
    "InvalidRequest": ("REFUSED", "the server takes no such request", _ENGINE),
    "RateLimitExceeded": ("BUSY", "too many ask it at once", "raise its rate limit, or start fewer bots at once"),
}
"""What is said of errors of the library, by their kind: code, reason, remedy."""


def _by_path(ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return ids with their fields, by the path below the provider's own."""
    found: dict[str, dict[str, str]] = {}
    for name in ids:
        below, _, field = name.rpartition("#")
        found.setdefault(below.strip("/"), {})[name] = field
    return found
