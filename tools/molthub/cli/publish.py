"""``skills publish``: take skill folders as they are and add them to a registry's checkout as one commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.next_step import say_next
from molthub.cli.outcomes import Shown, show_outcomes
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.new_files import NewFile
    from molthub.registry.authoring.publish import Bump, Outcome, Plan, Wishes

_SIGNS = {"new": "+", "unchanged": "=", "refused": "!"}
_COLORS = {"new": "green", "unchanged": None, "refused": "red"}
_KINDS = {"MH502": "mended", "MH503": "left out"}


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--registry", required=True, metavar="DIR", help="A checkout of the registry's repository.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--version", "number", metavar="V", help="The version to publish, for one skill.")
@click.option("--bump", type=click.Choice(["patch", "minor", "major"]), help="Publish as the next version of its kind.")
@click.option("--name", metavar="NAME", help="The name to publish under, for one skill: NAME or @SCOPE/NAME.")
@click.option(
    "--owner", "--publisher", "owner", metavar="NAME", help="Who owns a new skill. Default: the registry's owner."
)
@click.option(
    "--sign", "key", metavar="KEY", help="Sign what is new: a key of gpg, or the file of a secret key (OpenPGP or SSH)."
)
@click.option("--no-commit", is_flag=True, help="Leave the files in the work tree, do not commit.")
@common_options
def publish(
    console: Console,
    paths: tuple[Path, ...],
    *,
    registry: str,
    yes: bool,
    dry_run: bool,
    number: str | None,
    bump: Bump | None,
    name: str | None,
    owner: str | None,
    key: str | None,
    no_commit: bool,
) -> ExitStatus:
    """Publish skill folders into a registry, as one commit.

    PATH is a folder with a SKILL.md, or one that holds such folders (default: this folder). Skills are taken as they
    are: skill.yaml and project.yaml are written, and a SKILL.md that agents could not load is mended. All that was
    mended, left out or refused is listed. Doing it again changes nothing.

    \b
    Examples:
      skills publish ./my-skill --registry ../registry
      skills publish ~/skills --registry ../registry --dry-run
      skills publish ./my-skill --registry ../registry --bump minor --yes
      skills publish ./my-skill --registry ../registry --name @acme/my-skill --version 2.0.0
      skills publish ./my-skill --registry ../registry --sign ada@example.com
      skills publish ./my-skill --registry ../registry --sign ~/.ssh/id_ed25519

    Exit status: 0 all published or unchanged, 4 some were refused, 1 all were.
    """
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.publish import Wishes

    _require_sense(name, number, bump)
    checkout = Checkout(Path(registry), commits=not no_commit)
    plan = _plan(console, checkout, paths or (Path(),), Wishes(name, number, bump, owner))
    _show(console, plan, checkout)
    commit = None
    new = plan.having("new")
    if new and not dry_run:
        _ask(console, len(new), checkout, yes=yes)
        signatures = release_signatures(new, key) if key is not None else {}
        commit = checkout.write({**plan.files, **signatures}, plan.message)
        for path in signatures:
            console.say(f"signed: {path}")
    _end(console, plan, checkout, commit, dry_run=dry_run)
    console.json(_as_json(plan, commit, dry_run=dry_run))
    if not plan.having("refused"):
        return ExitStatus.DONE
    return ExitStatus.PARTLY_DONE if new or plan.having("unchanged") else ExitStatus.FAILED


def release_signatures(new: tuple[Outcome, ...], key: str) -> dict[str, NewFile]:
    """Return the signature of every new version. Raises :class:`SignatureError`; nothing is written then."""
    from molthub.publisher_signatures import Release, Signing
    from molthub.registry.authoring.new_files import NewFile

    signing, files = Signing(key), {}
    for outcome in new:
        size = sum(len(file.content) for file in outcome.files.values())
        release = Release("skill", outcome.name, outcome.version, outcome.digest, size)
        files[release.file] = NewFile(signing.sign(release))
    return files


def _require_sense(name: str | None, number: str | None, bump: str | None) -> None:
    from molthub.registry.authoring.package import is_skill_name
    from molthub.versions import is_version

    if number and bump:
        raise UsageError("--version and --bump exclude each other", remedy="give one of them")
    if number and not is_version(number):
        raise UsageError(f"--version {number} is no version", remedy="write it as SemVer does: 1.2.0")
    if name and not is_skill_name(name):
        remedy = "use at most 64 lower-case letters, digits and single hyphens, perhaps after @scope/"
        raise UsageError(f"--name {name} is no skill name", remedy=remedy)


def _plan(console: Console, checkout: Checkout, paths: tuple[Path, ...], wishes: Wishes) -> Plan:
    from molthub.registry.authoring.loose_skills import LooseSkill, find_skills, read_skill
    from molthub.registry.authoring.publish import plan_publish
    from molthub.registry.catalog import read_catalog

    found = find_skills(paths)
    inside = [shown for path, shown in found.folders if path.is_relative_to(checkout.folder / "skills")]
    if inside:
        raise UsageError(f"{inside[0]} lies in the registry itself", remedy="give the folder of a skill outside of it")
    if len(found.folders) > 1 and (wishes.name or wishes.version):
        message = f"--name and --version are for one skill, and {len(found.folders)} were found"
        raise UsageError(message, remedy="give the path of one skill")
    folders = {shown: path for path, shown in found.folders}
    tree = checkout.source

    with console.progress("reading skills", len(folders)) as done:

        def read(shown: str) -> LooseSkill:
            done(1)
            return read_skill(folders[shown], shown)

        return plan_publish(
            found,
            read,
            read_catalog(tree),
            wishes,
            published=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            contents=lambda path: tree.read(path).decode() if path in tree.files else None,
        )


def _show(console: Console, plan: Plan, checkout: Checkout) -> None:
    shown = (Shown(_headline(console, outcome), outcome.problems, outcome.shown) for outcome in plan.outcomes)
    show_outcomes(console, checkout, shown, _KINDS)
    for problem in plan.left_out:
        console.result(f"- {problem.file}: {problem.message} ({problem.id})")


def _headline(console: Console, outcome: Outcome) -> str:
    what = f"{outcome.name} {outcome.version}".strip()
    if outcome.state == "unchanged":
        what += "  unchanged"
    if outcome.state == "refused":
        what = f"{what}  refused" if what else "refused"
    sign = console.style(_SIGNS[outcome.state], fg=_COLORS[outcome.state])
    return f"{sign} {what}  ({outcome.shown})"


def _ask(console: Console, count: int, checkout: Checkout, *, yes: bool) -> None:
    console.confirm(f"Publish {counted(count, 'skill')} into {checkout.shown}?", yes=yes)


def _end(console: Console, plan: Plan, checkout: Checkout, commit: str | None, *, dry_run: bool) -> None:
    counts = {state: len(plan.having(state)) for state in ("new", "unchanged", "refused")}
    done = "to publish" if dry_run else "published"
    console.say(f"{counts['new']} {done}, {counts['unchanged']} unchanged, {counts['refused']} refused")
    if counts["new"] and not dry_run:
        say_next(console, checkout, commit)


def _as_json(plan: Plan, commit: str | None, *, dry_run: bool) -> dict[str, Any]:
    counts = {state: len(plan.having(state)) for state in ("new", "unchanged", "refused")}
    return {
        "format": "molthub.publish/1",
        "commit": commit,
        "dryRun": dry_run,
        "skills": [outcome.to_json() for outcome in plan.outcomes],
        "leftOut": [problem.to_json() for problem in plan.left_out],
        "summary": counts,
    }
