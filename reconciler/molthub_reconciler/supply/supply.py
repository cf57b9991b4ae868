"""Skills on their way into the store: each is fetched once per pass, however many bots want it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from molthub.client.cache import Store
from molthub.client.index import Index
from molthub.errors import MolthubError, Problem
from molthub.model import Artifact, FileEntry
from molthub_reconciler.problems import problem_of
from molthub_reconciler.supply.skill_signatures import SkillSignatures


class Supply:
    """What a pass takes skills from: the store, and behind it the index (None: it cannot be reached)."""

    def __init__(self, store: Store, index: Index | None, signatures: SkillSignatures | None = None) -> None:
        self.store = store
        self._signatures = signatures
        self._index = index
        self._failed: dict[str, Problem] = {}
        self._there: set[str] = set()
        self._files: dict[str, tuple[FileEntry, ...]] = {}

    def provide(self, artifacts: Iterable[Artifact]) -> dict[str, Problem]:
        """Bring versions into the store. Return why those that are not there are missing, by digest."""
        wanted = {artifact.digest: artifact for artifact in artifacts if artifact.digest not in self._there}
        missing = [
            artifact for digest, artifact in wanted.items() if digest not in self._failed and not self.store.has(digest)
        ]
        if missing:
            self._fetch(missing)
        self._there |= wanted.keys() - self._failed.keys()
        return {digest: self._failed[digest] for digest in wanted if digest in self._failed}

    def refused(self, skills: Mapping[str, Artifact]) -> dict[str, Problem]:
        """Return why some skills must not be given to a bot, by their keys: signatures that do not count."""
        return self._signatures.judge(skills) if self._signatures is not None else {}

    def files(self, digest: str) -> tuple[FileEntry, ...]:
        """Return the files of a version; none when it is not in the store."""
        if digest not in self._files:
            try:
                self._files[digest] = self.store.files(digest)
            except MolthubError:
                return ()
        return self._files[digest]

    def forget(self, digest: str) -> None:
        """Take back that a version is in the store: it turned out to be damaged there."""
        self._there.discard(digest)

    def _fetch(self, missing: list[Artifact]) -> None:
        if self._index is None:
            self._failed |= {artifact.digest: _unreachable(artifact) for artifact in missing}
            return
        try:
            self._index.fetch(missing, self.store)
        except MolthubError as error:
            lost = [artifact for artifact in missing if not self.store.has(artifact.digest)]
            self._failed |= {artifact.digest: _why(artifact, error) for artifact in lost}
        except OSError as error:
            if len(missing) == 1:
                self._failed[missing[0].digest] = _why(missing[0], error)
            else:  # the store's disk may be full; what is small enough may still fit
                for artifact in missing:
                    self._fetch([artifact])


def _why(artifact: Artifact, error: MolthubError | OSError) -> Problem:
    name = f"{artifact.name}@{artifact.version}"
    problems = error.problems if isinstance(error, MolthubError) else ()
    named = (problem for problem in problems if problem.message.startswith(name))
    problem = problem_of(error)
    return next(named, None) or replace(problem, message=f"{name}: {problem.message}")


def _unreachable(artifact: Artifact) -> Problem:
    message = f"{artifact.name}@{artifact.version} is not in the store, and the index cannot be reached"
    return Problem("MH601", message, "it is fetched as soon as the index answers")
