"""Attaching packs to fleets and bots, and detaching them: names in, the files of one commit and each bot's fate out.

Pure but for what the source reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from molthub.errors import (
    ManifestError,
    MolthubError,
    NotFoundError,
    Problem,
    RegistryError,
    ResolutionError,
    UsageError,
)
from molthub.model import Bot, Json, PackUse
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.attachments import Attachment, attached_text, detached_text, refused_text
from molthub.registry.authoring.bot_choice import check_fleet, find_bot
from molthub.registry.authoring.consequences import newly_unresolved
from molthub.registry.authoring.pack_files import API_VERSION
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolving.bot_layers import has_pack, words_on
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay

_Edit = Callable[[str, Bot, str], str]

ALREADY, NOT_FOUND, NOT_ATTACHED = "Already attached", "Bot not found", "Not attached"


@dataclass(frozen=True, slots=True)
class BotOutcome:
    """What became of one bot, ``asked`` for as it was typed. ``error`` is empty where it was done."""

    asked: str
    bot: str = ""
    error: str = ""
    remedy: str = ""
    done: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Edited:
    """The files that an edit writes, and what became of each bot that was asked for."""

    files: Mapping[str, bytes]
    outcomes: tuple[BotOutcome, ...] = ()

    @property
    def failed(self) -> tuple[BotOutcome, ...]:
        """The bots for which nothing was done."""
        return tuple(outcome for outcome in self.outcomes if outcome.error)

    @property
    def successful(self) -> tuple[BotOutcome, ...]:
        """The bots for which something was done."""
        return tuple(outcome for outcome in self.outcomes if not outcome.error)

    def bulk_answer(self) -> dict[str, Json]:
        """Return the answer to a bulk attachment: the bots as they were asked for."""
        failed = [{"botId": outcome.asked, "error": outcome.error} for outcome in self.failed]
        return {"successful": [outcome.asked for outcome in self.successful], "failed": failed}


# --- bots ----------------------------------------------------------------------------------------------------------


def attach_to_bots(
    source: Source, catalog: Catalog, attachments: Mapping[str, Attachment], *, changes: bool = False
) -> Edited:
    """Attach a pack to bots, by name, each by itself: what is wrong with one stops no other.

    ``changes``: an attachment of the bot's own is brought to what is asked for instead of being refused. A bot that
    would no longer resolve is left as it was.
    """

    def edited(asked: str, bot: Bot, text: str) -> str:
        attachment = attachments[asked]
        word = words_on(catalog, bot, attachment.pack)[-1:]
        own = next((use for use in bot.layer.packs if use.name == attachment.pack and use.enabled), None)
        says_more = attachment.version is not None or bool(attachment.env)
        if (own is not None and not changes) or (own is None and not says_more and word and word[0].use.enabled):
            at = (own or word[0].use).at
            raise _Refused(ALREADY, f"see {at}; change it with --change" if own is not None else f"by {at}")
        return attached_text(text, _carried_over(attachment, own), file=bot.file)

    return _for_each(source, catalog, attachments, edited, "attached")


def detach_from_bots(source: Source, catalog: Catalog, names: Sequence[str], pack: str) -> Edited:
    """Detach a pack from bots: where a farther layer attaches it, the bot says ``enabled: false``."""

    def edited(_asked: str, bot: Bot, text: str) -> str:
        words = words_on(catalog, bot, pack)
        if not has_pack(catalog, bot, pack):
            raise _Refused(NOT_ATTACHED, f"see {words[-1].use.at}" if words else "")
        inherited = [word for word in words if word.layer != "bot"]
        if inherited and inherited[-1].use.enabled:
            return refused_text(text, pack, file=bot.file)
        return detached_text(text, pack, file=bot.file)

    return _for_each(source, catalog, names, edited, "detached")


def _carried_over(attachment: Attachment, own: PackUse | None) -> Attachment:
    """Return the attachment with what a change does not touch: since when, for which labels, in which version."""
    if own is None:
        return attachment
    version = attachment.version if attachment.version is not None else own.version
    at = own.attached_at or attachment.attached_at
    return replace(attachment, version=version, when=own.when, attached_at=at)


class _Refused(Exception):  # noqa: N818 (an outcome of one bot, not an error of the program)
    def __init__(self, error: str, remedy: str = "", bot: str = "", problems: Iterable[Problem] = ()) -> None:
        super().__init__(error)
        self.error, self.remedy, self.bot, self.problems = error, remedy, bot, tuple(problems)


def _for_each(source: Source, catalog: Catalog, names: Iterable[str], edited: _Edit, done: str) -> Edited:
    outcomes: dict[str, BotOutcome] = {}
    texts: dict[str, tuple[str, str]] = {}
    for name in dict.fromkeys(names):
        try:
            bot = _readable(catalog, name, texts.keys())
            texts[bot.path] = bot.file, _edited(source, name, bot, edited)
            outcomes[name] = BotOutcome(name, bot.path, done=done)
        except _Refused as refused:
            outcomes[name] = BotOutcome(name, refused.bot, refused.error, refused.remedy, problems=refused.problems)
    broken = _broken_by(source, catalog, texts)
    for name, outcome in outcomes.items():
        if not outcome.error and outcome.bot in broken:
            problems = broken[outcome.bot]
            first = problems[0]
            outcomes[name] = BotOutcome(name, outcome.bot, first.message, first.remedy, problems=problems)
    files = {file: text.encode() for path, (file, text) in texts.items() if path not in broken}
    return Edited(files, tuple(outcomes.values()))


def _readable(catalog: Catalog, name: str, named: Collection[str]) -> Bot:
    try:
        bot = find_bot(catalog, name)
    except NotFoundError as error:
        raise _Refused(NOT_FOUND, error.remedy) from None
    except MolthubError as error:
        raise _Refused(f"{error.message}: {error.remedy.removeprefix('say which: ')}") from None
    if bot.path in named:
        raise _Refused(ALREADY, "it was named twice", bot.path)
    for key in (f"bot/{bot.path}", f"fleet/{bot.fleet}"):
        if key in catalog.broken:
            raise _Refused(f"{catalog.broken[key]} cannot be read", "molthub check says why", bot.path)
    return bot


def _edited(source: Source, asked: str, bot: Bot, edited: _Edit) -> str:
    try:
        return edited(asked, bot, source.read(bot.file).decode())
    except _Refused as refused:
        raise _Refused(refused.error, refused.remedy, bot.path) from None
    except (RegistryError, ManifestError) as error:
        raise _Refused(str(error), error.remedy, bot.path, error.problems) from None


def _broken_by(
    source: Source, catalog: Catalog, texts: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[Problem, ...]]:
    """Return the bots that their new texts would leave unresolved, with those that only fail because of them."""
    left = dict(texts)
    found: dict[str, tuple[Problem, ...]] = {}
    while left:
        files = {file: text.encode() for file, text in left.values()}
        after = read_catalog(Overlay(source, files))
        broken = newly_unresolved(catalog, after, left.keys())
        if not broken:
            break
        broken |= {path: said for path in broken.keys() & left.keys() if (said := _unreadable(after, left[path][0]))}
        for path in left.keys() & (broken.keys() | _mates(catalog, broken)):
            found[path] = broken.get(path) or next(iter(broken.values()))
            del left[path]
    return found


def _unreadable(after: Catalog, file: str) -> tuple[Problem, ...]:
    """Return why a document can no longer be read: what was asked for is none, as a token in clear or a bad name."""
    return tuple(problem for problem in after.problems if problem.file == file and problem.severity == "error")


def _mates(catalog: Catalog, broken: Iterable[str]) -> set[str]:
    homes = {(catalog.bots[path].fleet, catalog.bots[path].home) for path in broken}
    return {path for path, bot in catalog.bots.items() if (bot.fleet, bot.home) in homes}


# --- fleets --------------------------------------------------------------------------------------------------------


def attach_to_fleet(source: Source, catalog: Catalog, name: str, attachment: Attachment) -> Edited:
    """Attach a pack to a fleet, so to its future bots too. ``outcomes`` are the bots that get it by this.

    Raises :class:`NotFoundError`, :class:`RegistryError` where it is attached already, and :class:`ResolutionError`
    where bots would no longer resolve.
    """
    fleet = _fleet(catalog, name)
    same = [use for use in catalog.fleets[name].packs
            if use.name == attachment.pack and dict(use.when) == dict(attachment.when)]  # fmt: skip
    if same and same[0].enabled and same[0].version == attachment.version:
        raise RegistryError(ALREADY, place=same[0].at, remedy="its version can be changed: name one, PACK@N")
    text = attached_text(source.read(fleet).decode(), attachment, file=fleet)
    return _whole_fleet(source, catalog, name, {fleet: text.encode()}, attachment.pack)


def detach_from_fleet(source: Source, catalog: Catalog, name: str, pack: str, when: Mapping[str, str] | None) -> Edited:
    """Detach a pack from a fleet: altogether, or the attachment for the labels ``when``.

    ``outcomes`` are the bots that lose it. Raises as :func:`attach_to_fleet` does.
    """
    fleet = _fleet(catalog, name)
    uses = [use for use in catalog.fleets[name].packs if use.name == pack and when in (None, dict(use.when))]
    if not uses:
        remedy = "it may come from a profile, an overlay or the bots: molthub skill-packs bots " + pack
        raise RegistryError(NOT_ATTACHED, place=fleet, remedy=remedy)
    text = detached_text(source.read(fleet).decode(), pack, when=when, file=fleet)
    return _whole_fleet(source, catalog, name, {fleet: text.encode()}, pack)


def _fleet(catalog: Catalog, name: str) -> str:
    check_fleet(catalog, name)
    if f"fleet/{name}" in catalog.broken:
        raise RegistryError("the fleet cannot be read", place=catalog.fleets[name].file, remedy="molthub check")
    return catalog.fleets[name].file


def _whole_fleet(source: Source, catalog: Catalog, name: str, files: dict[str, bytes], pack: str) -> Edited:
    after = read_catalog(Overlay(source, files))
    for file in files:
        if said := _unreadable(after, file):
            raise RegistryError(said[0].message, place=file, remedy=said[0].remedy, problems=said)
    paths = [path for path, bot in catalog.bots.items() if bot.fleet == name]
    broken = newly_unresolved(catalog, after, paths)
    if broken:
        problems = [problem for said in broken.values() for problem in said]
        message = f"{', '.join(sorted(broken))} would no longer resolve"
        remedy = "decide it in a profile, an overlay or the bot first, or attach it to other bots: --bots"
        raise ResolutionError(message, place=catalog.fleets[name].file, remedy=remedy, problems=problems)
    changed = [path for path in paths if has_pack(catalog, catalog.bots[path], pack)
               != has_pack(after, after.bots[path], pack)]  # fmt: skip
    return Edited(files, tuple(BotOutcome(path, path) for path in changed))


def overlay_instead(catalog: Catalog, name: str, attachment: Attachment, env: Mapping[str, str]) -> UsageError:
    """Return the answer to overrides on a fleet: the overlay to write, and where it is named."""
    check_fleet(catalog, name)
    fleet = catalog.fleets[name]
    overlay = f"{name}-{attachment.pack}"[:63].strip("-")
    spec = {"envVars": dict(env)}
    document = {
        "apiVersion": API_VERSION,
        "kind": "Overlay",
        "metadata": yaml_write.OneLine(name=overlay),
        "spec": spec,
    }
    text = "".join(f"    {line}\n" for line in yaml_write.block(document))
    own = sorted(path for path, bot in catalog.bots.items() if bot.fleet == name and bot.overlays is not None)
    names = yaml_write.inline([*fleet.overlays, overlay])
    remedy = (
        f"write overlays/{overlay}.yaml:\n{text}  and name it in {fleet.file} under spec: overlays: {names}\n"
        f"  then attach the pack without --env"
    )
    if own:
        remedy += f"\n  (these bots name overlays of their own, so it has to be named there too: {', '.join(own)})"
    return UsageError("a fleet's attachment has no overrides: these are a bot's", remedy=remedy)
