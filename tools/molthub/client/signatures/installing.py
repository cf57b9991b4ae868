"""Signatures when skills are installed: what is new is judged, who signed is noted, first keys are remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from molthub.client.signatures.signers import Signers, read_signers, remember_signers
from molthub.errors import Problem, SignatureError

if TYPE_CHECKING:
    from molthub.client.cache import Store
    from molthub.client.index import Index
    from molthub.client.lockfile import InstalledVersion
    from molthub.client.signatures.judge import Judgement, Subject
    from molthub.model import Artifact, PackRelease, SignatureRef


@dataclass(frozen=True)
class Found:
    """What judging came to: who signed each skill by name and version, and the signers known from now on."""

    signatures: dict[tuple[str, str], SignatureRef]
    signers: Signers
    first: tuple[tuple[str, str], ...]
    warnings: tuple[Problem, ...]

    def signed(self, entry: InstalledVersion) -> InstalledVersion:
        """Return an entry with whose signature it was verified by."""
        found = self.signatures.get((entry.name, entry.version))
        return entry if found is None else entry._replace(publisher=found.publisher, signer=found.signer)


class InstalledSignatures:
    """The rules of one ``.skills`` folder on signatures.

    ``folders`` are those whose ``signers.json`` count, the folder itself first. ``required`` and ``accepted`` are as in
    :class:`molthub.client.signatures.judge.Rules`.
    """

    def __init__(self, folders: Sequence[Path], *, required: bool = False, accepted: Iterable[str] = ()) -> None:
        self._folders = tuple(folders)
        self.required = required
        self._accepted = frozenset(accepted)

    def matter(self, artifacts: Iterable[Artifact], index: Index) -> bool:
        """Whether there is anything to judge: signatures, a demand for them, or signers known before."""
        if self.required or index.root().demand or any(artifact.signature for artifact in artifacts):
            return True
        return bool(self.known(index.where).names)

    def judge(
        self,
        artifacts: Iterable[Artifact],
        known: Collection[InstalledVersion],
        packs: Iterable[PackRelease],
        index: Index,
        store: Store,
    ) -> Found:
        """Judge what is to be installed. Raises :class:`SignatureError` naming all that is refused, MissingExtraError.

        What is ``known`` was verified when it was installed, and is not verified again if the same key signed it.
        """
        from molthub.client.signatures.judge import Rules, Subject, judge

        before = self.known(index.where)
        rules = Rules(self.required, self._accepted, before)
        verified = {(entry.name, entry.version): (entry.publisher, entry.signer) for entry in known if entry.signer}
        subjects = [Subject("skill", artifact) for artifact in artifacts if not _is_verified(artifact, verified)]
        releases = {Subject("pack", release.artifact): release for release in packs}
        found = judge([*subjects, *releases], index, rules)
        self._judge_locks(found, releases, index, store)
        found.raise_failures(index.where)
        first = sorted(
            (name, key)
            for name, keys in found.signers.publishers.items()
            for key in keys - before.publishers.get(name, frozenset())
        )
        signatures = {
            (s.artifact.name, s.artifact.version): ref for s, ref in found.signed.items() if s.kind == "skill"
        }
        return Found(signatures, found.signers, tuple(first), found.warnings)

    def remember(self, index: Index, found: Found) -> None:
        """Write down who is known to sign from now on."""
        remember_signers(self._folders[0], index.where, found.signers)

    def known(self, where: str) -> Signers:
        """Return who is known to sign what the index at ``where`` offers. Raises :class:`FormatError`."""
        return read_signers(self._folders, where)

    def _judge_locks(self, found: Judgement, packs: dict[Subject, PackRelease], index: Index, store: Store) -> None:
        from molthub.client.signatures.packs import check_lock

        for subject in packs.keys() & found.signed.keys():
            try:
                check_lock(packs[subject], index, store)
            except SignatureError as error:
                found.failed[subject] = error


def _is_verified(artifact: Artifact, verified: Mapping[tuple[str, str], tuple[str | None, str | None]]) -> bool:
    signature = artifact.signature
    known = verified.get((artifact.name, artifact.version))
    return known is not None and signature is not None and known == (signature.publisher, signature.signer)
