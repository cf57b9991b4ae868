"""Secrets in the system's keyring, by what they are for (PyPI ``keyring``, the extra of that name).

On macOS that is the Keychain, on Windows the Credential Locker, elsewhere the Secret Service or KWallet. A keyring that
keeps passwords in clear text is refused.
"""

from __future__ import annotations

from typing import Any

from molthub.errors import DeniedError, missing_extra

SERVICE = "molthub"


def read_secret(address: str, service: str = SERVICE) -> str | None:
    """Return the secret that is kept for ``address``. Raises :class:`DeniedError`, MissingExtraError."""
    keyring = _keyring()
    try:
        found: str | None = keyring.get_password(service, address)
    except keyring.errors.KeyringError as error:
        raise _failed(address, error) from None
    return found


def keep_secret(address: str, secret: str, service: str = SERVICE) -> None:
    """Keep ``secret`` for ``address``. Raises :class:`DeniedError`, MissingExtraError."""
    keyring = _keyring()
    _refuse_clear_text(keyring, address)
    try:
        keyring.set_password(service, address, secret)
    except keyring.errors.KeyringError as error:
        raise _failed(address, error) from None


def forget_secret(address: str, service: str = SERVICE) -> bool:
    """Forget what is kept for ``address``; return whether anything was.

    Raises :class:`DeniedError`, MissingExtraError.
    """
    keyring = _keyring()
    try:
        if keyring.get_password(service, address) is None:
            return False
        keyring.delete_password(service, address)
    except keyring.errors.KeyringError as error:
        raise _failed(address, error) from None
    return True


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ModuleNotFoundError as error:
        raise missing_extra("keyring", "keeping a password or token in the system's keyring") from error
    return keyring


def _refuse_clear_text(keyring: Any, address: str) -> None:
    backend = keyring.get_keyring()
    parts = getattr(backend, "backends", None) or [backend]
    # The library's own word for what it does not recommend, files in clear text among it: a priority below 1.
    if parts[0].priority < 1:
        raise DeniedError("this machine has no keyring that keeps secrets safe", place=address, remedy=_INSTEAD)


def _failed(address: str, error: Exception) -> DeniedError:
    return DeniedError(f"the keyring gives nothing out ({type(error).__name__})", place=address, remedy=_INSTEAD)


_INSTEAD = (
    "unlock or set up the system's keyring; or set a variable (MOLTHUB_TOKEN_<HOST>), use ~/.netrc, "
    "or log in with --helper"
)
