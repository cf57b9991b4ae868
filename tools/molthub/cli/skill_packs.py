"""``molthub skill-packs``: make packs of skills, MCP servers and variables, and their next versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.next_step import say_next
from molthub.console import Console, common_options
from molthub.errors import ExitStatus

if TYPE_CHECKING:
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.packs import PackChange
    from molthub.registry.source import Source

_registry = click.option("--registry", metavar="DIR", default=".", help="The registry's checkout. Default: here.")
_no_commit = click.option("--no-commit", is_flag=True, help="Leave the files in the work tree, do not commit.")
_rev = click.option("--rev", metavar="REV", help="The commit to read. Default: HEAD.")
_worktree = click.option("--worktree", is_flag=True, help="Read the files as they lie on disk.")
_sign = click.option(
    "--sign", "key", metavar="KEY", help="Sign what is new: a key of gpg, or the file of a secret key (OpenPGP or SSH)."
)
_dry_run = click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")


@click.group("skill-packs")
def skill_packs() -> None:
    """Make SkillPacks and their next versions.

    A pack is a set of skills, MCP servers and environment variables that bots get together. Its versions are 1, 2, 3;
    each is locked to exact skill versions, so a bot moves only when its pack does.

    \b
    Examples:
      molthub skill-packs create --name "Dev Stack" --skills git,docker
      molthub skill-packs update
      molthub skill-packs show dev-stack@2
    """


@skill_packs.command()
@click.option("--name", required=True, metavar="NAME", help="The name that people read; the pack's id is made of it.")
@click.option("--skills", multiple=True, metavar="NAME[@RANGE],...", help="The skills; may be given several times.")
@click.option("--mcp", multiple=True, metavar="NAME=COMMAND", help="An MCP server: its command, or its URL.")
@click.option("--env", multiple=True, metavar="KEY=VALUE", help="A variable; a secret is written ${secrets.name}.")
@click.option("--extends", multiple=True, metavar="PACK[,PACK]", help="Packs that this one builds on.")
@click.option("--description", default="", metavar="TEXT", help="What the pack is for.")
@click.option("--owner", metavar="NAME", help="The publisher who owns it. Default: the registry's owner.")
@_sign
@_registry
@_no_commit
@_dry_run
@common_options
def create(
    console: Console,
    *,
    name: str,
    skills: tuple[str, ...],
    mcp: tuple[str, ...],
    env: tuple[str, ...],
    extends: tuple[str, ...],
    description: str,
    owner: str | None,
    key: str | None,
    registry: str,
    no_commit: bool,
    dry_run: bool,
) -> None:
    """Make a pack: version 1, locked to the skill versions of now.

    \b
    Examples:
      molthub skill-packs create --name "Dev Stack" --skills git,docker@^2
      molthub skill-packs create --name "Dev Stack" --skills git \\
        --mcp "github=npx -y @modelcontextprotocol/server-github" \\
        --env 'GITHUB_TOKEN=${secrets.github_token}'
    """
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.pack_files import new_pack
    from molthub.registry.authoring.packs import create_pack, pack_name, server_item, skill_item, variable
    from molthub.registry.catalog import read_catalog

    pack = pack_name(name)
    checkout = Checkout(Path(registry), commits=not no_commit)
    text = new_pack(
        pack,
        display_name=name,
        description=description,
        skills=[skill_item(item) for item in _words(skills)],
        mcps=[server_item(item) for item in mcp],
        env=dict(variable(item) for item in env),
        extends=list(_words(extends)),
    )
    owner = owner or read_catalog(checkout.source).registry.owner
    files, version = create_pack(checkout.source, pack, text, owner=owner, published=_now())
    files |= _signatures(files, key) if key is not None and not dry_run else {}
    commit = None if dry_run else _write(checkout, files, f"Add the pack {pack}")
    console.result(f"{'would make' if dry_run else 'made'} pack {pack} version 1")
    for skill, lock in sorted(version.resolved.items()):
        console.result(f"  {skill} {lock.version}")
    locks = {key: {"version": lock.version, "digest": lock.digest} for key, lock in version.resolved.items()}
    console.json({"pack": pack, "version": 1, "resolved": locks, "commit": commit, "files": sorted(files)})
    if not dry_run:
        say_next(console, checkout, commit)
        console.say(f"attach it: name it under `packs` of a fleet or bot (- name: {pack})")


@skill_packs.command()
@click.argument("packs", nargs=-1, metavar="[PACK]...")
@_sign
@_registry
@_no_commit
@_dry_run
@common_options
def update(
    console: Console, packs: tuple[str, ...], *, key: str | None, registry: str, no_commit: bool, dry_run: bool
) -> ExitStatus:
    """Write the next version of packs whose skills have newer versions (default: all packs).

    \b
    Examples:
      molthub skill-packs update
      molthub skill-packs update standard-dev --dry-run
      molthub skill-packs update --sign ~/.ssh/id_ed25519

    Exit status: 0 done or nothing to do, 4 some packs could not be updated, 1 none could.
    """
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.packs import update_packs

    checkout = Checkout(Path(registry), commits=not no_commit)
    files, changes = update_packs(checkout.source, packs, published=_now())
    written = [change for change in changes if change.number is not None]
    refused = [change for change in changes if change.problems]
    for change in changes:
        _show_change(console, change)
    files |= _signatures(files, key) if key is not None and not dry_run else {}
    commit = _write(checkout, files, _message(written)) if files and not dry_run else None
    if not changes:
        console.result("there are no packs")
    console.json({"changes": [change.to_json() for change in changes], "commit": commit, "dryRun": dry_run})
    if files and not dry_run:
        say_next(console, checkout, commit)
    if not refused:
        return ExitStatus.DONE
    return ExitStatus.FAILED if len(refused) == len(changes) else ExitStatus.PARTLY_DONE


def _signatures(files: Mapping[str, bytes], key: str) -> dict[str, bytes]:
    """Return the signature of every new version among ``files``. Raises :class:`SignatureError`."""
    from molthub.documents import file_entry, tree_digest
    from molthub.publisher_signatures import Release, Signing

    signing, made = Signing(key), {}
    for path, content in files.items():
        _, name, file = path.split("/")
        number = file.removesuffix(".yaml")
        if number.isdecimal():
            digest = tree_digest([file_entry(file, content, executable=False)])
            release = Release("pack", name, number, digest, len(content))
            made[release.file] = signing.sign(release)
    return made


def _show_change(console: Console, change: PackChange) -> None:
    if change.problems:
        console.result(f"{console.style('!', fg='red')} {change.name}  refused")
        for problem in change.problems:
            console.result(f"    {problem}")
    elif change.number is None:
        console.result(f"= {change.name} {change.before}  unchanged")
    else:
        console.result(
            f"{console.style('+', fg='green')} {change.name} {change.before} -> {change.number}: {change.moved}"
        )


def _message(written: list[PackChange]) -> str:
    lines = [f"{change.name} {change.number}: {change.moved}" for change in written]
    if len(lines) == 1:
        return f"Update the pack {lines[0]}"
    return f"Update {len(lines)} packs\n\n" + "\n".join(f"- {line}" for line in lines)


@skill_packs.command("list")
@_registry
@_rev
@_worktree
@common_options
def list_packs(console: Console, registry: str, rev: str | None, worktree: bool) -> None:
    """List the registry's packs with their newest versions.

    \b
    Examples:
      molthub skill-packs list
      molthub skill-packs list --registry ../registry --json
    """
    from molthub.registry.authoring.packs import pack_to_json
    from molthub.registry.catalog import read_catalog
    from molthub.registry.resolve import latest_pack

    catalog = read_catalog(_source(registry, rev, worktree=worktree))
    rows, shown = [], []
    for pack in catalog.packs.values():
        latest = latest_pack(pack)
        skills = sum(not name.startswith("pack/") for name in latest.resolved) if latest is not None else 0
        number, title = (str(latest.number), latest.display_name) if latest is not None else ("-", "")
        rows.append((pack.name, number, str(skills), pack.project.status, title))
        shown.append(pack_to_json(pack, latest) if latest is not None else {"pack": pack.name, "versions": []})
    if rows:
        console.table(("PACK", "VERSION", "SKILLS", "STATUS", "NAME"), rows)
    else:
        console.say('there are no packs yet; make one: molthub skill-packs create --name "Dev Stack" --skills git')
    console.json({"packs": shown})


@skill_packs.command()
@click.argument("pack", metavar="PACK[@N]")
@_registry
@_rev
@_worktree
@common_options
def show(console: Console, pack: str, registry: str, rev: str | None, worktree: bool) -> None:
    """Show one version of a pack: what it declares, and what it is locked to.

    \b
    Examples:
      molthub skill-packs show standard-dev
      molthub skill-packs show standard-dev@2
    """
    from molthub.registry.authoring.packs import find_version, pack_to_json
    from molthub.registry.authoring.yaml_write import block
    from molthub.registry.catalog import read_catalog

    catalog = read_catalog(_source(registry, rev, worktree=worktree))
    version = find_version(catalog, pack)
    shown = pack_to_json(catalog.packs[version.name], version)
    locked = {name: lock["version"] for name, lock in shown.get("resolved", {}).items()}
    for line in block({**shown, **({"resolved": locked} if locked else {})}):
        console.result(line)
    console.json(shown)


@skill_packs.command()
@click.argument("pack", metavar="PACK[@N]")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["agent-plugin", "claude-plugin"]),
    default="agent-plugin",
    show_default=True,
    help="Agent Plugins 1.0.0, or a Claude Code plugin.",
)
@_registry
@_rev
@_worktree
@common_options
def export(
    console: Console, *, pack: str, folder: Path, kind: str, registry: str, rev: str | None, worktree: bool
) -> ExitStatus:
    """Write a pack as a plugin of agent programs: its skills and MCP servers in one folder.

    No secret is in it. A Claude Code plugin refers to variables of the environment; Agent Plugins cannot, so what each
    server needs besides is named here, and in the plugin's manifest.

    \b
    Examples:
      molthub skill-packs export standard-dev ./standard-dev
      molthub skill-packs export standard-dev@2 ./plugin --format claude-plugin

    Exit status: 0 done, 4 written without a server or skill that the format cannot hold, 1 not written.
    """
    from molthub.index.plugin_export import export as exported
    from molthub.index.plugin_export import write_plugin
    from molthub.registry.authoring.packs import find_version
    from molthub.registry.catalog import read_catalog

    source = _source(registry, rev, worktree=worktree)
    catalog = read_catalog(source)
    version = find_version(catalog, pack)
    found = exported(catalog, source, version, kind)
    write_plugin(found.files, folder)
    console.result(f"wrote {version.name} {version.number} into {folder}: {len(found.files)} files")
    for server, needs in sorted(found.needs.items()):
        for where, values in sorted(needs.items()):
            console.result(f"  {server} needs besides, in its {where}: {', '.join(sorted(values))}")
    for what, reason in sorted(found.left_out.items()):
        console.warn(f"{what} is left out: {reason}")
    shown = {"pack": version.name, "version": version.number, "format": kind, "folder": str(folder)}
    console.json({**shown, "files": sorted(found.files), "leftOut": found.left_out, "needs": found.needs})
    return ExitStatus.PARTLY_DONE if found.left_out else ExitStatus.DONE


def _words(given: tuple[str, ...]) -> list[str]:
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _source(registry: str, rev: str | None, *, worktree: bool) -> Source:
    from molthub.registry.source import open_source

    return open_source(Path(registry), rev=rev, worktree=worktree)


def _write(checkout: Checkout, files: dict[str, bytes], message: str) -> str | None:
    from molthub.registry.authoring.checkout import NewFile

    return checkout.write({path: NewFile(content) for path, content in files.items()}, message)
