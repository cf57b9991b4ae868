"""What was found of one registry's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from molthub.errors import Problem

if TYPE_CHECKING:
    from molthub.client.lockfile import InstalledVersion
    from molthub.transparency.checkpoint import Checkpoint

State = Literal["proven", "refused", "unreachable", "none", "unsigned"]
"""*proven*: the log goes on from what was seen, and every version is in it; *refused*: the problems say why;
*unreachable*; *none*: the registry is signed and keeps no log; *unsigned*: no root of it is trusted here, so that a log
would show nothing."""


class LogReport:
    """What was found of the log of the registry at ``where``.

    ``head`` is what the log says now and ``before`` the size that was proven last. ``places`` says where versions are
    in it, and ``problems`` what is wrong.
    """

    def __init__(self, where: str, state: State) -> None:
        self.where = where
        self.state = state
        self.head: Checkpoint | None = None
        self.before: int | None = None
        self.places: dict[InstalledVersion, int] = {}
        self.problems: list[Problem] = []
