"""``skills install``, ``uninstall`` and ``update``: what changes a ``.skills`` folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import (
    folder_options,
    host_option,
    index_options,
    open_skills,
    show_warnings,
    shown_path,
    signature_options,
)
from molthub.console import Console, common_options
from molthub.errors import ExitStatus

if TYPE_CHECKING:
    from molthub.client.skill_manager import SkillManager
    from molthub.client.steps import Report, Step

_DRY_RUN = click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
_MARKS = {"added": "+", "repaired": "~", "removed": "-", "kept": "="}
_COLORS = {"added": "green", "repaired": "yellow", "removed": "red", "kept": None}


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[@VERSION]...")
@index_options
@folder_options
@host_option
@signature_options
@_DRY_RUN
@common_options
def install(console: Console, *, names: tuple[str, ...], dry_run: bool, **options: Any) -> None:
    """Install skills and packs, with what they depend on.

    NAME is a skill, @scope/skill or pack/NAME; VERSION a number, "latest" or a range as npm writes it. All of them are
    installed, or none. What is installed already is checked, and repaired if its files differ.

    \b
    Examples:
      skills install git
      skills install git@1.2.0 @acme/deploy@latest
      skills install "docker@^2.0" pack/standard-dev@3
      skills install data-expert --host roundtable=2.1.0
      skills install git --require-signature
    """
    _change(console, "Installing", lambda skills: skills.install(*names, dry_run=dry_run), options)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@index_options
@folder_options
@host_option
@signature_options
@_DRY_RUN
@common_options
def update(console: Console, *, names: tuple[str, ...], dry_run: bool, **options: Any) -> ExitStatus:
    """Bring installed skills to the newest version that was asked for; without NAME, all of them.

    What was installed as git@^1.2 stays below 2.0.0; what was installed as git@1.2.0 stays.

    \b
    Examples:
      skills update
      skills update git pack/standard-dev --dry-run
    """
    report = _change(console, "Updating", lambda skills: skills.update(*names, dry_run=dry_run), options)
    if not report.refused:
        return ExitStatus.DONE
    return ExitStatus.PARTLY_DONE if report.steps else ExitStatus.FAILED


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[@VERSION]...")
@click.option("-f", "--force", is_flag=True, help="Even if other skills need it or files were edited.")
@folder_options
@_DRY_RUN
@common_options
def uninstall(
    console: Console, *, names: tuple[str, ...], force: bool, project: bool, use_home: bool, dry_run: bool
) -> None:
    """Take installed skills away: all versions of NAME, one version, or what pack/NAME brought.

    \b
    Examples:
      skills uninstall git
      skills uninstall git@1.1.0 pack/standard-dev
    """
    skills = open_skills(console, project=project, use_home=use_home)
    _show(console, skills.uninstall(*names, force=force, dry_run=dry_run), skills)


def _change(
    console: Console, label: str, change: Callable[[SkillManager], Report], options: Mapping[str, Any]
) -> Report:
    """Open the folder and the index that the options name, change the folder, and show what was done."""
    with console.progress(label) as progress, open_skills(console, progress=progress, **options) as skills:
        report = change(skills)
    _show(console, report, skills)
    return report


def _show(console: Console, report: Report, skills: SkillManager) -> None:
    """Show what was done: a line for each version, then a summary."""
    folder = skills.folder.path
    console.json(
        {
            "folder": str(folder),
            "dryRun": report.dry_run,
            "steps": [_step_json(step) for step in report.steps],
            "warnings": [problem.to_json() for problem in report.warnings],
            "refused": [problem.to_json() for problem in report.refused],
            "firstSigners": [{"publisher": name, "signer": key} for name, key in report.first_signers],
        }
    )
    show_warnings(console, (*report.warnings, *report.refused))
    for line in _lines(console, report):
        console.result(line)
    for publisher, key in report.first_signers:
        console.say(f"{publisher} signs with {key}: from now on no other key is taken for theirs unless you accept it")
    actions = ("added", "repaired", "removed", "kept")
    counts = [f"{len(report.of(action))} {_WORDS[action]}" for action in actions if report.of(action)]
    summary = ", ".join(counts) or "nothing to do"
    console.say(f"{'would be: ' if report.dry_run else ''}{summary} in {shown_path(folder)}")


_WORDS = {"added": "added", "repaired": "repaired", "removed": "removed", "kept": "already installed"}


def _lines(console: Console, report: Report) -> list[str]:
    """Return a line for each step; a version that took another's place is shown beside it."""
    old = {step.entry.name: step.entry.version for step in report.of("removed")}
    replaced = {step.entry.name for step in report.of("added")} & old.keys()
    lines = []
    for step in report.steps:
        if step.action == "removed" and step.entry.name in replaced:
            continue
        if step.action == "kept" and len(report.steps) > _MANY_KEPT:
            continue
        mark = console.style(_MARKS[step.action], fg=_COLORS[step.action])
        before = f"{old[step.entry.name]} -> " if step.action == "added" and step.entry.name in replaced else ""
        lines.append(f"{mark} {step.entry.name} {before}{step.entry.version}{_note(step)}")
    return lines


_MANY_KEPT = 20


def _note(step: Step) -> str:
    if step.action == "kept":
        return " (already installed)"
    if step.action == "added" and step.entry.requested is None:
        return " (a dependency)"
    if step.action == "repaired":
        files = ", ".join(map(str, step.differences)) or "its files differed"
        return f" (repaired: {files})"
    return ""


def _step_json(step: Step) -> dict[str, Any]:
    entry = step.entry
    shown: dict[str, Any] = {"action": step.action, "name": entry.name, "version": entry.version}
    shown |= {"digest": entry.digest, "requested": entry.requested}
    shown |= {"publisher": entry.publisher, "signer": entry.signer} if entry.signer else {}
    if step.differences:
        return shown | {"differences": [{"path": found.path, "kind": found.kind} for found in step.differences]}
    return shown
