"""Publishers' signatures of the skills that bots are given, judged as :mod:`molthub.client.signatures` judges them.

What was judged good is remembered beside the receipts, and so is whether a signature was demanded: while the index
cannot be reached, nothing is taken from the store that would have been refused otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.atomic import write_atomically
from molthub.client.signatures.signers import read_signers, remember_signers
from molthub.errors import MolthubError, Problem
from molthub.model import Artifact
from molthub_reconciler.problems import problem_of

if TYPE_CHECKING:
    from molthub.client.index import Index

_FILE = "verified.json"
_FORMAT = "molthub.verified/1"


@dataclass(frozen=True)
class Asked:
    """What the operator asks of signatures: one of every version; keys that may take the place of others."""

    required: bool = False
    accepted: frozenset[str] = frozenset()


@dataclass
class SkillSignatures:
    """The signatures of one target's skills. ``index`` is None while it cannot be reached; ``act``: remember.

    ``folder`` is where this target's state is kept.
    """

    index: Index | None
    folder: Path
    asked: Asked = field(default_factory=Asked)
    act: bool = False
    _judged: dict[tuple[str, str], Problem | None] = field(default_factory=dict)

    def judge(self, skills: Mapping[str, Artifact]) -> dict[str, Problem]:
        """Return why some skills must not be given to a bot, by the keys they are asked for under (``skill/git``).

        A skill is judged under the name of its key: what a document calls it there is what the bot would have.
        """
        judged = self._judged
        named = {key: (key.removeprefix("skill/"), artifact.digest) for key, artifact in skills.items()}
        new = {of: replace(skills[key], name=of[0]) for key, of in named.items() if of not in judged}
        if new:
            judged |= self._judge(new.values()) if self.index is not None else self._remembered(new.values())
        return {key: problem for key, of in named.items() if (problem := judged[of]) is not None}

    def _judge(self, artifacts: Iterable[Artifact]) -> dict[tuple[str, str], Problem | None]:
        from molthub.client.signatures.judge import Rules, Subject, judge
        from molthub.client.signatures.judge import problem_of as refusal

        assert self.index is not None  # noqa: S101 (the caller asked)
        subjects = [Subject("skill", artifact) for artifact in artifacts]
        try:
            demand = self.asked.required or bool(self.index.root().demand)
            if not demand and not any(subject.artifact.signature for subject in subjects) and not self._knows_signers:
                return {_of(subject.artifact): None for subject in subjects}
            rules = Rules(self.asked.required, self.asked.accepted, read_signers([self.folder], self.index.where))
            found = judge(subjects, self.index, rules)
            if self.act:
                self._remember((subject.artifact for subject in found.signed), demand=demand)
                if found.signers != rules.signers:
                    remember_signers(self.folder, self.index.where, found.signers)
        except MolthubError as error:
            return {_of(subject.artifact): problem_of(error) for subject in subjects}
        return {
            _of(subject.artifact): refusal(subject, found.failed[subject]) if subject in found.failed else None
            for subject in subjects
        }

    @property
    def _knows_signers(self) -> bool:
        return (self.folder / "signers.json").exists()

    # --- while the index cannot be reached --------------------------------------------------------------------------

    def _remember(self, signed: Iterable[Artifact], *, demand: bool) -> None:
        before, known = self._kept()
        now = known | {" ".join(_of(artifact)) for artifact in signed}
        if (demand, now) != (before, known):
            document = {"format": _FORMAT, "demand": demand, "versions": sorted(now)}
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self.folder / _FILE, json.dumps(document, indent=2).encode() + b"\n")

    def _remembered(self, artifacts: Iterable[Artifact]) -> dict[tuple[str, str], Problem | None]:
        demand, good = self._kept()
        if not (demand or self.asked.required):
            return {_of(artifact): None for artifact in artifacts}
        return {_of(found): None if " ".join(_of(found)) in good else _not_judged(found) for found in artifacts}

    def _kept(self) -> tuple[bool, frozenset[str]]:
        """Return whether signatures were demanded, and what was judged good."""
        try:
            found = json.loads((self.folder / _FILE).read_bytes())
            return bool(found["demand"]), frozenset(str(one) for one in found["versions"])
        except (OSError, ValueError, KeyError, TypeError):
            return False, frozenset()


def _of(artifact: Artifact) -> tuple[str, str]:
    return artifact.name, artifact.digest


def _not_judged(artifact: Artifact) -> Problem:
    message = f"{artifact.name}@{artifact.version}: its signature cannot be judged while the index cannot be reached"
    return Problem("MH631", message, "it is judged as soon as the index answers")
