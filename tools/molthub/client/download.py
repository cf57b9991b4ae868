"""Many versions at once into the store: all, or an error that names each that failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from molthub.client.cache import Store
from molthub.errors import IntegrityError, MolthubError, Problem, UnreachableError, UnsafeArchiveError
from molthub.model import Artifact


class Download:
    """The work of one :meth:`~molthub.client.index.Index.fetch`. An index that stopped answering is asked no more."""

    def __init__(self, get: Callable[[Artifact], bytes], store: Store, progress: Callable[[int], None]) -> None:
        self.get = get
        self.store = store
        self.progress = progress
        self.failures: list[tuple[Artifact, MolthubError]] = []
        self.gone: UnreachableError | None = None
        self._lock = threading.Lock()

    def one(self, artifact: Artifact) -> None:
        """Bring one version into the store, or note why not."""
        try:
            if not self.store.has(artifact.digest):
                if self.gone is not None:
                    raise UnreachableError(f"not tried any more: {self.gone.message}", remedy=self.gone.remedy)
                self.store.add(artifact, self.get(artifact))
        except MolthubError as error:
            if self.gone is None and isinstance(error, UnreachableError):
                self.gone = error
            self.failures.append((artifact, error))
        with self._lock:
            self.progress(1)

    def stop(self) -> None:
        """Ask for nothing more."""
        self.gone = UnreachableError("it is not wanted any more")

    def raise_failures(self, where: str) -> None:
        """Raise one error that names every version that failed, if any did."""
        if not self.failures:
            return
        if len(self.failures) == 1:
            raise self.failures[0][1]
        ordered = sorted(self.failures, key=lambda failure: (failure[0].name, failure[0].version))
        problems = [_problem(artifact, error) for artifact, error in ordered]
        worst = next((error for _, error in ordered if isinstance(error, IntegrityError)), ordered[0][1])
        raise type(worst)(
            f"{len(problems)} versions could not be fetched", place=where, remedy=worst.remedy, problems=problems
        )


_NUMBERS: dict[type[MolthubError], str] = {
    UnsafeArchiveError: "MH605",
    IntegrityError: "MH603",
    UnreachableError: "MH601",
}


def _problem(artifact: Artifact, error: MolthubError) -> Problem:
    number = next((number for kind, number in _NUMBERS.items() if isinstance(error, kind)), "MH602")
    return Problem(number, f"{artifact.name}@{artifact.version}: {error.message}", error.remedy)
