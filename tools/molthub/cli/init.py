"""``molthub init``: a new registry, ready to push."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

import click

from molthub.console import Console, common_options
from molthub.errors import RegistryError


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The registry's name. Default: the folder's.")
@click.option("--owner", metavar="NAME", help="The publisher who owns it. Default: the registry's name.")
@click.option("--github", multiple=True, metavar="LOGIN", help="A GitHub account that acts for the owner.")
@click.option("--url", metavar="URL", default="", help="Where its index will be published.")
@click.option("--repository", metavar="URL", default="", help="Where it will be pushed to.")
@click.option(
    "--host",
    type=click.Choice(["github", "none"]),
    default="github",
    show_default=True,
    help="The git host whose workflows are written.",
)
@common_options
def init(
    console: Console,
    directory: Path,
    *,
    name: str | None,
    owner: str | None,
    github: tuple[str, ...],
    url: str,
    repository: str,
    host: Literal["github", "none"],
) -> None:
    """Make a new registry in DIR: a git repository with its first commit.

    For GitHub it writes workflows too: pull requests are checked and summarised, by who owns what they change once the
    owner's accounts are named; the default branch is built, signed and published on Pages; timestamps are refreshed.

    \b
    Examples:
      molthub init my-registry
      molthub init my-registry --name acme --owner platform-team --url https://skills.example.com/
      molthub init my-registry --github octocat
      molthub init my-registry --host none
    """
    from molthub.registry.authoring.checkout import first_commit
    from molthub.registry.authoring.init import new_registry, registry_name, write_registry

    chosen = name or registry_name(directory.resolve().name)
    made = new_registry(chosen, owner=owner or chosen, url=url, repository=repository, github=github, host=host)
    write_registry(directory, made)
    try:
        commit = first_commit(directory, f"Begin the registry {chosen}")
    except RegistryError as error:
        remedy = (
            f"{error.remedy}\n  then: git -C {directory} add -A && git -C {directory} commit -m 'Begin the registry'"
        )
        message = f"the registry's files are in {directory}, but they are not committed: {error.message}"
        raise RegistryError(message, remedy=remedy) from None
    console.result(f"registry {chosen} in {directory}, first commit {commit[:12]}")
    for path in made:
        console.say(f"  {path}")
    _say_next(console, directory)
    console.json({"registry": chosen, "directory": str(directory), "commit": commit, "files": list(made)})


def _say_next(console: Console, directory: Path) -> None:
    place = shlex.quote(str(directory))
    steps = (
        (f"skills publish PATH --registry {place}", "add skills you have"),
        (f"molthub check --registry {place}", "see what a pull request would be told"),
        (f"git -C {place} remote add origin URL", f"then git -C {place} push -u origin HEAD"),
    )
    width = max(len(command) for command, _ in steps)
    for number, (command, why) in enumerate(steps):
        console.say(f"{'next: ' if number == 0 else '      '}{command.ljust(width)}   {why}")
