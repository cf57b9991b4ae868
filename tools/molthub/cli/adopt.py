"""``molthub adopt``: what to declare for bots that were configured by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli.committing import Editing, editing_options
from molthub.console import Console, common_options, counted
from molthub.errors import UsageError
from molthub.platforms import platforms

if TYPE_CHECKING:
    from molthub.adopting.proposal import Adopted, Proposal
    from molthub.model import Json
    from molthub.registry.catalog import Catalog


@click.command()
@click.argument("homes", nargs=-1, required=True, metavar="DIR...",
                type=click.Path(path_type=Path, exists=True, file_okay=False))  # fmt: skip
@click.option("--platform", "program", required=True, type=click.Choice(platforms()), metavar="P",
              help="The program that the bots run.")  # fmt: skip
@click.option("--fleet", required=True, metavar="FLEET", help="The fleet that they join; a new one is made.")
@click.option("--all", "is_target", is_flag=True, help="DIR is a target: adopt every home in DIR/FLEET/.")
@click.option("--name", metavar="BOT", help="The bot's name, for one DIR. Default: the folder's.")
@click.option("--pack", metavar="PACK", help="The name of the new pack. Default: adopted-FLEET.")
@editing_options
@common_options
def adopt(
    console: Console,
    *,
    homes: tuple[Path, ...],
    program: str,
    fleet: str,
    is_target: bool,
    name: str | None,
    pack: str | None,
    editing: Editing,
) -> None:
    """Declare bots that were configured by hand, from what stands in their homes.

    DIR is what the bot's user has as HOME. Servers, variables, settings and skills that all the bots have become a new
    pack, what differs stays on each bot. Tokens and passwords become ${secrets.NAME}: they are listed by name and
    never printed or kept. Nothing in DIR is changed; `molthub reconcile --adopt` takes over what stands there.

    \b
    Examples:
      molthub adopt /home/ada --platform claude-code --fleet prod --dry-run
      molthub adopt /home/ada --platform claude-code --fleet prod
      molthub adopt /srv/bots --all --platform openclaw --fleet prod --pack prod-base
    """
    from datetime import UTC, datetime

    from molthub.adopting.proposal import propose
    from molthub.documents import DNS_LABEL
    from molthub.registry.catalog import read_catalog

    folders = _folders(homes, fleet, is_target=is_target)
    if name is not None and len(folders) != 1:
        raise UsageError("--name is for one bot", remedy="leave it out, or give one DIR")
    for option, label in (("--fleet", fleet), ("--name", name), ("--pack", pack)):
        if label is not None and not DNS_LABEL.match(label):
            raise UsageError(f"{option} {label!r} is no name", remedy="use lower-case letters, digits and hyphens")
    source = editing.checkout.source
    catalog = read_catalog(source)
    bots = [_read(folder, name or "", (fleet, program), catalog, editing) for folder in folders]
    twice = {bot.name for bot in bots if sum(other.name == bot.name for other in bots) > 1}
    if twice:
        raise UsageError(f"two homes would be the bot {min(twice)}", remedy="adopt them one by one, with --name")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    proposal = propose(source, bots, pack=pack or f"adopted-{fleet}"[:59], published=now)
    _tell(console, bots, proposal)
    message = f"Adopt {', '.join(bot.path for bot in bots)}"
    editing.finish(console, proposal.files, message)
    if editing.commit is not None:
        named = " ".join(f"--bot {bot.path}" for bot in bots)
        console.say(f"after the merge, with the secrets in place: molthub reconcile --once --adopt {named}")
    console.json(_document(bots, proposal, editing))


def _folders(homes: tuple[Path, ...], fleet: str, *, is_target: bool) -> list[Path]:
    if not is_target:
        return list(homes)
    found = [path for home in homes if (home / fleet).is_dir() for path in sorted((home / fleet).iterdir())]
    folders = [path for path in found if path.is_dir() and not path.name.startswith(".")]
    if not folders:
        raise UsageError(f"no homes are in {homes[0] / fleet}", remedy="give the folder that holds FLEET/HOME")
    return folders


def _read(folder: Path, name: str, joins: tuple[str, str], catalog: Catalog, editing: Editing) -> Adopted:
    """Read one home. ``joins``: the fleet and the program."""
    from molthub.adopting.home import read_home
    from molthub.adopting.proposal import Adopted
    from molthub.adopting.skills import read_skills
    from molthub.platforms import platform
    from molthub.registry.authoring.mend import slug

    fleet, program = joins
    adapter = platform(program)
    home = slug(folder.resolve().name)[:63].strip("-") or "bot"
    skills, left = read_skills(folder / adapter.skills_root("main"), catalog, editing.checkout.source, editing.registry)
    return Adopted(fleet, name or home, home, program, read_home(folder, adapter), skills, left)


def _tell(console: Console, bots: list[Adopted], proposal: Proposal) -> None:
    for bot in bots:
        parts = bot.parts
        console.result(f"{bot.path}: {counted(len(parts), 'key')} to declare")
        for key in sorted(parts):
            version = f" {parts[key]['version']}" if key.startswith("skill/") else ""
            console.result(f"  + {key}{version}")
        for left in bot.stays:
            console.result(f"  = {left.key} stays as it is: {left.reason}")
            if left.remedy:
                console.say(f"      {left.remedy}")
        for key in bot.read.spelled:
            console.say(f"  {key}: molthub will add the fields that the program itself would write")
        for key in proposal.besides.get(bot.path, ()):
            console.warn(f"{bot.path}: {key} comes besides, or otherwise than it stands there")
    secrets = {(bot.path, one.name): one for bot in bots for one in bot.read.secrets}
    if secrets:
        console.result("secrets to keep where the bots run:")
    for (path, secret), one in secrets.items():
        now = f"stands in clear in {one.where}" if one.is_literal else f"is a variable that {one.where} refers to"
        console.result(f"  molthub secrets set {secret} --bot {path}    now it {now}")


def _document(bots: list[Adopted], proposal: Proposal, editing: Editing) -> Json:
    return {
        "format": "molthub.adopted/1",
        "bots": [
            {
                "bot": bot.path,
                "platform": bot.platform,
                "declared": sorted(bot.parts),
                "left": [left.to_json() for left in bot.stays],
                "spelled": list(bot.read.spelled),
                "besides": list(proposal.besides.get(bot.path, ())),
                "secrets": [one.to_json() for one in bot.read.secrets],
            }
            for bot in bots
        ],
        "packs": list(proposal.packs),
        "files": {path: content.decode() for path, content in sorted(proposal.files.items())},
        "commit": editing.commit,
    }
