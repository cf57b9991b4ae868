"""What the controller and an agent say to each other: ``molthub.assignment/1``, and a report cut to one bot. Pure.

Both readers take nothing for granted: the other side is another machine, and a report is written by whoever has the
bot's token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from molthub.documents import canonical_plain
from molthub.documents.names import TIME
from molthub.documents.printable import printable
from molthub.documents.reading import as_digest_or_none, as_hex, as_size, as_text, checked, load_document, reading
from molthub.errors import Problem
from molthub.model import Json
from molthub.problem_ids import PROBLEMS
from molthub_reconciler.findings import State
from molthub_reconciler.policy.policy import Held
from molthub_reconciler.remote.questions import Answered, Question, answers_from_json, question_from_json
from molthub_reconciler.report import BotReport, Report

MAX_REPORT = 1024 * 1024
"""Bytes of a report. One of 20 skills that all differ has a few kilobytes."""
MAX_ASSIGNMENT = 64 * 1024
MAX_ITEMS = 5000
"""Problems or changes in a report."""
_TEXTS = frozenset({"key", "action", "cause"})
_MAYBE_TEXTS = frozenset({"drift", "result", "file", "origin", "ignored"})


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one bot is to have: a ``document`` by its hex name in the index, and the ``digest`` of what it asks for.

    ``generation`` is that of the fleet's rollout; 0 where there is none. Without a document, ``why`` says why.
    ``asks`` are gates to be asked where the bot lives. ``serial`` is higher in every later assignment of the bot, so
    that nobody can give an older one for a new one.
    """

    bot: str
    document: str | None = None
    digest: str | None = None
    generation: int = 0
    revision: str | None = None
    why: str = ""
    serial: int = 0
    asks: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An assignment as an agent gets it.

    ``reported`` is the SHA-256 of the report that the controller has, so that an agent sees when it was lost, ``nudge``
    changes when an operator asks for a look now.
    """

    assignment: Assignment
    nudge: str = ""
    reported: str | None = None


@dataclass(frozen=True, slots=True)
class AgentReport:
    """A report of one bot, and the document and generation of the assignment that the agent acted upon.

    ``answers`` are what gates said there, by the names of their questions.
    """

    at: str
    bot: BotReport
    document: str | None
    generation: int
    answers: Mapping[str, Answered] = field(default_factory=dict)


def answer_to_bytes(answer: Answer) -> bytes:
    """Return the document ``molthub.assignment/1``."""
    given = answer.assignment
    head = {"format": "molthub.assignment/1", "bot": given.bot, "document": given.document, "digest": given.digest}
    said = {"generation": given.generation, "revision": given.revision, "why": given.why,
            "serial": given.serial,
            "asks": [{"name": ask.name, **ask.to_json()} for ask in given.asks]}  # fmt: skip
    return canonical_plain({**head, **said, "nudge": answer.nudge, "reported": answer.reported})


def answer_from_bytes(content: bytes, where: str) -> Answer:
    """Read ``molthub.assignment/1``. Raises :class:`FormatError`."""
    document = load_document(content, "assignment", where)
    return reading(_answer, printable(document, content), where)


def _answer(said: dict[str, Any]) -> Answer:
    about = f"{said['document']} {said['generation']}"
    given = Assignment(
        bot=as_text(said["bot"]),
        document=_maybe(as_hex, said["document"]),
        digest=as_digest_or_none(said["digest"]),
        generation=as_size(said["generation"]),
        revision=_maybe(as_text, said["revision"]),
        why=as_text(said["why"]),
        serial=as_size(said["serial"]),
        asks=tuple(question_from_json(one, about) for one in _list(said.get("asks", []))),
    )
    if (given.document is None) != (given.digest is None):
        raise ValueError("a document goes with its digest")
    return Answer(given, as_text(said["nudge"]), _maybe(as_hex, said["reported"]))


def report_to_bytes(
    report: Report, document: str | None, generation: int, answers: Mapping[str, Answered] | None = None
) -> bytes:
    """Return a report of one bot as the controller is told it.

    What differs is left out where that alone would be more than a controller takes.
    """
    told = report.bots[0]
    said = {**report.to_json(), "document": document, "generation": generation, "held": told.held,
            "kept": told.kept}  # fmt: skip
    if answers:
        said["answers"] = {name: answered.to_json() for name, answered in answers.items()}
    content = canonical_plain(said)
    if len(content) <= MAX_REPORT and len(told.changes) <= MAX_ITEMS and len(told.problems) <= MAX_ITEMS:
        return content
    return canonical_plain({**said, "bots": [{**told.to_json(), "changes": [], "problems": [_CUT.to_json()]}]})


_CUT = Problem("MH735", "what differs is too much to be told", "look at it on its machine: molthub drift", "warning")


def report_from_bytes(content: bytes, bot: str, where: str) -> AgentReport:
    """Read a report of ``bot``. Raises :class:`FormatError` for any other, and for what no agent writes."""
    document = load_document(content, "report", where)
    return reading(lambda said: _report(said, bot), printable(document, content), where)


def _report(said: dict[str, Any], bot: str) -> AgentReport:
    (told,) = said["bots"]
    if told["bot"] != bot:
        raise ValueError("it is about another bot")
    held, kept = said.get("held"), said.get("kept")
    found = BotReport(
        bot=bot,
        state=_one_of(told["state"], get_args(State)),
        platform=_short(told["platform"]),
        desired=as_digest_or_none(told["desired"]),
        observed=as_digest_or_none(told["observed"]),
        problems=tuple(_problem(one) for one in _list(told["problems"])),
        changes=tuple(_change(one) for one in _list(told["changes"])),
        held=None if held is None else _one_of(held, get_args(Held)),
        kept=None if kept is None else _one_of(kept, get_args(Held)),
        pinned=_maybe(_map, told.get("pinned")),
        reload=_short(told.get("reload", "")),
    )
    return AgentReport(checked(TIME, said["at"], "a time"), found, _maybe(as_hex, said["document"]),
                       as_size(said["generation"]), answers_from_json(said.get("answers", {})))  # fmt: skip


def _problem(said: Any) -> Problem:
    """Return a problem; an id that only a newer agent knows is told as what it says."""
    name = as_text(said["id"])
    return Problem(
        name if name in PROBLEMS else "MH735",
        as_text(said["message"]),
        as_text(said.get("remedy", "")),
        _one_of(said.get("severity", "error"), ("error", "warning")),
        _maybe(as_text, said.get("file")),
        _maybe(as_size, said.get("line")),
        _maybe(as_size, said.get("column")),
        _maybe(as_text, said.get("at")),
    )


def _change(said: Any) -> Mapping[str, Json]:
    """Return a change of which everything is there that a table or a page of it reads."""
    for key in _TEXTS:
        as_text(said[key])
    for key in _MAYBE_TEXTS & said.keys():
        _maybe(as_text, said[key])
    for name in _list(said.get("secrets", [])):
        as_text(name)
    for part in _list(said.get("parts") or []):
        as_text(part["part"])
        part["before"], part["after"]
    if ("before" in said) != ("after" in said):
        raise ValueError("a change has both sides or none")
    return _map(said)


def _maybe(read: Any, value: Any) -> Any:
    return None if value is None else read(value)


def _short(value: Any) -> str:
    text = as_text(value)
    if len(text) > 255 or "\n" in text:  # noqa: PLR2004 (longer than any of these words)
        raise ValueError("it is no word")
    return text


def _one_of(value: Any, known: Sequence[Any]) -> Any:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise TypeError("it is no list, or too long a one")
    return value


def _map(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("it is no map")
    return value
