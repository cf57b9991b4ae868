"""What the index says of skill versions that bots have or should have: which there are, which were withdrawn since.

What was withdrawn is remembered with the target's state. So a skill that was taken away does not come back from the
store while the index cannot be reached.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from molthub.documents import canonical_plain
from molthub.errors import MolthubError, NotFoundError
from molthub.model import Artifact, Json
from molthub_reconciler.records.state import TargetState

if TYPE_CHECKING:
    from molthub.client.index import Index

_FILE = "withdrawn.json"
_FORMAT = "molthub.withdrawn/1"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A version that was ``yanked``, ``quarantined`` or ``removed`` (``how``), and why."""

    name: str
    version: str
    how: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} was {self.how}" + (f": {self.reason}" if self.reason else "")


@dataclass
class Releases:
    """The releases of one index, asked for once per pass. ``index`` is None while it cannot be reached.

    Where ``act``, what was withdrawn is remembered in ``state``.
    """

    index: Index | None
    state: TargetState
    act: bool = False
    _judged: dict[str, Withdrawn | None] = field(default_factory=dict)
    _withdrawn: dict[str, Withdrawn] = field(default_factory=dict)
    _remembered: dict[str, Withdrawn] | None = None

    def withdrawn(self, skills: Mapping[str, Artifact]) -> Mapping[str, Withdrawn]:
        """Return which of ``skills`` (by digest) were withdrawn, by digest."""
        unknown = skills.keys() - self._judged.keys()
        if unknown:
            self._judge([skills[digest] for digest in sorted(unknown)])
        found = skills.keys() & self._withdrawn.keys() if self._withdrawn else ()
        return {digest: self._withdrawn[digest] for digest in found}

    def versions(self, name: str) -> Mapping[str, str]:
        """Return the numbers of a skill's versions by digest, as far as the index can be asked."""
        if self.index is None:
            return {}
        try:
            releases = self.index.skill(name).releases
        except MolthubError:
            return {}
        return {release.artifact.digest: number for number, release in releases.items()}

    def remember(self) -> None:
        """Keep what was found to be withdrawn, where it is new. Raises :class:`OSError`."""
        if not self.act or self.index is None or not self._judged:
            return
        known = self._memory()
        now = {digest: one for digest, one in known.items() if digest not in self._judged} | self._withdrawn
        if now != known:
            versions: dict[str, Json] = {
                digest: {"name": one.name, "version": one.version, "how": one.how, "reason": one.reason}
                for digest, one in now.items()
            }
            content = canonical_plain({"format": _FORMAT, "versions": versions}) if versions else b""
            self.state.keep_note("", _FILE, content)

    def _judge(self, artifacts: Iterable[Artifact]) -> None:
        artifacts = list(artifacts)
        if self.index is not None:
            with contextlib.suppress(MolthubError):  # it comes up again, skill by skill
                self.index.prefetch(("skill", artifact.name) for artifact in artifacts)
        for artifact in artifacts:
            found = self._judged[artifact.digest] = self._judgement(artifact)
            if found is not None:
                self._withdrawn[artifact.digest] = found

    def _judgement(self, artifact: Artifact) -> Withdrawn | None:
        if self.index is None:
            return self._memory().get(artifact.digest)
        try:
            entry = self.index.skill(artifact.name)
        except NotFoundError:
            return None
        except MolthubError:
            return self._memory().get(artifact.digest)
        release = entry.releases.get(artifact.version)
        if release is not None and release.artifact.digest == artifact.digest:
            for how in ("removed", "quarantined", "yanked"):
                reason = getattr(release, how)
                if reason is not None:
                    return Withdrawn(artifact.name, artifact.version, how, reason)
        if entry.status == "quarantined":
            return Withdrawn(artifact.name, artifact.version, "quarantined", entry.reason or "")
        return None

    def _memory(self) -> dict[str, Withdrawn]:
        if self._remembered is None:
            try:
                found = json.loads(self.state.note("", _FILE) or b'{"versions": {}}')["versions"]
                self._remembered = {digest: Withdrawn(**one) for digest, one in found.items()}
            except (ValueError, TypeError, KeyError, AttributeError):
                self._remembered = {}
        return self._remembered
