"""``molthub import``: take skills and packs from another registry, or a skill from a repository, by digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.next_step import say_next
from molthub.cli.outcomes import Shown, show_outcomes
from molthub.cli.upstream_options import upstream_options
from molthub.console import Console, common_options, counted
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from molthub.cli.import_reading import Found, Source
    from molthub.cli.upstreams import UpstreamFiles
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.import_plan import FoundPack, FoundSkill, Outcome, Plan
    from molthub.registry.authoring.new_files import NewFile
    from molthub.registry.authoring.publish import Bump
    from molthub.registry.catalog import Catalog

_SIGNS = {"new": "+", "unchanged": "=", "refused": "!"}
_COLORS = {"new": "green", "unchanged": None, "refused": "red"}


@click.command("import")
@click.argument("names", nargs=-1, metavar="[NAME[@V]|pack/NAME[@N]]...")
@click.option(
    "--from", "address", metavar="URL", help="The other registry's index, or a git repository: URL.git[@REV]."
)
@click.option("--path", metavar="FOLDER", help="The skill's folder in the git repository.")
@click.option("--rev", metavar="REV", help="A branch, tag or commit of the git repository. Default: its HEAD.")
@click.option("--as", "renamed", metavar="NAME", help="What to call it here: @SCOPE/NAME, or a pack's new name.")
@click.option("--owner", metavar="NAME", help="Who owns what is new here. Default: the registry's owner.")
@click.option(
    "--bump", type=click.Choice(["patch", "minor", "major"]), help="Number it after the version that is here."
)
@click.option("--sign", "key", metavar="KEY", help="Vouch for what is new: a key of gpg or ssh, or a file with one.")
@click.option("--check", "only_check", is_flag=True, help="Only say what upstreams have that is newer, or withdrew.")
@click.option("--registry", metavar="DIR", default=".", help="The registry's checkout. Default: here.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--no-commit", is_flag=True, help="Leave the files in the work tree, do not commit.")
@upstream_options
@common_options
def import_(
    console: Console,
    names: tuple[str, ...],
    *,
    address: str | None,
    path: str | None,
    rev: str | None,
    renamed: str | None,
    owner: str | None,
    bump: Bump | None,
    key: str | None,
    only_check: bool,
    registry: str,
    yes: bool,
    dry_run: bool,
    no_commit: bool,
    allow_upstream: tuple[str, ...],
    upstream_timeout: float,
) -> ExitStatus:
    """Import skills and packs from another registry, or a skill from a git repository, as one commit.

    Of an imported version this registry keeps SKILL.md, skill.yaml, and the digest of the whole; the build fetches the
    rest by that digest and publishes it, so that nobody who installs it depends on the other host. Dependencies and a
    pack's locked skills come along; it is all or nothing. What comes is searched for risks as a pull request's is.

    Doing it again brings what is newer. Without --from the place is asked that it came from.

    \b
    Examples:
      molthub import git pack/standard-dev --from https://molthub.dev/
      molthub import git@^1.2 --from https://molthub.dev/ --as @acme/git
      molthub import --from https://git.example.com/skills.git@v2 --path skills/notes
      molthub import git                     the newest version from where it came from
      molthub import --check                 what upstreams have that is newer

    \b
    Exit status:
      0  imported, or nothing to do
      1  refused: nothing was written
      3  --check found something newer, or withdrawn
    """
    from molthub.cli.upstreams import UpstreamFiles
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.catalog import read_catalog

    checkout = Checkout(Path(registry), commits=not (no_commit or only_check))
    catalog = read_catalog(checkout.source)
    upstreams = UpstreamFiles.of_user(allow_upstream, upstream_timeout)
    if only_check:
        from molthub.cli.import_check import check_upstreams

        return check_upstreams(console, catalog, names, upstreams)
    found = _Reading(console, catalog, upstreams, _Given(address, path, rev, renamed, bump)).read(names)
    plan = _plan(checkout, catalog, found, owner, bump)
    show_outcomes(
        console, checkout, (Shown(_headline(console, outcome), outcome.problems) for outcome in plan.outcomes)
    )
    commit = None
    if plan.files and not dry_run:
        _ask(console, plan, checkout, yes=yes)
        signatures = _signatures(plan, key) if key is not None else {}
        commit = checkout.write({**plan.files, **signatures}, plan.message)
        for signed in signatures:
            console.say(f"signed: {signed}")
    _end(console, plan, checkout, commit, dry_run=dry_run)
    console.json(_as_json(plan, commit, dry_run=dry_run))
    return ExitStatus.FAILED if plan.having("refused") else ExitStatus.DONE


def _signatures(plan: Plan, key: str) -> dict[str, NewFile]:
    """Return this registry's signature of every new version. Raises :class:`SignatureError`."""
    from molthub.publisher_signatures import Release, Signing
    from molthub.registry.authoring.new_files import NewFile

    signing, files = Signing(key), {}
    for outcome in plan.having("new"):
        release = Release(outcome.kind, outcome.name, outcome.version, outcome.digest, outcome.size)
        files[release.file] = NewFile(signing.sign(release))
    return files


# --- reading -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Given:
    """What the command line says of the other side."""

    address: str | None
    path: str | None
    rev: str | None
    renamed: str | None
    bump: Bump | None


