"""Making bots: read, resolved, written, and remembered with what was asked while they were made.

A bot is made again when its file changed, when a question that was asked while it was made is answered otherwise now
(:mod:`molthub.index.incremental.answers`), or when one of its home is made again, came or went, for those must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from molthub.documents.bot_texts import BotTexts
from molthub.errors import Problem
from molthub.index.fleets import MadeBot, Offered, made_bot
from molthub.index.incremental.answers import Answers, dangling_key
from molthub.index.incremental.listed_bots import REFUSED, ListedBots
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import OfferedOnDemand
from molthub.index.state.bots import BotLine
from molthub.index.views import Files
from molthub.model import Bot
from molthub.registry.catalog import Catalog, judge_bot
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_fleets import read_bot
from molthub.registry.resolve import Resolution, agreed, resolve_bot
from molthub.registry.resolving.noted import Asked, Noted, NotedNames, Notes
from molthub.registry.resolving.skill_choice import Chooser
from molthub.registry.trees.bot_folders import bot_file

_TOGETHER = 200
"""So many bots are written and remembered at once."""

_OF_FILES = frozenset({"broken", "dangling"})
"""The kinds of questions that a bot's own file may answer."""


@dataclass(frozen=True)
class _Read:
    """A bot whose file was read. ``reading`` holds what was found."""

    bot: Bot
    blob: str
    reading: Reading

    @property
    def home(self) -> str | None:
        """Where it lives, as ``<fleet>/<home>``; None for a pattern."""
        return None if self.bot.template else f"{self.bot.fleet}/{self.bot.home}"


