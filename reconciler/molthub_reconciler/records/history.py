"""What is on record of a bot: its last passes, and the documents that it can be brought back to.

A pass that changed or found something left a line; :class:`Kept` documents are those that were acted upon, or, of a
bot on another machine, given to its agent: the lines of such a bot name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from molthub.model import Json
from molthub_reconciler.records.state import TargetState

FORMAT = "molthub.history/1"
HEADERS = ("at", "revision", "state", "key", "what", "why")
KEPT_HEADERS = ("digest", "revision", "document", "acted upon", "")
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A document at hand, by its hex name, with the ``digest`` of its desired state.

    ``revision`` is the last one under which a pass acted upon it, as far as that is on record; ``used`` is when
    (RFC 3339). ``is_current``: the bot was last brought to it. Unless ``at_hand``, it has to be fetched first.
    """

    document: str
    digest: str
    revision: str | None
    used: str
    is_current: bool = False
    at_hand: bool = True

    def to_json(self) -> dict[str, Json]:
        """Return what ``molthub history --json`` says of it."""
        head: dict[str, Json] = {"document": self.document, "digest": self.digest, "revision": self.revision}
        return {**head, "actedUpon": self.used, "current": self.is_current}

    def __str__(self) -> str:
        of = f" (revision {self.revision[:_DIGITS]})" if self.revision else ""
        return f"{self.digest[: len('sha256:') + _DIGITS]}{of}"


def kept_documents(state: TargetState, bot: str) -> tuple[Kept, ...]:
    """Return the documents of a bot that are at hand and whole, the last acted upon first."""
    current = state.receipt(bot)[0].document
    revisions: dict[str, Json] = {}
    for line in state.passes(bot):
        if not line.get("pinned"):
            revisions[str(line.get("document"))] = line.get("revision")
    found = []
    for name, stamp in state.documents(bot):
        document = state.document(bot, name)
        if document is not None and document.digest is not None:
            used = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            found.append(Kept(name, document.digest, revisions.get(name), used, name == current))
    return tuple(found)


def given_documents(state: TargetState, bot: str) -> tuple[Kept, ...]:
    """Return the documents that a bot on another machine was given and that are not at hand, the last given first.

    Its agent may never have asked for them, or has them where the controller lost them.
    """
    current = state.receipt(bot)[0].document
    found: dict[str, Kept] = {}
    for line in reversed(state.passes(bot)):
        name, digest = line.get("given"), line.get("desired")
        if name and digest and name not in found and state.document(bot, name) is None:
            found[name] = Kept(name, digest, line.get("revision"), str(line.get("at")), name == current, at_hand=False)
    return tuple(found.values())


def in_force(passes: Iterable[Mapping[str, Json]], revisions: Sequence[str], revision: str) -> str | None:
    """Return the document that a bot had while the index was at ``revision``; None where nothing is on record.

    ``passes`` are oldest first, as ``revisions`` are: those that the target's passes saw. A revision that changed
    nothing for the bot left no line of it, so the last line up to there counts. Of a bot on another machine it is what
    that was given: when its agent took it up is its own affair.
    """
    order = {seen: number for number, seen in enumerate(revisions)}
    limit = order.get(revision)
    document = None
    for line in passes:
        of = line.get("revision")
        if line.get("pinned"):
            continue  # it had what it was rolled back to, whatever the index said
        if of == revision or (limit is not None and order.get(str(of), limit + 1) <= limit):
            document = line.get("given") or line.get("document") or document
    return document


def history_to_json(bot: str, passes: Sequence[Mapping[str, Json]], kept: Sequence[Kept], pin: Json) -> Json:
    """Return the document ``molthub.history/1``: passes newest first."""
    head = {"format": FORMAT, "bot": bot, "pinned": pin}
    return {**head, "passes": [dict(line) for line in reversed(passes)], "documents": [one.to_json() for one in kept]}


def rows(passes: Sequence[Mapping[str, Json]]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each change of each pass, newest pass first, under :data:`HEADERS`."""
    for line in reversed(passes):
        head = (str(line["at"]), _short(line.get("revision")), str(line["state"]))
        found = list(_of_pass(line))
        for number, row in enumerate(found):
            yield (*(head if number == 0 else ("", "", "")), *row)


def kept_rows(kept: Iterable[Kept]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each document, under :data:`KEPT_HEADERS`."""
    for one in kept:
        digest = one.digest[: len("sha256:") + _DIGITS]
        yield digest, _short(one.revision), _short(one.document), one.used, "current" if one.is_current else ""


def _of_pass(line: Mapping[str, Json]) -> Iterator[tuple[str, str, str]]:
    act = "" if line.get("command", "reconcile") == "reconcile" else f"{line['command']}: "
    act += "forced: " if line.get("forced") else ""
    for change in line.get("changes", ()):
        yield str(change["key"]), _what(change), act + _why(change)
    if not line.get("changes"):
        ids = ", ".join(sorted({str(problem.get("id")) for problem in line.get("problems", ())}))
        yield "", "nothing changed", act + ids


def _what(change: Mapping[str, Json]) -> str:
    action, result = str(change["action"]), str(change["result"])
    done = {"applied": f"{action}d", "failed": f"{action} failed"}.get(result, "kept")
    sides = [_brief(str(change[side])) for side in ("from", "to") if side in change]
    return f"{done} {' -> '.join(sides)}".rstrip()


def _why(change: Mapping[str, Json]) -> str:
    drift = f" ({change['drift']})" if change.get("drift") else ""
    origin = f" {change['origin']}" if change.get("origin") and not drift else ""
    return f"{change['cause']}{drift}{origin}"


def _brief(version: str) -> str:
    return version[: len("sha256:") + _DIGITS] if version.startswith("sha256:") else version


def _short(value: Json) -> str:
    return str(value)[:_DIGITS] if value else ""
