"""Secrets in the system's keyring: Keychain, Credential Locker, Secret Service, KWallet (the extra ``keyring``)."""

from __future__ import annotations

from collections.abc import Sequence

from molthub.client.access.keyring_entry import forget_secret, keep_secret, read_secret
from molthub.errors import DeniedError, MolthubError
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

SERVICE = "molthub-secrets"


class KeyringProvider:
    """The provider of kind ``keyring``: an id is a user name of the entry's service."""

    variables: tuple[str, ...] = ()
    only_if_named = False

    def __init__(self, name: str, service: str = SERVICE) -> None:
        self.name = name
        self.where = f"keyring, service {service}"
        self._service = service

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return what the keyring holds; what cannot be asked once is not asked again."""
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for wanted in ids:
            try:
                found = read_secret(wanted, self._service)
            except MolthubError as error:
                failure = Failure("UNAVAILABLE", error.message, _remedy(error))
                return Answer(values, {**errors, **all_failed(set(ids) - values.keys(), failure).errors})
            if found:
                values[wanted] = SecretValue(found)
            else:
                errors[wanted] = Failure(NOT_FOUND, f"the keyring has no {wanted}", f"molthub secrets set {wanted}")
        return Answer(values, errors)

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Keep the value in the keyring."""
        try:
            keep_secret(secret_id, value.reveal(), self._service)
        except DeniedError as error:
            raise DeniedError(error.message, place=secret_id, remedy=_remedy(error)) from None
        return f"the {self.where}"

    def forget(self, secret_id: str) -> str | None:
        """Take the entry away."""
        try:
            was_there = forget_secret(secret_id, self._service)
        except DeniedError as error:
            raise DeniedError(error.message, place=secret_id, remedy=_remedy(error)) from None
        return f"the {self.where}" if was_there else None


def _remedy(error: MolthubError) -> str:
    return "unlock or set up the system's keyring" if isinstance(error, DeniedError) else error.remedy
