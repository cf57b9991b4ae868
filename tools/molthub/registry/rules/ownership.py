"""Who may make a change: judged for each actor alone, by the publishers, owners and scopes of the change's base.

An actor may change what its publishers own, and may claim names that are new: a publisher that lists the actor, a scope
that nobody has, a skill or pack whose owners are the actor's publishers and no others. The registry's owner may do
everything. Whatever is not known to belong to somebody is the registry's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from molthub.errors import Problem
from molthub.registry.changes import Change
from molthub.registry.ownership import (
    Actor,
    Subject,
    acts_for_registry,
    holders,
    is_in_force,
    owners_of,
    scope_of,
    subject_of,
)


def check_ownership(change: Change, actors: Sequence[Actor]) -> Iterator[Problem]:
    """Yield what an actor of a change may not do. Every actor needs the right to the whole of it."""
    if not is_in_force(change.before, actors):
        owner = change.before.registry.owner
        file = f"publishers/{owner}/publisher.yaml"
        message = f"who owns what is not judged: the registry's owner, {owner}, names no GitHub account"
        yield Problem("MH416", message, f"write `github: [login]` into {file}", "warning", file=file)
        return
    for actor in actors:
        yield from _Judge(change, actor).findings()


class _Judge:
    """One actor's rights, held against one change."""

    def __init__(self, change: Change, actor: Actor) -> None:
        self.change = change
        self.actor = actor
        publishers = change.before.publishers.values()
        self.mine = {publisher.name for publisher in publishers if actor.acts_for(publisher)}
        new = [one for one in change.after.publishers.values() if not change.existed(f"publishers/{one.name}/")]
        self.claimed = self.mine | {publisher.name for publisher in new if actor.acts_for(publisher)}

    def findings(self) -> Iterator[Problem]:
        if acts_for_registry(self.change.before, self.actor):
            return
        groups: dict[Subject, list[str]] = {}
        for path in self.change.paths:
            groups.setdefault(subject_of(path), []).append(path)
        judges: dict[str, Callable[[Subject, list[str]], Iterator[Problem]]] = {
            "registry": self._registry, "publisher": self._publisher, "skill": self._project, "pack": self._project,
        }  # fmt: skip
        for subject, paths in groups.items():
            yield from judges[subject.kind](subject, paths)

    def _registry(self, subject: Subject, paths: list[str]) -> Iterator[Problem]:
        owner = self.change.before.registry.owner
        message = f"{subject.name} is the registry's, and {self.actor} does not act for its owner, {owner}"
        yield Problem("MH412", message, f"ask {owner} to make the change", file=paths[0], line=self._top(paths[0]))

    # --- publishers ---

    def _publisher(self, subject: Subject, paths: list[str]) -> Iterator[Problem]:
        file = f"{subject.folder}publisher.yaml"
        if self.change.existed(subject.folder):
            if subject.name not in self.mine:
                yield self._foreign(subject, (subject.name,), paths)
                return
        elif subject.name not in self.claimed:
            yield self._unclaimed_publisher(subject, file)
            return
        yield from self._scopes(subject.name, file)

    def _unclaimed_publisher(self, subject: Subject, file: str) -> Problem:
        if self.actor.kind == "github":
            message = f"the new publisher {subject.name} does not name the account {self.actor.name}, which adds it"
            remedy = f"write `github: [{self.actor.name}]` into it"
        else:
            message = f"{self.actor} adds another publisher, {subject.name}"
            remedy = "let that publisher add itself"
        return Problem("MH413", message, remedy, file=file, line=self._top(file))

    def _scopes(self, name: str, file: str) -> Iterator[Problem]:
        """Judge the scopes that a publisher gains: nobody else's, and none that skills stand under already."""
        before, after = self.change.before.publishers.get(name), self.change.after.publishers.get(name)
        for scope in after.scopes if after is not None else ():
            if before is not None and scope in before.scopes:
                continue
            others = [holder for holder in holders(self.change.before, scope) if holder not in self.mine]
            if others or (not holders(self.change.before, scope) and self.change.existed(f"skills/@{scope}/")):
                whose = f"belongs to {_and(others)}" if others else "has skills already"
                remedy = f"choose another scope, or ask {_and(others) or self.change.before.registry.owner}"
                line = self.change.line(file, ("scopes",))
                yield Problem("MH414", f"the scope @{scope} {whose}", remedy, file=file, line=line)

    # --- skills and packs ---

    def _project(self, subject: Subject, paths: list[str]) -> Iterator[Problem]:
        owners = owners_of(self.change.before, subject)
        scope = scope_of(subject.name) if subject.kind == "skill" else None
        if not self.change.existed(subject.folder) and not (scope and owners):
            yield from self._claim(subject, scope)
        elif not self.mine & set(owners):
            yield from self._added_owners(subject, owners)
            yield self._foreign(subject, owners, paths)

    def _claim(self, subject: Subject, scope: str | None) -> Iterator[Problem]:
        """Judge a new name: the first who publishes it names itself as its owner, and nobody else."""
        file = f"{subject.folder}project.yaml"
        owners = owners_of(self.change.after, subject)
        if owners and self.claimed.issuperset(owners):
            return
        line = self.change.line(file, ("owners",))
        own = sorted(self.claimed)
        if scope is not None:
            message = f"the scope @{scope} is none of {self.actor}'s"
            remedy = f"add {scope!r} to the scopes of {_or(own)}" if own else _ADD_YOURSELF
        elif not own:
            message, remedy = f"{self.actor} acts for no publisher, so {subject.name} cannot be claimed", _ADD_YOURSELF
        elif not owners:
            message, remedy = f"{subject.name} is new and names no owner", f"write `owners: [{own[0]}]`"
        else:
            others = _and([owner for owner in owners if owner not in self.claimed])
            message = f"{subject.name} is new and names {others}, for whom {self.actor} does not act"
            remedy = f"write `owners: [{own[0]}]`; an owner can add others once it is merged"
        yield Problem("MH413", message, remedy, file=file, line=line)

    def _added_owners(self, subject: Subject, owners: Iterable[str]) -> Iterator[Problem]:
        added = [owner for owner in owners_of(self.change.after, subject) if owner not in set(owners)]
        if added and subject.kind != "publisher" and not subject.name.startswith("@"):
            file = f"{subject.folder}project.yaml"
            message = f"{_and(added)} cannot be made an owner of {subject.name} by {self.actor}"
            remedy = f"ask {_and(owners) or self.change.before.registry.owner} to add it"
            yield Problem("MH414", message, remedy, file=file, line=self.change.line(file, ("owners",)))

    def _foreign(self, subject: Subject, owners: Iterable[str], paths: list[str]) -> Problem:
        what = f"the {subject.kind} {subject.name}"
        whose = (
            f"belongs to {_and(owners)}" if owners else "belongs to nobody, so only the registry's owner may change it"
        )
        more = f" ({len(paths)} files)" if len(paths) > 1 else ""
        message = f"{what} {whose}, for whom {self.actor} does not act{more}" if owners else f"{what} {whose}{more}"
        remedy = f"ask {_or(owners) or self.change.before.registry.owner} to make the change"
        remedy += ", or publish under a name of your own" if subject.kind == "skill" else ""
        return Problem("MH411", message, remedy, file=paths[0], line=self._top(paths[0]))

    def _top(self, file: str) -> int | None:
        return 1 if file in self.change.source.files else None


_ADD_YOURSELF = "add publishers/<name>/publisher.yaml, which names you, in the same change"


def _and(names: Iterable[str]) -> str:
    return " and ".join(names)


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
