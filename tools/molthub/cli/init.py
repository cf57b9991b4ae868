"""``molthub init``: a new registry, ready to push."""

from __future__ import annotations

from pathlib import Path

import click

from molthub.console import Console, common_options
from molthub.errors import RegistryError


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The registry's name. Default: the folder's.")
@click.option("--owner", metavar="NAME", help="The publisher who owns it. Default: the registry's name.")
@click.option("--url", metavar="URL", default="", help="Where its index will be published.")
@click.option("--repository", metavar="URL", default="", help="Where it will be pushed to.")
@common_options
def init(console: Console, directory: Path, *, name: str | None, owner: str | None, url: str, repository: str) -> None:
    """Make a new registry in DIR: a git repository with its first commit.

    \b
    Examples:
      molthub init my-registry
      molthub init my-registry --name acme --owner platform-team --url https://skills.example.com/
    """
    from molthub.registry.checkout import first_commit
    from molthub.registry.init import new_registry, registry_name, write_registry

    chosen = name or registry_name(directory.resolve().name)
    made = new_registry(chosen, owner=owner or chosen, url=url, repository=repository)
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
    console.say("next: skills publish PATH --registry " + str(directory) + "   add skills you have")
    console.say(f"      molthub check --registry {directory}            see what a pull request would be told")
    console.say(f"      git -C {directory} remote add origin URL, then git push -u origin HEAD")
    console.json({"registry": chosen, "directory": str(directory), "commit": commit, "files": list(made)})
