"""One error family and one shape for what is wrong: place, problem, remedy.

Two kinds of trouble exist. A :class:`Problem` is a finding: many are collected and reported together, and work on
everything else goes on. A :class:`MolthubError` ends what was asked for; it may carry the problems that led to it.
The command line turns either into text or JSON; nothing below it prints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Literal

Severity = Literal["error", "warning"]


class ExitStatus(IntEnum):
    """What every command tells the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    PARTLY_DONE = 4


PROBLEMS: dict[str, str] = {
    # 0xx: reading
    "MH001": "not readable as text",
    "MH002": "YAML that does not parse",
    "MH003": "duplicate key",
    "MH004": "aliases or nesting beyond the limits",
    "MH005": "file larger than the limit",
    "MH006": "YAML tag or key that manifests do not use",
    "MH007": "value that should be quoted",
    "MH010": "link or submodule in the tree",
    "MH011": "path that some systems cannot hold, or that clashes with another",
    "MH012": "attribute that changes the bytes of files",
    "MH013": "file that does not belong into a version",
    "MH014": "file that stands where nothing is declared",
    # 1xx: manifests
    "MH101": "document that its schema refuses",
    "MH102": "unknown key",
    "MH103": "name or number that differs from its folder or file",
    "MH104": "missing file",
    "MH105": "secret in clear",
    "MH106": "placeholder that is not one",
    "MH107": "skill that the registry's policy refuses",
    "MH108": "owner or scope that no publisher stands for",
    "MH109": "secret whose name would steer programs",
    "MH110": "window that cannot be read or never opens",
    "MH111": "sync rule that matches nothing",
    "MH112": "suspension that says no reason",
    # 2xx: references and resolution
    "MH201": "version that does not exist",
    "MH202": "dependency that cannot be met",
    "MH203": "reference to something that is not in this registry",
    "MH204": "conflict between packs",
    "MH205": "cycle",
    "MH206": "locked versions that differ from what the pack resolves to",
    "MH207": "host that a bot does not have",
    "MH208": "two skills of one bare name",
    "MH209": "MCP server that is not complete",
    "MH210": "bot that does not resolve",
    "MH211": "reference to something yanked, quarantined or removed",
    "MH212": "bots of one home that disagree",
    "MH213": "skill name that the agent program uses itself",
    "MH214": "host that has a skill's name",
    "MH217": "wave or gate of a rollout that has no effect, or means nothing",
    "MH221": "MCP server that a skill uses and its bot does not have",
    "MH222": "variable that a skill requires and its bot does not have",
    "MH223": "skill of another bot that a bot of the same home finds too",
    "MH224": "skill that another counts on and its bot does not have",
    # 3xx: Agent Skills specification
    "MH301": "SKILL.md without readable frontmatter",
    "MH302": "frontmatter that the Agent Skills specification refuses",
    "MH303": "frontmatter key that only some agents know",
    "MH304": "skill longer than the specification advises",
    "MH305": "link to a file that the skill does not hold",
    "MH306": "requirement declared in different ways",
    # 4xx: history
    "MH401": "merged version that changed",
    "MH402": "merged version that is gone",
    "MH403": "number that is not the next one",
    "MH404": "content that differs from its recorded digest",
    "MH405": "version that project.yaml does not record",
    "MH406": "recorded version without content",
    "MH407": "entry of a merged version that changed",
    "MH408": "content of a version that was removed",
    # 41x: ownership
    "MH411": "change to what another publisher owns",
    "MH412": "change that only the registry's owner may make",
    "MH413": "new name that its owner does not claim",
    "MH414": "owner or scope that is not theirs to add",
    "MH415": "new name that is reserved, or too near to another owner's",
    "MH416": "ownership that cannot be judged",
    # 5xx: publishing
    "MH501": "skill that cannot be published",
    "MH502": "skill that was mended to be published",
    "MH503": "file that was left out",
    "MH504": "number that is taken by other content",
    # 6xx: index and client
    "MH601": "index that cannot be reached",
    "MH602": "answer that is no molthub index",
    "MH603": "bytes that differ from their digest",
    "MH604": "document of a newer format",
    "MH605": "archive that is not safe to unpack",
    "MH606": "skill that is not in the index",
    "MH607": "yanked version",
    "MH608": "installed files that differ from what was installed",
    "MH611": "registry whose signed metadata is missing or not signed by its keys",
    "MH612": "registry that is older than what was seen before",
    "MH613": "signed metadata that has expired",
    "MH614": "files that were not signed together",
    "MH615": "root of trust that is not the expected one",
    "MH616": "publisher's signature that is missing or not good",
    "MH617": "skill that is signed by another key than before",
    "MH621": "log of published versions that does not follow from what was seen before",
    "MH622": "version that the registry's log does not hold",
    "MH623": "log of published versions that is damaged or not whole",
    # 63x: publishers' signatures
    "MH631": "version that is not signed, though it must be",
    "MH632": "signature by a key that is none of its publisher's",
    "MH633": "signature by a key that had expired",
    "MH634": "signature by a key that was revoked",
    "MH635": "signature that is not for this version",
    # 64x: model signatures (skill.oms.sig)
    "MH641": "model signature that does not verify",
    "MH642": "model signature that cannot be verified here",
    # 7xx: bots
    "MH701": "file of the agent program that does not parse",
    "MH702": "folder or file that cannot be read or written",
    "MH703": "guard against mass removal",
    "MH704": "edited by the owner, kept",
    "MH705": "conflict with something the owner has",
    "MH706": "bot that is no longer declared",
    "MH707": "value that the agent program cannot hold",
    "MH708": "bot that is not in sync because its document does not resolve",
    "MH709": "receipt that cannot be read",
    "MH710": "fleet with a rollout, which needs a controller",
    "MH711": "agent program that this molthub does not know",
    "MH712": "bot that was rolled back",
    "MH713": "skill version that was withdrawn after a bot got it",
    "MH714": "bot that is suspended",
    "MH715": "change that waits for its window",
    "MH716": "correction that somebody keeps undoing",
    "MH717": "version or document that a rollback needs and that cannot be had",
    "MH718": "sync policy that cannot be read",
    "MH719": "secret that changed",
    "MH720": "notification that could not be delivered",
    "MH721": "reload command that failed",
    "MH725": "bot that waits for its turn in a rollout",
    "MH726": "rollout that stopped itself, or was stopped",
    "MH727": "rollout whose policy or state cannot be read",
    "MH728": "gate of a rollout that failed",
    # 73x: where a bot runs
    "MH731": "secret that does not resolve",
    "MH732": "program that a skill needs and the machine does not have",
    "MH733": "system that a skill is not made for",
    "MH734": "agent on another machine that is not heard of",
    "MH735": "report of an agent that this version cannot show whole",
    "MH736": "agent that has not told yet what became of its assignment",
    "MH737": "target whose folder of bots is gone",
    "MH738": "target that is left out, because another process works on it",
    "MH739": "bot that is not as it was planned any more",
    "MH741": "setting that a skill requires and that does not hold where the bot runs",
    "MH742": "secret that the bot's program would not hand on as it is",
    # 8xx: risks in a skill's files
    "MH801": "credential in a skill's files",
    "MH802": "invisible or direction-changing characters",
    "MH803": "instructions that people do not see",
    "MH804": "code that is downloaded and run unread",
    "MH805": "prerequisite to be fetched and run from nobody known",
    "MH806": "code that is run and that nobody can read",
    "MH807": "program or archive in a skill",
    "MH808": "private files or variables that are sent away",
    "MH809": "place that records whatever is sent to it",
    "MH810": "shell for another machine",
    "MH811": "something set up to outlive the task",
    "MH812": "safeguard that is to be switched off",
    "MH813": "instruction against other instructions",
    "MH814": "something to be done unasked or kept from people",
    "MH815": "variable that skill.yaml does not name",
    "MH816": "host that SKILL.md does not name",
    "MH817": "syntax that only one agent understands",
    "MH818": "file that is too large to be reviewed",
    "MH819": "weak signals that stand together",
    "MH820": "finding that an allow-comment takes",
    "MH821": "allow-comment that does not count",
    # 9xx: imports and upstreams
    "MH901": "upstream that cannot be fetched",
    "MH902": "upstream whose bytes are not those that were recorded",
    "MH903": "upstream that may not be asked",
    "MH904": "imported version that is not as its upstream has it",
    "MH905": "import that is refused",
    "MH906": "upstream that has moved on",
}
"""Every problem id with its short title. Ids are stable: they are never given a second meaning."""


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


class PartlyDoneError(MolthubError):
    """Some of what was asked for was done; ``problems`` names every item that was refused."""

    exit_status = ExitStatus.PARTLY_DONE


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


class NotLoggedError(TrustError):
    """A version is not in the registry's log of published versions."""

    problem_id = "MH622"


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
