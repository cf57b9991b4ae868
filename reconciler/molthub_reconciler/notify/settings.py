"""Whom to tell: ``~/.config/molthub/notify.yaml``.

::

    channels:
      - name: ops
        kind: webhook
        url: https://hooks.example.com/molthub
        secretFile: ~/.config/molthub/hook.key
      - name: chat
        kind: slack
        urlEnv: SLACK_WEBHOOK_URL
        fleets: [prod]
        states: [drifted, conflict, failed]
      - name: commits
        kind: github-status
        url: https://api.github.com
        repository: acme/registry
        tokenFile: ~/.config/molthub/github.token

Whatever is secret (keys, tokens, addresses that are one) comes from a file that nobody else may read, or from the
environment; never from here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from molthub.errors import FormatError, UsageError
from molthub.secrets.private_file import PrivateFileError, as_text, read_private
from molthub_reconciler.operator_file import OperatorFile, read_operator_file

FILE = "notify.yaml"
Kind = Literal["webhook", "slack", "github-status", "gitlab-status"]
KINDS: Mapping[Any, Kind] = {kind: kind for kind in get_args(Kind)}
SECRET_VARIABLE = "MOLTHUB_NOTIFY_SECRET"  # noqa: S105 (the name of a variable)
_SECRETS = ("url", "secret", "token")
_KEYS = {"name", "kind", "url", "fleets", "states", "timeout", "repository",
         *(f"{name}{where}" for name in _SECRETS for where in ("File", "Env"))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that is told. ``fleets`` and ``states``: only of these; empty: of all.

    ``secret`` signs what a webhook is sent, ``token`` lets statuses be written to ``repository``.
    """

    name: str
    kind: Kind
    url: str
    secret: str = ""
    token: str = ""
    repository: str = ""
    fleets: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    timeout: float = 10.0

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.kind!r})"


def read_channels(folder: Path | None = None) -> tuple[Channel, ...]:
    """Return the operator's channels. Raises :class:`FormatError`."""
    file = read_operator_file(FILE, folder)
    if file is None:
        return ()
    file.check_keys(file.value, {"channels"})
    said = file.value.get("channels", [])
    if not isinstance(said, list):
        raise file.refuse("channels is a list", "channels")
    found = tuple(_channel(file, number, item) for number, item in enumerate(said))
    if len({channel.name for channel in found}) < len(found):
        raise file.refuse("two channels have one name", "channels")
    return found


def webhook(url: str) -> Channel:
    """Return the channel of ``--notify URL``, signed with ``$MOLTHUB_NOTIFY_SECRET`` where that is set.

    Raises :class:`UsageError`.
    """
    why = _why_refused(url)
    if why:
        raise UsageError(f"--notify: {why}", remedy="give an https:// address without a password")
    return Channel(f"--notify {urlsplit(url).hostname}", "webhook", url, os.environ.get(SECRET_VARIABLE, ""))


def _channel(file: OperatorFile, number: int, item: Any) -> Channel:
    place = ("channels", number)
    said = file.check_keys(item, _KEYS, *place)
    name, kind = said.get("name"), said.get("kind")
    if not isinstance(name, str) or not name:
        raise file.refuse("a channel has a name", *place)
    if kind not in KINDS:
        raise file.refuse(f"a channel's kind is one of {', '.join(KINDS)}", *place)
    url, secret, token = (_value(file, said, which, place) for which in _SECRETS)
    why = _why_refused(url)
    if why:
        raise file.refuse(why, *place)
    is_status = KINDS[kind].endswith("-status")
    repository = said.get("repository", "")
    if is_status and not (token and isinstance(repository, str) and repository):
        raise file.refuse("a status needs repository, and tokenFile or tokenEnv", *place)
    timeout = file.seconds(said["timeout"], *place) if "timeout" in said else 10.0
    fleets, states = (_texts(file, said, which, place) for which in ("fleets", "states"))
    return Channel(name, KINDS[kind], url, secret, token, str(repository), fleets, states, timeout)


def _value(file: OperatorFile, said: Mapping[str, Any], which: str, place: tuple[str, int]) -> str:
    """Return a value that may be secret: said here where it is an address, or by a file or variable."""
    ways = [key for key in (which, f"{which}File", f"{which}Env") if key in said]
    if len(ways) > 1:
        raise file.refuse(f"{' and '.join(ways)} exclude each other", *place)
    if not ways:
        return ""
    value = str(said[ways[0]])
    if ways[0].endswith("Env"):
        if not os.environ.get(value):
            raise file.refuse(f"the environment has no {value}", *place)
        return os.environ[value]
    if not ways[0].endswith("File"):
        return value
    path = file.path.parent.joinpath(Path(value).expanduser())
    try:
        return as_text(path, read_private(path)).strip()
    except PrivateFileError as error:
        raise FormatError(
            error.failure.message, place=str(file.path), remedy=error.failure.remedy or "see there"
        ) from None


def _texts(file: OperatorFile, said: Mapping[str, Any], which: str, place: tuple[str, int]) -> frozenset[str]:
    found = said.get(which, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise file.refuse(f"{which} is a list of names", *place)
    return frozenset(found)


def _why_refused(url: str) -> str:
    """Return what is wrong with an address; it is not quoted, as it may be a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "this is no address"
    if not host:
        return "an address is needed: url, urlFile or urlEnv"
    if parts.username or parts.password:
        return "an address holds no password"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return ""
    return "an address begins with https://"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
