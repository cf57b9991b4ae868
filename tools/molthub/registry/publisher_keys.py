"""Publishers' keys as a registry holds them, and who may sign what by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from molthub.errors import ForeignSignerError, SignatureError
from molthub.model import Publisher, PublisherKeys, SignedVersion
from molthub.publisher_signatures import Demand, Keyring, Release, key_kind
from molthub.registry.source import Source


def read_keys(publisher: Publisher, source: Source) -> PublisherKeys:
    """Return the keys beside a publisher's ``publisher.yaml``."""
    folder = f"publishers/{publisher.name}/"
    names = [path for path in source.files if path.startswith(folder) and key_kind(path)]
    files = {path.removeprefix(folder): source.read(path) for path in sorted(names)}
    return PublisherKeys(publisher.name, publisher.scopes, files, publisher.revoked)


def owners_of(name: str, owners: Iterable[str], scopes: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return who may sign a skill or pack: its ``owners``, or whoever has its scope by ``scopes`` of publishers."""
    if not name.startswith("@"):
        return tuple(owners)
    scope = name[1:].partition("/")[0]
    return tuple(publisher for publisher, theirs in scopes.items() if scope in theirs)


class SignatureJudge:
    """Judges signatures by the keys of publishers.

    ``scopes`` are those of every publisher, ``keys`` reads the keys of one (None: there is no such publisher), and
    ``demand`` says what must be signed.
    """

    def __init__(
        self,
        scopes: Mapping[str, Iterable[str]] | None = None,
        keys: Callable[[str], PublisherKeys | None] = lambda _name: None,
        demand: Demand = False,
    ) -> None:
        self.demand = demand
        self._scopes = scopes or {}
        self._keys = keys
        self._rings: dict[str, Keyring | SignatureError] = {}

    def owners(self, name: str, owners: Iterable[str]) -> tuple[str, ...]:
        """Return who may sign a skill or pack of this name."""
        return owners_of(name, owners, self._scopes)

    def judge(self, release: Release, owners: Iterable[str], signature: bytes, published: str) -> SignedVersion:
        """Return what to publish of a good signature.

        Raises :class:`SignatureError`, of the kind that says why it does not count: for the one owner, or else for the
        last whose key it claims; MissingExtraError.
        """
        known = self.owners(release.name, owners)
        found: list[SignatureError] = []
        for owner in known:
            try:
                signer = self._ring(owner).verify(release, signature, published)
            except SignatureError as error:
                found.append(error)
            else:
                return SignedVersion(owner, signer.fingerprint, published, signature)
        told = [error for error in found if not isinstance(error, ForeignSignerError)] or found
        raise told[-1] if told else ForeignSignerError("it has no owner whose key could be looked for", remedy=_OWNER)

    def _ring(self, owner: str) -> Keyring:
        if owner not in self._rings:
            keys = self._keys(owner)
            try:
                self._rings[owner] = Keyring(keys.files.items(), keys.revoked) if keys is not None else Keyring(())
            except SignatureError as error:
                place = f"publishers/{owner}/{error.place}" if error.place else ""
                self._rings[owner] = SignatureError(error.message, place=place, remedy=error.remedy)
        ring = self._rings[owner]
        if isinstance(ring, SignatureError):
            raise ring
        return ring


_OWNER = "name its owner in project.yaml, or list its scope in the publisher.yaml of who publishes it"
