"""Secrets in Vault or OpenBao, of a key-value engine (the extra ``vault``).

Whoever reads shows a token (``VAULT_TOKEN``, ``~/.vault-token``), an AppRole (``VAULT_ROLE_ID``, ``VAULT_SECRET_ID``)
or, in a pod, its service account (``role``). It is shown to the address in the settings alone: a redirect is not
followed, and nothing is sent over http but to this machine itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from molthub.errors import missing_extra
from molthub.secrets.private_file import PrivateFileError, as_text, read_private
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

VARIABLES: tuple[str, ...] = ("VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID")
_SECONDS = 10
_ACCOUNT_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class _NoLoginError(Exception):
    """Nothing can be shown."""


class VaultProvider:
    """The provider of kind ``vault``: an id is a field at ``path``, or ``<path below it>#<field>``.

    ``engine`` is the version of the key-value engine at ``mount``. With ``role`` the pod's service account is shown.
    """

    variables: tuple[str, ...] = VARIABLES

    def __init__(
        self,
        name: str,
        address: str,
        path: str,
        *,
        environment: Mapping[str, str],
        mount: str = "secret",
        engine: int = 2,
        namespace: str | None = None,
        role: str | None = None,
    ) -> None:
        self.name = name
        self.where = f"{address.rstrip('/')}, {mount}/{path}"
        self._address = address
        self._path = path.strip("/")
        self._mount = mount
        self._engine = engine
        self._namespace = namespace
        self._role = role
        self._environment = environment

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Log in once, and read each path once."""
        try:
            import hvac
        except ModuleNotFoundError:
            error = missing_extra("vault", "reading from Vault")
            return all_failed(ids, Failure("NO_EXTRA", error.message, error.remedy))
        client = hvac.Client(
            url=self._address, token="", namespace=self._namespace, timeout=_SECONDS, allow_redirects=False
        )
        try:
            self._log_in(client)
        except _NoLoginError:
            remedy = f"set VAULT_TOKEN, or {VARIABLES[1]} and {VARIABLES[2]}, or keep a token in ~/.vault-token"
            return all_failed(ids, Failure("NO_LOGIN", f"{self.where}: there is no token to show", remedy))
        except PrivateFileError as error:
            return all_failed(ids, error.failure)
        except Exception as error:  # noqa: BLE001 (the library's errors quote what the server said)
            return all_failed(ids, self._failure("it lets nobody in", error))
        return self._read(client, ids)

    def _read(self, client: Any, ids: Sequence[str]) -> Answer:
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for path, wanted in _by_path(ids).items():
            try:
                held = self._held(client, path)
            except Exception as error:  # noqa: BLE001 (likewise)
                errors |= dict.fromkeys(wanted, self._failure(f"{path or 'it'} cannot be read", error))
                continue
            for name, field in wanted.items():
                found = held.get(field)
                if isinstance(found, str) and found:
                    values[name] = SecretValue(found)
                elif found is None or found == "":
                    errors[name] = Failure(NOT_FOUND, f"{self.where} has no {name}")
                else:
                    errors[name] = Failure("NOT_TEXT", f"{name} of {self.where} is no text")
        return Answer(values, errors)

    def _held(self, client: Any, below: str) -> Mapping[str, Any]:
        path = "/".join(part for part in (self._path, below) if part)
        if self._engine == 1:
            held = client.secrets.kv.v1.read_secret(path=path, mount_point=self._mount)["data"]
        else:
            versions = client.secrets.kv.v2
            answer = versions.read_secret_version(path=path, mount_point=self._mount, raise_on_deleted_version=True)
            held = answer["data"]["data"]
        return held if isinstance(held, dict) else {}

    def _log_in(self, client: Any) -> None:
        token, role_id, secret_id = (self._environment.get(name) for name in VARIABLES)
        if self._role is not None:
            account = as_text(_ACCOUNT_FILE, read_private(_ACCOUNT_FILE, any_reader=True)).strip()
            client.auth.kubernetes.login(role=self._role, jwt=account)
        elif token:
            client.token = token
        elif role_id and secret_id:
            client.auth.approle.login(role_id=role_id, secret_id=secret_id)
        else:
            client.token = self._kept_token()

    def _kept_token(self) -> str:
        place = Path.home() / ".vault-token"
        try:
            token = as_text(place, read_private(place)).strip()
        except PrivateFileError as error:
            if error.failure.code == NOT_FOUND:
                raise _NoLoginError from None
            raise
        if not token:
            raise _NoLoginError
        return token

    def _failure(self, what: str, error: Exception) -> Failure:
        """Return why something failed, by the kind of error alone."""
        kind = type(error).__name__
        if isinstance(error, TypeError | KeyError):
            return Failure("MALFORMED", f"{self.where}: {what}: that is no answer of this engine")
        if kind == "InvalidPath":
            return Failure(NOT_FOUND, f"{self.where}: {what}: it is not there")
        if kind in ("Forbidden", "Unauthorized"):
            return Failure("DENIED", f"{self.where}: {what}: the policy does not allow it")
        return Failure("UNREACHABLE", f"{self.where}: {what} ({kind})")


def _by_path(ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return ids with their fields, by the path below the provider's own."""
    found: dict[str, dict[str, str]] = {}
    for name in ids:
        below, _, field = name.rpartition("#")
        found.setdefault(below.strip("/"), {})[name] = field
    return found
