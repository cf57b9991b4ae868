"""``skills verify``: whether what is installed is what was published, on the disk and in the registry's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import folder_options, open_skills, show_warnings, shown_path
from molthub.cli.judged_signature import model_signatures
from molthub.console import Console, common_options
from molthub.errors import ExitStatus

if TYPE_CHECKING:
    from molthub.client.installed_state import OnDisk
    from molthub.client.log_report import LogReport
    from molthub.client.signatures.installed import SignatureReport
    from molthub.model_signature import ModelSignature


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME[@VERSION]...]")
@click.option("--offline", is_flag=True, help="Hash the files and ask no registry.")
@folder_options
@common_options
def verify(console: Console, *, names: tuple[str, ...], offline: bool, project: bool, use_home: bool) -> ExitStatus:
    """Hash the files of installed skills, judge their signatures again, and look for each in its registry's log.

    Names each file that is not as it was published, and each signature that counts no more: its key may have been
    revoked since. Where a registry's root is trusted here, its log must go on from what was seen of it before and hold
    every version that is installed: so nobody is given a version, or a history, that others do not see.

    The exit status is 3 when files differ, 1 when a log or a signature is refused, 4 when a registry could not be
    asked.

    \b
    Examples:
      skills verify
      skills verify git --json
      skills verify --offline
    """
    skills = open_skills(console, project=project, use_home=use_home)
    found = skills.verify(*names)
    logs = () if offline else skills.verify_log(*names)
    signatures = () if offline else skills.verify_signatures(*names)
    brought = {} if offline else model_signatures(skills, found)
    differing = [item for item in found if item.state != "intact"]
    places = {entry: place for log in logs for entry, place in log.places.items()}
    console.json(
        {
            "folder": str(skills.folder.path),
            "skills": [_on_disk_json(item, places.get(item.entry), brought.get(item.entry)) for item in found],
            "logs": [_log_json(log) for log in logs],
            "signatures": [_signatures_json(report) for report in signatures],
        }
    )
    for item in differing:
        console.result(f"{console.style(str(item.entry), bold=True)} {_state(item)}")
        for difference in item.differences:
            console.result(f"  {difference.kind:8} {difference.path}")
    counted = _counted(len(found) - len(differing), "intact", len(differing), "not as published")
    console.say(f"{counted} in {shown_path(skills.folder.path)}")
    if differing:
        console.say(f"repair with: skills install {' '.join(str(item.entry) for item in differing)}")
    _show_signatures(console, signatures)
    for entry, signature in brought.items():
        console.say(f"{entry} brings a model signature: {signature.shown}")
    _show_logs(console, logs)
    return _status(differing, logs, signatures)


def _status(
    differing: Sequence[OnDisk], logs: Sequence[LogReport], signatures: Sequence[SignatureReport]
) -> ExitStatus:
    states = {log.state for log in logs}
    if "refused" in states or any(report.refused for report in signatures):
        return ExitStatus.FAILED
    if differing:
        return ExitStatus.PENDING
    asked = "unreachable" not in states and not any(report.unreachable for report in signatures)
    return ExitStatus.DONE if asked else ExitStatus.PARTLY_DONE


def _show_signatures(console: Console, reports: Sequence[SignatureReport]) -> None:
    for report in reports:
        show_warnings(console, tuple(report.problems))
        signers = sorted({(found.publisher, found.signer) for found in report.signed.values()})
        for publisher, signer in signers:
            count = sum((found.publisher, found.signer) == (publisher, signer) for found in report.signed.values())
            console.say(f"{count} signed by {publisher}, key {signer}")


def _signatures_json(report: SignatureReport) -> dict[str, Any]:
    signed = [
        {"name": entry.name, "version": entry.version, "publisher": found.publisher, "signer": found.signer}
        for entry, found in report.signed.items()
    ]
    problems = [problem.to_json() for problem in report.problems]
    return {"registry": report.where, "signed": signed, "problems": problems}


def _show_logs(console: Console, logs: Sequence[LogReport]) -> None:
    for log in logs:
        show_warnings(console, tuple(log.problems))
        if log.state == "none":
            console.say(f"{log.where} keeps no log of what it publishes")
        if log.state == "proven" and log.head is not None:
            grown = (
                "" if log.before in (None, log.head.size) else f", {log.head.size - (log.before or 0)} more than before"
            )
            console.say(f"{len(log.places)} in the log of {log.where} ({log.head.size} versions{grown})")


def _log_json(log: LogReport) -> dict[str, Any]:
    shown: dict[str, Any] = {"registry": log.where, "state": log.state}
    if log.head is not None:
        head = {"origin": log.head.origin, "size": log.head.size, "root": log.head.root.hex()}
        shown |= {**head, "before": log.before}
    return shown | {"problems": [problem.to_json() for problem in log.problems]}


def _state(item: OnDisk) -> str:
    if item.state == "modified" and not item.differences:
        return "modified (which files is not known: the store no longer has its list)"
    return item.state


def _on_disk_json(item: OnDisk, place: int | None, brought: ModelSignature | None) -> dict[str, Any]:
    head = {"name": item.entry.name, "version": item.entry.version, "digest": item.entry.digest, "state": item.state}
    differences = [{"path": found.path, "kind": found.kind} for found in item.differences]
    signer = {"publisher": item.entry.publisher, "signer": item.entry.signer} if item.entry.signer else {}
    model = {"modelSignature": brought.to_json()} if brought is not None else {}
    return head | signer | model | {"differences": differences, "logIndex": place}


def _counted(first: int, first_word: str, second: int, second_word: str) -> str:
    return f"{first} {first_word}" + (f", {second} {second_word}" if second else "")
