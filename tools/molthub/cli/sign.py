"""``molthub sign``: keys for an index, and the signed metadata that lets its clients notice what a host may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.cli.sign_index import (
    check_follows_published,
    now,
    open_keys,
    reader_of,
    sign_and_write,
    what_is_published,
)
from molthub.cli.sign_log import check_own_copy, continue_log
from molthub.console import Console, common_options
from molthub.errors import MolthubError

if TYPE_CHECKING:
    pass

Command = TypeVar("Command", bound=Callable[..., Any])


def _duration(context: click.Context, option: click.Parameter, value: str) -> timedelta:
    """Read ``90m``, ``24h`` or ``365d``."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", value)
    if match is None:
        raise click.BadParameter("write it as 90m, 24h or 365d", context, option)
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])})


_KEYS = click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path),
    envvar="MOLTHUB_KEYS",
    help="The folder of keys and roots.  [env: MOLTHUB_KEYS]",
)
_ROOT_LIFETIME = click.option(
    "--expires",
    callback=_duration,
    metavar="24h|90m|7d",
    default="365d",
    show_default=True,
    help="How long the root is good for.",
)


def _index_options(command: Command) -> Command:
    for option in (
        click.option(
            "--expires",
            callback=_duration,
            metavar="24h|90m|7d",
            default="24h",
            show_default=True,
            help="How long clients take this state for the newest.",
        ),
        click.option("--previous", metavar="URL|DIR", help="What is published now (default: --index itself)."),
        click.option(
            "--index",
            "out",
            type=click.Path(path_type=Path),
            default="site",
            show_default=True,
            help="The built index.",
        ),
        _KEYS,
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_index_options
@click.option(
    "--registry", type=click.Path(path_type=Path), default=".", help="The registry's git repository (default: here)."
)
@click.option("--first", is_flag=True, help="Nothing is signed there yet: begin at version 1.")
@click.option(
    "--accept-fork", is_flag=True, help="Sign although what is published does not lead to this; the log keeps both."
)
@click.option("--whole-log", is_flag=True, help="Write the whole log, for a host that is given all files each time.")
@common_options
def sign(
    console: Console,
    *,
    folder: Path | None,
    out: Path,
    previous: str | None,
    expires: timedelta,
    registry: Path,
    first: bool,
    accept_fork: bool,
    whole_log: bool,
) -> None:
    """Sign a built index, so that its clients refuse old, held back, mixed or unsigned copies.

    The metadata is TUF's (theupdateframework.io). It is a step of its own after `molthub build`: it needs a key and the
    clock. What is published now is the judge: versions only grow, and the published commit must lead to this one. Each
    version that is new goes into log/, which nothing is ever taken out of: `skills verify` looks for it there.

    \b
    Examples:
      molthub sign init --keys keys                     once: a root key, an online key
      molthub sign --keys keys --index site --first     the first time
      molthub sign --keys keys --previous https://skills.example.com/
      molthub sign refresh --keys keys                  every few hours, from a scheduled job
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        _refuse_group_options(context)
        return
    keys = open_keys(folder)
    before = what_is_published(keys, previous, out)
    where = previous or str(out)
    from molthub.index.publish_metadata import built_root

    content = built_root(out)
    if before is None and not first:
        message = "nothing is signed there yet"
        remedy = "name what is published with --previous; if nothing ever was, add --first"
        raise MolthubError(message, place=where, remedy=remedy)
    if before is not None and not accept_fork:
        check_follows_published(console, before, content, registry, where)
    read = reader_of(where)
    log = continue_log(console, before, content, read, where=where, out=out, accept_fork=accept_fork, whole=whole_log)
    if previous is not None and before is not None and not accept_fork:
        check_own_copy(keys, before, read, where=where, own=reader_of(str(out)))
    sign_and_write(console, keys, before, content, out=out, expires=expires, log=log)


@sign.command("init")
@_KEYS
@_ROOT_LIFETIME
@common_options
def init(console: Console, *, folder: Path | None, expires: timedelta) -> None:
    """Make the keys of an index and its first root.

    Two keys: the root key says which keys count and is needed about once a year; the online key signs each publication.
    Move root-*.pem to a place that no network reaches (a stick in a safe, printed on paper) and keep a second copy: who
    has it can replace the online key, and without it nobody can. 1.root.json is public: commit it, hand it to clients.

    \b
    Examples:
      molthub sign init --keys keys
      molthub sign init --keys keys --expires 730d
    """
    from molthub.client.trust import fingerprint

    keys = open_keys(folder)
    root = keys.init(now(), expires)
    shown = fingerprint(keys.root_files()[root.signed.version])
    names = sorted(path.name for path in keys.folder.glob("*.pem"))
    console.json({"keys": str(keys.folder), "files": [*names, "1.root.json"], "fingerprint": shown})
    for name in (*names, "1.root.json"):
        console.result(str(keys.folder / name))
    console.result(f"fingerprint of the root: {shown}")
    console.say(f"now take {next(name for name in names if name.startswith('root-'))} offline, with a second copy")
    console.say(f"next: molthub sign --keys {keys.folder} --first")


@sign.command("refresh")
@_index_options
@common_options
def refresh(console: Console, *, folder: Path | None, out: Path, previous: str | None, expires: timedelta) -> None:
    """Say once more that what is published is the newest, before its timestamp expires. Nothing is built.

    Only metadata/timestamp.json is new, apart from the weeks before the other documents expire.

    \b
    Examples:
      molthub sign refresh --keys keys --index site
      molthub sign refresh --keys keys --index out --previous https://skills.example.com/
    """
    keys = open_keys(folder)
    before = what_is_published(keys, previous, out)
    if before is None:
        remedy = "sign it first: molthub sign --first"
        raise MolthubError("nothing is signed there yet", place=previous or str(out), remedy=remedy)
    target = f"{before.targets.targets['registry.json'].hashes['sha256']}.registry.json"
    content = reader_of(previous or str(out))(target)
    if content is None:
        raise MolthubError(f"{target} is missing", place=previous or str(out), remedy="publish the index again")
    sign_and_write(console, keys, before, content, out=out, expires=expires)


@sign.command("rotate")
@_KEYS
@click.option("--online", is_flag=True, help="With a new online key: the old one is lost, or somebody else has it.")
@click.option("--root", "root_key", is_flag=True, help="With a new root key.")
@_ROOT_LIFETIME
@common_options
def rotate(console: Console, *, folder: Path | None, online: bool, root_key: bool, expires: timedelta) -> None:
    """Make the next root: with new keys, or with the same ones and more time. Needs the root key.

    Clients follow from the root they have to the newest one. Sign the index again afterwards.

    \b
    Examples:
      molthub sign rotate --keys keys            the same keys for another year
      molthub sign rotate --keys keys --online   replace the online key
    """
    keys = open_keys(folder)
    root = keys.rotate(now(), expires, root_key=root_key, online_key=online).signed
    name = f"{root.version}.root.json"
    console.json({"keys": str(keys.folder), "root": name, "expires": f"{root.expires:%Y-%m-%dT%H:%M:%SZ}"})
    console.result(str(keys.folder / name))
    console.say(f"good until {root.expires:%Y-%m-%d}; next: molthub sign --keys {keys.folder}")


def _refuse_group_options(context: click.Context) -> None:
    given = [
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        message = f"give options behind the subcommand: molthub sign {context.invoked_subcommand} ..."
        raise click.UsageError(message, context)
