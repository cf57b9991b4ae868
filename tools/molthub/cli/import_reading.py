"""Reading what is to be imported: from another registry's index by the client's verified way, or from a repository.

Only the command line joins the two halves: what is read here is handed to the registry's half, which knows no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from molthub.cli.upstream_orders import Order, Place
from molthub.cli.upstream_process import fetched
from molthub.cli.upstreams import UpstreamFiles
from molthub.client.cache import Store
from molthub.client.dependencies import Chosen, choose, pick_pack
from molthub.client.fetch import open_fetcher
from molthub.client.fetch_http import HttpFetcher
from molthub.client.index import Index
from molthub.client.wanted import Wanted, parse_wanted
from molthub.errors import NotFoundError, Problem, RefusedUpstreamError, ResolutionError, UpstreamError, UsageError
from molthub.model import Artifact, PackEntry, PackRelease, Skill, SkillEntry, SkillRelease
from molthub.registry.authoring.import_plan import FoundPack, FoundSkill
from molthub.registry.catalog import Catalog
from molthub.registry.manifest import read_manifest
from molthub.registry.upstreams.allowed import check_address
from molthub.registry.upstreams.upstream import Upstream
from molthub.versions import highest

_GIT_SUFFIX = re.compile(r"(?P<location>\S+?\.git)/?(?:@(?P<revision>[^@]+))?\Z")
_SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!//)")
_MOST_PACKS = 64


class Source(NamedTuple):
    """Where to import from, as ``--from`` says: an index, or a repository at a revision."""

    kind: str
    location: str
    revision: str = ""


@dataclass(frozen=True)
class Found:
    """What was read: skills and packs, dependencies and bases among them."""

    skills: tuple[FoundSkill, ...] = ()
    packs: tuple[FoundPack, ...] = ()


def parse_source(text: str, *, path: str | None, revision: str | None) -> Source:
    """Read ``--from``: an index's address or folder, ``URL.git[@REV]``. Raises :class:`UsageError`."""
    if _SCP.match(text):
        host, _, rest = text.partition(":")
        raise UsageError("ssh is written in full here", place=text, remedy=f"write ssh://{host}/{rest}")
    match = _GIT_SUFFIX.match(text)
    if match is not None or path is not None or text.startswith("ssh://"):
        location, said = (match["location"], match["revision"]) if match is not None else (text, None)
        if said and revision:
            raise UsageError("the revision is given twice", place=text, remedy="leave one of the two out")
        return Source("git", _as_url(location), revision or said or "HEAD")
    if revision is not None:
        raise UsageError("--rev is for git repositories", remedy="name the version: NAME@VERSION")
    return Source("index", _as_url(text).removesuffix("registry.json").rstrip("/") + "/")


def _as_url(text: str) -> str:
    """Return an address; a folder of this machine becomes one too."""
    if "://" in text:
        return text
    folder = Path(text).expanduser()
    if not folder.is_dir():
        is_host = "." in text.partition("/")[0].strip(".")
        remedy = f"write https://{text}, or give a folder that is there" if is_host else "give an address"
        raise UsageError("this is no address, and there is no such folder", place=text, remedy=remedy)
    return folder.resolve().as_uri()


# --- from a repository ---------------------------------------------------------------------------------------------


def read_repository(
    source: Source, path: str, upstreams: UpstreamFiles, *, name: str | None = None, version: str | None = None
) -> FoundSkill:
    """Read one skill's folder. Raises :class:`UpstreamError`."""
    order = Order(path=path.strip("/"), revision=source.revision)
    place = Place("git", source.location, upstreams.allowed)
    answers = list(fetched(place, [order], upstreams.root, upstreams.limits))
    answer = answers[0][1]
    if isinstance(answer, UpstreamError):
        raise answer
    assert answer is not None  # noqa: S101 (a repository never answers with nothing)
    upstream = Upstream("git", source.location, order.path, answer.digest, answer.commit)
    notes = tuple(
        Problem("MH503", "left out: no version holds it", severity="warning", file=junk) for junk in answer.left_out
    )
    return FoundSkill(name, version, Store(upstreams.root).content(answer.digest), upstream, notes=notes)


