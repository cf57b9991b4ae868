"""What a client has seen of a registry's log: enough to notice a log that shrank, forked or is gone. Pure.

Each read of a signed registry brings the head of its log with it. What can be told without fetching anything is told
at once, so that nothing is installed from a log that has shrunk; that the heads are one history is shown by
``skills verify`` (:mod:`molthub.client.log_proofs`), after which only the newest is kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from molthub.documents import HEX, canonical, load_document
from molthub.documents.reading import as_size, checked, reading
from molthub.errors import FormatError, LogForkError, TrustError

_MOST = 64
_REMEDY = (
    "nothing was changed; somebody may be showing different people different histories: compare with others who use "
    "this registry, and ask whoever runs it"
)


class LogHead(NamedTuple):
    """A state of a log: which log it is, how many entries it has, and the root of the tree over them in hexadecimal."""

    origin: str
    size: int
    root: str


class SeenLog(NamedTuple):
    """The heads that were seen, by size. The first is the oldest that all others must go on from."""

    heads: tuple[LogHead, ...] = ()

    def head_in(self, note: Any) -> LogHead | None:
        """Return the head in what the signed targets say of the log. Raises :class:`TrustError`."""
        if note is None:
            return None
        from molthub.transparency.checkpoint import read_checkpoint

        try:
            origin, size, root = read_checkpoint(note)
        except (ValueError, AttributeError):
            message = "what is signed of its log of published versions cannot be read"
            raise TrustError(message, remedy=_REMEDY) from None
        return LogHead(origin, size, root.hex())

    def with_head(self, head: LogHead | None) -> SeenLog:
        """Note one more head. Raises :class:`LogForkError` where the ones that were seen rule it out."""
        if not self.heads:
            return self if head is None else SeenLog((head,))
        newest = self.heads[-1]
        if head is None or head.origin != newest.origin:
            now = "has none" if head is None else f"has another, {head.origin}"
            raise LogForkError(f"this registry had the log {newest.origin} and now {now}", remedy=_REMEDY)
        if head.size < newest.size:
            message = f"its log had {newest.size} entries and now has {head.size}"
            raise LogForkError(message, remedy=_REMEDY)
        if head.size > newest.size:
            # Of many, the oldest and the newest say most; a fork that is left out here shows in what it published.
            return SeenLog((*self.heads[:1], *self.heads[1:][-(_MOST - 2) :], head))
        if head.root != newest.root:
            raise LogForkError(f"its log has {head.size} entries, other ones than before", remedy=_REMEDY)
        return self

    def to_json(self) -> bytes:
        """Return ``molthub.seen-log/1``."""
        heads = [{"origin": head.origin, "size": head.size, "root": head.root} for head in self.heads]
        return canonical({"format": "molthub.seen-log/1", "heads": heads})


def read_seen(content: bytes, where: str) -> SeenLog:
    """Read ``molthub.seen-log/1``. Raises :class:`FormatError`: what was seen is never forgotten by accident."""
    try:
        return reading(_seen, load_document(content, "seen-log", where), where)
    except FormatError as error:
        remedy = "if the registry is to be trusted anew: skills registry remove, and add it again"
        raise FormatError(error.message, place=where, remedy=remedy) from None


def _seen(document: dict[str, Any]) -> SeenLog:
    heads = [
        LogHead(str(head["origin"]), as_size(head["size"]), checked(HEX, head["root"], "a SHA-256"))
        for head in document["heads"]
    ]
    return SeenLog(tuple(sorted(heads, key=lambda head: head.size)))
