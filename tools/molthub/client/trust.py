"""What this machine trusts of a registry: its root of trust, and the newest state it has seen.

One folder per registry, ``<state>/trust/<16 hex of its address>/``, holds the root, the last timestamp, snapshot and
targets, and what was seen of its log (:mod:`molthub.client.seen_log`). Where there is one, ``registry.json`` counts
only as the target of metadata that follows from it (:mod:`molthub.client.trusted_metadata`); a registry without one is
read as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from molthub.atomic import FileLock, remove_tree, write_atomically
from molthub.client.fetch import NOT_FOUND, Fetcher
from molthub.client.paths import state_folder, trust_folder
from molthub.client.seen_log import LogHead, SeenLog, read_seen
from molthub.client.signed_metadata import Described, check_described
from molthub.client.trusted_metadata import TrustedMetadata
from molthub.errors import DeniedError, MolthubError, RootError, TrustError, missing_extra

METADATA = "metadata/"
MAX_METADATA = 512_000
MAX_ROOTS = 256
_PRIVATE_MODE = 0o600


class RootPin(NamedTuple):
    """A root by its number and digest, as a configuration names it."""

    version: int
    digest: str


class Trust:
    """The root of trust of one registry and the state last seen. ``where`` is the registry's address."""

    def __init__(self, where: str, folder: Path) -> None:
        self.where = where
        self.folder = folder
        self.log: LogHead | None = None
        """The head of the registry's log, once :meth:`registry` has read it; None: it has none."""

    @classmethod
    def of(cls, where: str, state: Path | None = None) -> Trust:
        """Return what this user trusts of the registry at ``where``; :attr:`root` says whether it is anything.

        ``state`` is the folder to remember it in (default: the user's). What the user trusts holds there too.
        """
        own = cls(where, trust_folder(where))
        if state is None or state.resolve() == state_folder().resolve():
            return own
        found = cls(where, trust_folder(where, state))
        if found.root is None and own.root is not None:
            found.begin(own.root)
        return found

    @property
    def root(self) -> bytes | None:
        """The newest root that is trusted, or None: nothing was ever configured."""
        return self._kept("root.json")

    def begin(self, root: bytes) -> RootPin:
        """Trust ``root`` from now on and forget what was seen under another. Raises :class:`TrustError`."""
        pin = read_root(root)
        if self.root != root:
            self.forget()
            with self._told():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep("root.json", root)
        return pin

    def begin_unless_known(self, root: bytes) -> None:
        """Trust ``root`` where nothing is trusted yet; what is there may be newer. Raises :class:`TrustError`."""
        if self.root is None:
            self.begin(root)

    def forget(self) -> None:
        """Trust nothing of this registry any more."""
        if self.folder.exists():
            remove_tree(self.folder)

    def begin_by_pin(self, fetcher: Fetcher, pin: RootPin) -> None:
        """Fetch the root that a configuration pins, where nothing is trusted yet. Raises :class:`RootError`."""
        if self.root is None:
            self.begin(fetch_root(fetcher, pin.version, pin.digest))

    def registry(self, fetcher: Fetcher, cached: bytes | None = None, *, now: datetime | None = None) -> bytes:
        """Return ``registry.json`` after every check of TUF's client workflow has passed.

        ``cached`` is taken where it is the file that is signed now. Raises :class:`TrustError` or one of its kinds;
        :class:`UnreachableError`. The state that was seen is remembered even when a later check fails.
        """
        with self._told(), FileLock(self.folder / ".lock"):
            trusted = self._trusted(now or datetime.now(UTC))
            self._update_roots(trusted, fetcher)
            self._update_timestamp(trusted, fetcher)
            self._update_snapshot(trusted, fetcher)
            self._update_targets(trusted, fetcher)
            self._see_log(trusted)
        described = trusted.target("registry.json")
        if cached is not None and _is(cached, described):
            return cached
        prefix = next(iter(described.hashes.values())) + "." if trusted.consistent else ""
        content = self._fetch(fetcher, f"{prefix}registry.json", described.length or MAX_METADATA)
        check_described("registry.json", content, described)
        return content

    def documents(self) -> dict[str, bytes]:
        """Return the timestamp, snapshot and targets that :meth:`registry` verified last, by their roles."""
        kept = {role: self._kept(f"{role}.json") for role in ("timestamp", "snapshot", "targets")}
        return {role: content for role, content in kept.items() if content is not None}

    def check_kept(self, content: bytes) -> None:
        """Raise :class:`MixedError` unless ``content`` is the ``registry.json`` that was last verified (offline)."""
        import json

        kept = self._kept("targets.json")
        if kept is None:
            raise TrustError(
                "nothing of it was ever verified here", place=self.where, remedy="run it without --offline"
            )
        target = json.loads(kept)["signed"]["targets"]["registry.json"]
        check_described("registry.json", content, Described(0, target["length"], target["hashes"]))

    def seen_log(self) -> SeenLog:
        """Return the heads of the log that were read here and are not yet shown to be one history."""
        kept = self._kept("log.json")
        return read_seen(kept, str(self.folder / "log.json")) if kept is not None else SeenLog()

    def log_is_proven(self, head: LogHead) -> None:
        """Remember that ``head`` goes on from everything that was seen before it."""
        with self._told(), FileLock(self.folder / ".lock"):
            later = tuple(other for other in self.seen_log().heads if other.size > head.size)
            self._keep("log.json", SeenLog((head, *later)).to_json())

    def _see_log(self, trusted: TrustedMetadata) -> None:
        seen = self.seen_log()
        self.log = seen.head_in(trusted.custom("registry.json").get("log"))
        after = seen.with_head(self.log)
        if after != seen:
            self._keep("log.json", after.to_json())

    def _trusted(self, now: datetime) -> TrustedMetadata:
        root = self.root
        if root is None:
            raise RuntimeError("there is no root to begin with")
        kept = (self._kept(f"{role}.json") for role in ("timestamp", "snapshot", "targets"))
        return TrustedMetadata(root, now, verify_ed25519, verified=[root, *(content for content in kept if content)])

    def _update_roots(self, trusted: TrustedMetadata, fetcher: Fetcher) -> None:
        for _ in range(MAX_ROOTS):
            try:
                answer = fetcher.get(f"{METADATA}{trusted.root_version + 1}.root.json", limit=MAX_METADATA)
            except DeniedError:
                return  # what object stores that may not be listed say of a file that is not there
            if answer.status == NOT_FOUND:
                return
            trusted.update_root(answer.content)
            self._keep("root.json", answer.content)

    def _update_timestamp(self, trusted: TrustedMetadata, fetcher: Fetcher) -> None:
        kept = self._kept("timestamp.json")
        with contextlib.suppress(TrustError):  # it has expired, or was signed by keys that no longer count
            if kept is not None:
                trusted.update_timestamp(kept)
        content = self._fetch(fetcher, f"{METADATA}timestamp.json", MAX_METADATA)
        if trusted.update_timestamp(content):
            self._keep("timestamp.json", content)

    def _update_snapshot(self, trusted: TrustedMetadata, fetcher: Fetcher) -> None:
        kept = self._kept("snapshot.json")
        if kept is not None:
            with contextlib.suppress(TrustError):
                trusted.update_snapshot(kept, kept=True)
                return
        content = self._fetch_named(fetcher, "snapshot", trusted.snapshot_described, trusted)
        trusted.update_snapshot(content)
        self._keep("snapshot.json", content)

    def _update_targets(self, trusted: TrustedMetadata, fetcher: Fetcher) -> None:
        kept = self._kept("targets.json")
        if kept is not None:
            with contextlib.suppress(TrustError):
                trusted.update_targets(kept)
                return
        content = self._fetch_named(fetcher, "targets", trusted.targets_described, trusted)
        trusted.update_targets(content)
        self._keep("targets.json", content)

    def _fetch_named(self, fetcher: Fetcher, role: str, described: Described, trusted: TrustedMetadata) -> bytes:
        prefix = f"{described.version}." if trusted.consistent else ""
        return self._fetch(fetcher, f"{METADATA}{prefix}{role}.json", described.length or MAX_METADATA)

    def _fetch(self, fetcher: Fetcher, path: str, limit: int) -> bytes:
        answer = fetcher.get(path, limit=limit)
        if answer.status == NOT_FOUND:
            raise TrustError(
                f"this registry is signed, but {path} is missing",
                place=self.where,
                remedy="it may be being published just now: try again in a minute. If it really is no longer signed, "
                "ask whoever runs it, then: skills registry remove, and add it again",
            )
        return answer.content

    def _kept(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _keep(self, name: str, content: bytes) -> None:
        write_atomically(self.folder / name, content, _PRIVATE_MODE)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say where an error is: the registry for what it sent, the folder for what cannot be written."""
        try:
            yield
        except TrustError as error:
            if error.place:
                raise
            raise type(error)(error.message, place=self.where, remedy=error.remedy) from None
        except OSError as error:
            remedy = "what was seen of a signed registry must be remembered; make the folder writable"
            raise MolthubError(str(error.strerror or error), place=str(self.folder), remedy=remedy) from None


def fetch_root(fetcher: Fetcher, version: int, digest: str | None = None) -> bytes:
    """Fetch one root; it must have the digest, where one is given. Raises :class:`RootError`, :class:`TrustError`."""
    path = f"{METADATA}{version}.root.json"
    answer = fetcher.get(path, limit=MAX_METADATA)
    if answer.status == NOT_FOUND:
        raise RootError(
            f"there is no {path}, so this registry is not signed",
            place=fetcher.where,
            remedy="add it without a root or fingerprint, or ask whoever runs it (molthub sign)",
        )
    if digest is not None and fingerprint(answer.content) != digest:
        raise RootError(
            f"its root has the fingerprint {fingerprint(answer.content)}, expected {digest}",
            place=fetcher.where,
            remedy="ask whoever runs this registry, by another way than this one, which of them is right",
        )
    read_root(answer.content)
    return answer.content


def read_root(content: bytes) -> RootPin:
    """Check that ``content`` is a root signed by its own keys, and return how it is pinned. Raises TrustError."""
    trusted = TrustedMetadata(content, datetime.now(UTC), verify_ed25519)
    return RootPin(trusted.root_version, fingerprint(content))


def fingerprint(content: bytes) -> str:
    """Return what people compare: the digest of a root's bytes."""
    return f"sha256:{sha256(content).hexdigest()}"


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an ed25519 signature (RFC 8032) is good. Raises :class:`MissingExtraError`."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise missing_extra("verify", "reading a signed registry") from error
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is(content: bytes, described: Described) -> bool:
    try:
        check_described("registry.json", content, described)
    except TrustError:
        return False
    return True