# --- from an index -------------------------------------------------------------------------------------------------


def open_index(location: str, allowed: Sequence[str]) -> Index:
    """Open another registry's index. Raises :class:`RefusedUpstreamError` where it may not be asked."""
    check_address("index", location, frozenset(allowed))
    is_http = urlsplit(location).scheme in ("http", "https")
    return Index(HttpFetcher(location, stays=True) if is_http else open_fetcher(location))


@dataclass
class IndexReading:
    """Reads skills and packs from an index, with all that they need and ``catalog`` does not have."""

    index: Index
    location: str
    catalog: Catalog
    store: Path
    skills: dict[tuple[str, str], FoundSkill] = field(default_factory=dict)
    packs: dict[tuple[str, int], FoundPack] = field(default_factory=dict)

    def read(self, names: Sequence[str], *, renamed: str | None = None) -> Found:
        """Read what ``names`` mean (``git``, ``git@^1.2``, ``pack/dev@3``), the one name under ``renamed`` if given.

        Raises :class:`~molthub.errors.MolthubError` where one of them cannot be had.
        """
        wanted = [parse_wanted(name) for name in names]
        self.index.prefetch((one.kind, one.name) for one in wanted)
        for one in wanted:
            if one.kind == "pack":
                self._pack(one, renamed, asked=True)
        asked = [one for one in wanted if one.kind == "skill"]
        for chosen in self._chosen(asked):
            mine = renamed if chosen.requested is not None else None
            self._skill(chosen.artifact, mine, asked=chosen.requested is not None)
        self._fetch()
        return Found(tuple(self.skills.values()), tuple(self.packs.values()))

    def _chosen(self, asked: Sequence[Wanted]) -> Sequence[Chosen]:
        """Return the exact versions of what was asked for and of what it depends on."""
        if not asked:
            return ()
        try:
            return choose(asked, _Shelves(self.index, self.catalog, {one.name for one in asked})).versions
        except ResolutionError as error:
            remedy = "if what is missing is an application and no skill, add it to `hosts` of registry.yaml"
            raise ResolutionError(error.message, place=self.location, remedy=remedy, problems=error.problems) from None

    def _skill(self, artifact: Artifact, renamed: str | None, *, asked: bool) -> None:
        entry = self.index.skill(artifact.name)
        release = entry.releases.get(artifact.version)
        what = f"{artifact.name} {artifact.version}"
        if release is None or release.artifact.digest != artifact.digest:
            message, remedy = f"{what} is locked, and is not there as it was", "tell whoever runs that registry"
            raise NotFoundError(message, place=self.location, remedy=remedy)
        _refuse_closed(what, entry, release)
        upstream = Upstream("index", self.location, f"skills/{artifact.name}", artifact.digest)
        notes = tuple(_status_notes(what, entry, release))
        key = (artifact.name, artifact.version)
        known = self.skills.get(key)
        if known is None or (asked and not known.asked):
            name = renamed or artifact.name
            self.skills[key] = FoundSkill(name, artifact.version, (), upstream, release.yanked, asked, notes)

    def _pack(self, wanted: Wanted, renamed: str | None, *, asked: bool) -> None:
        number, release = pick_pack(wanted, self.index.pack(wanted.name))
        if (wanted.name, number) in self.packs or len(self.packs) >= _MOST_PACKS:
            return
        content = self._pack_file(wanted.name, number, release)
        upstream = Upstream("index", self.location, f"packs/{wanted.name}", release.artifact.digest)
        found = FoundPack(renamed or wanted.name, number, content, upstream, release.yanked, asked)
        if release.yanked is not None:
            note = Problem("MH607", f"pack/{wanted.name} {number} was yanked: {release.yanked}", severity="warning")
            found = replace(found, notes=(note,))
        for base, base_number in _bases(content, found):
            self._pack(Wanted("pack", base, base_number, f"pack/{base}@{base_number}"), None, asked=False)
        self.packs[wanted.name, number] = found
        self.index.prefetch(("skill", name) for name in release.skills)
        for artifact in release.skills.values():
            self._skill(artifact, None, asked=False)

    def _pack_file(self, name: str, number: int, release: PackRelease) -> bytes:
        store = Store(self.store)
        self.index.fetch([release.artifact], store)
        for entry, content in store.content(release.artifact.digest):
            if entry.path == f"{number}.yaml":
                return content
        raise UpstreamError(f"the pack {name} {number} holds no {number}.yaml", place=self.location)

    def _fetch(self) -> None:
        """Bring the files of every skill that is not here already with the same digest."""
        store = Store(self.store)
        artifacts = [self.index.skill(name).releases[version].artifact for name, version in self.skills]
        self.index.fetch(artifacts, store)
        for key, artifact in zip(self.skills, artifacts, strict=True):
            self.skills[key] = replace(self.skills[key], files=store.content(artifact.digest))


