"""What bots' skills need of the machine they run on, and their servers of its secrets: which bot lacks what.

The index says what is needed (:class:`molthub.model.Needs`); only the machine can say what is there. Nothing that is
missing keeps a bot from being brought in sync: it is told before anything is applied.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from molthub.errors import MolthubError, Problem
from molthub.model import DesiredState, Needs
from molthub.platforms.json_document import JsonDocument
from molthub.platforms.pitfalls import Pitfall
from molthub.references.openclaw_settings import SETTINGS_FILE, setting_holds
from molthub.secrets.assemble import resolver_for
from molthub.secrets.resolver import Missing
from molthub.secrets.settings import Settings
from molthub.secrets.spoiled import pitfalls_of, spoiled
from molthub.secrets.uses import by_secret, uses
from molthub_reconciler.surroundings import ReadFile, Unmet

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


class Machine(Protocol):
    """The machine that bots run on, as far as skills ask."""

    system: str
    """``linux``, ``macos``, ``windows``, or another's own name."""

    def has(self, program: str) -> bool:
        """Whether a program is found on the PATH."""
        ...

    def missing(self, bot: str, secrets: frozenset[str]) -> Mapping[str, Missing]:
        """Return which of a bot's secrets do not resolve. Raises :class:`MolthubError` where nobody can be asked."""
        ...

    def pitfalls(self, bot: str, secret: str) -> Collection[Pitfall]:
        """Return the kinds that a secret's value is of, once :meth:`missing` has looked for it."""
        ...


@dataclass(slots=True)
class ThisMachine:
    """The machine that this runs on, for the user who runs it. What was looked up once is not looked up again."""

    settings: Settings
    system: str = _SYSTEMS.get(sys.platform, sys.platform)
    _programs: dict[str, bool] = field(default_factory=dict)
    _secrets: dict[str, dict[str, Missing | None]] = field(default_factory=dict)
    _pitfalls: dict[tuple[str, str], Collection[Pitfall]] = field(default_factory=dict)

    def has(self, program: str) -> bool:
        """Whether a program is found on the PATH."""
        if program not in self._programs:
            from shutil import which

            self._programs[program] = which(program) is not None
        return self._programs[program]

    def missing(self, bot: str, secrets: frozenset[str]) -> Mapping[str, Missing]:
        """Ask the providers for what was not asked yet; values are forgotten at once."""
        who = self._who(bot)
        known = self._secrets.setdefault(who, {})
        unknown = sorted(secrets - known.keys())
        if unknown:
            resolved = resolver_for(self.settings, bot).resolve(unknown)
            known |= {name: resolved.missing.get(name) for name in unknown}
            self._pitfalls |= {(who, name): pitfalls_of(value) for name, value in resolved.values.items()}
        return {name: missing for name in sorted(secrets) if (missing := known[name]) is not None}

    def pitfalls(self, bot: str, secret: str) -> Collection[Pitfall]:
        """Return the kinds that a secret's value is of."""
        return self._pitfalls.get((self._who(bot), secret), ())

    def _who(self, bot: str) -> str:
        return bot if self.settings.tells_bots_apart else ""


def unmet_on_this_machine(warn: Callable[[str], None]) -> Unmet:
    """Return what says what a bot lacks here, for the user who asks. What is wrong with his settings is told."""
    machine = this_machine(warn)
    return lambda state, read: unmet_here(state, machine, read)


def this_machine(warn: Callable[[str], None]) -> ThisMachine:
    """Return the machine as the user who asks has set it up. What is wrong with his settings is told."""
    from molthub.secrets.read_settings import read_settings

    try:
        settings = read_settings()
    except MolthubError as error:
        warn(f"{error}{f' ({error.remedy})' if error.remedy else ''}: secrets are looked for as without it")
        settings = Settings()
    return ThisMachine(settings)


def unmet_here(state: DesiredState, machine: Machine, read: ReadFile = lambda _file: None) -> tuple[Problem, ...]:
    """Return a warning for each thing that a bot lacks on its machine; ``read`` gives the files of its home."""
    return (*_of_skills(state, machine), *_of_settings(state, read), *_of_secrets(state, machine))


def _of_skills(state: DesiredState, machine: Machine) -> Iterator[Problem]:
    numbers = {artifact.name: artifact.version for artifact in state.skills.values()}
    for name, needs in sorted(state.needs.items()):
        who = _who(state, name, numbers.get(name))
        yield from _of_programs(who, needs, machine)
        if needs.systems and machine.system not in needs.systems:
            made_for = " or ".join(needs.systems)
            remedy = "take the skill away from bots on this machine, or attach it `when` their labels say so"
            yield _warning("MH733", f"{who} is made for {made_for}, and this is {machine.system}", remedy)


def _who(state: DesiredState, name: str, number: str | None) -> str:
    """Return a skill with its version and where it was attached, for people."""
    origins = state.origins.get(f"skill/{name}", ())
    return f"{name}{f'@{number}' if number else ''}{f' ({origins[0].at})' if origins else ''}"


def _of_settings(state: DesiredState, read: ReadFile) -> Iterator[Problem]:
    """Judge the settings of OpenClaw that skills require, by its own file; other programs have none."""
    wanted = {name: needs.settings for name, needs in sorted(state.needs.items()) if needs.settings}
    if state.platform != "openclaw" or not wanted:
        return
    try:
        settings = JsonDocument((read(SETTINGS_FILE) or b"{}").decode(), "json5").value
    except ValueError:  # what is wrong with the file is told by whoever writes to it
        return
    numbers = {artifact.name: artifact.version for artifact in state.skills.values()}
    for name, paths in wanted.items():
        for path in paths:
            if setting_holds(settings, path) is False:
                message = (
                    f"{_who(state, name, numbers.get(name))} requires the setting {path}, which does not hold here"
                )
                yield _warning("MH741", message, f"openclaw config set {path} ..., or take the skill away")


def _of_programs(who: str, needs: Needs, machine: Machine) -> Iterator[Problem]:
    for program in needs.bins:
        if not machine.has(program):
            message = f"{who} needs the program {program}, which is not on the PATH here"
            yield _warning("MH732", message, _to_install(needs, (program,)))
    for group in needs.any_bins:
        if not any(map(machine.has, group)):
            names = " or ".join(group)
            message = f"{who} needs one of the programs {names}, none is on the PATH here"
            yield _warning("MH732", message, _to_install(needs, group))


def _to_install(needs: Needs, programs: Collection[str]) -> str:
    """Return what to do about programs that are missing, of which one is enough."""
    lines = list(dict.fromkeys(line for program, line in needs.installs if program in programs))
    by = f" (its author says: {' or '.join(lines)})" if lines else ""
    return f"install it where the bot runs{by}, or take the skill away"


def _of_secrets(state: DesiredState, machine: Machine) -> Iterator[Problem]:
    needed = by_secret(uses(state.desired, state.origins))
    try:
        missing = machine.missing(state.path, frozenset(needed)) if needed else {}
    except MolthubError as error:
        yield _warning("MH731", error.message, error.remedy)
        return
    for name, why in missing.items():
        keys = ", ".join(dict.fromkeys(use.key for use in needed[name]))
        message = f"secret {name} does not resolve, which {keys} needs: {why.reason}"
        yield _warning("MH731", message, why.remedy or "molthub secrets check")
    kinds = {name: machine.pitfalls(state.path, name) for name in needed}
    yield from spoiled(state.platform, state.agent, state.desired, kinds)


def _warning(problem: str, message: str, remedy: str) -> Problem:
    return Problem(problem, message, remedy, severity="warning")
