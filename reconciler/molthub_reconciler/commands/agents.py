"""``molthub agents``: tokens for bots on other machines, and when their agents were last heard of."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.command_group import CommandGroup
from molthub.console import Console, common_options
from molthub.errors import ExitStatus, NotFoundError, UsageError
from molthub_reconciler.places import context_option, said_place

if TYPE_CHECKING:
    from molthub.model import Json
    from molthub_reconciler.remote.store import AgentStore
    from molthub_reconciler.remote.token_files import Owner

_target = click.option(
    "--target", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The controller's --target."
)
_state = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The controller's --state."
)


@click.group(cls=CommandGroup)
def agents() -> None:
    """Let agents on other machines keep bots: tokens, and who was heard of when.

    A bot that has a token lives on another machine: the controller (`molthub reconcile --listen`) gives it nothing
    itself, it tells its agent (`molthub reconcile --bot FLEET/BOT --controller URL`). Run on the controller's machine.

    \b
    Examples:
      molthub agents token prod/ada --target /srv/bots > ada.token
      molthub agents list --target /srv/bots
      molthub agents revoke prod/ada --target /srv/bots
    """


_operator = click.option("--operator", is_flag=True, help="An operator's: looks at all bots from elsewhere.")
_name = click.option("--name", default="operator", show_default=True, metavar="NAME", help="Whose, of the operators.")


@agents.command()
@click.argument("bot", metavar="FLEET/BOT", required=False)
@_operator
@_name
@click.option("--operate", is_flag=True, help="The operator may also roll back, and steer rollouts.")
@click.option("--nudge", is_flag=True, help="The operator may ask for a look now, and nothing else: what publishes.")
@click.option("--expires", metavar="TIME", help="When it ends: 90d, 12h ... from now. Default: never.")
@click.option("--overlap", metavar="TIME", help="How long the one before still counts, like 1d. Default: not at all.")
@context_option
@_target
@_state
@common_options
def token(
    console: Console,
    *,
    bot: str | None,
    operator: bool,
    name: str,
    operate: bool,
    nudge: bool,
    expires: str | None,
    overlap: str | None,
    context: str | None,
    target: Path | None,
    state: Path | None,
) -> ExitStatus:
    """Make the token of a bot's agent, and print it: this once, as only its hash is kept.

    One that the bot had before is worth nothing from then on, or after --overlap: an agent reads its file again when
    its token is refused.

    \b
    Examples:
      molthub agents token prod/ada --target /srv/bots > ada.token
      molthub agents token prod/ada --target /srv/bots --overlap 1d > new.token
      molthub agents token --operator --context prod
      molthub agents token --operator --name ann --operate --expires 90d --target /srv/bots
      molthub agents token --operator --name ci --nudge --target /srv/bots
    """
    owner = _owner_of(bot, name, operator=operator)
    if operate and not operator:
        raise UsageError("an agent reports on its bot, and operates nothing", remedy="--operate goes with --operator")
    if nudge and (operate or not operator):
        raise UsageError("--nudge is for an operator who does nothing else", remedy="add --operator, without --operate")
    store = _store(context, target, state)
    is_new = store.tokens.kept(owner) is None
    made = store.tokens.enrol(owner, expires=_seconds(expires), overlap=_seconds(overlap) or 0.0, may_operate=operate,
                              may_look=not nudge)  # fmt: skip
    console.result(made)
    console.json({"bot": bot, "operator": owner.operator or None, "token": made})
    if not is_new and not overlap:
        console.say(f"the token that {owner} had is worth nothing now")
    if bot is not None:
        console.say(f"keep it in a file of mode 0600 on the bot's machine, and start there: "
                    f"molthub reconcile --bot {bot} --controller URL --token-file FILE")  # fmt: skip
    return ExitStatus.DONE


@agents.command("list")
@context_option
@_target
@_state
@common_options
def list_agents(console: Console, *, context: str | None, target: Path | None, state: Path | None) -> ExitStatus:
    """List the bots on other machines: how they are, what they have, when their agent was last heard of.

    \b
    Examples:
      molthub agents list --target /srv/bots
      molthub agents list --context prod --json

    Exit status: 0 all of them are heard of, 3 some are offline.
    """
    store = _store(context, target, state)
    shown = [_shown(store, bot, time.time()) for bot in sorted(store.bots())]
    console.json({"agents": shown})
    if not shown:
        console.say("no bot has a token; molthub agents token FLEET/BOT makes one")
        return ExitStatus.DONE
    rows = [(one["bot"], one["state"], (one["observed"] or "-")[:15], _age(one["age"]), one["agent"] or "-")
            for one in shown]  # fmt: skip
    console.table(("BOT", "STATE", "HAS", "LAST SEEN", "AGENT"), rows)
    return ExitStatus.PENDING if any(one["offline"] for one in shown) else ExitStatus.DONE


@agents.command()
@click.argument("bot", metavar="FLEET/BOT", required=False)
@_operator
@_name
@context_option
@_target
@_state
@common_options
def revoke(
    console: Console, *, bot: str | None, operator: bool, name: str, context: str | None, target: Path | None,
    state: Path | None,
) -> ExitStatus:  # fmt: skip
    """Take the token of a bot's agent. What the bot has stays; a running controller keeps the bot itself from then on.

    A connection that is open ends within a second.

    \b
    Examples:
      molthub agents revoke prod/ada --target /srv/bots
      molthub agents revoke --operator --name ci --target /srv/bots
    """
    owner = _owner_of(bot, name, operator=operator)
    store = _store(context, target, state)
    if not store.tokens.revoke(owner):
        named = [str(kept.owner) for kept in store.tokens.operators()] if operator else sorted(store.bots())
        remedy = f"there are: {', '.join(named) or 'none'}"
        raise NotFoundError(f"there is no token of {owner}", place=store.state.address, remedy=remedy)
    console.result(f"the token of {owner} is worth nothing now")
    console.json({"revoked": bot or owner.operator})
    return ExitStatus.DONE


_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _seconds(text: str | None) -> float | None:
    """Read ``90d``, ``12h``, ``30min`` ... Raises :class:`UsageError`."""
    if text is None:
        return None
    count = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _UNITS.get(text[len(count) :])
    if unit is None or not (count.isascii() and count.isdecimal()) or not 0 < int(count) * unit <= _CENTURY:
        raise UsageError(f"{text!r} is no length of time", remedy="write it as 90d, 12h or 30min")
    return float(int(count) * unit)


_CENTURY = 36_525 * 86_400


def _owner_of(bot: str | None, name: str, *, operator: bool) -> Owner:
    """Return whose token is meant. Raises :class:`UsageError`."""
    from molthub.documents.names import DNS_LABEL
    from molthub_reconciler.remote.token_files import Owner, is_bot_name

    if operator == (bot is not None):
        raise UsageError("a token is a bot's or an operator's", remedy="give FLEET/BOT, or --operator")
    if bot is not None:
        if not is_bot_name(bot):
            raise UsageError(f"{bot!r} names no bot", remedy="write it as FLEET/BOT")
        return Owner(bot=bot)
    if not DNS_LABEL.match(name):
        raise UsageError(f"{name!r} is no name", remedy="use lower-case letters, digits and hyphens")
    return Owner(operator=name)


def _shown(store: AgentStore, bot: str, now: float) -> dict[str, Json]:
    seen, told, given = store.presence.seen(bot), store.report(bot), store.assignment(bot)
    is_offline = seen is None or seen.is_offline(now)
    has_told = told is not None and given is not None and told.document == given.document
    state = told.bot.state if told is not None and has_told else "pending"
    return {
        "bot": bot,
        "state": "offline" if is_offline else state,
        "offline": is_offline,
        "desired": given.digest if given is not None else None,
        "observed": told.bot.observed if told is not None else None,
        "age": round(max(0.0, now - seen.at)) if seen is not None else None,
        "agent": seen.version if seen is not None else "",
        "machine": seen.machine if seen is not None else "",
    }


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _store(context: str | None, target: Path | None, state: Path | None) -> AgentStore:
    from molthub.client.paths import state_folder
    from molthub.contexts.context_file import need
    from molthub_reconciler.records.state import TargetState
    from molthub_reconciler.remote.store import AgentStore

    found = said_place(context, None, target, state)
    need(found, "target")
    root = Path(found.state) if found.state else state_folder()
    return AgentStore(TargetState(root.resolve(), str(Path(str(found.target)).resolve())))
