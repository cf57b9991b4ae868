"""What a controller keeps of agents, beside the receipts of its target, so that a restart loses nothing.

::

    <target's state>/agents/operator.json                    hash of the token that may look at all of them
    <target's state>/agents/<fleet>/<bot>/token.json         hash of the bot's token: this bot lives elsewhere
    <target's state>/agents/<fleet>/<bot>/assignment.json    what the bot is to have
    <target's state>/agents/<fleet>/<bot>/report.json        what its agent last told, as it came
    <target's state>/agents/<fleet>/<bot>/seen.json          when it was last heard of

Every file is replaced whole, so that the threads of a server, the passes and an operator's commands may work at once.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molthub.atomic import remove_tree, write_atomically
from molthub.client.index_cache import timestamp
from molthub.documents import canonical_plain, hex_of
from molthub.documents.names import DNS_LABEL
from molthub.documents.reading import as_text, load_document, reading
from molthub.errors import FormatError
from molthub.model import Json
from molthub_reconciler.remote.exchange import (
    AgentReport,
    Answer,
    Assignment,
    answer_from_bytes,
    answer_to_bytes,
    report_from_bytes,
)
from molthub_reconciler.remote.tokens import TokenHash, hashed, new_token
from molthub_reconciler.state import NUDGE, TargetState

OPERATOR = "operator"
_FILE_MODE = 0o600
_MISSED = 3
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """When an agent was last heard of (seconds since 1970), how often it asks, and its version of molthub."""

    at: float
    interval: float
    version: str = ""

    def is_offline(self, now: float) -> bool:
        """Whether the agent missed three of its looks."""
        return now - self.at > _MISSED * self.interval + _GRACE


def is_bot_name(bot: str) -> bool:
    """Whether ``bot`` is ``<fleet>/<bot>`` as such names are, and so the name of a folder."""
    fleet, _, name = bot.partition("/")
    return bool(DNS_LABEL.match(fleet) and DNS_LABEL.match(name))


class AgentStore:
    """The agents of one target."""

    def __init__(self, state: TargetState) -> None:
        self.state = state
        self.folder = state.folder / "agents"

    def bots(self) -> frozenset[str]:
        """Return the bots that have a token: they live on other machines."""
        found = self.folder.glob("*/*/token.json")
        return frozenset(f"{path.parent.parent.name}/{path.parent.name}" for path in found)

    # --- tokens ---------------------------------------------------------------------------------------------------

    def enrol(self, bot: str) -> str:
        """Make a token for a bot (or for the operator) and return it; an earlier one is worth nothing from now on."""
        token = new_token()
        kept = hashed(token, timestamp())
        said = {"format": "molthub.token/1", "salt": kept.salt, "hash": kept.hash, "made": kept.made}
        self._write(self._token(bot), canonical_plain(said))
        return token

    def revoke(self, bot: str) -> bool:
        """Take a bot's token, and forget what its agent told. Return whether there was one."""
        place = self._token(bot)
        is_there = place.exists()
        place.unlink(missing_ok=True)
        if bot != OPERATOR:
            remove_tree(place.parent)
            with contextlib.suppress(OSError):
                place.parent.parent.rmdir()
        return is_there

    def token(self, bot: str) -> TokenHash | None:
        """Return what is kept of a bot's token; None where there is none, or it cannot be read."""
        if bot != OPERATOR and not is_bot_name(bot):
            return None
        place = self._token(bot)
        try:
            document = load_document(place.read_bytes(), "token", str(place))
            return reading(_token_of, document, str(place))
        except (OSError, FormatError):
            return None

    # --- what goes to the agent -----------------------------------------------------------------------------------

    def assign(self, given: Assignment) -> None:
        """Keep what a bot is to have, unless it is known."""
        if self.assignment(given.bot) != given:
            self._write(self._of(given.bot) / "assignment.json", answer_to_bytes(Answer(given)))

    def assignment(self, bot: str) -> Assignment | None:
        """Return what a bot is to have; None where no pass said it yet."""
        place = self._of(bot) / "assignment.json"
        try:
            return answer_from_bytes(place.read_bytes(), str(place)).assignment
        except (OSError, FormatError):
            return None

    def answer(self, bot: str) -> Answer:
        """Return what a bot's agent gets now."""
        given = self.assignment(bot) or Assignment(bot, why="the controller has not looked at this bot yet")
        told = self._read(bot, "report.json")
        nudge = self.state.note("", NUDGE)
        return Answer(given, hex_of(nudge)[:12] if nudge else "", hex_of(told) if told else None)

    def document(self, bot: str, name: str) -> bytes | None:
        """Return the document that a bot is assigned; None for any other."""
        given = self.assignment(bot)
        if given is None or given.document != name:
            return None
        with contextlib.suppress(OSError):
            return (self.state.folder / "bots" / bot / "documents" / f"{name}.json").read_bytes()
        return None

    # --- what comes from the agent --------------------------------------------------------------------------------

    def heard(self, bot: str, interval: float, version: str) -> None:
        """Note that an agent was heard of now."""
        shown = "".join(char for char in version if char.isprintable())
        said: dict[str, Json] = {"at": round(time.time(), 3), "interval": interval, "version": shown}
        self._write(self._of(bot) / "seen.json", json.dumps(said).encode())

    def seen(self, bot: str) -> Seen | None:
        """Return when an agent was last heard of; None: never."""
        try:
            said = json.loads(self._read(bot, "seen.json"))
            return Seen(float(said["at"]), float(said["interval"]), str(said["version"]))
        except (ValueError, KeyError, TypeError):
            return None

    def told(self, bot: str, content: bytes) -> bool:
        """Keep a report, and return whether it is news. Raises :class:`FormatError` for what is none of ``bot``."""
        report_from_bytes(content, bot, f"the report of {bot}")
        if self._read(bot, "report.json") == content:
            return False
        self._write(self._of(bot) / "report.json", content)
        return True

    def report(self, bot: str) -> AgentReport | None:
        """Return what an agent last told; None where it told nothing, or it cannot be read any more."""
        content = self._read(bot, "report.json")
        with contextlib.suppress(FormatError):
            return report_from_bytes(content, bot, str(self._of(bot))) if content else None
        return None

    # --- files ----------------------------------------------------------------------------------------------------

    def _token(self, bot: str) -> Path:
        return self.folder / "operator.json" if bot == OPERATOR else self._of(bot) / "token.json"

    def _of(self, bot: str) -> Path:
        if not is_bot_name(bot):
            raise ValueError(f"{bot!r} is no bot")
        return self.folder / bot

    def _read(self, bot: str, name: str) -> bytes:
        try:
            return (self._of(bot) / name).read_bytes()
        except OSError:
            return b""

    def _write(self, place: Path, content: bytes) -> None:
        for folder in reversed([place.parent, *place.parent.parents]):
            if folder.is_relative_to(self.state.root):
                folder.mkdir(mode=0o700, parents=folder == self.state.root, exist_ok=True)
        write_atomically(place, content, _FILE_MODE, durable=False)


def _token_of(said: dict[str, Any]) -> TokenHash:
    return TokenHash(as_text(said["salt"]), as_text(said["hash"]), as_text(said["made"]))
