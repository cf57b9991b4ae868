"""``skills registry``: the indexes that a project or user installs from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import folder_options, open_skills, shown_path
from molthub.cli.registry_logins import access_of, login, logout
from molthub.command_group import CommandGroup
from molthub.console import Console, common_options
from molthub.errors import MissingExtraError, MolthubError, RootError, UnreachableError

if TYPE_CHECKING:
    from molthub.client.config import RegistryEntry
    from molthub.client.fetch import Fetcher
    from molthub.client.trust import RootPin


@click.group(cls=CommandGroup)
def registry() -> None:
    """Add, list and remove the registries that skills are installed from; log in where they are private.

    The first one is used where no other is named. A project's own come before those of ~/.skills.

    \b
    Examples:
      skills registry add https://skills.example.com/
      skills registry add team https://skills.example.org/team/ --project
      skills registry list
    """


registry.add_command(login)
registry.add_command(logout)


@registry.command("list")
@folder_options
@common_options
def list_registries(console: Console, *, project: bool, use_home: bool) -> None:
    """List the configured registries; the first one is the default.

    \b
    Examples:
      skills registry list
      skills registry list --json
    """
    from molthub.client.addresses import without_credentials

    configs = open_skills(console, project=project, use_home=use_home).configs
    rows = [(entry, config.path) for config in configs for entry in config.registries]
    console.json([_json(entry, path, default=number == 0) for number, (entry, path) in enumerate(rows)])
    if rows:
        ways = [access_of(entry.url) for entry, _ in rows]
        shown = [(entry.name, shown_path(path), without_credentials(entry.url)) for entry, path in rows]
        headers = ("NAME", "FROM", "URL", "ACCESS") if any(ways) else ("NAME", "FROM", "URL")
        console.table(headers, [(*row, way)[: len(headers)] for row, way in zip(shown, ways, strict=True)])
    else:
        console.say("no registry is configured; add one: skills registry add https://skills.example.com/")


@registry.command("add")
@click.argument("name_and_url", nargs=-1, required=True, metavar="[NAME] URL")
@click.option(
    "--root", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its root of trust: N.root.json."
)
@click.option("--fingerprint", metavar="sha256:HEX", help="The fingerprint of its root, as its owner tells it.")
@click.option("-y", "--yes", is_flag=True, help="Trust the root that it shows, without asking.")
@folder_options
@common_options
def add_registry(
    console: Console,
    *,
    name_and_url: tuple[str, ...],
    root: Path | None,
    fingerprint: str | None,
    yes: bool,
    project: bool,
    use_home: bool,
) -> None:
    """Add a registry: the URL of an index, or a folder that `molthub build` wrote.

    With its root of trust, every later answer must be signed and newer than what was seen: copies that are old, held
    back, mixed or changed are refused. Without --root or --fingerprint, a person is asked to confirm the fingerprint
    of the root that a signed registry shows.

    \b
    Examples:
      skills registry add https://skills.example.com/
      skills registry add https://skills.example.com/ --root 1.root.json
      skills registry add team ./site --project
    """
    from molthub.client.addresses import without_credentials
    from molthub.client.config import added, pin_for, read_config
    from molthub.client.fetch import open_fetcher

    if len(name_and_url) > 2:  # noqa: PLR2004 (a name and a URL)
        raise click.UsageError("give a URL, or a name and a URL")
    *names, url = name_and_url
    fetcher = open_fetcher(url)  # says what is wrong with an address that cannot be one
    location = url if "://" in url else fetcher.where
    if location.startswith("http://") and not _is_local(location):
        console.warn(
            f"{without_credentials(location)} is not https: anybody on the way can read and change what it says"
        )
    config = read_config(open_skills(console, project=project, use_home=use_home).folder.path)
    pin = _trusted_root(console, location, root, fingerprint, yes=yes)
    config, entry = added(config, location, names[0] if names else None, pin or pin_for(location, (config,)))
    config.write()
    console.json(_json(entry, config.path, default=config.registries[0] == entry))
    console.result(f"{entry.name}  {without_credentials(entry.url)}")
    console.say(f"added to {shown_path(config.path)}; look around with: skills search")


@registry.command("remove")
@click.argument("name", metavar="NAME|URL")
@folder_options
@common_options
def remove_registry(console: Console, *, name: str, project: bool, use_home: bool) -> None:
    """Remove a registry from the configuration, and forget its root of trust. Installed skills stay.

    \b
    Examples:
      skills registry remove team
    """
    from molthub.client.config import read_config, removed

    before = read_config(open_skills(console, project=project, use_home=use_home).folder.path)
    config = removed(before, name)
    config.write()
    for entry in set(before.registries) - set(config.registries):
        _forget(entry.url)
    console.json({"removed": name, "file": str(config.path)})
    console.say(f"removed {name} from {shown_path(config.path)}")


def _forget(location: str) -> None:
    from molthub.client.fetch import open_fetcher
    from molthub.client.trust import Trust

    try:
        fetcher = open_fetcher(location)
    except MolthubError:
        return  # a folder that is gone
    Trust.of(fetcher.where).forget()


def _trusted_root(
    console: Console, location: str, root: Path | None, fingerprint: str | None, *, yes: bool
) -> RootPin | None:
    """Return the root to trust from now on: the given one, the one of that fingerprint, or what a person confirms."""
    from molthub.client.fetch import open_fetcher
    from molthub.client.trust import Trust, fetch_root

    fetcher = open_fetcher(location)
    trust = Trust.of(fetcher.where)
    if root is not None:
        content = root.read_bytes()
        _check_fingerprint(content, fingerprint, str(root))
    elif fingerprint is not None or yes:
        content = fetch_root(fetcher, 1, fingerprint)
    elif trust.root is None and sys.stdin.isatty():
        shown = _shown_root(console, fetcher)
        if shown is None:
            return None
        content = shown
    else:
        return None
    pin = trust.begin(content)
    trust.registry(fetcher)
    console.say(f"its root of trust is {pin.digest} (version {pin.version}); every answer is checked against it")
    return pin


def _check_fingerprint(content: bytes, fingerprint: str | None, place: str) -> None:
    from molthub.client.trust import read_root

    found = read_root(content).digest
    if fingerprint not in (None, found):
        remedy = "ask whoever runs the registry which one is right"
        raise RootError(f"this root has the fingerprint {found}", place=place, remedy=remedy)


def _shown_root(console: Console, fetcher: Fetcher) -> bytes | None:
    """Return the root that a registry shows, once a person has confirmed it; None: it shows none."""
    from molthub.client.trust import fetch_root, read_root

    try:
        content = fetch_root(fetcher, 1)
    except RootError:
        return None  # it is not signed
    except (UnreachableError, MissingExtraError) as error:
        console.warn(f"it was added without looking whether it is signed: {error.message}")
        return None
    click.echo(f"This registry is signed. The fingerprint of its root is\n  {read_root(content).digest}", err=True)
    click.confirm("Is that what its owner says?", abort=True, err=True)
    return content


def _json(entry: RegistryEntry, path: Path, *, default: bool) -> dict[str, Any]:
    from molthub.client.addresses import without_credentials

    shown = {"name": entry.name, "url": without_credentials(entry.url), "file": str(path), "default": default}
    way = access_of(entry.url)
    shown |= {"access": way} if way else {}
    return shown | ({"root": entry.root._asdict()} if entry.root is not None else {})


def _is_local(url: str) -> bool:
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
