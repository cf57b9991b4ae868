"""A pack that its publisher signed: what the index says it is locked to must be what the signed file says."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.client.cache import Store
from molthub.client.index import Index
from molthub.errors import ManifestError, OtherContentError
from molthub.model import PackRelease
from molthub.yaml_text import parse

BASE = "pack/"


def check_lock(release: PackRelease, index: Index, store: Store) -> None:
    """Fetch a pack's own file and compare. Raises :class:`OtherContentError`, :class:`MolthubError`."""
    artifact = release.artifact
    index.fetch([artifact], store)
    files = {entry.path: content for entry, content in store.content(artifact.digest)}
    locked = _locked(files.get(f"{artifact.version}.yaml", b""), f"pack/{artifact.name}")
    said = {name: (skill.version, skill.digest) for name, skill in release.skills.items()}
    if locked != said:
        other = sorted(name for name in locked.keys() | said.keys() if locked.get(name) != said.get(name))
        message = f"its publisher locked it to other versions than this index says: {', '.join(other)}"
        raise OtherContentError(message, remedy="install nothing of it; tell whoever runs the index")


def _locked(content: bytes, shown: str) -> dict[str, tuple[str, str]]:
    try:
        resolved: Mapping[str, Mapping[str, str]] = parse(content, shown).value["spec"].get("resolved") or {}
        return {
            name: (str(lock["version"]), str(lock["digest"]))
            for name, lock in resolved.items()
            if not name.startswith(BASE)
        }
    except (ManifestError, KeyError, TypeError, AttributeError):
        raise OtherContentError("its file cannot be read", remedy="choose another version of the pack") from None
