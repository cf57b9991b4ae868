"""Reading the homes of bots for `molthub adopt`: which programs and agents they have, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.cli.committing import Editing
from molthub.console import Console
from molthub.errors import MolthubError, UsageError

if TYPE_CHECKING:
    from molthub.adopting.adopted import Adopted
    from molthub.adopting.home import Left
    from molthub.adopting.literals import Judged
    from molthub.registry.catalog import Catalog
    from molthub.registry.source import Source

AUTO = "auto"


class HomeReader:
    """Reads homes one by one: what is wrong with one stops no other."""

    def __init__(self, editing: Editing, fleet: str, program: str, judged: Judged) -> None:
        from molthub.registry.catalog import read_catalog

        self._registry, self._fleet, self._program, self._judged = editing.registry, fleet, program, judged
        self._declared = read_catalog(editing.checkout.source).bots
        self.refused: dict[str, MolthubError] = {}
        self._read: list[tuple[Adopted, Path]] = []
        self._bots: list[Adopted] = []

    def read(self, console: Console, folders: Sequence[Path], name: str | None) -> None:
        """Read every home."""
        with console.progress("reading homes", len(folders)) as done:
            for folder in folders:
                try:
                    self._read += self._bots_of(folder, name)
                except MolthubError as error:
                    self.refused[f"{self._fleet}/{name or _home_name(folder)}"] = error
                done(1)
        empty = [bot.path for bot, _ in self._read if not bot.read.keys and not bot.left]
        for path in empty if len(self._read) > len(empty) else ():
            console.say(f"{path} has no servers or variables of its own")

    def _bots_of(self, folder: Path, name: str | None) -> Iterator[tuple[Adopted, Path]]:
        from molthub.adopting.adopted import Adopted
        from molthub.adopting.home import read_home
        from molthub.adopting.homes import agents_of, bot_names, for_agent, programs_of
        from molthub.platforms import platform

        home = _home_name(folder)
        programs = (self._program,) if self._program != AUTO else programs_of(folder)
        if not programs:
            remedy = "name it with --platform, or give the folder that the bot has as HOME"
            raise UsageError("no program's files are in this home", place=str(folder), remedy=remedy)
        for program in programs:
            adapter = platform(program)
            first = f"{self._fleet}/{bot_names(name or home, programs, program, '')}"
            read = read_home(folder, adapter, self._judged, is_copy=first not in self._declared)
            keeps = any(source.kind == "env" for source in adapter.sources("main"))
            for agent in agents_of(folder, adapter):
                bot_name = bot_names(name or home, programs, program, agent.name)
                bot = Adopted(self._fleet, bot_name, home, program, read, {}, keeps_variables=keeps)
                told = tuple(self._copied_from(folder, bot))
                yield for_agent(bot, agent, told), folder / adapter.skills_root(agent.name or "main")

    def _copied_from(self, folder: Path, bot: Adopted) -> Iterator[Left]:
        """Yield a word on every bot of another home that molthub's file in this home names: it is a copy of that."""
        from molthub.adopting.home import Left, bots_named

        for other in bots_named(folder):
            known = self._declared.get(other)
            if known is not None and (known.fleet, known.home) != (bot.fleet, bot.home):
                reason = f"it is a copy of the home of {other}, which its .agents/molthub.json still names"
                yield Left("home", reason, f"take {other} out of `bots` there, so that nothing takes its secrets here")

    def unknown_skills(self) -> list[Path]:
        """Return every skill folder of every home whose skills are brought to where they stand."""
        from molthub.adopting.skills import skill_folders

        return [path for bot, root in self._read if not bot.skills_are_elsewhere for path in skill_folders(root)]

    def know_skills(self, catalog: Catalog, source: Source) -> None:
        """Look up the skills of every bot."""
        from dataclasses import replace

        from molthub.adopting.skills import read_skills

        for bot, root in self._read:
            if bot.skills_are_elsewhere:
                self._bots.append(bot)
                continue
            skills, left = read_skills(root, catalog, source, self._registry)
            self._bots.append(replace(bot, skills=skills, left=(*bot.left, *left)))

    def agreeing(self) -> list[Adopted]:
        """Return the bots that may be declared together; what is wrong with others is in ``refused``."""
        from molthub.adopting.homes import agreeing, without_twins

        bots, twins = without_twins(self._bots)
        bots, others = agreeing(bots)
        self.refused |= twins | others
        return bots


def _home_name(folder: Path) -> str:
    from molthub.registry.authoring.mend import slug

    return slug(folder.resolve().name)[:63].strip("-") or "bot"
