"""Whether versions may be installed, as far as signatures go: each is verified again, whatever the index says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from molthub.client.signatures.signers import Signers
from molthub.errors import (
    ForeignSignerError,
    MissingExtraError,
    Problem,
    SignatureError,
    SignerChangedError,
    UnsignedError,
)
from molthub.model import Artifact, IndexRoot, PublisherKeys, SignatureRef, SignedVersion
from molthub.publisher_signatures import Keyring, Release, demands

if TYPE_CHECKING:
    from molthub.publisher_signatures import Signer

UNSIGNED = "none"
"""What is accepted in the place of a fingerprint where a skill that was signed is signed no longer."""


class Records(Protocol):
    """What judging asks of an index."""

    where: str

    def root(self) -> IndexRoot:
        """Return the root."""
        ...

    def signatures(self, files: Iterable[str]) -> Mapping[str, Mapping[str, SignedVersion]]:
        """Return lists of signatures by their names."""
        ...

    def publisher_keys(self, name: str) -> PublisherKeys | None:
        """Return the keys of a publisher; None: it has none."""
        ...

    def owners(self, name: str) -> tuple[str, ...] | None:
        """Return who owns a skill, where that is at hand."""
        ...

    def published(self, kind: str, name: str, version: str) -> str:
        """Return when a version was published."""
        ...


@dataclass(frozen=True)
class Rules:
    """What a user asks of signatures.

    ``required``: of every version one. ``accepted`` are fingerprints of keys that may take the place of others, or
    ``none``. ``signers`` are those known so far.
    """

    required: bool = False
    accepted: frozenset[str] = frozenset()
    signers: Signers = field(default_factory=Signers)


class Subject(NamedTuple):
    """A version to judge: ``kind`` is skill or pack."""

    kind: str
    artifact: Artifact

    @property
    def name(self) -> str:
        """The name as people write it, and as signers are remembered by."""
        return f"pack/{self.artifact.name}" if self.kind == "pack" else self.artifact.name

    @property
    def shown(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.artifact.version}"

    @property
    def release(self) -> Release:
        """What a signature of it speaks of."""
        found = self.artifact
        return Release(self.kind, found.name, found.version, found.digest, found.unpacked)


@dataclass
class Judgement:
    """What came of judging. ``failed`` says what must not be installed; ``signers`` are those known from now on.

    ``signed`` are the versions with a good signature. Without the library that verifies, where nothing demands it,
    ``unjudged`` holds those that have some signature.
    """

    signers: Signers
    signed: dict[Subject, SignatureRef] = field(default_factory=dict)
    failed: dict[Subject, SignatureError] = field(default_factory=dict)
    unjudged: list[Subject] = field(default_factory=list)
    missing: MissingExtraError | None = None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a person should know although it stops nothing."""
        if self.missing is None:
            return ()
        message = f"{len(self.unjudged)} signatures were not verified: {self.missing.message}"
        return (Problem("MH616", message, self.missing.remedy, "warning"),)

    def raise_failures(self, where: str) -> None:
        """Raise one error that names every version that is refused, if any is."""
        if not self.failed:
            return
        told = sorted(self.failed.items(), key=lambda item: item[0].shown)
        problems = [problem_of(subject, error) for subject, error in told]
        first = told[0][1]
        if len(told) == 1:
            raise type(first)(problems[0].message, place=where, remedy=first.remedy, problems=problems)
        message = f"{len(told)} versions are refused for their signatures, so nothing was changed"
        raise type(first)(message, place=where, remedy=first.remedy, problems=problems)


def problem_of(subject: Subject, error: SignatureError) -> Problem:
    """Return a refusal as a finding."""
    return Problem(error.problem_id or "MH616", f"{subject.shown}: {error.message}", error.remedy)


def judge(subjects: Iterable[Subject], records: Records, rules: Rules) -> Judgement:
    """Judge some versions that an index offers. Raises :class:`MolthubError` where its documents cannot be read.

    Raises MissingExtraError where verifying is demanded but its library is not installed.
    """
    wanted = list(subjects)
    work = _Judging(records, rules)
    work.lists = records.signatures(subject.artifact.signature.file for subject in wanted if subject.artifact.signature)
    for subject in wanted:
        try:
            work.judge(subject)
        except SignatureError as error:
            work.found.failed[subject] = error
        except MissingExtraError as error:
            if work.demanded(subject) or subject.name in rules.signers.names:
                raise
            work.found.missing = error
            work.found.unjudged.append(subject)
    work.found.signers = work.known()
    return work.found


