"""What is ordered from upstreams, and what comes of it: the two ends of the pipe to the process that fetches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from molthub.errors import (
    ChangedUpstreamError,
    Problem,
    RefusedUpstreamError,
    UpstreamError,
)


class Order(NamedTuple):
    """One version that is wanted from an index or a repository.

    Of an index ``name`` and ``version`` count, of a repository ``path`` and ``revision`` (a commit, branch or tag).
    With a ``digest`` nothing else is taken.
    """

    name: str = ""
    version: str = ""
    path: str = ""
    revision: str = ""
    digest: str = ""


class Delivery(NamedTuple):
    """One version that was fetched and stands in the store. ``left_out`` are files that no version holds."""

    digest: str
    commit: str = ""
    left_out: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where to fetch: an index or a git repository. ``allowed`` is None for an index that its user chose himself.

    Such an index is asked for what it holds by digest, and answers with None for what it does not.
    """

    kind: str
    location: str
    allowed: tuple[str, ...] | None = ()


class Limits(NamedTuple):
    """What a fetch may take: ``seconds`` until each version is there, and bytes of one repository."""

    seconds: float = 120.0
    repository: int = 512 * 1024 * 1024


USUAL = Limits()

_KINDS: dict[str | None, type[UpstreamError]] = {
    kind.problem_id: kind for kind in (UpstreamError, ChangedUpstreamError, RefusedUpstreamError)
}


def error_to_json(error: UpstreamError) -> dict[str, Any]:
    """Return an error as it goes through the pipe."""
    problems = [problem.to_json() for problem in error.problems]
    return {
        "id": error.problem_id, "message": error.message, "place": error.place, "remedy": error.remedy,
        "problems": problems,
    }  # fmt: skip


def error_from_json(said: Mapping[str, Any]) -> UpstreamError:
    """Return the error that came through the pipe."""
    kind = _KINDS.get(said["id"], UpstreamError)
    problems = [Problem(**problem) for problem in said["problems"]]
    error = kind(said["message"], place=said["place"], remedy=said["remedy"], problems=problems)
    error.problem_id = kind.problem_id
    return error
