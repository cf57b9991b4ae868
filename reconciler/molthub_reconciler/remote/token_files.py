"""The tokens that a controller knows: whose each is, as files that commands write and a listening controller reads.

``agents/<fleet>/<bot>/token.json`` are a bot's, ``operators/<name>.json`` an operator's. With every change ``changed``
is replaced, so that one look at that file tells whether what is remembered of all others still holds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from molthub.atomic import remove_tree
from molthub.documents import canonical_plain
from molthub.documents.names import DNS_LABEL, TIME
from molthub.documents.reading import as_text, checked, load_document, reading
from molthub.errors import FormatError
from molthub.model import Json
from molthub_reconciler.remote.tokens import TokenHash, hashed, is_token, new_token


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a token is: a ``bot``'s agent's, or an ``operator``'s."""

    bot: str = ""
    operator: str = ""

    def __str__(self) -> str:
        return self.bot or f"the operator {self.operator}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The hashes that count for one owner, newest first.

    ``may_operate``: an operator who may do more than look. ``may_look``: one who may do more than ask for a look.
    """

    owner: Owner
    hashes: tuple[TokenHash, ...]
    may_operate: bool = False
    may_look: bool = True


def is_bot_name(bot: str) -> bool:
    """Whether ``bot`` is ``<fleet>/<bot>`` as such names are, and so the name of a folder."""
    fleet, _, name = bot.partition("/")
    return bool(DNS_LABEL.match(fleet) and DNS_LABEL.match(name))


def now_text(clock: Callable[[], float] = time.time, later: float = 0.0) -> str:
    """Return the time ``later`` seconds from now (RFC 3339, UTC, whole seconds)."""
    return (datetime.fromtimestamp(clock(), UTC) + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")


class TokenFiles:
    """The tokens of one target. ``write`` replaces a file; ``clock`` is the time of the day.

    ``forget`` drops what is kept of a bot's agent beside its token: a new agent begins anew.
    """

    def __init__(
        self,
        folder: Path,
        write: Callable[[Path, bytes], None],
        *,
        clock: Callable[[], float] = time.time,
        forget: Callable[[str], None] = lambda _bot: None,
    ) -> None:
        self._agents = folder / "agents"
        self._changes = str(self._agents / "changed")
        self._operators = folder / "operators"
        self._write = write
        self._clock = clock
        self._forget = forget
        self._known: dict[Owner, Kept | None] = {}
        self._bots: frozenset[str] | None = None
        self._stamp: object = None

    def enrol(
        self, owner: Owner, *, expires: float | None = None, overlap: float = 0.0, may_operate: bool = False,
        may_look: bool = True,
    ) -> str:  # fmt: skip
        """Make a token and return it. One that its owner had counts for ``overlap`` seconds more.

        ``expires`` is in how many seconds the new one ends; None: never.
        """
        token, now = new_token(owner.operator), now_text(self._clock)
        until = now_text(self._clock, overlap)
        before = self.kept(owner)
        if before is None and owner.bot:
            self._forget(owner.bot)
        old = [one for one in (before.hashes[:1] if before is not None and overlap > 0 else ()) if not one.is_over(now)]
        ending = [replace(one, expires=min(filter(None, (one.expires, until)))) for one in old]
        kept = hashed(token, now, expires=None if expires is None else now_text(self._clock, expires))
        tokens: list[Json] = [
            {"salt": one.salt, "hash": one.hash, "made": one.made, "expires": one.expires} for one in (kept, *ending)
        ]
        said = {"format": "molthub.token/1", "tokens": tokens, "operate": may_operate, "look": may_look}
        self._write(self._place(owner), canonical_plain(said))
        self._changed()
        return token

    def revoke(self, owner: Owner) -> bool:
        """Take an owner's tokens, with all that is kept of a bot's agent. Return whether there were any."""
        place = self._place(owner)
        is_there = place.exists()
        place.unlink(missing_ok=True)
        if owner.bot:
            self._forget(owner.bot)
            remove_tree(place.parent)
            with contextlib.suppress(OSError):
                place.parent.parent.rmdir()
        if is_there:
            self._changed()
        return is_there

    def kept(self, owner: Owner) -> Kept | None:
        """Return what is kept of an owner's tokens; None where there are none, or they cannot be read."""
        if not (is_bot_name(owner.bot) if owner.bot else DNS_LABEL.match(owner.operator)):
            return None
        self._forget_where_changed()
        if owner not in self._known:
            place = self._place(owner)
            try:
                document = load_document(place.read_bytes(), "token", str(place))
                self._known[owner] = reading(lambda said: _kept_of(owner, said), document, str(place))
            except (OSError, FormatError):
                self._known[owner] = None
        return self._known[owner]

    def counts(self, owner: Owner, token: str) -> Kept | None:
        """Return what ``token`` is to ``owner``, if it is one that counts now; the same time for every answer."""
        kept = self.kept(owner)
        found = is_token(token, kept.hashes if kept is not None else (), now_text(self._clock))
        return kept if found else None

    def bots(self) -> frozenset[str]:
        """Return the bots that have a token: they live on other machines."""
        self._forget_where_changed()
        if self._bots is None:
            found = self._agents.glob("*/*/token.json")
            self._bots = frozenset(f"{path.parent.parent.name}/{path.parent.name}" for path in found)
        return self._bots

    def operators(self) -> tuple[Kept, ...]:
        """Return the operators that have a token, by name."""
        names = sorted(path.stem for path in self._operators.glob("*.json"))
        return tuple(kept for name in names if (kept := self.kept(Owner(operator=name))) is not None)

    def stamp(self) -> object:
        """Return what is the same as long as no token came or went; None: it is not known."""
        with contextlib.suppress(OSError):
            status = os.stat(self._changes)  # noqa: PTH116 (asked for every bot of a pass)
            return (status.st_mtime_ns, status.st_ino)
        return None

    def _forget_where_changed(self) -> None:
        stamp = self.stamp()
        if stamp is None or stamp != self._stamp:
            self._stamp, self._bots = stamp, None
            self._known.clear()

    def _changed(self) -> None:
        self._write(self._agents / "changed", f"{time.time_ns()}\n".encode())
        self._stamp = None

    def _place(self, owner: Owner) -> Path:
        if owner.bot:
            if not is_bot_name(owner.bot):
                raise ValueError(f"{owner.bot!r} is no bot")
            return self._agents / owner.bot / "token.json"
        if not DNS_LABEL.match(owner.operator):
            raise ValueError(f"{owner.operator!r} is no operator's name")
        return self._operators / f"{owner.operator}.json"


def _kept_of(owner: Owner, said: dict[str, Any]) -> Kept:
    hashes = tuple(
        TokenHash(as_text(one["salt"]), as_text(one["hash"]), as_text(one["made"]),
                  None if one["expires"] is None else checked(TIME, one["expires"], "a time"))
        for one in said["tokens"]
    )  # fmt: skip
    may_look = said.get("look", True) is True
    return Kept(owner, hashes, said["operate"] is True and may_look and bool(owner.operator), may_look)
