"""``skills registry``: the indexes that a project or user installs from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molthub.cli.client_options import folder_options, open_skills, shown_path
from molthub.console import Console, common_options

if TYPE_CHECKING:
    from molthub.client.config import RegistryEntry


@click.group()
def registry() -> None:
    """Add, list and remove the registries that skills are installed from.

    The first one is used where no other is named. A project's own come before those of ~/.skills.

    \b
    Examples:
      skills registry add https://skills.example.com/
      skills registry add team https://skills.example.org/team/ --project
      skills registry list
    """


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
    from molthub.client.config import without_credentials

    configs = open_skills(console, project=project, use_home=use_home).configs
    rows = [(entry, config.path) for config in configs for entry in config.registries]
    console.json([_json(entry, path, default=number == 0) for number, (entry, path) in enumerate(rows)])
    if rows:
        console.table(
            ("NAME", "FROM", "URL"),
            [(entry.name, shown_path(path), without_credentials(entry.url)) for entry, path in rows],
        )
    else:
        console.say("no registry is configured; add one: skills registry add https://skills.example.com/")


@registry.command("add")
@click.argument("name_and_url", nargs=-1, required=True, metavar="[NAME] URL")
@folder_options
@common_options
def add_registry(console: Console, *, name_and_url: tuple[str, ...], project: bool, use_home: bool) -> None:
    """Add a registry: the URL of an index, or a folder that `molthub build` wrote.

    \b
    Examples:
      skills registry add https://skills.example.com/
      skills registry add team ./site --project
    """
    from molthub.client.config import added, read_config, without_credentials
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
    config, entry = added(config, location, names[0] if names else None)
    config.write()
    console.json(_json(entry, config.path, default=config.registries[0] == entry))
    console.result(f"{entry.name}  {without_credentials(entry.url)}")
    console.say(f"added to {shown_path(config.path)}; look around with: skills search")


@registry.command("remove")
@click.argument("name", metavar="NAME|URL")
@folder_options
@common_options
def remove_registry(console: Console, *, name: str, project: bool, use_home: bool) -> None:
    """Remove a registry from the configuration. Installed skills stay.

    \b
    Examples:
      skills registry remove team
    """
    from molthub.client.config import read_config, removed

    config = removed(read_config(open_skills(console, project=project, use_home=use_home).folder.path), name)
    config.write()
    console.json({"removed": name, "file": str(config.path)})
    console.say(f"removed {name} from {shown_path(config.path)}")


def _json(entry: RegistryEntry, path: Path, *, default: bool) -> dict[str, Any]:
    from molthub.client.config import without_credentials

    return {"name": entry.name, "url": without_credentials(entry.url), "file": str(path), "default": default}


def _is_local(url: str) -> bool:
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
