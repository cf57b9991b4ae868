"""Bots on this machine that were in sync and of which nothing has moved since: told without a look into their files.

``rest.json`` in the target's state folder has a line for each such bot: the document that it is at, the status of its
state folder (whatever is written there replaces a file, which shows), and a seal on its home. All of that must be as it
was. It saves reading and comparing, and nothing else: without it, or where anything differs, the bot is looked at.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from molthub.documents import canonical_plain
from molthub.model import Artifact, DesiredState, Json
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollout.records import Document
from molthub_reconciler.supply.releases import Releases
from molthub_reconciler.targets.glance import SETTLING_SECONDS, Status
from molthub_reconciler.targets.seal import Seal

FILE = "rest.json"
_FORMAT = "molthub.rest/1"

Skills = tuple[tuple[str, str, str], ...]
"""Digest, name and version of each skill of a bot."""


@dataclass(frozen=True, slots=True)
class Rest:
    """One bot as it was left in sync with ``document``.

    ``state`` is the status of its state. ``changes`` name skills of the owner's own.
    """

    document: Document
    platform: str
    home: str
    state: Status
    seal: Seal
    skills: Skills
    changes: tuple[Mapping[str, Json], ...] = ()


class Resting:
    """The bots of one target that are at rest. ``root`` is the folder of their homes."""

    def __init__(self, state: TargetState, root: str) -> None:
        self._state = state
        self._root = root
        self._known: dict[str, Rest] | None = None
        self._shared: dict[Any, Any] = {}
        self._artifacts: dict[Skills, dict[str, Artifact]] = {}
        self._new: dict[str, Rest] = {}
        self._is_changed = False
        self._next_write = 0.0

    def told(self, bot: str, given: Document, releases: Releases, *, act: bool) -> BotReport | None:
        """Return what is told of a bot that is to have ``given``, if nothing of it has moved since it was in sync."""
        rest = self._rests().get(bot)
        if rest is None or rest.document != given:
            return None
        try:
            is_still = self._state.status(bot) == rest.state and rest.seal.holds(f"{self._root}/{rest.home}")
        except OSError:
            return None
        if not is_still or releases.withdrawn(self._artifacts_of(rest.skills)):
            return None
        changes = tuple({**change, "result": "kept"} for change in rest.changes) if act else rest.changes
        return BotReport(bot, "in-sync", rest.platform, given.digest, given.digest, changes=changes, home=rest.home)

    def see(
        self,
        document: str,
        desired: DesiredState,
        home: str,
        changes: tuple[Mapping[str, Json], ...],
        statuses: Mapping[str, Status],
    ) -> None:
        """Take note of a bot that is in sync with ``document``. ``changes`` name skills of its owner's own.

        ``statuses`` are of all that the look depended on; none where that is not certain.
        """
        if not statuses or desired.digest is None:
            self.drop(desired.path)
            return
        seal = Seal.of(statuses)
        skills = self._one(tuple((digest, one.name, one.version) for digest, one in desired.skills.items()))
        seal = Seal(self._one(seal.paths), seal.digest)
        self._new[desired.path] = Rest(
            Document(document, desired.digest), desired.platform, home, (), seal, skills, changes
        )

    def drop(self, bot: str) -> None:
        """Forget a bot of which there is more to tell."""
        self._is_changed |= self._rests().pop(bot, None) is not None

    def settle(self, lost: Collection[str] = ()) -> None:
        """Seal what was seen, once its state is written, but for the bots whose state is ``lost``; keep it on disk.

        That is never done for more than a hundredth of the time. Raises :class:`OSError`.
        """
        known, states = self._rests(), {bot: self._state.status(bot) for bot in self._new}
        newest = max((max(state) for state in states.values() if state), default=0)
        time.sleep(max(0.0, min(SETTLING_SECONDS, newest / 1e9 + SETTLING_SECONDS - time.time())))
        for bot, rest in self._new.items():  # what is written from now on shows
            if states[bot] and bot not in lost:
                sealed = replace(rest, state=states[bot])
                self._is_changed |= known.get(bot) != sealed
                known[bot] = sealed
        self._new.clear()
        begin = time.monotonic()
        if self._is_changed and begin >= self._next_write:
            self._is_changed = False
            bots = set(self._state.bots())
            self._state.keep_note("", FILE, to_bytes({bot: rest for bot, rest in known.items() if bot in bots}))
            self._next_write = begin + 100 * (time.monotonic() - begin)

    def forget(self) -> None:
        """Believe nothing of it."""
        self._known = {}
        self._shared.clear()
        self._artifacts.clear()

    def _rests(self) -> dict[str, Rest]:
        if self._known is None:
            self._known = from_bytes(self._state.note("", FILE))
        return self._known

    def _artifacts_of(self, skills: Skills) -> dict[str, Artifact]:
        if skills not in self._artifacts:
            self._artifacts[skills] = {
                digest: Artifact(number, digest, "", 0, 0, name) for digest, name, number in skills
            }
        return self._artifacts[skills]

    def _one(self, value: Any) -> Any:
        """Return the one object that all bots with an equal value share."""
        return self._shared.setdefault(value, value)


def to_bytes(known: Mapping[str, Rest]) -> bytes:
    """Return the document ``molthub.rest/1``: what bots share (paths, skills) stands there once."""
    paths: dict[tuple[str, ...], int] = {}
    skills: dict[Skills, int] = {}
    bots: dict[str, Json] = {
        bot: [*rest.document, rest.platform, rest.home, rest.state, paths.setdefault(rest.seal.paths, len(paths)),
              rest.seal.digest, skills.setdefault(rest.skills, len(skills)), [dict(one) for one in rest.changes]]
        for bot, rest in known.items()
    }  # fmt: skip
    return canonical_plain({"format": _FORMAT, "paths": list(paths), "skills": list(skills), "bots": bots})


def from_bytes(content: bytes) -> dict[str, Rest]:
    """Read ``molthub.rest/1``; whatever cannot be read is as if nothing were at rest."""
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, AttributeError):
        said: Any = json.loads(content) if content else {}
        if said.get("format") == _FORMAT:
            paths = [tuple(map(str, one)) for one in said["paths"]]
            skills = [tuple((str(a), str(b), str(c)) for a, b, c in one) for one in said["skills"]]
            return {
                bot: Rest(Document(file, digest), platform, home, tuple(state), Seal(paths[of], sealed), skills[kind],
                          tuple(changes))
                for bot, (file, digest, platform, home, state, of, sealed, kind, changes) in said["bots"].items()
            }  # fmt: skip
    return {}
