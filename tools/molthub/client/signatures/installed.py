"""Signatures of what is installed, judged again by what its index says today: keys may have been revoked since."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from molthub.client.index import Index
from molthub.client.lockfile import InstalledVersion
from molthub.client.signatures.judge import Rules, Subject, judge, problem_of
from molthub.errors import MolthubError, NotFoundError, Problem, UnreachableError
from molthub.model import Artifact, SignatureRef


@dataclass
class SignatureReport:
    """What one index says of installed versions: who signed them, and which signatures count no more."""

    where: str
    signed: dict[InstalledVersion, SignatureRef] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: bool = False
    unreachable: bool = False


def judge_installed(
    where: str, opened: Callable[[], Index], entries: Iterable[InstalledVersion], rules: Rules
) -> SignatureReport:
    """Judge versions that came from one index. What cannot be read is a problem of the report; nothing is raised."""
    report = SignatureReport(where)
    try:
        with opened() as index:
            offers = ((entry, _offered(index, entry)) for entry in entries)
            subjects = {Subject("skill", offer): entry for entry, offer in offers if offer is not None}
            found = judge(subjects, index, rules)
    except MolthubError as error:
        report.unreachable = isinstance(error, UnreachableError)
        report.refused = not report.unreachable
        id_ = error.problem_id or "MH616"
        report.problems.append(Problem(id_, f"signatures cannot be judged again: {error}", error.remedy, "warning"))
        return report
    report.signed = {subjects[subject]: ref for subject, ref in found.signed.items()}
    report.problems += [*found.warnings, *(problem_of(subject, error) for subject, error in found.failed.items())]
    report.refused = bool(found.failed)
    return report


def _offered(index: Index, entry: InstalledVersion) -> Artifact | None:
    """Return what the index says of an installed version; None where it offers it no longer, or other content."""
    try:
        release = index.skill(entry.name).releases.get(entry.version)
    except NotFoundError:
        return None
    if release is None or release.artifact.digest != entry.digest or not release.artifact.archive:
        return None
    return release.artifact
