"""New names: none that is reserved, and none that people would take for another owner's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from molthub.errors import Problem
from molthub.model import bare_name
from molthub.registry.changes import Change
from molthub.registry.near_names import Names
from molthub.registry.ownership import Actor, OwnersOfSkills, Subject, acts_for_registry, owners_of

Owners = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _New:
    """A name that a change brings, as people write it, with its owners after the change and where they stand."""

    kind: str
    name: str
    owners: tuple[str, ...]
    file: str
    line: int | None

    @property
    def bare(self) -> str:
        return _bare(self.name)


def check_new_names(change: Change, actors: Sequence[Actor] = ()) -> Iterator[Problem]:
    """Yield new skills, packs, publishers and scopes whose names the base's policy keeps, or that lie too near.

    A skill in a scope is held only against those that agents would call by the same bare name: its scope is judged for
    itself. Names of one owner may lie as near as it likes, and the registry's owner may take any.
    """
    before = change.before
    if actors and all(acts_for_registry(before, actor) for actor in actors):
        return
    new = [one for one in _new_names(change) if before.registry.owner not in one.owners]
    if not new:
        return
    reserved = set(before.registry.policy.get("reservedNames", ()))
    allowed = set(before.registry.policy.get("allowNear", ()))
    for one in new:
        if one.bare in reserved and one.kind != "skill":  # of skills the policy's own rule speaks
            message = f"the {one.kind} {one.name} is reserved for {before.registry.owner}"
            yield Problem("MH415", message, "choose another name", file=one.file, line=one.line)
    for known, group, slips_count in _comparisons(change, [one for one in new if one.name not in allowed]):
        yield from _near(known, group, slips_count=slips_count)


def _comparisons(change: Change, new: list[_New]) -> Iterator[tuple[Owners, list[_New], bool]]:
    """Yield which new names are held against which known ones, and whether slips of the finger count."""
    before = change.before
    plain, scoped = OwnersOfSkills(before, scoped=False), OwnersOfSkills(before, scoped=True)
    publishers: Owners = {name: (name,) for name in before.publishers}
    scopes: Owners = {f"@{scope}": (one.name,) for one in before.publishers.values() for scope in one.scopes}
    packs: Owners = {name: pack.project.owners for name, pack in before.packs.items()}
    in_scope = [one for one in new if one.kind == "skill" and one.name.startswith("@")]
    of_kind = {kind: [one for one in new if one.kind == kind] for kind in ("skill", "pack", "publisher", "scope")}
    yield plain, [one for one in of_kind["skill"] if one not in in_scope], True
    yield scoped, of_kind["skill"], False
    yield plain, in_scope, False
    yield packs, of_kind["pack"], True
    yield publishers, of_kind["publisher"], True
    yield {**publishers, **scopes}, of_kind["scope"], True


def _near(known: Owners, new: list[_New], *, slips_count: bool) -> Iterator[Problem]:
    if not new or not known:
        return
    by_bare: dict[str, list[str]] = {}
    for name in known:
        by_bare.setdefault(_bare(name), []).append(name)
    names = Names(by_bare)
    for one in new:
        found = names.near(one.bare) if slips_count else names.look_alikes(one.bare)
        near = ((name, how) for bare, how in found for name in by_bare[bare] if not {*one.owners} & {*known[name]})
        for name, how in list(near)[:1]:
            whose = f", which belongs to {' and '.join(known[name])}" if known[name] not in ((), (name,)) else ""
            message = f"the new {one.kind} {one.name} {how} {name}{whose}"
            remedy = f"choose a name that nobody mistakes for it, or ask the registry's owner to add {one.name!r} "
            remedy += "to `policy.allowNear` of registry.yaml first"
            yield Problem("MH415", message, remedy, file=one.file, line=one.line)


def _bare(name: str) -> str:
    return bare_name(name).removeprefix("@")


def _new_names(change: Change) -> Iterator[_New]:
    before, after = change.before, change.after
    for kind, known, names in (
        ("skill", before.skills, after.skills),
        ("pack", before.packs, after.packs),
        ("publisher", before.publishers, after.publishers),
    ):
        for name in names:
            if name not in known and not change.existed(f"{kind}s/{name}/"):
                yield _new(change, Subject(kind, name))  # type: ignore[arg-type] # one of the three above
    taken = {scope for publisher in before.publishers.values() for scope in publisher.scopes}
    for publisher in after.publishers.values():
        file = f"publishers/{publisher.name}/publisher.yaml"
        for scope in publisher.scopes:
            if scope not in taken:
                yield _New("scope", f"@{scope}", (publisher.name,), file, change.line(file, ("scopes",)))


def _new(change: Change, subject: Subject) -> _New:
    file = f"{subject.folder}{'publisher' if subject.kind == 'publisher' else 'project'}.yaml"
    line = change.line(file, ("name",) if subject.kind == "publisher" else ("owners",))
    return _New(subject.kind, subject.name, owners_of(change.after, subject), file, line)
