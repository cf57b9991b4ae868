"""What the options of ``molthub plan``, ``drift`` and ``reconcile`` say, and the place of work that they mean."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.errors import UsageError
from molthub_reconciler.commands import completing
from molthub_reconciler.places import (
    context_option,
    index_option,
    root_option,
    state_option,
    target_option,
    whole_place,
)

if TYPE_CHECKING:
    from molthub.client.index import Index
    from molthub_reconciler.remote.link import ControllerLink
    from molthub_reconciler.workplace import Workplace

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
Place = TypeVar("Place", bound="Workplace")


@dataclass(frozen=True)
class Asked:
    """What the options of the commands say. Without an ``index``, an agent has it from its controller."""

    index: str
    target: Path
    bots: tuple[str, ...]
    fleets: tuple[str, ...]
    selector: tuple[str, ...]
    state: Path | None
    root: Path | None
    require_signatures: bool
    accept_signers: tuple[str, ...]

    @property
    def names_some(self) -> bool:
        """Whether bots are chosen: by name, by fleet, or by label."""
        return bool(self.bots or self.fleets or self.selector)


def asked_options(command: Wrapped) -> Wrapped:
    """Add the options that say which bots, where, and what they should have; the command gets an :class:`Asked`."""
    import functools

    @context_option
    @index_option
    @target_option
    @click.option("--bot", "bots", multiple=True, metavar="[FLEET/]BOT", shell_complete=completing.bots,
                  help="Only this bot (repeatable).")  # fmt: skip
    @click.option("--fleet", "fleets", multiple=True, metavar="FLEET", shell_complete=completing.fleets,
                  help="Only this fleet (repeatable).")  # fmt: skip
    @click.option("-l", "--selector", multiple=True, metavar="LABELS",
                  help="Only bots with these labels: machine=m1,team!=a,env in (dev,test).")  # fmt: skip
    @state_option
    @root_option
    @click.option(
        "--require-signature",
        "require_signatures",
        is_flag=True,
        help="Give bots no skill that its publisher did not sign.",
    )
    @click.option(
        "--accept-signer",
        "accept_signers",
        multiple=True,
        metavar="FINGERPRINT",
        help="Let this key take the place of those seen before; `none`: let a skill be signed no longer (repeatable).",
    )
    @functools.wraps(command)
    def with_asked(
        *args: Any,
        context: str | None,
        index: str | None,
        target: Path | None,
        bots: tuple[str, ...],
        fleets: tuple[str, ...],
        selector: tuple[str, ...],
        state: Path | None,
        root: Path | None,
        require_signatures: bool,
        accept_signers: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        is_agent = kwargs.get("controller") is not None  # which passes on what an agent needs of the index
        if kwargs.get("uninstall"):
            is_agent, target = True, target or (Path() if bots else None)  # an agent's file is named after its bot
        place = whole_place(context, index, target, state, needs_index=not is_agent)
        labels = selector or ((place.selector,) if place.selector else ())
        asked = Asked(place.index, place.target, bots, fleets, labels, place.state, root, require_signatures,
                      accept_signers)  # fmt: skip
        return command(*args, asked=asked, **kwargs)

    return with_asked  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click


def agent_workplace(
    asked: Asked, controller: ControllerLink, interval: float, warn: Callable[[str], None]
) -> Workplace:
    """Return where the agent of the one bot works. Raises :class:`UsageError`."""
    from molthub_reconciler.agent.follower import AgentWorkplace

    place = _made_workplace(AgentWorkplace, asked, warn, index=None if asked.index else _relayed(asked, controller))
    place.follow(controller, asked.bots[0], interval, warn)
    return place


def _relayed(asked: Asked, controller: ControllerLink) -> Index:
    from molthub.client.index import Index
    from molthub.client.paths import index_cache, state_folder
    from molthub_reconciler.remote.link import RelayFetcher

    fetcher = RelayFetcher(controller, asked.bots[0])
    return Index(fetcher, cache=index_cache(fetcher.where), state=(asked.state or state_folder()).resolve())


def workplace(asked: Asked, *, warn: Callable[[str], None] | None = None) -> Workplace:
    """Return where the command works. Raises :class:`UsageError` where its folders stand in each other.

    A command that acts is told by ``warn`` of secrets that cannot be watched, and may begin to watch them.
    """
    from molthub_reconciler.workplace import Workplace

    return _made_workplace(Workplace, asked, warn)


def _made_workplace(
    kind: type[Place], asked: Asked, warn: Callable[[str], None] | None, index: Index | None = None
) -> Place:
    from molthub.selectors import selector as terms_of
    from molthub_reconciler.records.watched_secrets import watched_secrets
    from molthub_reconciler.selection import Selection
    from molthub_reconciler.subjects import Choice
    from molthub_reconciler.supply.skill_signatures import Asked as AskedOfSignatures

    for bot in asked.bots:
        if bot.count("/") > 1 or not all(bot.split("/")):
            raise UsageError(f"{bot!r} names no bot", remedy="write it as FLEET/BOT, or BOT where one has that name")
    _keep_apart(asked)
    root = asked.root.read_bytes() if asked.root is not None else None
    choice = Choice(frozenset(asked.bots), frozenset(asked.fleets))
    signatures = AskedOfSignatures(asked.require_signatures, frozenset(asked.accept_signers))
    place = kind(index or asked.index, asked.target, asked.state, choice, root=root, signatures=signatures)
    place.selection = Selection(terms_of(asked.selector))
    place.secrets = watched_secrets(place.state.folder, warn)
    return place


def _keep_apart(asked: Asked) -> None:
    """Refuse folders that stand in each other: bots must not write into the index or the state, nor these into bots."""
    from molthub.client.paths import state_folder

    target = Path(os.path.realpath(asked.target))
    if asked.index and "://" not in asked.index:
        index = Path(os.path.realpath(asked.index))
        if target.is_relative_to(index):
            remedy = "choose a folder outside of the index"
            raise UsageError("the target is inside the index", place=str(asked.target), remedy=remedy)
        if index.is_relative_to(target):
            raise UsageError("the index is inside the target", place=asked.index, remedy="choose another target")
    state = asked.state or state_folder()
    if Path(os.path.realpath(state)).is_relative_to(target):
        remedy = "choose a state folder outside of it, where bots cannot write"
        raise UsageError("the state folder is inside the target", place=str(state), remedy=remedy)
