"""What to do about one bot: one comparison of what is desired, what is observed, and what we last wrote.

Of each key (``skill/git``, ``mcp/github``, ``env/LOG_LEVEL``, ``config/postgres``) three things are known:

* D, *desired*: how the key stands in the bot's files when all is well;
* O, *observed*: how it stands there now;
* R, the *receipt*: how we left it when we last wrote it.

A key takes one or more *places*: a skill's folder, or the pointers in the agent program's files. So each of D, O and R
maps places to *fingerprints* of what stands there; a key that is absent has none. They are compared like this:

======================================== ========== ========= ====================================================
D, O and R                               cause      action    meaning
======================================== ========== ========= ====================================================
O = D                                                         in sync (recorded, if the receipt says otherwise)
D without R, O absent                    declared   create    git asks for something new
D without R, O present and != D          conflict   keep      the owner has something there: never overwritten
R != D and O = R                         declared   update    git moved, the bot did not
R = D != O                               drifted    create or the bot moved, git did not: what is *missing* is
                                                    update    made, what is *modified* is put back
R != D, O != R, O != D                   both       update    both moved; what we once wrote is ours to correct
R without D, O absent                                         nothing is left (forgotten)
R without D and O = R                    declared   delete    git took it away (``keep`` where pruning is off)
R without D and O != R                   both       keep      git took it away, the owner edited it: the owner's now
neither D nor R                                               the owner's, never touched; skills are named as *extra*
======================================== ========== ========= ====================================================

A skill that is as it should be is a *conflict* all the same, where the program uses another of its name instead, or may
(a *rival*): nothing is done about that, either.

Some keys are told more of than that. What stands in a file that cannot be read is *unreadable*: nothing is known of the
key, so nothing is done. A skill whose version was withdrawn is *revoked*. A key whose secret has another version than
when the bot was last told is *secret-rotated*. And what is modified may be *stale*: exactly an earlier version.

Drift is therefore no second algorithm: it is the plan, filtered by cause. Nothing here depends on earlier plans: each
pass compares the whole, and may be stopped and repeated at any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, NamedTuple

Action = Literal["create", "update", "delete", "keep"]
Cause = Literal["declared", "drifted", "both", "conflict"]
Drift = Literal["missing", "modified", "stale", "extra", "revoked", "secret-rotated", "unreadable"]


class Place(NamedTuple):
    """Where something stands in a bot's home.

    A skill's place is its folder: ``file`` alone. Everything else stands in a file of the agent program at
    ``pointer``; with ``item`` it is not the value there, but that one item of the list there.
    """

    file: str
    pointer: tuple[str, ...] = ()
    item: str = ""


Standing = Mapping[Place, str]
"""What stands where: fingerprints by place. Absence is having no fingerprint."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """D of one key.

    ``places`` are the key's own, first the one that reports show. ``wiring`` are lines that the agent program needs
    to read them and that keys share. ``shadows`` are places of the owner that override the key where something else
    than the given fingerprint stands there: what a skill's program takes in its place, or may.
    """

    places: Standing
    wiring: Standing = field(default_factory=dict)
    shadows: Standing = field(default_factory=dict)

    @property
    def all(self) -> Standing:
        """Own places, then wiring."""
        return {**self.places, **self.wiring} if self.wiring else self.places

    @property
    def overrides(self) -> Standing:
        """The shadows of configuration. While one is in effect, the key's own places are left as they are."""
        return {place: same for place, same in self.shadows.items() if place.pointer} if self.shadows else {}


