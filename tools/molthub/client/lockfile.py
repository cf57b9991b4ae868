"""``.skills/index.json``: what is installed and where it came from. Text in, values out, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from molthub.documents import DIGEST, SEMVER, load_document, readable
from molthub.documents.reading import as_skill_name, checked
from molthub.errors import FormatError, NewerFormatError
from molthub.versions import sort_key

FORMAT = "molthub.installed/1"


class InstalledVersion(NamedTuple):
    """One installed version. ``requested`` is what was asked for, as typed; None: it came as a dependency.

    ``publisher`` and ``signer`` say whose signature was verified when it was installed, and the key; None: none was.
    """

    name: str
    version: str
    digest: str
    archive: str | None = None
    registry: str | None = None
    requested: str | None = None
    installed: str | None = None
    publisher: str | None = None
    signer: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


Installed = dict[tuple[str, str], InstalledVersion]
"""Everything installed, by (name, version)."""


def read_lockfile(content: bytes, where: str) -> Installed:
    """Read ``index.json``. Names and versions are checked, because they become paths. Raises :class:`FormatError`."""
    try:
        document = load_document(content, "installed", where)
        found = [
            _entry(as_skill_name(name), checked(SEMVER, version, "a version"), value)
            for name, versions in document["skills"].items()
            for version, value in versions.items()
        ]
    except NewerFormatError:
        raise
    except FormatError as error:
        raise FormatError(error.message, place=where, remedy=_MEND) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"a value is missing or wrong ({error})", place=where, remedy=_MEND) from None
    return {(entry.name, entry.version): entry for entry in found}


def write_lockfile(installed: Installed) -> bytes:
    """Return ``index.json``, the same bytes for the same content."""
    skills: dict[str, dict[str, Any]] = {}
    for entry in in_order(installed.values()):
        value = {
            "digest": entry.digest,
            "archive": entry.archive,
            "registry": entry.registry,
            "requested": entry.requested,
            "installed": entry.installed,
            "publisher": entry.publisher,
            "signer": entry.signer,
        }
        kept = {key: item for key, item in value.items() if item is not None or key == "requested"}
        skills.setdefault(entry.name, {})[entry.version] = kept
    return readable({"format": FORMAT, "skills": skills})


def in_order(entries: Iterable[InstalledVersion]) -> list[InstalledVersion]:
    """Sort by name, versions by precedence."""
    return sorted(entries, key=lambda entry: (entry.name, sort_key(entry.version)))


def _entry(name: str, version: str, value: Any) -> InstalledVersion:
    texts = [value.get(key) for key in ("archive", "registry", "requested", "installed", "publisher", "signer")]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise TypeError(f"{name} {version}")
    return InstalledVersion(name, version, checked(DIGEST, value["digest"], "a digest"), *texts)


_MEND = "mend the file, or move it away and install again: the skills' folders stay where they are"
