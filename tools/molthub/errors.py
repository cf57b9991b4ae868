"""One error family and one shape for what is wrong: place, problem, remedy.

Two kinds of trouble exist. A :class:`Problem` is a finding: many are collected and reported together, and work on
everything else goes on. A :class:`MolthubError` ends what was asked for; it may carry the problems that led to it.
The command line turns either into text or JSON; nothing below it prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Literal

from molthub.problem_ids import PROBLEMS

Severity = Literal["error", "warning"]


class ExitStatus(IntEnum):
    """What every command tells the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    PARTLY_DONE = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, as every command reports it.

    ``file`` is relative to the registry (or to the bot's home); ``line`` and ``column`` count from 1; ``at`` is an
    RFC 6901 JSON pointer into the document.
    """

    id: str
    message: str
    remedy: str = ""
    severity: Severity = "error"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    at: str | None = None

    def __post_init__(self) -> None:
        if self.id not in PROBLEMS:
            raise ValueError(f"{self.id} is not a problem id")

    @property
    def place(self) -> str:
        """``file:line:column``, as far as known."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts)

    def in_file(self, file: str) -> Problem:
        """Return the same finding, placed in ``file``."""
        return replace(self, file=file)

    def to_json(self) -> dict[str, Any]:
        """Return the published shape (``problem.schema.json``): only what is known."""
        pairs = {
            "id": self.id,
            "severity": self.severity,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "at": self.at,
            "message": self.message,
            "remedy": self.remedy or None,
        }
        return {key: value for key, value in pairs.items() if value is not None}

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.severity} {self.id}: {self.message}{remedy}"


def said_once(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield findings that differ in nothing but their file once, with how many more files there are."""
    files: dict[Problem, list[str]] = {}
    for problem in problems:
        files.setdefault(replace(problem, file=None), []).append(problem.file or "")
    for problem, places in files.items():
        others = f" and {len(places) - 1} more" if len(places) > 1 else ""
        yield problem.in_file(f"{places[0].partition(': ')[0]}{others}" if others else places[0])


class MolthubError(Exception):
    """Something asked for cannot be done. ``str()`` gives the place and the problem; ``remedy`` says what to do.

    ``problem_id`` is the kind's own id, where it has one; an error made of one finding has that finding's.
    """

    exit_status: ExitStatus = ExitStatus.FAILED
    problem_id: str | None = None

    def __init__(
        self, message: str, *, place: str = "", remedy: str = "", problems: tuple[Problem, ...] | list[Problem] = ()
    ) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message
        self.remedy = remedy
        self.problems = tuple(problems)
        if self.problems and self.problems[0].message == message:
            self.problem_id = self.problems[0].id

    def to_json(self) -> dict[str, Any]:
        """Return the shape that ``--json`` prints when a command fails."""
        error = {"id": self.problem_id, "message": self.message, "place": self.place, "remedy": self.remedy}
        shown: dict[str, Any] = {"error": {key: value for key, value in error.items() if value}}
        if self.problems:
            shown["problems"] = [problem.to_json() for problem in self.problems]
        return shown


class UsageError(MolthubError):
    """The command was called in a way that makes no sense."""

    exit_status = ExitStatus.USAGE


class ManifestError(MolthubError):
    """One document cannot be read or is refused by its schema; ``problems`` says all that is wrong with it."""


class RegistryError(MolthubError):
    """A registry (the declared YAML) cannot be read as a whole, or cannot be edited."""


class ResolutionError(MolthubError):
    """Versions or layers do not fit together; ``problems`` names the chain."""


class NotFoundError(MolthubError):
    """A skill, version, pack or bot that was named does not exist."""

    problem_id = "MH606"


class UnreachableError(MolthubError):
    """An index did not answer: no such host, refused, timed out, broken off."""

    problem_id = "MH601"


class DeniedError(UnreachableError):
    """An index answered that this user may not have a file; some hosts say so of files that do not exist."""


class FormatError(MolthubError):
    """What an index answered is not a document of this format, or of a newer one."""

    problem_id = "MH602"


class NewerFormatError(FormatError):
    """What an index answered is a document of a format that only a newer molthub reads."""

    problem_id = "MH604"


class IntegrityError(MolthubError):
    """Bytes are not what their digest, hash or size says. Nothing of them was kept."""

    problem_id = "MH603"


class UnsafeArchiveError(IntegrityError):
    """An archive would write outside its folder, or holds something else than plain files."""

    problem_id = "MH605"


class TrustError(IntegrityError):
    """A registry's signed metadata is missing, malformed, or not signed by enough of its keys."""

    problem_id = "MH611"


class RollbackError(TrustError):
    """A registry offers an older state than this client has seen."""

    problem_id = "MH612"


class ExpiredError(TrustError):
    """Signed metadata is past its time: newer files may be held back."""

    problem_id = "MH613"


class MixedError(TrustError):
    """Files that were signed at different times, or not at all, are served together."""

    problem_id = "MH614"


class RootError(TrustError):
    """The root of trust is not the one that was expected."""

    problem_id = "MH615"


class SignatureError(IntegrityError):
    """A publisher's signature that is demanded is missing, or is not good."""

    problem_id = "MH616"


class UnsignedError(SignatureError):
    """A version has no signature, though a policy demands one or an earlier version had one."""

    problem_id = "MH631"


class ForeignSignerError(SignatureError):
    """A signature was made by a key that is none of its publisher's, or its publisher does not own the name."""

    problem_id = "MH632"


class ExpiredKeyError(SignatureError):
    """A signature was made by a key that had expired when the version was published."""

    problem_id = "MH633"


class RevokedKeyError(SignatureError):
    """A signature was made by a key that was revoked."""

    problem_id = "MH634"


class OtherContentError(SignatureError):
    """A signature is not for this: other content, another name or number, or damaged."""

    problem_id = "MH635"


class SignerChangedError(SignatureError):
    """A skill is signed by another key than the versions that were installed before."""

    problem_id = "MH617"


class LogForkError(TrustError):
    """A registry's log of published versions does not go on from what this client, or whoever signs, has seen."""

    problem_id = "MH621"


class LogDamagedError(TrustError):
    """Files of a registry's log are missing, or do not lead to the root that was signed."""

    problem_id = "MH623"


class UpstreamError(MolthubError):
    """Something to be imported, or imported before, cannot be fetched. ``said`` is what the other side answered."""

    problem_id = "MH901"
    said: str = ""


class ChangedUpstreamError(UpstreamError):
    """An upstream offers other bytes than those that were recorded. Nothing of them was kept."""

    problem_id = "MH902"


class RefusedUpstreamError(UpstreamError):
    """An upstream is asked in no way, or only where that is allowed."""

    problem_id = "MH903"


class PlatformFileError(MolthubError):
    """A file of an agent program cannot be read, parsed or written. It was left as it was."""


class PlatformValueError(MolthubError):
    """An agent program cannot hold a value as it is meant; ``problems`` says MH707. Nothing was written for it."""


class MissingExtraError(MolthubError):
    """A part of molthub that is not installed is needed."""


def missing_extra(extra: str, what: str) -> MissingExtraError:
    """Return the error for work that needs an extra: ``missing_extra("registry", "molthub build")``."""
    return MissingExtraError(f"{what} needs the extra {extra!r}", remedy=f"pip install 'molthub[{extra}]'")
