"""How one is let into Vault or OpenBao: by a token, an AppRole, or a pod's service account.

In this order: the service account where ``role`` is given; the token that a file holds (``token-file``), or
``VAULT_TOKEN``; an AppRole (``VAULT_ROLE_ID``, ``VAULT_SECRET_ID``); ``~/.vault-token``. Files are read each time, so
that whoever renews a token may put a new one there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molthub.secrets.private_file import PrivateFileError, as_text, read_private
from molthub.secrets.provider import NOT_FOUND

VARIABLES: tuple[str, ...] = ("VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID")
_ACCOUNT_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class NoLoginError(Exception):
    """There is nothing to show; ``remedy`` says what there may be."""

    remedy = f"set VAULT_TOKEN, or {VARIABLES[1]} and {VARIABLES[2]}, or keep a token in ~/.vault-token"


@dataclass(frozen=True, slots=True)
class Login:
    """What is shown. ``auth_mount`` is where the server has the method of an AppRole or a service account.

    ``role`` is that of a service account, whose token is in ``account_file``.
    """

    environment: Mapping[str, str]
    role: str | None = None
    auth_mount: str | None = None
    token_file: Path | None = None
    account_file: Path = _ACCOUNT_FILE

    @contextmanager
    def of(self, client: Any) -> Iterator[None]:
        """Give ``client`` a token. One that is made here is revoked at the end: nobody else knows it.

        Raises :class:`NoLoginError`, :class:`PrivateFileError`, and what the library raises.
        """
        is_own = self._log_in(client)
        try:
            yield
        finally:
            if is_own:
                with suppress(Exception):  # it ends by itself, and kinds that live a moment cannot be revoked
                    client.auth.token.revoke_self()

    def _log_in(self, client: Any) -> bool:
        """Return whether a token was made for this."""
        token, role_id, secret_id = (self.environment.get(name) for name in VARIABLES)
        mount = {"mount_point": self.auth_mount} if self.auth_mount else {}
        if self.role is not None:
            account = as_text(self.account_file, read_private(self.account_file, any_reader=True)).strip()
            client.auth.kubernetes.login(role=self.role, jwt=account, **mount)
            return True
        if self.token_file is not None:
            client.token = _kept_token(self.token_file)
        elif token:
            client.token = token
        elif role_id and secret_id:
            client.auth.approle.login(role_id=role_id, secret_id=secret_id, **mount)
            return True
        else:
            client.token = _kept_token(Path.home() / ".vault-token")
        return False


def _kept_token(place: Path) -> str:
    try:
        token = as_text(place, read_private(place)).strip()
    except PrivateFileError as error:
        if error.failure.code == NOT_FOUND:
            raise NoLoginError from None
        raise
    if not token:
        raise NoLoginError
    return token