@dataclass(frozen=True)
class _Reading:
    """Reads what is to be imported into the registry of ``catalog``."""

    console: Console
    catalog: Catalog
    upstreams: UpstreamFiles
    given: _Given

    def read(self, names: tuple[str, ...]) -> Found:
        from molthub.cli.import_reading import parse_source

        given = self.given
        if given.address is None:
            return self._again(names)
        source = parse_source(given.address, path=given.path, revision=given.rev)
        if source.kind == "git":
            return self._repository(source, names, given.path or "", given.renamed)
        if not names:
            raise UsageError("nothing is named", remedy="say what to import: molthub import NAME --from URL")
        if given.renamed and len(names) > 1:
            raise UsageError("--as is for one name", remedy="import them one by one")
        if given.bump:
            raise UsageError("--bump is for git repositories", remedy="a registry's versions keep their numbers")
        return self._index(source.location, names, given.renamed)

    def _again(self, names: tuple[str, ...]) -> Found:
        """Read again from where things came from. What is here under another name keeps it."""
        from molthub.cli.import_reading import Found, Source
        from molthub.cli.imported_before import imported_before

        if not names:
            raise UsageError("nothing is named", remedy="molthub import NAME --from URL; molthub import --check lists")
        if self.given.path or self.given.renamed:
            raise UsageError("--path and --as need --from", remedy="say where to import from: --from URL")
        skills: list[FoundSkill] = []
        packs: list[FoundPack] = []
        for text in names:
            upstream, name, version = imported_before(self.catalog, text)
            number = f"@{version}" if version else ""
            if upstream.kind == "git":
                source = Source("git", upstream.location, self.given.rev or "HEAD")
                found = self._repository(source, (name + number,), upstream.path, None)
            else:
                there = f"{'pack/' * upstream.path.startswith('packs/')}{upstream.name}{number}"
                found = self._index(upstream.location, (there,), None if name == upstream.name else name)
            skills += found.skills
            packs += found.packs
        return Found(tuple(skills), tuple(packs))

    def _repository(self, source: Source, names: tuple[str, ...], path: str, renamed: str | None) -> Found:
        from molthub.cli.import_reading import Found, read_repository
        from molthub.client.wanted import parse_wanted
        from molthub.versions import is_version

        if len(names) > 1 or any(name.startswith("pack/") for name in names):
            message = "from a repository one skill is imported at a time"
            raise UsageError(message, remedy="name its folder: --path skills/NAME; packs come from an index")
        wanted = parse_wanted(names[0]) if names else None
        version = wanted.range if wanted is not None else None
        if version is not None and not is_version(version):
            raise UsageError(f"{version!r} is no version", remedy="a repository knows no ranges: write NAME@1.2.0")
        self.console.say(f"reading {path or 'the folder'} at {source.revision} of {source.location}")
        name = renamed or (wanted.name if wanted is not None else None)
        return Found(skills=(read_repository(source, path, self.upstreams, name=name, version=version),))

    def _index(self, location: str, names: tuple[str, ...], renamed: str | None) -> Found:
        from molthub.cli.import_reading import IndexReading, open_index

        self.console.say(f"reading {location}")
        with open_index(location, self.upstreams.allowed) as index:
            reading = IndexReading(index, location, self.catalog, self.upstreams.root)
            return reading.read(names, renamed=renamed)


# --- planning and telling ------------------------------------------------------------------------------------------


def _plan(checkout: Checkout, catalog: Catalog, found: Found, owner: str | None, bump: Bump | None) -> Plan:
    from molthub.registry.authoring.import_plan import Wishes
    from molthub.registry.authoring.imports import plan_imports, with_whole_registry

    tree = checkout.source
    wishes = Wishes(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), owner, bump)
    plan = plan_imports(
        found.skills,
        found.packs,
        catalog,
        wishes,
        lambda path: tree.read(path).decode() if path in tree.files else None,
    )
    return with_whole_registry(plan, tree)


def _headline(console: Console, outcome: Outcome) -> str:
    what = outcome.shown or outcome.upstream.path
    word = "" if outcome.state == "new" else f"  {outcome.state}"
    sign = console.style(_SIGNS[outcome.state], fg=_COLORS[outcome.state])
    return f"{sign} {what}{word}  ({outcome.upstream.shown})"


def _ask(console: Console, plan: Plan, checkout: Checkout, *, yes: bool) -> None:
    console.confirm(f"Import {counted(len(plan.having('new')), 'version')} into {checkout.shown}?", yes=yes)


def _end(console: Console, plan: Plan, checkout: Checkout, commit: str | None, *, dry_run: bool) -> None:
    new, unchanged, refused = len(plan.having("new")), len(plan.having("unchanged")), len(plan.having("refused"))
    done = "to import" if dry_run or refused else "imported"
    nothing = "; nothing was written, because it is all or nothing" if refused else ""
    console.say(f"{new} {done}, {unchanged} unchanged, {refused} refused{nothing}")
    if plan.files and not dry_run:
        say_next(console, checkout, commit)


def _as_json(plan: Plan, commit: str | None, *, dry_run: bool) -> dict[str, Any]:
    return {
        "format": "molthub.import/1",
        "commit": commit,
        "dryRun": dry_run,
        "versions": [outcome.to_json() for outcome in plan.outcomes],
        "files": sorted(plan.files),
    }
