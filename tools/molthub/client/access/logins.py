"""What ``skills registry login`` remembers: by which way the user gets in at an address. It holds no secret.

One file of the user, ``$XDG_CONFIG_HOME/molthub/logins.json``, never a project's: it may name a program to run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

from molthub.atomic import write_atomically
from molthub.client.access.environment import CertificateFiles
from molthub.client.paths import config_folder
from molthub.documents import readable
from molthub.errors import FormatError

Way = Literal["token", "password", "helper", ""]
_PRIVATE_MODE = 0o600


class Login(NamedTuple):
    """The way in at one address. ``user`` is of a password, ``helper`` a command, the rest are files."""

    way: Way = ""
    user: str = ""
    helper: str = ""
    certificate: CertificateFiles | None = None
    ca: str | None = None

    def describe(self) -> str:
        """Return it for people."""
        ways = {
            "token": "token in the keyring",
            "password": f"password of {self.user} in the keyring",
            "helper": f"helper {self.helper.split(' ')[0]}",
        }
        parts = [ways.get(self.way, ""), "client certificate" if self.certificate else "", "own CA" if self.ca else ""]
        return ", ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Return it as the file holds it: only what is said."""
        files = {"certificate": self.certificate[0], "key": self.certificate[1]} if self.certificate else {}
        value = {"way": self.way, "user": self.user, "helper": self.helper, **files, "ca": self.ca}
        return {key: found for key, found in value.items() if found}


def read_logins() -> dict[str, Login]:
    """Return every login by its address. Raises :class:`FormatError`."""
    path = _path()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return {str(address): _login(value) for address, value in json.loads(content)["logins"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "delete the file, then log in again: skills registry login"
        raise FormatError(f"it cannot be read ({type(error).__name__})", place=str(path), remedy=remedy) from None


def keep_login(address: str, login: Login) -> None:
    """Remember the way in at ``address``."""
    _write({**read_logins(), address: login})


def forget_login(address: str) -> bool:
    """Forget it; return whether there was one."""
    logins = read_logins()
    found = logins.pop(address, None)
    if found is not None:
        _write(logins)
    return found is not None


def _write(logins: dict[str, Login]) -> None:
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    value = {"format": "molthub.logins/1", "logins": {key: logins[key].to_json() for key in sorted(logins)}}
    write_atomically(path, readable(value), _PRIVATE_MODE)


def _login(value: Any) -> Login:
    way = value.get("way", "")
    if way not in ("token", "password", "helper", ""):
        raise ValueError(way)
    certificate = CertificateFiles(str(value["certificate"]), value.get("key")) if "certificate" in value else None
    return Login(way, str(value.get("user", "")), str(value.get("helper", "")), certificate, value.get("ca"))


def _path() -> Path:
    return config_folder() / "logins.json"
