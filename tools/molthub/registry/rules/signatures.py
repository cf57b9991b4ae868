"""Publishers' signatures: each one that stands beside a version must be good; with the policy, none may be missing.

Keys are those of the base, where the publisher was there before: whoever changes a key and signs with it in one go has
shown nothing. With a base, a signature that is the same there, by the same keys, is not verified again; one that is new
must be by a key that is good today, since whoever stole an old one can write any date.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from molthub.errors import MissingExtraError, Problem, SignatureError
from molthub.model import Json, Project
from molthub.publisher_signatures import Demand, Keyring, Release, demanded_by, demands, key_kind
from molthub.registry.catalog import Catalog
from molthub.registry.publisher_keys import owners_of
from molthub.registry.source import Source

_SIGN = "sign it: skills publish --sign KEY, or see docs/SIGNING.md for gpg"


def check_signatures(
    catalog: Catalog, source: Source, before: Catalog | None, base: Source | None, policy: Mapping[str, Json]
) -> Iterator[Problem]:
    """Yield signatures that are not good, and new versions without one where the policy demands it."""
    demand = demanded_by(policy)
    if demand is False and not any(file.endswith(".sig") for file in source.files):
        return
    check = _Check(catalog, source, before, base, demand)
    for release, project, file, published in check.releases():
        if file in source.files:
            yield from check.signature(release, project, file, published)
        else:
            yield from check.missing(release, file, published)
    yield from check.strays()


@dataclass
class _Check:
    """One check: two states of a registry, and the keyrings that were read on the way."""

    catalog: Catalog
    source: Source
    before: Catalog | None
    base: Source | None
    demand: Demand
    rings: dict[str, Keyring | None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    told: bool = False

    def releases(self) -> Iterator[tuple[Release, Project, str, str]]:
        """Yield what is signed, or must be: versions that have content and a record, and the file of the signature."""
        for skill in self.catalog.skills.values():
            for number, version in skill.versions.items():
                file = f"skills/{skill.name}/{number}.sig"
                self.seen.add(file)
                record = version.record
                if record is not None and record.upstream is not None and file in self.source.files:
                    continue  # not all of what it signs is here: the build, which fetches the rest, verifies it
                if self._matters(file) and record is not None:
                    size = sum(self.source.files[f"{version.folder}/{path}"].size for path in version.files)
                    release = Release("skill", skill.name, number, record.digest, size)
                    yield release, skill.project, file, record.published
        for pack in self.catalog.packs.values():
            for count, made in pack.versions.items():
                file = f"packs/{pack.name}/{count}.sig"
                self.seen.add(file)
                record = made.record
                if self._matters(file) and record is not None and made.file in self.source.files:
                    size = self.source.files[made.file].size
                    release = Release("pack", pack.name, str(count), record.digest, size)
                    yield release, pack.project, file, record.published

    def _matters(self, file: str) -> bool:
        return self.demand is not False or file in self.source.files

    def signature(self, release: Release, project: Project, file: str, published: str) -> Iterator[Problem]:
        """Yield why a signature does not count, if it does not."""
        owners = self._owners(release.name, project)
        if self._same(file) and all(self._same(key) for owner in owners for key in self._said(owner)):
            return
        if self.before is not None and not self._was_there(release):
            published = max(published, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        try:
            reasons = yield from self._reasons(release, owners, file, published)
        except MissingExtraError as error:
            if not self.told:
                self.told = True
                yield Problem("MH616", "signatures are not verified here", error.remedy, "warning", file)
            return
        name = f"the signature of {release.name} {release.version}"
        for reason in reasons:
            id_ = reason.problem_id or "MH616"
            yield Problem(id_, f"{name} does not count: {reason.message}", reason.remedy, file=file)
        if not owners:
            yield Problem("MH632", f"{name} does not count: it has no owner", "name its owner", file=file)

    def _reasons(
        self, release: Release, owners: tuple[str, ...], file: str, published: str
    ) -> Generator[Problem, None, list[SignatureError]]:
        """Return why a signature counts by no owner's keys: nothing where it counts by those of one."""
        reasons = []
        for owner in owners:
            ring = yield from self._ring(owner)
            if ring is not None:
                try:
                    ring.verify(release, self.source.read(file), published)
                except SignatureError as error:
                    reasons.append(error)
                else:
                    return []
        return reasons

    def missing(self, release: Release, file: str, published: str) -> Iterator[Problem]:
        """Yield that a version has no signature, where the policy demands one: of what is new, whatever its date."""
        if demands(self.demand, published):
            message = f"{release.name} {release.version} is not signed, and this registry's policy demands it"
            yield Problem("MH631", message, f"{_SIGN}; or say from when on: policy.signedSince", file=file)
        elif self.before is not None and not self._was_there(release):
            message = f"{release.name} {release.version} is new and not signed, and this registry's policy demands it"
            yield Problem("MH631", message, _SIGN, file=file)

    def strays(self) -> Iterator[Problem]:
        """Yield signatures of versions that are not there."""
        for file in self.source.files:
            if file.endswith(".sig") and file.startswith(("skills/", "packs/")) and file.count("/") <= _DEEPEST:
                unsigned = file.removesuffix(".sig")
                if file not in self.seen and not self._explained(unsigned):
                    yield Problem("MH616", "there is no version that it signs", "take it away", "warning", file)

    def _explained(self, unsigned: str) -> bool:
        """Whether the version is there but could not be read, which is told elsewhere."""
        return any(path.startswith((f"{unsigned}/", f"{unsigned}.yaml")) for path in self.source.files)

    def _was_there(self, release: Release) -> bool:
        if self.before is None:
            return False
        if release.kind == "pack":
            pack = self.before.packs.get(release.name)
            return pack is not None and release.version in pack.project.versions
        skill = self.before.skills.get(release.name)
        return skill is not None and release.version in skill.project.versions

    def _owners(self, name: str, project: Project) -> tuple[str, ...]:
        scopes = {found.name: found.scopes for found in self.catalog.publishers.values()}
        return owners_of(name, project.owners, scopes)

    def _ring(self, owner: str) -> Generator[Problem, None, Keyring | None]:
        if owner not in self.rings:
            was_there = self.before is not None and owner in self.before.publishers
            source = self.base if was_there and self.base is not None else self.source
            revoked = [
                key
                for catalog in (self.catalog, self.before)
                if catalog is not None and owner in catalog.publishers
                for key in catalog.publishers[owner].revoked
            ]
            self.rings[owner] = None
            try:
                self.rings[owner] = Keyring(((key, source.read(key)) for key in self._keys(owner, source)), revoked)
            except SignatureError as error:
                yield Problem("MH616", error.message, error.remedy, file=error.place)
        return self.rings[owner]

    def _keys(self, owner: str, source: Source) -> list[str]:
        folder = f"publishers/{owner}/"
        return [path for path in source.files if path.startswith(folder) and key_kind(path)]

    def _said(self, owner: str) -> list[str]:
        """Return the files that say which keys of a publisher count."""
        return [*self._keys(owner, self.source), f"publishers/{owner}/publisher.yaml"]

    def _same(self, file: str) -> bool:
        here, there = self.source.files.get(file), self.base.files.get(file) if self.base is not None else None
        return here is not None and there is not None and bool(here.id) and here.id == there.id


_DEEPEST = 3
