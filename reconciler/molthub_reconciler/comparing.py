"""Looking at one bot and comparing: what its files should hold, by document and by policy, with what they do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from molthub.documents import tree_digest
from molthub.key_patterns import KeyRules
from molthub.model import DesiredState, FileEntry, Json
from molthub.platforms.base import Platform
from molthub.references.secrets import placeholders
from molthub_reconciler.difference import NOTHING, fingerprint
from molthub_reconciler.findings import Look, shown_changes
from molthub_reconciler.plan import Mates, Place, Plan, Signs, Wanted, Written, no_mates, plan, with_stale
from molthub_reconciler.policy.ignored import with_files_of, with_parts_of
from molthub_reconciler.policy.policy import Policy
from molthub_reconciler.records.receipt import Receipt
from molthub_reconciler.supply.releases import Withdrawn
from molthub_reconciler.surroundings import Surroundings
from molthub_reconciler.targets.base import Home, Observed
from molthub_reconciler.wanted import WantedBot, wanted

_STATE_KEY = re.compile(r"skill/[A-Za-z0-9@_./-]{1,200}\Z")


@dataclass(slots=True)
class Comparing:
    """One bot and all that bears upon the comparison. ``base`` is what its files should hold by its document alone.

    ``revoked`` are keys of skills that were withdrawn, ``secrets`` the present versions of the bot's secrets, and
    ``rotated`` the names of those that changed.
    """

    around: Surroundings
    desired: DesiredState
    platform: Platform
    home: Home
    policy: Policy
    base: WantedBot
    revoked: Mapping[str, Withdrawn] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    rotated: frozenset[str] = frozenset()
    documents: dict[str, DesiredState | None] = field(default_factory=dict)

    def learn(self, receipt: Receipt) -> None:
        """Find out what was withdrawn, and which secrets have changed."""
        if self.around.releases is not None and self.desired.skills:
            withdrawn = self.around.releases.withdrawn(self.desired.skills)
            digests = self.desired.desired.items() if withdrawn else ()
            self.revoked = {
                key: withdrawn[digest] for key, digest in digests if key.startswith("skill/") and digest in withdrawn
            }
            if self.desired.sync.revoked == "remove":
                self.base = self.base.without(self.revoked)
        if self.around.secrets is not None:
            names = placeholders(dict(self.desired.desired))
            self.secrets = dict(self.around.secrets.versions(self.home.bot, names)) if names else {}
            told = receipt.secrets
            self.rotated = frozenset(name for name, now in self.secrets.items() if told.get(name, now) != now)

    def unlearn(self, receipt: Receipt) -> None:
        """Take out of the secrets that have changed those that the bot was told of since."""
        if self.rotated:
            told = receipt.secrets
            self.rotated = frozenset(name for name in self.rotated if told.get(name) != self.secrets[name])

    # --- comparing ---------------------------------------------------------------------------------------------------

    def compare(self, receipt: Receipt) -> Look:
        """Look at the home and compare; in detail only when there is something to tell."""
        rules = self.policy.ignored
        own = {key for key in (*self.base.keys, *receipt.keys) if rules.of_key(key)} if rules.rules else set()
        known = {key: one for key, one in receipt.keys.items() if key not in self.base.refused and key not in own}
        asked = self.base.keys if not own else {key: want for key, want in self.base.keys.items() if key not in own}
        places = {place for want in asked.values() for place in (*want.all, *want.shadows)}
        places |= {place for written in known.values() for place in written.all_places}
        round_ = _Round(self, receipt, known, asked, frozenset(places), self._places_of(own, receipt))
        observed = self.around.target.observe(self.home, places, full=self.around.full)
        observed = round_.adjusted(observed)
        look = round_.look(observed, no_mates)
        if not look.plan.changes:
            return look
        mates = self.around.neighbours.mates(self.home.bot, self.home.folder)
        detail = _told_in_detail(look)
        if detail:
            return round_.look(self.around.target.observe(self.home, places, detail=detail | round_.detail), mates)
        return look if mates is no_mates else round_.look(look.observed, mates)

    def ignored_changes(self, receipt: Receipt) -> tuple[Mapping[str, Json], ...]:
        """Return what would differ, were nothing ignored: as published, each with the reason why it is."""
        rules = self.policy.ignored
        if not rules.rules:
            return ()
        bare = replace(self, policy=replace(self.policy, ignored=KeyRules()))
        # Compared with what is declared, not with what was found in its place: all of that is the bot's doing.
        as_declared = {key: Written(want.all) for key, want in self.base.keys.items() if key in receipt.keys}
        digests = {self.desired.desired[key] for key in as_declared if key.startswith("skill/")} - receipt.files.keys()
        files = {digest: self.around.supply.files(digest) for digest in digests}
        declared = replace(receipt, keys={**receipt.keys, **as_declared}, files={**receipt.files, **files})
        return tuple(_with_reasons(rules, shown_changes(bare.compare(declared))))

    def is_partly_ignored(self, key: str) -> bool:
        """Whether a part of a key's value, or a file of a skill, may be the bot's own."""
        return bool(self.policy.ignored.rules) and self.policy.ignored.may_reach_into(key)

    def ignores(self, key: str, path: tuple[str, ...]) -> bool:
        """Whether one part is the bot's own; of a skill, one file."""
        if key.startswith("skill/"):
            return self.policy.ignored.of_file(key, path[0]) is not None
        return self.policy.ignored.of_part(key, path) is not None

    def signs(self, observed: Observed) -> Signs:
        """Return what else is known of the bot."""
        desired = self.desired.desired
        rotated = (key for key in desired if self.rotated and self.rotated.intersection(placeholders(desired[key])))
        return Signs(frozenset(observed.unreadable), frozenset(self.revoked), frozenset(rotated))

    def is_ours(self, key: str) -> bool:
        """Whether a key is told of at all."""
        return not self.policy.ignored.rules or self.policy.ignored.of_key(key) is None

    def _places_of(self, keys: Collection[str], receipt: Receipt) -> frozenset[Place]:
        """Return the places of keys that are left alone: others that share one must leave it, too."""
        asked = (place for key in keys if key in self.base.keys for place in self.base.keys[key].all)
        written = (place for key in keys if key in receipt.keys for place in receipt.keys[key].all_places)
        return frozenset((*asked, *written))

    # --- earlier versions --------------------------------------------------------------------------------------------

    def with_stale(self, found: Plan, observed: Observed) -> Plan:
        """Tell what is exactly an earlier version apart from what was modified."""
        keys = [change.key for change in found.changes if change.drift == "modified"]
        return with_stale(found, observed.standing, self._earlier(keys)) if keys else found

    def _earlier(self, keys: Collection[str]) -> dict[str, dict[Place, frozenset[str]]]:
        """Return how ``keys`` stood by the documents at hand; of skills, all versions that there are."""
        standing: dict[str, dict[Place, frozenset[str]]] = {key: {} for key in keys}
        for document in self.documents_at_hand():
            if document.platform == self.desired.platform:
                earlier = wanted(document, self.platform).keys
                for key in standing.keys() & earlier.keys():
                    for place, left in earlier[key].all.items():
                        standing[key][place] = standing[key].get(place, frozenset()) | {left}
        for key in keys:
            if key.startswith("skill/") and key in self.base.keys and self.around.releases is not None:
                place = next(iter(self.base.keys[key].places))
                known = frozenset(self.around.releases.versions(key.removeprefix("skill/")))
                standing[key][place] = standing[key].get(place, frozenset()) | known
        return standing

    def document(self, name: str | None) -> DesiredState | None:
        """Return a document that was kept, None when it is not at hand."""
        if name is not None and name not in self.documents:
            self.documents[name] = self.around.state.document(self.home.bot, name)
        return self.documents.get(name) if name is not None else None

    def documents_at_hand(self) -> list[DesiredState]:
        """Return the documents of this bot that were kept."""
        found = (self.document(name) for name, _ in self.around.state.documents(self.home.bot))
        return [document for document in found if document is not None]


