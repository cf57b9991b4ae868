"""A registry that is published again and again, each time from a fresh checkout with no state but the live site."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from molthub.client.trust import Trust
from molthub.documents import hex_of
from molthub.index.sign import Lifetimes, read_published, sign
from molthub.index.signing_keys import SigningKeys
from tests.builders import Tree, commit, registry, skill, write_tree
from tests.index_fixture import IndexServer
from tests.registry.command import Command, Ran


def numbered(count: int, homepage: str = "https://example.com/") -> Tree:
    """Return a registry with so many versions of one skill; another ``homepage`` gives all of them other content."""
    return registry(skill("git", *(f"1.{number}.0" for number in range(count)), homepage=homepage), locked=False)


def forked(count: int) -> Tree:
    """Return a registry with the first three of these versions, and so many others."""
    others = [f"2.{number}.0" for number in range(count)]
    return registry(skill("git", "1.0.0", "1.1.0", "1.2.0", *others, homepage="https://example.com/"), locked=False)


def files_of(site: Path) -> dict[str, bytes]:
    """Return the files of a folder by path."""
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def in_order(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield files as they may be put on a live host: what others name first, the heads of both chains last."""

    def rank(path: str) -> int:
        heads = ["registry.json", "metadata/timestamp.json", "log/checkpoint"]
        names = ["shards/", "archives/", "search/", "log/tile/", "log/places/"]
        return 2 + heads.index(path) if path in heads else int(not path.startswith(tuple(names)))

    yield from sorted(files.items(), key=lambda item: (rank(item[0]), item[0]))


class World:
    """The registry's repository, the keys, and the live site that ``server`` serves."""

    def __init__(self, molthub: Command, folder: Path, server: IndexServer) -> None:
        self.molthub = molthub
        self.folder = folder
        self.server = server
        self.repository = folder / "registry"
        self.keys = folder / "keys"
        self.root = b""
        self._count = 0

    def begin(self, tree: Tree) -> None:
        """Make the keys and publish for the first time."""
        assert self.molthub("sign", "init", "--keys", self.keys).status == 0
        self.root = (self.keys / "1.root.json").read_bytes()
        said = self.publish(tree, "--first")
        assert said.status == 0, said

    def publish(
        self,
        tree: Tree | None,
        *options: str,
        rev: str = "HEAD",
        replace: bool = False,
        here: Mapping[str, bytes] | None = None,
    ) -> Ran:
        """Commit, then build, sign and deploy from a fresh checkout of ``rev``.

        ``replace`` is for a host that is given all files each time and forgets the rest; ``here`` is what stands in the
        folder before it is signed.
        """
        if tree is not None:
            commit(tree, self.repository)
        self._count += 1
        checkout, site = (self.folder / f"{name}-{self._count}" for name in ("checkout", "site"))
        subprocess.run(["git", "clone", "-q", str(self.repository), str(checkout)], check=True)
        assert self.molthub("build", "--registry", checkout, "--out", site, "--rev", rev).status == 0
        write_tree(here or {}, site)
        said = self.molthub(
            *("sign", "--keys", self.keys, "--registry", checkout, "--index", site, "--json"),
            *("--previous", self.server.url, *options),
        )
        if said.status == 0:
            if replace:
                self.server.files = {}
            self.deploy(files_of(site))
        return said

    def deploy(self, files: Mapping[str, bytes]) -> None:
        """Put files on the live site, one after the other."""
        for path, content in in_order(files):
            self.server.files[path] = content

    def fork(self, old: dict[str, bytes], tree: Tree, times: int = 9) -> None:
        """Publish another history from an ``old`` state, as who has the keys can, under greater versions than ever."""
        self.server.files = dict(old)
        for _ in range(times):
            self.sign_by_hand(self.server.files["registry.json"], log=True)
        said = self.publish(tree, "--accept-fork")
        assert said.status == 0, said

    def sign_by_hand(self, content: bytes, *, log: bool) -> None:
        """Sign any bytes as ``registry.json``, with the log as it is or with none."""
        keys = SigningKeys(self.keys)
        previous = read_published(self.server.files.get, keys, self.server.url)
        assert previous is not None
        before = previous if log else previous._replace(log=None)
        now = datetime.now(UTC).replace(microsecond=0)
        self.deploy({f"{hex_of(content)}.registry.json": content})
        self.deploy(sign(content, keys, before, now, Lifetimes()).files)

    def trusted_by(self, state: Path) -> Trust:
        """Return what a client that keeps its state there trusts."""
        trust = Trust(self.server.url, state)
        trust.begin_unless_known(self.root)
        return trust
