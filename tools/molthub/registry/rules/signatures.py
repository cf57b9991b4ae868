"""Publishers' signatures: each one that stands beside a version must be good; with the policy, none may be missing.

Keys are those of the base, where the publisher was there before: whoever changes a key and signs with it in one go has
shown nothing. With a base, a signature that is the same there, by the same keys, is not verified again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

from molthub.errors import MissingExtraError, Problem, SignatureError
from molthub.model import Json, Project
from molthub.publisher_signatures import Keyring, Release
from molthub.registry.catalog import Catalog
from molthub.registry.source import Source

_SIGN = "sign it: skills publish --sign KEY, or see docs/SIGNING.md for gpg"


def check_signatures(
    catalog: Catalog, source: Source, before: Catalog | None, base: Source | None, policy: Mapping[str, Json]
) -> Iterator[Problem]:
    """Yield signatures that are not good, and new versions without one where the policy demands it."""
    required = bool(policy.get("requireSignatures"))
    if not required and not any(file.endswith(".sig") for file in source.files):
        return
    check = _Check(catalog, source, before, base, required)
    for release, project, file, published in check.releases():
        if file in source.files:
            yield from check.signature(release, project, file, published)
        else:
            yield from check.missing(release, file)
    yield from check.strays()


@dataclass
class _Check:
    """One check: two states of a registry, and the keyrings that were read on the way."""

    catalog: Catalog
    source: Source
    before: Catalog | None
    base: Source | None
    required: bool
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
                if self._matters(file) and record is not None and record.upstream is None:
                    size = sum(self.source.files[f"{version.folder}/{path}"].size for path in version.files)
                    release = Release("skill", skill.name, number, record.digest, size)
                    yield release, skill.project, file, record.published
        for pack in self.catalog.packs.values():
            for count, made in pack.versions.items():
                file = f"packs/{pack.name}/{count}.sig"
                self.seen.add(file)
                if self._matters(file) and made.record is not None and made.file in self.source.files:
                    size = self.source.files[made.file].size
                    release = Release("pack", pack.name, str(count), made.record.digest, size)
                    yield release, pack.project, file, made.record.published

    def _matters(self, file: str) -> bool:
        return self.required or file in self.source.files

    def signature(self, release: Release, project: Project, file: str, published: str) -> Iterator[Problem]:
        """Yield why a signature does not count, if it does not."""
        owners = self._owners(release.name, project)
        if self._same(file) and all(self._same(key) for owner in owners for key in self._keys(owner, self.source)):
            return
        reasons = []
        try:
            for owner in owners:
                ring = yield from self._ring(owner)
                if ring is None:
                    continue
                try:
                    ring.verify(release, self.source.read(file), published)
                except SignatureError as error:
                    reasons.append(error)
                else:
                    return
        except MissingExtraError as error:
            if not self.told:
                self.told = True
                yield Problem("MH616", "signatures are not verified here", error.remedy, "warning", file)
            return
        name = f"the signature of {release.name} {release.version}"
        for reason in reasons:
            yield Problem("MH616", f"{name} does not count: {reason.message}", reason.remedy, file=file)
        if not reasons and not owners:
            yield Problem("MH616", f"{name} does not count: it has no owner", "name its owner", file=file)

    def missing(self, release: Release, file: str) -> Iterator[Problem]:
        """Yield that a new version has no signature; without a base nobody knows what is new."""
        if self.before is None:
            yield Problem("MH616", f"{release.name} {release.version} is not signed", _SIGN, "warning", file)
        elif not self._was_there(release):
            message = f"{release.name} {release.version} is not signed, and this registry's policy demands it"
            yield Problem("MH616", message, _SIGN, file=file)

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
        if not name.startswith("@"):
            return project.owners
        scope = name[1:].partition("/")[0]
        return tuple(found.name for found in self.catalog.publishers.values() if scope in found.scopes)

    def _ring(self, owner: str) -> Generator[Problem, None, Keyring | None]:
        if owner not in self.rings:
            was_there = self.before is not None and owner in self.before.publishers
            source = self.base if was_there and self.base is not None else self.source
            self.rings[owner] = None
            try:
                self.rings[owner] = Keyring((key, source.read(key)) for key in self._keys(owner, source))
            except SignatureError as error:
                yield Problem("MH616", error.message, error.remedy, file=error.place)
        return self.rings[owner]

    def _keys(self, owner: str, source: Source) -> list[str]:
        folder = f"publishers/{owner}/"
        return [path for path in source.files if path.startswith(folder) and path.endswith(".asc")]

    def _same(self, file: str) -> bool:
        here, there = self.source.files.get(file), self.base.files.get(file) if self.base is not None else None
        return here is not None and there is not None and bool(here.id) and here.id == there.id


_DEEPEST = 3
