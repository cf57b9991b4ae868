"""``molthub agents``: tokens for bots on other machines, and when their agents were last heard of."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus, NotFoundError, UsageError
from molthub_reconciler.places import context_option, said_place

if TYPE_CHECKING:
    from molthub.model import Json
    from molthub_reconciler.remote.store import AgentStore

_target = click.option(
    "--target", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The controller's --target."
)
_state = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="The controller's --state."
)


@click.group()
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


@agents.command()
@click.argument("bot", metavar="FLEET/BOT", required=False)
@click.option("--operator", is_flag=True, help="The token of an operator elsewhere: looks at all bots, changes none.")
@context_option
@_target
@_state
@common_options
def token(
    console: Console, *, bot: str | None, operator: bool, context: str | None, target: Path | None, state: Path | None
) -> ExitStatus:
    """Make the token of a bot's agent, and print it: this once, as only its hash is kept.

    One that the bot had before is worth nothing from then on.

    \b
    Examples:
      molthub agents token prod/ada --target /srv/bots > ada.token
      molthub agents token --operator --context prod
    """
    from molthub_reconciler.remote.store import OPERATOR, is_bot_name

    if operator == (bot is not None):
        raise UsageError("a token is a bot's or the operator's", remedy="give FLEET/BOT, or --operator")
    if bot is not None and not is_bot_name(bot):
        raise UsageError(f"{bot!r} names no bot", remedy="write it as FLEET/BOT")
    store = _store(context, target, state)
    whose = bot or OPERATOR
    is_new = store.token(whose) is None
    made = store.enrol(whose)
    console.result(made)
    console.json({"bot": bot, "token": made})
    if not is_new:
        console.say(f"the token that {bot or 'the operator'} had is worth nothing now")
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
@click.option("--operator", is_flag=True, help="The operator's token.")
@context_option
@_target
@_state
@common_options
def revoke(
    console: Console, *, bot: str | None, operator: bool, context: str | None, target: Path | None, state: Path | None
) -> ExitStatus:
    """Take the token of a bot's agent. What the bot has stays; a running controller keeps the bot itself from then on.

    \b
    Examples:
      molthub agents revoke prod/ada --target /srv/bots
    """
    from molthub_reconciler.remote.store import OPERATOR, is_bot_name

    if operator == (bot is not None) or (bot is not None and not is_bot_name(bot)):
        raise UsageError("a token is a bot's or the operator's", remedy="give FLEET/BOT, or --operator")
    store = _store(context, target, state)
    whose = bot or OPERATOR
    if not store.revoke(whose):
        known = ", ".join(sorted(store.bots())) or "none"
        raise NotFoundError(f"there is no token of {whose}", place=store.state.address, remedy=f"there are: {known}")
    console.result(f"the token of {whose} is worth nothing now")
    console.json({"revoked": whose})
    return ExitStatus.DONE


def _shown(store: AgentStore, bot: str, now: float) -> dict[str, Json]:
    seen, told, given = store.seen(bot), store.report(bot), store.assignment(bot)
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
    from molthub_reconciler.remote.store import AgentStore
    from molthub_reconciler.state import TargetState

    found = said_place(context, None, target, state)
    need(found, "target")
    root = Path(found.state) if found.state else state_folder()
    return AgentStore(TargetState(root.resolve(), str(Path(str(found.target)).resolve())))
