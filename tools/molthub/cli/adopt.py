"""``molthub adopt``: what to declare for bots that were configured by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.cli import completing
from molthub.cli.adopt_keeping import Kept, found_secrets
from molthub.cli.adopt_keeping import keep_secrets as keep_secrets_of
from molthub.cli.adopt_reading import AUTO, HomeReader
from molthub.cli.adopt_told import document, tell
from molthub.cli.committing import Editing, editing_options
from molthub.cli.skill_packs.options import now, sign_option, signatures, words
from molthub.console import Console, common_options
from molthub.errors import ExitStatus, UsageError
from molthub.platforms import platforms

if TYPE_CHECKING:
    from molthub.adopting.adopted import Adopted
    from molthub.adopting.proposal import Naming, Proposal
    from molthub.adopting.publishing import Published
    from molthub.registry.source import Source


@click.command()
@click.argument("homes", nargs=-1, required=True, metavar="DIR...",
                type=click.Path(path_type=Path, exists=True, file_okay=False))  # fmt: skip
@click.option("--platform", "program", default=AUTO, show_default=True, metavar="P",
              type=click.Choice((AUTO, *platforms())),
              help="The program that the bots run; auto finds out which are there.")  # fmt: skip
@click.option(
    "--fleet",
    required=True,
    metavar="FLEET",
    shell_complete=completing.fleets,
    help="The fleet that they join; a new one is made.",
)
@click.option("--all", "is_target", is_flag=True, help="DIR is a target: adopt every home in DIR/FLEET/.")
@click.option("--name", metavar="BOT", help="The bot's name, for one DIR. Default: the folder's.")
@click.option("--pack", "packs", multiple=True, metavar="[PROPOSED=]NAME",
              help="What all share is called (default: adopted-FLEET), or another pack that is proposed.")  # fmt: skip
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE",
              help="A label of new bots: machine=m1 says which machine keeps them (repeatable).")  # fmt: skip
@click.option("--min-shared", type=click.IntRange(min=2), metavar="N",
              help="How many bots share what becomes a pack. Default: 2, or a tenth of them.")  # fmt: skip
@click.option("--publish", is_flag=True, help="Publish the skills that the registry does not have.")
@click.option("--publish-edited", is_flag=True, help="With --publish: edited copies become next versions.")
@click.option("--secret", multiple=True, metavar="NAME,...", help="Variables or fields whose values are secrets too.")
@click.option("--not-secret", multiple=True, metavar="NAME,...", help="Variables or fields whose values are none.")
@click.option("--keep-secrets", is_flag=True,
              help="Keep what stands in clear on this machine, as `molthub secrets set` does.")  # fmt: skip
@sign_option
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
    packs: tuple[str, ...],
    labels: tuple[str, ...],
    min_shared: int | None,
    publish: bool,
    publish_edited: bool,
    secret: tuple[str, ...],
    not_secret: tuple[str, ...],
    keep_secrets: bool,
    key: str | None,
    editing: Editing,
) -> ExitStatus:
    """Declare bots that were configured by hand, from what stands in their homes.

    DIR is what the bot's user has as HOME. Servers, variables, settings and skills that many of the bots have together
    become packs, what differs stays on each bot. Tokens and passwords become ${secrets.NAME}: they are listed by name
    and never printed; --keep-secrets puts them where this machine keeps its secrets. Nothing in DIR is changed;
    `molthub reconcile --adopt` takes over what stands there. Packs that the registry has already are used where they
    fit. Doing it again changes nothing.

    \b
    Examples:
      molthub adopt /home/ada --fleet prod --dry-run
      molthub adopt /home/ada --platform claude-code --fleet prod
      molthub adopt /srv/bots --all --fleet prod --publish --keep-secrets --label machine=m1
      molthub adopt /srv/bots --all --fleet prod --min-shared 3 --pack dev=developer-tools
      molthub adopt ~ --fleet laptops --name adas-laptop --not-secret PROJECT_ID

    Exit status: 0 done or nothing to do, 4 some bots or skills were refused (each is named), 1 all bots were.
    """
    from molthub.adopting.literals import Judged
    from molthub.adopting.proposal import Wishes, propose
    from molthub.registry.catalog import read_catalog

    folders = _folders(homes, fleet, is_target=is_target)
    naming = _naming(fleet, packs)
    _check(fleet, name, folders, publishes=(publish, publish_edited))
    source = editing.checkout.source
    reader = HomeReader(editing, fleet, program, Judged.of(words(secret), words(not_secret)))
    reader.read(console, folders, name)
    made = _published(source, reader.unknown_skills(), edited=publish_edited) if publish else None
    tree = source if made is None else made.tree
    reader.know_skills(read_catalog(tree), tree)
    bots = reader.agreeing()
    proposal = propose(tree, bots, Wishes(naming, now(), min_shared, _labels(labels)))
    refused = {**reader.refused, **proposal.refused}
    done = [bot for bot in bots if bot.path not in refused]
    if len(refused) == 1 and not done:
        raise next(iter(refused.values()))
    tell(console, bots, proposal, made, refused)
    _Ending(console, editing, proposal, made, key, labels).write(done, fleet)
    kept = _kept(console, done) if keep_secrets and not editing.dry_run else Kept()
    console.json(document(bots, proposal, made, refused, editing) | {"kept": kept.to_json()})
    if kept.refused:
        return ExitStatus.PARTLY_DONE
    if not refused:
        unpublished = made is not None and any(outcome.state == "refused" for outcome in made.outcomes)
        return ExitStatus.PARTLY_DONE if unpublished else ExitStatus.DONE
    return ExitStatus.PARTLY_DONE if done else ExitStatus.FAILED


def _kept(console: Console, bots: Sequence[Adopted]) -> Kept:
    kept = keep_secrets_of(found_secrets(bots))
    kept.tell(console)
    return kept


def _folders(homes: tuple[Path, ...], fleet: str, *, is_target: bool) -> list[Path]:
    if not is_target:
        return list(homes)
    found = [path for home in homes if (home / fleet).is_dir() for path in sorted((home / fleet).iterdir())]
    folders = [path for path in found if path.is_dir() and not path.name.startswith(".")]
    if not folders:
        raise UsageError(f"no homes are in {homes[0] / fleet}", remedy="give the folder that holds FLEET/HOME")
    return folders


def _naming(fleet: str, packs: tuple[str, ...]) -> Naming:
    from molthub.adopting.proposal import Naming

    first, others = f"adopted-{fleet}"[:59], {}
    for text in packs:
        proposed, equals, name = text.rpartition("=")
        _need_name("--pack", name)
        if equals:
            others[proposed] = name
        else:
            first = name
    return Naming(first, others)


def _labels(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key and value):
            raise UsageError(f"--label {text!r} is no label", remedy="write it as KEY=VALUE: machine=m1")
        found[key] = value
    return found


def _need_name(option: str, label: str) -> None:
    from molthub.documents import DNS_LABEL

    if not DNS_LABEL.match(label):
        raise UsageError(f"{option} {label!r} is no name", remedy="use lower-case letters, digits and hyphens")


def _check(fleet: str, name: str | None, folders: Sequence[Path], *, publishes: tuple[bool, bool]) -> None:
    if name is not None and len(folders) != 1:
        raise UsageError("--name is for one bot", remedy="leave it out, or give one DIR")
    for option, label in (("--fleet", fleet), ("--name", name)):
        if label is not None:
            _need_name(option, label)
    if publishes == (False, True):
        raise UsageError("--publish-edited goes with --publish", remedy="give both")


def _published(source: Source, folders: Sequence[Path], *, edited: bool) -> Published:
    from molthub.adopting.publishing import publish_folders

    return publish_folders(source, folders, owner=None, edited=edited, published=now())


_NAMED = 5


@dataclass(frozen=True)
class _Ending:
    """How the command ends: one commit of all that is new."""

    console: Console
    editing: Editing
    proposal: Proposal
    made: Published | None
    key: str | None
    labels: Sequence[str]

    def write(self, bots: Sequence[Adopted], fleet: str) -> None:
        new = self.made.files if self.made is not None else {}
        files = {**{path: file.content for path, file in new.items()}, **self.proposal.files}
        if not files:
            self.console.say("nothing is to be declared")
            return
        if not self.editing.dry_run:
            files |= self._signatures(files)
        changed = [bot.path for bot in bots if self.proposal.state(bot.path) in ("new", "extended")]
        executable = [path for path, file in new.items() if file.executable]
        self.editing.finish(self.console, files, _message(changed, fleet), executable=executable)
        if self.editing.commit is None:
            return
        if changed:
            command = f"molthub reconcile --once --adopt {self._named(changed, fleet)}"
            self.console.say(f"after the merge, with the secrets in place: {command}")
            if any(one.is_literal for bot in bots for one in bot.read.secrets):
                self.console.say("and start the program by `molthub exec --env -- PROGRAM`, which gives it the secrets")
        self.console.say(f"undo: git revert {self.editing.commit[:12]}")

    def _named(self, changed: Sequence[str], fleet: str) -> str:
        if len(changed) <= _NAMED:
            return " ".join(f"--bot {path}" for path in changed)
        return f"--selector {','.join(self.labels)}" if self.labels else f"--fleet {fleet}"

    def _signatures(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        if self.key is None:
            return {}
        from molthub.cli.publish import release_signatures

        packs = signatures({path: text for path, text in files.items() if path.startswith("packs/")}, self.key)
        skills = release_signatures(self.made.new, self.key) if self.made is not None else {}
        return packs | {path: file.content for path, file in skills.items()}


def _message(changed: Sequence[str], fleet: str) -> str:
    if not changed:
        return "Publish skills of adopted bots"
    if len(changed) <= _NAMED:
        return f"Adopt {', '.join(changed)}"
    return f"Adopt {len(changed)} bots of {fleet}\n\n" + "\n".join(f"- {path}" for path in changed)
