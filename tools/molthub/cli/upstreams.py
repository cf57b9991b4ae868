"""The files of imported versions, brought from wherever they are to be had by digest.

Looked for in this order: the user's store, the index that is being built over, ``--previous``, the upstream itself. The
last is asked by a process of its own (:mod:`molthub.cli.upstream_process`), one for each address.

Most builds ask for nothing: what asks is loaded when something is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molthub.cli.upstream_orders import USUAL, Limits, Order, Place
from molthub.client.paths import store_folder
from molthub.console import counted
from molthub.errors import IntegrityError, NotFoundError, Problem, UpstreamError
from molthub.model import FileEntry

if TYPE_CHECKING:
    from molthub.client.cache import Store
    from molthub.registry.upstreams.upstream import Imported

Content = tuple[tuple[FileEntry, bytes], ...]
AT_ONCE = 4
"""How many upstreams are asked at a time."""


@dataclass
class UpstreamFiles:
    """Brings the files of imported versions into the store at ``root``. The registry's port ``Upstreams``.

    ``held`` are indexes that may hold a version already: their addresses, in the order they are asked. ``notes`` say of
    those that could not be read why.
    """

    root: Path
    held: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    limits: Limits = USUAL
    notes: list[str] = field(default_factory=list)
    reasons: dict[tuple[str, str], Problem] = field(default_factory=dict)

    say: Callable[[str], None] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "say": None}  # other processes do not talk

    @classmethod
    def of_user(
        cls,
        allowed: Iterable[str],
        seconds: float,
        *,
        held: Iterable[str] = (),
        say: Callable[[str], None] | None = None,
    ) -> UpstreamFiles:
        """Use the user's own store."""
        return cls(store_folder(), tuple(held), tuple(allowed), Limits(seconds), say=say)

    @property
    def _store(self) -> Store:
        from molthub.client.cache import Store

        return Store(self.root)

    def files(self, digest: str) -> Content | None:
        """Return the files with this digest, verified; None where nobody has brought them yet."""
        try:
            found = self._store.content(digest)
        except (NotFoundError, IntegrityError):
            return None
        return tuple(sorted(found, key=lambda pair: pair[0].path.encode()))

    def bring(self, wanted: Sequence[Imported]) -> None:
        """Bring the files of all of these, as far as that is possible."""
        missing = self._missing(wanted)
        for location in self.held:
            if missing:
                self._take_held(location, missing)
                missing = self._missing(missing)
        groups: dict[Place, list[Imported]] = {}
        for imported in missing:
            place = Place(imported.upstream.kind, imported.upstream.location, self.allowed)
            groups.setdefault(place, []).append(imported)
        if groups:
            from molthub.client.parallel import in_threads

            in_threads(lambda group: self._ask(*group), list(groups.items()), AT_ONCE)

    def problem(self, imported: Imported) -> Problem:
        """Return why the files of one were not brought."""
        return self.reasons.get(
            (imported.name, imported.version),
            Problem("MH901", f"{imported.upstream.shown} was not fetched", "run it again"),
        )

    def _missing(self, wanted: Iterable[Imported]) -> list[Imported]:
        store = self._store
        return [one for one in wanted if not (store.has(one.digest) or store.has(one.upstream.digest))]

    def _take_held(self, location: str, wanted: Sequence[Imported]) -> None:
        """Take from an index what it holds by digest; what it does not have is no fault of it."""
        from molthub.cli.upstream_process import fetched
        from molthub.registry.upstreams.allowed import shown

        orders = [Order(imported.name, imported.version, digest=imported.digest) for imported in wanted]
        answers = [answer for _, answer in fetched(Place("index", location, None), orders, self.root, self.limits)]
        failures = [answer for answer in answers if isinstance(answer, UpstreamError)]
        if failures:
            self.notes.append(f"not everything could be read from {shown(location)}: {failures[0]}")

    def _ask(self, place: Place, wanted: Sequence[Imported]) -> None:
        from molthub.cli.upstream_process import fetched
        from molthub.registry.upstreams.allowed import shown

        if self.say is not None:
            self.say(f"fetching {counted(len(wanted), 'imported version')} from {shown(place.location)}")
        orders = [
            Order(_name_there(one), one.version, one.upstream.path, one.upstream.commit, one.upstream.digest)
            for one in wanted
        ]
        for number, answer in fetched(place, orders, self.root, self.limits):
            if isinstance(answer, UpstreamError):
                one = wanted[number]
                where = "" if answer.place in ("", place.location) else f" ({answer.place})"
                message = f"{one.upstream.shown}: {answer.message}{where}"
                self.reasons[one.name, one.version] = Problem(answer.problem_id or "MH901", message, answer.remedy)


def _name_there(imported: Imported) -> str:
    """Return what an index calls it, as people write it."""
    upstream = imported.upstream
    return f"pack/{upstream.name}" if upstream.path.startswith("packs/") else upstream.name
