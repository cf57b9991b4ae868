"""The bots whose secrets are in question: those of an index, those whose homes are in a folder, or the one here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.errors import MolthubError, NotFoundError, Problem
from molthub.model import Json
from molthub.platforms.base import MANIFEST_FILE
from molthub.secrets.bot_manifest import BotManifest, read_manifest
from molthub.secrets.uses import Use, uses

if TYPE_CHECKING:
    from molthub.client.index import Index


@dataclass(frozen=True, slots=True)
class BotSecrets:
    """What one bot refers to. ``problems`` say why that is not known; ``bot`` is ``<fleet>/<bot>`` as far as known.

    ``given`` are the keys of its desired state, as far as known, and ``programs`` the platforms that read them, each
    with the bot's agent there.
    """

    bot: str | None
    uses: tuple[Use, ...] = ()
    problems: tuple[Problem, ...] = ()
    given: Mapping[str, Json] = field(default_factory=dict)
    programs: tuple[tuple[str, str], ...] = ()


def in_index(location: str, chosen: Collection[str]) -> Iterator[BotSecrets]:
    """Yield the bots that an index declares: all, or those that ``chosen`` names as ``<fleet>`` or ``<fleet>/<bot>``.

    Raises :class:`MolthubError` for an index that cannot be read and a bot or fleet that it does not declare.
    """
    from molthub.client.index import Index
    from molthub.client.paths import index_cache

    index = Index.open(location, cache=index_cache(location) if "://" in location else None)
    try:
        for fleet, bot in _declared(index, chosen):
            yield _of_document(index, fleet, bot)
    finally:
        index.close()


def in_homes(target: Path, chosen: Collection[str]) -> Iterator[BotSecrets]:
    """Yield the bots whose homes are below ``target``, as ``molthub reconcile --target`` lays them out.

    Raises :class:`NotFoundError` for one of ``chosen`` that has no manifest there.
    """
    found = [bot for place in sorted(target.glob(f"*/*/{MANIFEST_FILE}")) for bot in _of_home(target, place)]
    missing = [name for name in chosen if not any(_is_chosen(bot.bot or "", [name]) for bot in found)]
    if missing or not found:
        what = f"no manifest of {', '.join(missing)}" if missing else "no bot's manifest"
        raise NotFoundError(what, place=str(target), remedy=_NO_MANIFEST)
    yield from (bot for bot in found if _is_chosen(bot.bot or "", chosen))


def at_home(place: Path, bot: str | None) -> BotSecrets:
    """Return what the manifest at ``place`` refers to. Raises :class:`MolthubError` for one that cannot be read."""
    manifest = read_manifest(place)
    return _of_manifest(bot or _only(manifest), place, manifest)


def _of_manifest(bot: str | None, place: Path, manifest: BotManifest) -> BotSecrets:
    from molthub.secrets.programs import programs_of

    home = place.parent.parent
    programs = tuple((name, "") for name in programs_of(home, manifest)) if manifest.secrets else ()
    return BotSecrets(bot, uses(manifest.keys), given=manifest.keys, programs=programs)


def _declared(index: Index, chosen: Collection[str]) -> Iterator[tuple[str, str]]:
    fleets = {name.partition("/")[0] for name in chosen} or set(index.fleets())
    if not fleets:
        remedy = "a public index has none; build a private one with `molthub build --fleets`"
        raise NotFoundError("this index declares no bots", place=index.where, remedy=remedy)
    for fleet in sorted(fleets):
        bots = index.fleet(fleet).bots
        wanted = {name.partition("/")[2] for name in chosen if name.startswith(f"{fleet}/")}
        if wanted - bots.keys():
            index.bot(fleet, min(wanted - bots.keys()))  # says which bot there is instead
        everyone = not chosen or fleet in chosen
        yield from ((fleet, bot) for bot in sorted(bots) if everyone or bot in wanted)


def _of_document(index: Index, fleet: str, bot: str) -> BotSecrets:
    path = f"{fleet}/{bot}"
    try:
        state = index.bot(fleet, bot)
    except MolthubError as error:
        return BotSecrets(path, problems=(_problem(error),))
    if not state.resolved:
        remedy = f"molthub explain {path} says why; `molthub check` says where"
        return BotSecrets(path, problems=(Problem("MH708", "the bot does not resolve", remedy),))
    return BotSecrets(
        path, uses(state.desired, state.origins), given=state.desired, programs=((state.platform, state.agent),)
    )


def _of_home(target: Path, place: Path) -> Iterator[BotSecrets]:
    fleet, home = place.relative_to(target).parts[:2]
    try:
        manifest = read_manifest(place)
    except MolthubError as error:
        yield BotSecrets(f"{fleet}/{home}", problems=(_problem(error),))
        return
    found = _of_manifest(None, place, manifest)
    yield from (replace(found, bot=bot) for bot in manifest.bots or (f"{fleet}/{home}",))


def _only(manifest: BotManifest) -> str | None:
    return manifest.bots[0] if len(manifest.bots) == 1 else None


def _is_chosen(path: str, chosen: Collection[str]) -> bool:
    return not chosen or path in chosen or path.partition("/")[0] in chosen


def _problem(error: MolthubError) -> Problem:
    return Problem(error.problem_id or "MH702", error.message, error.remedy, file=error.place or None)


_NO_MANIFEST = "`molthub reconcile` writes it; give the same --target, or before the first one --index URL|DIR"
