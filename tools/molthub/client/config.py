"""``.skills/config.json``: the registries of a project or user, and the applications that run here.

A small JSON file that people may edit: what molthub does not know stays as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.atomic import write_atomically
from molthub.documents import DIGEST, SEMVER, readable
from molthub.documents.reading import checked
from molthub.errors import FormatError, NotFoundError, UsageError

if TYPE_CHECKING:
    from molthub.client.trust import RootPin

_PRIVATE_MODE = 0o600
VARIABLE = "MOLTHUB_REGISTRY"


class RegistryEntry(NamedTuple):
    """A registry by the name that this user gave it. ``url`` may be a folder; ``root`` pins its root of trust."""

    name: str
    url: str
    root: RootPin | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as ``config.json`` holds it."""
        pin = {"root": self.root._asdict()} if self.root is not None else {}
        return {"name": self.name, "url": self.url, **pin}


class Config(NamedTuple):
    """One ``config.json``; ``value`` is the whole of it."""

    path: Path
    registries: tuple[RegistryEntry, ...]
    hosts: Mapping[str, str]
    value: Mapping[str, Any]

    @property
    def require_signatures(self) -> bool:
        """Whether versions without their publisher's signature are refused."""
        return self.value.get("requireSignatures") is True

    def with_registries(self, registries: tuple[RegistryEntry, ...]) -> Config:
        """Return it with other registries, the first being the default."""
        shown = [entry.to_json() for entry in registries]
        return self._replace(registries=registries, value={**self.value, "registries": shown})

    def write(self) -> None:
        """Write it back."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = readable(self.value)
        write_atomically(self.path, content, _PRIVATE_MODE)


def read_config(folder: Path) -> Config:
    """Read ``config.json`` of a ``.skills`` folder; none is an empty configuration. Raises :class:`FormatError`."""
    path = folder / "config.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Config(path, (), {}, {})
    try:
        value = json.loads(content)
        registries = tuple(_entry(item) for item in value.get("registries", []))
        hosts = {str(name): str(version) for name, version in value.get("hosts", {}).items()}
        _check_truth(value.get("requireSignatures", False))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        remedy = 'it should look like {"registries": [{"name": "main", "url": "https://skills.example.com/"}]}'
        raise FormatError(f"not a configuration ({error})", place=str(path), remedy=remedy) from None
    return Config(path, registries, hosts, value)


def choose_registry(given: str | None, configs: tuple[Config, ...]) -> str:
    """Return the location of the index to use: what is given, else $MOLTHUB_REGISTRY, else the first one configured.

    ``given`` may be the name of a configured registry. Raises :class:`UsageError` when there is none.
    """
    wanted = given or os.environ.get(VARIABLE)
    known = [entry for config in configs for entry in config.registries]
    if wanted:
        return next((entry.url for entry in known if entry.name == wanted), wanted)
    if known:
        return known[0].url
    raise UsageError(
        "no registry is configured",
        remedy=f"add one: skills registry add https://skills.example.com/ (or give --registry URL, or set {VARIABLE})",
    )


def parse_hosts(texts: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME=VERSION`` pairs. Raises :class:`UsageError`."""
    hosts = {}
    for text in texts:
        name, equals, version = text.partition("=")
        if not name or not equals or not SEMVER.match(version):
            raise UsageError(f"{text!r} is not an application and its version", remedy="write --host roundtable=2.1.0")
        hosts[name] = version
    return hosts


def pin_for(url: str, configs: tuple[Config, ...]) -> RootPin | None:
    """Return the root that a configuration pins for the registry at ``url``, or None."""
    entries = (entry for config in configs for entry in config.registries)
    return next((entry.root for entry in entries if entry.root and entry.url.rstrip("/") == url.rstrip("/")), None)


def location_of(where: str, configs: tuple[Config, ...]) -> str:
    """Return the location that is configured for the registry at ``where``, which names it without credentials."""
    from molthub.client.addresses import without_credentials

    known = (entry.url for config in configs for entry in config.registries)
    return next((url for url in known if without_credentials(url).rstrip("/") == where.rstrip("/")), where)


def added(config: Config, url: str, name: str | None, root: RootPin | None = None) -> tuple[Config, RegistryEntry]:
    """Return the configuration with one registry more, and that registry. Raises :class:`UsageError`."""
    entry = RegistryEntry(name or _name_for(url), url, root)
    for other in config.registries:
        if other.name == entry.name and other.url != url:
            from molthub.client.addresses import without_credentials

            raise UsageError(
                f"there is a registry {entry.name} already: {without_credentials(other.url)}",
                remedy="give another name: skills registry add NAME URL",
            )
    others = tuple(other for other in config.registries if other.name != entry.name)
    return config.with_registries((*others, entry)), entry


def removed(config: Config, name: str) -> Config:
    """Return the configuration without a registry, named by name or URL. Raises :class:`NotFoundError`."""
    left = tuple(entry for entry in config.registries if name not in (entry.name, entry.url))
    if len(left) == len(config.registries):
        names = ", ".join(entry.name for entry in config.registries) or "none"
        raise NotFoundError(f"there is no registry {name}", place=str(config.path), remedy=f"there are: {names}")
    return config.with_registries(left)


def _check_truth(value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"requireSignatures is true or false, not {value!r}")


def _entry(item: Any) -> RegistryEntry:
    root = item.get("root")
    return RegistryEntry(str(item["name"]), str(item["url"]), _pin(root) if root is not None else None)


def _pin(root: Any) -> RootPin:
    from molthub.client.trust import RootPin

    return RootPin(int(root["version"]), checked(DIGEST, root["digest"], "a digest"))


def _name_for(url: str) -> str:
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname if "://" in url else None
    return host or Path(url).name or "registry"