@dataclass(frozen=True, slots=True)
class Written:
    """R of one key. ``writing`` is what a pass set out to write, as long as it has not said that it did.

    A pass that was killed in between may have left either at each place, or nothing.
    """

    places: Standing
    writing: Standing | None = None

    def left(self, place: Place, fingerprint: str | None) -> bool:
        """Whether we may have left ``fingerprint`` (None: nothing) at ``place``."""
        if fingerprint == self.places.get(place):
            return True
        return self.writing is not None and fingerprint in (None, self.writing.get(place))

    def seen(self, observed: Standing) -> Standing:
        """Return what we left; where a writing was cut off, ``observed`` tells what of it there is."""
        if self.writing is None:
            return self.places
        return {
            place: observed[place]
            for place in self.all_places
            if place in observed and self.left(place, observed[place])
        }

    @property
    def all_places(self) -> tuple[Place, ...]:
        """Every place that may hold something of ours."""
        return tuple(self.places) if self.writing is None else tuple({**self.places, **self.writing})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference and what a pass does about it. ``at`` is the first place that differs."""

    key: str
    action: Action
    cause: Cause
    at: Place
    drift: Drift | None = None
    write: tuple[Place, ...] = ()
    remove: tuple[Place, ...] = ()

    @property
    def is_extra(self) -> bool:
        """Whether this only names something of the owner's; then the bot is in sync all the same."""
        return self.drift == "extra"

    @property
    def is_told(self) -> bool:
        """Whether this only tells of a skill that was withdrawn, and that policy leaves where it is."""
        return self.drift == "revoked" and self.action == "keep"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about one bot, and what the receipt has to learn although nothing is to be done.

    ``rivals`` are skills in place of which another of their name is used, or may be, and where that is.
    """

    changes: tuple[Change, ...] = ()
    record: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    rivals: Mapping[str, Place] = field(default_factory=dict)

    @property
    def in_sync(self) -> bool:
        """Whether the bot has all that is desired, and nothing of what once was."""
        return all(change.is_extra or change.is_told for change in self.changes)


@dataclass(frozen=True, slots=True)
class Signs:
    """What else is known of a bot. ``unreadable`` are files and folders; the others are keys.

    ``revoked`` are skills that are not to be had any more: those that are desired all the same are told, the others go.
    The secrets of ``rotated`` keys have changed since the bot was last told.
    """

    unreadable: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()
    rotated: frozenset[str] = frozenset()


Mates = Callable[[Place], frozenset[str]]
"""What other bots that live in the same home left at a place: neither the owner's nor this bot's alone."""


def no_mates(_place: Place) -> frozenset[str]:
    """Say that nobody else lives here."""
    return frozenset()


def plan(
    desired: Mapping[str, Wanted],
    observed: Standing,
    receipt: Mapping[str, Written],
    *,
    prune: bool = True,
    skills: Mapping[str, Place] | None = None,
    mates: Mates = no_mates,
    signs: Signs | None = None,
    reserved: frozenset[Place] = frozenset(),
) -> Plan:
    """Compare D, O and R of one bot.

    ``observed`` holds what stands at every place of D and R. ``skills`` are the skill folders found in the bot's
    home, whoever made them. ``reserved`` are places of keys that are not compared:
    nothing is taken away there.
    """
    if not (observed or receipt or skills or (signs is not None and signs.unreadable)):
        return _all_new(desired)
    signs = signs or Signs()
    in_use = reserved.union(place for wanted in desired.values() for place in wanted.all)
    sight = _Sight(observed, in_use, mates)
    blind = _blind(desired, receipt, signs.unreadable)
    gone = {key: written for key, written in receipt.items() if key not in desired and key not in blind}
    kept = {key for key, written in gone.items() if not prune or sight.was_edited(written)}
    # What a kept key takes stays, also where another key that goes would take it along.
    sight_of_gone = _Sight(observed, in_use.union(*(gone[key].all_places for key in kept)), mates)

    rivals = _rivals(desired, receipt, sight)
    verdicts: dict[str, Change | None] = {
        key: Change(key, "keep", "drifted", place, "unreadable") for key, place in blind.items()
    }
    for key, wanted in desired.items():
        if key not in blind:
            verdict = _declared(key, wanted, receipt.get(key), sight)
            if verdict is None and key in rivals:
                verdict = Change(key, "keep", "conflict", rivals[key])
            verdicts[key] = _sign(key, wanted, signs) if verdict is None else verdict
    for key, written in gone.items():
        verdict = _kept(key, written, sight) if key in kept else _undeclared(key, written, sight_of_gone)
        is_revoked = verdict is not None and key in signs.revoked
        verdicts[key] = replace(verdict, drift="revoked") if verdict is not None and is_revoked else verdict
    changes = [change for change in verdicts.values() if change is not None]
    changes += _extras(skills or {}, desired, receipt, mates)
    settled = [key for key, change in verdicts.items() if change is None or change.at == rivals.get(key)]
    return Plan(
        changes=tuple(sorted(changes, key=lambda change: change.key)),
        record=tuple(key for key in settled if key in desired and receipt.get(key) != Written(desired[key].all)),
        forget=tuple(key for key in settled if key not in desired),
        rivals=rivals,
    )


def _all_new(desired: Mapping[str, Wanted]) -> Plan:
    """Return the plan for a bot that has nothing, and to which nothing was ever written: everything is made."""
    return Plan(tuple(_new(key, tuple(desired[key].all)) for key in sorted(desired)))


@lru_cache(maxsize=8192)  # bots of a fleet get the same keys
def _new(key: str, places: tuple[Place, ...]) -> Change:
    return Change(key, "create", "declared", places[0], write=places)


def with_stale(found: Plan, observed: Standing, earlier: Mapping[str, Mapping[Place, frozenset[str]]]) -> Plan:
    """Return the plan in which what is exactly an ``earlier`` version of its key is *stale*, not modified."""

    def judged(change: Change) -> Change:
        known = earlier.get(change.key, {})
        standing = [place for place in change.write if place in observed]
        is_stale = standing and all(observed[place] in known.get(place, ()) for place in standing)
        return replace(change, drift="stale") if change.drift == "modified" and is_stale else change

    return replace(found, changes=tuple(judged(change) for change in found.changes))


def _blind(desired: Mapping[str, Wanted], receipt: Mapping[str, Written], files: frozenset[str]) -> dict[str, Place]:
    """Return the keys of which something stands in a file that cannot be read, and where."""
    if not files:
        return {}
    places = {key: (*wanted.all, *wanted.overrides) for key, wanted in desired.items()}
    for key, written in receipt.items():
        places[key] = (*places.get(key, ()), *written.all_places)
    found = {key: next((place for place in there if place.file in files), None) for key, there in places.items()}
    return {key: place for key, place in found.items() if place is not None}


def _rivals(desired: Mapping[str, Wanted], receipt: Mapping[str, Written], sight: _Sight) -> dict[str, Place]:
    """Return the skills in place of which something is used, or may be, that no bot put there, and where that is."""
    found: dict[str, Place] = {}
    for key, wanted in desired.items():
        ours = receipt[key].all_places if wanted.shadows and key in receipt else ()
        for place, same in wanted.shadows.items():
            is_other = not place.pointer and sight.observed.get(place, same) != same and place not in ours
            if is_other and sight.is_strange(place):
                found.setdefault(key, place)
    return found


def _sign(key: str, wanted: Wanted, signs: Signs) -> Change | None:
    """Judge a key that is as it should be. None: there is nothing to tell of it."""
    place = next(iter(wanted.places))
    if key in signs.revoked:
        return Change(key, "keep", "declared", place, "revoked")
    if key in signs.rotated:
        return Change(key, "update", "drifted", place, "secret-rotated")
    return None


@dataclass(frozen=True, slots=True)
class _Sight:
    """O, together with who else uses the places: other desired keys, other bots of the home."""

    observed: Standing
    in_use: frozenset[Place]
    mates: Mates

    def is_strange(self, place: Place) -> bool:
        """Whether something stands there that no bot put there."""
        return place in self.observed and self.observed[place] not in self.mates(place)

    def was_edited(self, written: Written) -> bool:
        """Whether the owner put something at one of our places."""
        return any(
            self.is_strange(place) and not written.left(place, self.observed[place])
            for place in written.all_places
            if place not in self.in_use
        )

    def leftovers(self, written: Written, target: Standing) -> tuple[Place, ...]:
        """Return where something of ours still stands that neither ``target`` nor anybody else uses."""
        return tuple(
            place
            for place in written.all_places
            if place in self.observed
            and place not in target
            and place not in self.in_use
            and not self.mates(place)
            and written.left(place, self.observed[place])
        )


def _declared(key: str, wanted: Wanted, written: Written | None, sight: _Sight) -> Change | None:
    """Judge a key that is desired. None: in sync."""
    observed, target = sight.observed, wanted.all
    shadow = next((place for place, same in wanted.overrides.items() if observed.get(place, same) != same), None)
    if shadow is not None:
        return Change(key, "keep", "conflict", shadow)
    if written is None and observed.keys().isdisjoint(target):
        return _new(key, tuple(target))
    write = tuple(place for place, fingerprint in target.items() if observed.get(place) != fingerprint)
    remove = sight.leftovers(written, target) if written else ()
    if not write and not remove:
        return None
    at = (*write, *remove)[0]
    cause = _cause(write, target, written, sight)
    if cause == "conflict":
        return Change(key, "keep", "conflict", at)
    present = any(place in observed for place in (*wanted.places, *remove))
    drift: Drift | None = None if cause == "declared" else "modified" if present else "missing"
    return Change(key, "update" if present else "create", cause, at, drift, write, remove)


def _cause(write: tuple[Place, ...], target: Standing, written: Written | None, sight: _Sight) -> Cause:
    """Say who moved, for a key whose places ``write`` differ from what is desired."""
    ours = written.all_places if written else ()
    if any(sight.is_strange(place) for place in write if place not in ours):
        return "conflict"
    if written is None or all(written.left(place, sight.observed.get(place)) for place in ours):
        return "declared"
    if written != Written(target):
        return "both"
    # Two bots of one home that want different things would otherwise undo each other for ever.
    contested = any(place in sight.observed and not sight.is_strange(place) for place in write)
    return "conflict" if contested else "drifted"


def _undeclared(key: str, written: Written, sight: _Sight) -> Change | None:
    """Judge a key that we wrote, that is desired no more and that nobody touched. None: nothing of it is left."""
    remove = sight.leftovers(written, {})
    return Change(key, "delete", "declared", remove[0], remove=remove) if remove else None


def _kept(key: str, written: Written, sight: _Sight) -> Change | None:
    """Judge a key that is desired no more and stays. None: nothing of it is left."""
    left = [place for place in written.all_places if place in sight.observed and place not in sight.in_use]
    if not left:
        return None
    if sight.was_edited(written):
        return Change(key, "keep", "both", left[0], "modified")
    return Change(key, "keep", "declared", left[0])


def _extras(
    skills: Mapping[str, Place], desired: Mapping[str, Wanted], receipt: Mapping[str, Written], mates: Mates
) -> Iterator[Change]:
    """Name the skills that neither git nor we put there."""
    known = {place for wanted in desired.values() for place in wanted.places}
    known |= {place for written in receipt.values() for place in written.all_places}
    # of one that is ours, another in a folder of others is a rival, or never taken
    ours = {place.file.rpartition("/")[2] for place in known if not place.pointer}
    for key, place in skills.items():
        if place.file.rpartition("/")[2] not in ours and not mates(place):
            yield Change(key, "keep", "drifted", place, "extra")
