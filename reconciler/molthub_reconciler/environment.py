"""What bots' skills need of the machine they run on, and their servers of its secrets: which bot lacks what.

The index says what is needed (:class:`molthub.model.Needs`); only the machine can say what is there. Nothing that is
missing keeps a bot from being brought in sync: it is told before anything is applied.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from molthub.errors import MolthubError, Problem
from molthub.model import DesiredState, Needs
from molthub.secrets.assemble import resolver_for
from molthub.secrets.resolver import Missing
from molthub.secrets.settings import Settings
from molthub.secrets.uses import by_secret, uses

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


@dataclass(slots=True)
class ThisMachine:
    """The machine that this runs on, for the user who runs it. What was looked up once is not looked up again."""

    settings: Settings
    system: str = _SYSTEMS.get(sys.platform, sys.platform)
    _programs: dict[str, bool] = field(default_factory=dict)
    _secrets: dict[str, dict[str, Missing | None]] = field(default_factory=dict)

    def has(self, program: str) -> bool:
        """Whether a program is found on the PATH."""
        if program not in self._programs:
            from shutil import which

            self._programs[program] = which(program) is not None
        return self._programs[program]

    def missing(self, bot: str, secrets: frozenset[str]) -> Mapping[str, Missing]:
        """Ask the providers for what was not asked yet; values are forgotten at once."""
        who = bot if self.settings.tells_bots_apart else ""
        known = self._secrets.setdefault(who, {})
        unknown = sorted(secrets - known.keys())
        if unknown:
            resolved = resolver_for(self.settings, bot).resolve(unknown)
            known |= {name: resolved.missing.get(name) for name in unknown}
        return {name: missing for name in sorted(secrets) if (missing := known[name]) is not None}


Unmet = Callable[[DesiredState], tuple[Problem, ...]]
"""Says what a bot lacks where it runs."""


def unmet_on_this_machine(warn: Callable[[str], None]) -> Unmet:
    """Return what says what a bot lacks here, for the user who asks. What is wrong with his settings is told."""
    machine = this_machine(warn)
    return lambda state: unmet_here(state, machine)


def this_machine(warn: Callable[[str], None]) -> ThisMachine:
    """Return the machine as the user who asks has set it up. What is wrong with his settings is told."""
    from molthub.secrets.read_settings import read_settings

    try:
        settings = read_settings()
    except MolthubError as error:
        warn(f"{error}{f' ({error.remedy})' if error.remedy else ''}: secrets are looked for as without it")
        settings = Settings()
    return ThisMachine(settings)


def unmet_here(state: DesiredState, machine: Machine) -> tuple[Problem, ...]:
    """Return a warning for each thing that a bot lacks on its machine."""
    return (*_of_skills(state, machine), *_of_secrets(state, machine))


def _of_skills(state: DesiredState, machine: Machine) -> Iterator[Problem]:
    numbers = {artifact.name: artifact.version for artifact in state.skills.values()}
    for name, needs in sorted(state.needs.items()):
        who = f"{name}@{numbers[name]}" if name in numbers else name
        origins = state.origins.get(f"skill/{name}", ())
        at = f" ({origins[0].at})" if origins else ""
        yield from _of_programs(f"{who}{at}", needs, machine)
        if needs.systems and machine.system not in needs.systems:
            made_for = " or ".join(needs.systems)
            remedy = "take the skill away from bots on this machine, or attach it `when` their labels say so"
            yield _warning("MH733", f"{who}{at} is made for {made_for}, and this is {machine.system}", remedy)


def _of_programs(who: str, needs: Needs, machine: Machine) -> Iterator[Problem]:
    remedy = "install it where the bot runs, or take the skill away"
    for program in needs.bins:
        if not machine.has(program):
            yield _warning("MH732", f"{who} needs the program {program}, which is not on the PATH here", remedy)
    for group in needs.any_bins:
        if not any(map(machine.has, group)):
            names = " or ".join(group)
            yield _warning("MH732", f"{who} needs one of the programs {names}, none is on the PATH here", remedy)


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


def _warning(problem: str, message: str, remedy: str) -> Problem:
    return Problem(problem, message, remedy, severity="warning")
