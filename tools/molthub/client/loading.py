"""Reading installed skills into a program: instructions and facts of one skill, or of all that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from molthub.client.lockfile import InstalledVersion
from molthub.errors import ManifestError, Problem
from molthub.model import Json

_FENCE = "---"


@dataclass(frozen=True)
class LoadedSkill:
    """An installed skill. ``manifest`` is the frontmatter of SKILL.md with the values of skill.yaml laid over it.

    ``description`` is SKILL.md's: it tells an agent when to use the skill, where skill.yaml's is made for catalogues.
    """

    name: str
    version: str
    description: str
    body: str
    path: Path
    manifest: Mapping[str, Json]

    def instructions(self) -> str:
        """Return what the skill tells an agent: SKILL.md below its frontmatter."""
        return self.body


def load_skill(entry: InstalledVersion, folder: Path) -> LoadedSkill:
    """Read an installed skill from its folder. Raises :class:`ManifestError` when it cannot be read."""
    place = folder / "SKILL.md"
    try:
        text = place.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        remedy = f"install it again: skills install {entry}"
        raise ManifestError(f"SKILL.md cannot be read: {reason}", place=str(place), remedy=remedy) from None
    frontmatter, body = _split(text)
    head = _values(frontmatter, place)
    manifest = {**head, **_skill_yaml(folder)}
    description = head.get("description") or manifest.get("description")
    return LoadedSkill(entry.name, entry.version, str(description or ""), body, folder, manifest)


def warning_for(entry: InstalledVersion, error: ManifestError) -> Problem:
    """Return the finding for a skill that did not load."""
    return Problem("MH301", f"{entry} was not loaded: {error}", error.remedy, "warning")


def _split(text: str) -> tuple[str, str]:
    """Split SKILL.md at its fences; without any, all of it is body."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        return "", text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        return "", text
    return "".join(lines[1:end]), "".join(lines[end + 1 :]).lstrip("\r\n")


def _skill_yaml(folder: Path) -> dict[str, Json]:
    place = folder / "skill.yaml"
    try:
        content = place.read_bytes()
    except OSError:
        return {}
    return _values(content, place)


def _values(content: str | bytes, place: Path) -> dict[str, Json]:
    from molthub.yaml_text import parse

    value = parse(content, str(place)).value
    return value if isinstance(value, dict) else {}
