"""From a bot's desired state to what its files should hold: D of the plan, place by place.

The agent program's adapter (:mod:`molthub.platforms`) says where each key stands and in which form. A key that the
program cannot hold is refused with a problem (MH707), and the others go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from molthub.errors import PlatformValueError, Problem
from molthub.model import DesiredState, Json
from molthub.platforms.base import MANIFEST_FILE, Entry, Platform, Wiring
from molthub.references.secrets import shared_references
from molthub_reconciler.difference import fingerprint
from molthub_reconciler.plan import Place, Wanted


@dataclass(frozen=True, slots=True)
class WantedBot:
    """What one bot's files should hold.

    ``keys`` are D. ``contents`` is what to write at a place of configuration, in the program's own form, and
    ``compared`` what is looked for there: without first values of fields that are the owner's. ``refused`` are the
    keys that the program cannot hold, and ``problems`` says why. ``withheld`` are keys that the bot is not to have
    although they are declared, by policy.
    """

    keys: Mapping[str, Wanted] = field(default_factory=dict)
    contents: Mapping[Place, Json] = field(default_factory=dict)
    compared: Mapping[Place, Json] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    withheld: frozenset[str] = frozenset()

    def without(self, keys: Collection[str]) -> WantedBot:
        """Return the same with ``keys`` withheld."""
        held = {key: want for key, want in self.keys.items() if key not in keys}
        return replace(self, keys=held, withheld=self.withheld | self.keys.keys() - held.keys())


def wanted(state: DesiredState, platform: Platform) -> WantedBot:
    """Return what ``state`` means in the files of ``platform``."""
    contents: dict[Place, Json] = {}
    compared: dict[Place, Json] = {}
    keys: dict[str, Wanted] = {}
    problems: list[Problem] = []
    wiring = _wiring(state, platform, contents)
    skills = tuple((key, value) for key, value in state.desired.items() if key.startswith("skill/"))
    settings = {key: value for key, value in state.desired.items() if not key.startswith("skill/")}
    shared = shared_references(settings)
    problems += shared.values()
    for key, value in settings.items():
        if key in shared:
            continue
        kind = key.partition("/")[0]
        try:
            entries = platform.entries(state.agent, key, value)
        except PlatformValueError as error:
            problems += error.problems
            continue
        contents |= {Place(entry.file, entry.pointer): entry.value for entry in entries}
        looked_for = {Place(entry.file, entry.pointer): _without_owners(platform, entry) for entry in entries}
        compared |= looked_for
        places = {place: fingerprint(value) for place, value in looked_for.items()}
        # What overrides a key is compared with the program's own form of it: the first entry.
        first = next(iter(places.values()))
        shadows = {Place(file, pointer): first for file, pointer in platform.shadows(state.agent, key, value)}
        keys[key] = Wanted(places, {**wiring.get(kind, {}), **wiring.get("", {})}, shadows)
    keys |= _wanted_skills(platform, state.agent, skills)  # type: ignore[arg-type] # adapters stand for themselves
    problems += _clashes(keys)
    return WantedBot(keys, contents, compared, frozenset(state.desired.keys() - keys.keys()), tuple(problems))


@lru_cache(maxsize=1024)  # bots of a fleet have the same skills
def _wanted_skills(platform: Platform, agent: str, skills: tuple[tuple[str, str], ...]) -> Mapping[str, Wanted]:
    """Return what each of ``skills`` (key and digest) means."""
    rivals = platform.searched(agent).rivals
    folders = {key: platform.skill_folder(agent, key.removeprefix("skill/")) for key, _ in skills}
    return {key: _wanted_skill(folders[key], digest, rivals) for key, digest in skills}


@lru_cache(maxsize=8192)
def _wanted_skill(folder: str, digest: str, rivals: tuple[str, ...]) -> Wanted:
    name = folder.rpartition("/")[2]
    return Wanted({Place(folder): digest}, shadows={Place(f"{root}/{name}"): digest for root in rivals})


def _without_owners(platform: Platform, entry: Entry) -> Json:
    owners = platform.owners_fields(entry.file, entry.pointer)
    return {name: item for name, item in entry.value.items() if name not in owners} if owners else entry.value


def _wiring(state: DesiredState, platform: Platform, contents: dict[Place, Json]) -> dict[str, dict[Place, str]]:
    """Return the lines that keys of each kind need; under an empty kind those that all of them need."""
    found: dict[str, dict[Place, str]] = {}
    for line in _lines(state, platform):
        place = _place_of(line)
        contents[place] = line.value
        found.setdefault(line.kind, {})[place] = fingerprint(line.value)
    return found


def _lines(state: DesiredState, platform: Platform) -> Iterator[Wiring]:
    """Yield the platform's lines and, in the manifest, whose home it is: who reads it there asks for their secrets."""
    for line in platform.wiring(state.agent, state.desired):
        yield line
        if line.file == MANIFEST_FILE:
            yield Wiring(MANIFEST_FILE, ("bots", state.path), state.agent)


def _place_of(line: Wiring) -> Place:
    return Place(line.file, line.pointer, str(line.value) if line.listed else "")


def _clashes(keys: dict[str, Wanted]) -> list[Problem]:
    """Take out keys that want different things at one place, and say so."""
    if len({place for wanted_key in keys.values() for place in wanted_key.places}) == sum(
        len(wanted_key.places) for wanted_key in keys.values()
    ):
        return []
    holders: dict[Place, tuple[str, str]] = {}
    problems: list[Problem] = []
    for key, wanted_key in list(keys.items()):
        for place, what in wanted_key.places.items():
            other, same = holders.setdefault(place, (key, what))
            if same != what:
                message = f"{other} and {key} would both be at {place.file}"
                problems.append(Problem("MH208", message, "take one of them away from this bot"))
                keys.pop(key, None)
                keys.pop(other, None)
    return problems