class BotMaking:
    """Makes bots of one commit. ``fleets`` are those whose bots are others than before, ``packs`` whose holders are.

    ``catalog`` holds everything but bots.
    """

    def __init__(self, underway: Underway, catalog: Catalog, offered: OfferedOnDemand, answers: Answers) -> None:
        self._underway, self._state, self._answers = underway, underway.state.bots, answers
        self._notes = notes = Notes()
        self._broken, self._dangling = dict(catalog.broken), dict(catalog.dangling)
        self._catalog = replace(
            catalog,
            skills=NotedNames("skill", catalog.skills, notes),
            packs=Noted("pack", catalog.packs, notes),
            profiles=Noted("profile", catalog.profiles, notes),
            overlays=Noted("overlay", catalog.overlays, notes),
            fleets=Noted("fleet", catalog.fleets, notes),
            broken=Noted("broken", self._broken, notes),
            dangling=Noted("dangling", self._dangling, notes, dangling_key),
        )
        self._chooser, self._offered = Chooser(self._catalog, notes), Offered(offered, notes)
        self._texts = BotTexts()
        self._answered: dict[Asked, str] = {}
        self._reasons: dict[frozenset[Asked], int] = {}
        self._waiting: list[BotLine] = []
        self.fleets: set[str] = set()
        self.packs: set[str] = set()

    def make(self, listed: ListedBots) -> None:
        """Make the bots whose files changed, and all that would come out otherwise; forget those that are gone."""
        read = self._read_all(listed)
        for path in sorted(listed.gone):
            known = self._state.known(path)
            if known is not None:
                self.packs |= self._forget(path).keys()
                self._underway.stale.update((f"bots/{known.file}.json", f"bots/{path}.json"))
        for group in _by_home(read):
            self._make_group(group)
        self._keep()
        self._state.forget_reasons()

    # --- which --------------------------------------------------------------------------------------------------------

    def _read_all(self, listed: ListedBots) -> dict[str, _Read]:
        before = self._state.asked()
        others = self._answers.others(before)
        stale = self._state.having_asked(others) if others else set()
        self._state.answer(others)
        self._answered = before | others
        read = self._read(self._with_blobs(stale - listed.gone - listed.blobs.keys()) | listed.blobs)
        left = self._state.count() - len(listed.gone)
        if left > len(read) - len(listed.blobs):
            homes = {one.home for one in read.values()}
            homes |= {known.home for path in {*read, *listed.gone} if (known := self._state.known(path)) is not None}
            more = {path for home in homes if home is not None for path in self._state.at_home(home)}
            read |= self._read(self._with_blobs(more - listed.gone - read.keys()))
        return read

    def _with_blobs(self, paths: Iterable[str]) -> dict[str, str]:
        known = {path: self._state.known(path) for path in paths}
        return {path: found.blob for path, found in known.items() if found is not None}

    def _read(self, blobs: Mapping[str, str]) -> dict[str, _Read]:
        there = {bot_file(path): blob for path, blob in blobs.items() if blob != REFUSED}
        refused = [bot_file(path) for path, blob in blobs.items() if blob == REFUSED]
        part = self._underway.source.these(there, refused)
        found: dict[str, _Read] = {}
        for path, blob in sorted(blobs.items()):
            reading = Reading(part)
            found[path] = _Read(read_bot(reading, *path.split("/")), blob, reading)
            self._broken |= reading.broken
        return found

    # --- made ---------------------------------------------------------------------------------------------------------

    def _make_group(self, group: Mapping[str, _Read]) -> None:
        """Make the bots of one home."""
        asked: dict[str, frozenset[Asked]] = {}
        resolutions: dict[str, Resolution] = {}
        dangling: dict[str, Iterable[Problem]] = {}
        for path, one in group.items():
            (dangling[path], resolutions[path]), asked[path] = self._notes.gathered(partial(self._resolve, one))
        for path, resolution in agreed(resolutions).items():
            made, more = self._notes.gathered(partial(self._made, resolution))
            one = group[path]
            problems = (*one.reading.problems, *dangling[path], *made.problems)
            self._take(BotLine(made, one.blob, self._reason(one, asked[path] | more), one.home, problems))

    def _resolve(self, one: _Read) -> tuple[Iterable[Problem], Resolution]:
        found = judge_bot(one.reading, self._catalog)
        self._dangling |= found
        return found.values(), resolve_bot(self._catalog, one.bot, self._chooser)

    def _made(self, resolution: Resolution) -> MadeBot:
        return made_bot(self._catalog, resolution, self._offered, self._texts, self._underway.wanted.views)

    def _reason(self, one: _Read, asked: frozenset[Asked]) -> int:
        """Return the id of what a bot asked of others: what its own file answers follows from its blob."""
        theirs = frozenset(found for found in asked if found.kind not in _OF_FILES or not _is_own(one.bot, found))
        if theirs not in self._reasons:
            new = {question: self._answers.to(question) for question in theirs if question not in self._answered}
            self._state.answer(new)
            self._answered |= new
            self._reasons[theirs] = self._state.reason(theirs)
        return self._reasons[theirs]

    # --- remembered ---------------------------------------------------------------------------------------------------

    def _take(self, line: BotLine) -> None:
        made = line.made
        known = None if self._underway.whole else self._state.known(made.path)
        before = self._forget(made.path) if known is not None else {}
        if known is not None and known.file != made.file:
            self._underway.stale.add(f"bots/{known.file}.json")
        self.fleets.add(made.fleet)
        self.packs |= {pack for pack, _row in before.items() ^ made.packs.items()}
        self._waiting.append(line)
        if len(self._waiting) >= _TOGETHER:
            self._keep()

    def _forget(self, path: str) -> dict[str, bytes]:
        """Forget a bot; return its rows in lists of packs."""
        before = self._state.packs_of(path)
        self._state.drop(path)
        self.fleets.add(path.partition("/")[0])
        return before

    def _keep(self) -> None:
        self._state.put(self._waiting)
        files: Files = {}
        for line in self._waiting:
            files |= line.made.files
        self._underway.write(files)
        self._waiting.clear()


def _by_home(read: Mapping[str, _Read]) -> Iterator[Mapping[str, _Read]]:
    """Yield the bots of each home, by their paths in order; patterns, which have none, by themselves."""
    homes: dict[str | None, dict[str, _Read]] = {}
    for path, one in sorted(read.items()):
        if one.home is None:
            yield {path: one}
        else:
            homes.setdefault(one.home, {})[path] = one
    yield from homes.values()


def _is_own(bot: Bot, question: Asked) -> bool:
    if question.kind == "broken":
        return question.key == f"bot/{bot.path}"
    return question.kind == "dangling" and question.key.startswith((f"{bot.file}:", f"{bot.file}\n"))