class _Judging:
    """The work of one :func:`judge`: keyrings are made once, and first keys are believed together."""

    def __init__(self, records: Records, rules: Rules) -> None:
        self.records = records
        self.rules = rules
        self.found = Judgement(rules.signers)
        self.keys: dict[str, frozenset[str]] = {}
        self.names: dict[str, str] = {}
        self.lists: Mapping[str, Mapping[str, SignedVersion]] = {}
        self._rings: dict[str, tuple[PublisherKeys, Keyring]] = {}

    def known(self) -> Signers:
        """Return who is known to sign from now on."""
        before = self.rules.signers.without(self.names)
        return before.joined(Signers(self.keys, self.names))

    def demanded(self, subject: Subject) -> bool:
        """Whether the user, or the registry's policy, demands a signature."""
        demand = self.records.root().demand
        if self.rules.required or isinstance(demand, bool):
            return self.rules.required or demand is True
        artifact = subject.artifact
        return demands(demand, self.records.published(subject.kind, artifact.name, artifact.version))

    def judge(self, subject: Subject) -> None:
        """Judge one version. Raises :class:`SignatureError`, MissingExtraError."""
        if subject.artifact.signature is None:
            self._judge_unsigned(subject)
            return
        record = self._record(subject, subject.artifact.signature)
        signer = self._verified(subject, record)
        self._check_known(subject, record.publisher, signer.fingerprint)
        self.names[subject.name] = record.publisher
        known = self.keys.get(record.publisher, frozenset())
        self.keys[record.publisher] = known | {signer.fingerprint}
        self.found.signed[subject] = subject.artifact.signature

    def _judge_unsigned(self, subject: Subject) -> None:
        if self.demanded(subject):
            who = "this index's policy" if self.records.root().demand else "--require-signature, or config.json,"
            raise UnsignedError(f"it is not signed, and {who} demands it", remedy="ask its publisher to sign it")
        before = self.rules.signers.names.get(subject.name)
        if before is not None and UNSIGNED not in self.rules.accepted:
            remedy = f"ask {before} why; to install it all the same: --accept-signer {UNSIGNED}"
            raise UnsignedError(f"it is not signed, but was signed by {before} before", remedy=remedy)

    def _record(self, subject: Subject, ref: SignatureRef) -> SignedVersion:
        record = self.lists[ref.file].get(subject.release.key)
        if record is None or (record.publisher, record.signer) != (ref.publisher, ref.signer):
            message = f"the index says that {ref.publisher} signed it, but lists no such signature"
            raise SignatureError(message, remedy=_TELL)
        return record

    def _verified(self, subject: Subject, record: SignedVersion) -> Signer:
        keys, ring = self._ring(record.publisher)
        name = subject.artifact.name
        if name.startswith("@"):
            owned = name[1:].partition("/")[0] in keys.scopes
        else:
            owners = self.records.owners(subject.name)
            owned = owners is None or record.publisher in owners
        if not owned:
            raise ForeignSignerError(f"it is signed by {record.publisher}, who does not own it", remedy=_TELL)
        signer = ring.verify(subject.release, record.signature, record.published)
        if signer.fingerprint != record.signer:
            message = f"it is signed by the key {signer.fingerprint}, and the index says {record.signer}"
            raise SignatureError(message, remedy=_TELL)
        return signer

    def _ring(self, publisher: str) -> tuple[PublisherKeys, Keyring]:
        if publisher not in self._rings:
            keys = self.records.publisher_keys(publisher)
            if keys is None:
                raise ForeignSignerError(f"it is signed by {publisher}, of whom there are no keys", remedy=_TELL)
            self._rings[publisher] = keys, Keyring(keys.files.items(), keys.revoked)
        return self._rings[publisher]

    def _check_known(self, subject: Subject, publisher: str, fingerprint: str) -> None:
        """Refuse a publisher or key that is not the known one, unless it was accepted."""
        known = self.rules.signers
        owner = known.names.get(subject.name, publisher)
        keys = known.publishers.get(publisher)
        if (owner == publisher and (keys is None or fingerprint in keys)) or fingerprint in self.rules.accepted:
            return
        if owner != publisher:
            before = f"{owner} signed it before"
        else:
            before = f"{publisher} has signed with {', '.join(sorted(keys or ()))}"
        raise SignerChangedError(
            f"it is signed by the key {fingerprint} of {publisher}, but {before}",
            remedy=f"ask {owner}, by another way than this index, whether that is right; then: "
            f"--accept-signer {fingerprint}",
        )


_TELL = "install nothing of it; tell whoever runs the index"