def _bases(content: bytes, found: FoundPack) -> Iterator[tuple[str, str]]:
    manifest, problems = read_manifest("skillpack", content, f"packs/{found.name}/{found.number}.yaml")
    if manifest is None:
        message = f"the pack {found.upstream.name} {found.number} cannot be read"
        raise UpstreamError(message, place=found.upstream.location, problems=problems)
    locks: Mapping[str, Mapping[str, object]] = manifest.value["spec"].get("resolved", {})
    for key, lock in locks.items():
        if key.startswith("pack/"):
            yield key.removeprefix("pack/"), str(lock["version"])


def _refuse_closed(what: str, entry: SkillEntry, release: SkillRelease) -> None:
    for word, reason in (
        ("removed", release.removed),
        ("quarantined", release.quarantined),
        (entry.status, entry.reason or "no reason is given"),
    ):
        if reason is not None and word in ("removed", "quarantined"):
            message, remedy = f"{what} is {word} there: {reason}", "choose another version, or wait until it was judged"
            raise RefusedUpstreamError(message, remedy=remedy)


def _status_notes(what: str, entry: SkillEntry, release: SkillRelease) -> Iterator[Problem]:
    if release.yanked is not None:
        remedy = "choose another version if you can; it is recorded as yanked here too"
        yield Problem("MH607", f"{what} was yanked there: {release.yanked}", remedy, "warning")
    if entry.status != "active":
        reason = f": {entry.reason}" if entry.reason else ""
        yield Problem("MH211", f"{entry.name} is {entry.status} there{reason}", "look for another one", "warning")


class _Shelves:
    """An index without the dependencies that the own registry answers by itself: no name is looked up in two."""

    def __init__(self, index: Index, catalog: Catalog, asked: set[str]) -> None:
        self._index = index
        self._catalog = catalog
        self._asked = asked

    def skill(self, name: str) -> SkillEntry:
        entry = self._index.skill(name)
        releases = {
            number: replace(release, dependencies=self._left(release.dependencies))
            for number, release in entry.releases.items()
        }
        return replace(entry, releases=releases)

    def pack(self, name: str) -> PackEntry:
        return self._index.pack(name)

    def _left(self, dependencies: Mapping[str, str]) -> dict[str, str]:
        return {name: wanted for name, wanted in dependencies.items() if not self._answered(name, wanted)}

    def _answered(self, name: str, wanted: str) -> bool:
        if name in self._catalog.registry.hosts:
            return True
        skill = self._catalog.skills.get(name)
        return skill is not None and name not in self._asked and highest(_available(skill), wanted) is not None


def _available(skill: Skill) -> list[str]:
    records = skill.project.versions
    return [number for number in skill.versions if number in records and records[number].available]