@dataclass(slots=True)
class _Round:
    """One comparison: the keys that count, and what of them is the bot's own just now."""

    comparing: Comparing
    receipt: Receipt
    known: Mapping[str, Written]
    asked: Mapping[str, Wanted]
    places: frozenset[Place]
    reserved: frozenset[Place]
    contents: dict[Place, Json] = field(default_factory=dict)
    compared: dict[Place, Json] = field(default_factory=dict)
    kept_files: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    files: dict[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    detail: frozenset[Place] = frozenset()

    def look(self, observed: Observed, mates: Mates) -> Look:
        comparing = self.comparing
        found = plan(
            self.asked,
            observed.standing,
            self.known,
            prune=comparing.desired.sync.prune is not False,
            skills={key: place for key, place in _by_key(observed).items() if comparing.is_ours(key)},
            mates=mates,
            signs=comparing.signs(observed),
            reserved=self.reserved,
        )
        base = comparing.base
        return Look(
            desired=comparing.desired,
            wanted=self._wanted() if self.contents or self.asked is not base.keys else base,
            observed=observed,
            receipt=self.receipt,
            plan=comparing.with_stale(found, observed),
            rotated=comparing.rotated,
            ignores=comparing.ignores if comparing.policy.ignored.rules else None,
            kept_files=self.kept_files,
            files=self.files,
        )

    def _wanted(self) -> WantedBot:
        base = self.comparing.base
        contents, compared = {**base.contents, **self.contents}, {**base.compared, **self.compared}
        return replace(base, keys=self.asked, contents=contents, compared=compared)

    def adjusted(self, observed: Observed) -> Observed:
        """Take what is the bot's own into what should stand; that takes a look in detail where something differs."""
        partly = {key: want for key, want in self.asked.items() if self.comparing.is_partly_ignored(key)}
        self.detail = frozenset(
            place
            for want in partly.values()
            for place, same in want.places.items()
            if observed.standing.get(place, same) != same
        )
        if not self.detail:
            return observed
        observed = self.comparing.around.target.observe(self.comparing.home, self.places, detail=self.detail)
        self.asked = {**self.asked, **{key: self._adjusted(key, want, observed) for key, want in partly.items()}}
        return observed

    def _adjusted(self, key: str, want: Wanted, observed: Observed) -> Wanted:
        places = {place: self._should(key, place, same, observed) for place, same in want.places.items()}
        return replace(want, places=places)

    def _should(self, key: str, place: Place, same: str, observed: Observed) -> str:
        """Return the fingerprint that should stand at a place, and take note of what is to be written there."""
        if place not in self.detail:
            return same
        if not place.pointer:
            return self._should_hold(key, place, same, observed)
        value = observed.values.get(place, NOTHING)
        base = self.comparing.base

        def is_ignored(path: tuple[str, ...]) -> bool:
            return self.comparing.ignores(key, path)

        self.contents[place] = with_parts_of(base.contents[place], value, is_ignored)
        self.compared[place] = with_parts_of(base.compared[place], value, is_ignored)
        return fingerprint(self.compared[place])

    def _should_hold(self, key: str, place: Place, digest: str, observed: Observed) -> str:
        found, supply = observed.trees.get(place), self.comparing.around.supply
        artifact = self.comparing.desired.skills.get(digest)
        if found is None or artifact is None or supply.provide([artifact]):
            return digest  # what cannot be had is not written either

        def is_ignored(path: str) -> bool:
            return self.comparing.ignores(key, (path,))

        desired = self.files[digest] = supply.files(digest)
        self.kept_files[place] = tuple(sorted({one.path for one in (*desired, *found) if is_ignored(one.path)}))
        return tree_digest(with_files_of(desired, found, is_ignored))


def _with_reasons(rules: KeyRules, changes: tuple[Mapping[str, Json], ...]) -> Iterator[Mapping[str, Json]]:
    """Yield of ``changes`` what is ignored, with the reason; of a key that is ignored in part, the parts."""
    for change in changes:
        key = change["key"]
        rule = rules.of_key(key)
        if rule is not None:
            yield {**change, "action": "keep", "ignored": rule.reason}
            continue
        parts = change.get("parts", ())
        of_skill = key.startswith("skill/")
        found = [
            (part, rules.of_file(key, part["part"]) if of_skill else rules.of_part(key, _steps(part["part"])))
            for part in parts
        ]
        reasons = [rule.reason for _, rule in found if rule is not None]
        if reasons:
            ignored = [part for part, rule in found if rule is not None]
            yield {**change, "action": "keep", "ignored": "; ".join(dict.fromkeys(reasons)), "parts": ignored}


def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _by_key(observed: Observed) -> dict[str, Place]:
    named = {f"skill/{place.file.rpartition('/')[2]}": place for place in reversed(observed.skills)}
    return {key: place for key, place in named.items() if _STATE_KEY.match(key)}


def _told_in_detail(look: Look) -> frozenset[Place]:
    """Return the places that a report shows more of than a fingerprint: values, and skills that were edited."""
    return frozenset(
        change.at
        for change in look.plan.changes
        if not change.is_extra
        and change.at in look.observed.standing
        and (change.at.pointer or change.cause != "declared")
    )
