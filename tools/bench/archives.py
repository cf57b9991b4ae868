"""The archives of every version and nothing else: as a build makes them, or (``--bare``) in a loop around ``tarfile``.

Both read files with pygit2, hash each, compress with the same library, hash what comes of it and write it. Listing what
there is comes before and is left out, as far as the CPU seconds say that this prints.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import deflate
import pygit2

from molthub.documents import file_entry, hex_of, tree_digest
from molthub.index.archives import pack_archive
from molthub.index.write_files import Writer, plain_umask
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.skill_folders import skill_folders, skill_part
from molthub.registry.trees.tree_walk import TreeFile

_IN_A_VERSION = 4


Version = list[tuple[str, TreeFile]]
"""The files of one version, with their paths in it."""

Read = Callable[[str], bytes]
"""Returns a blob by its id."""


def versions(source: GitSource) -> Iterator[Version]:
    """Yield every version of a skill without a scope; the bench has no other."""
    for name, tree in skill_folders(source).trees.items():
        found: dict[str, Version] = {}
        for path, file in skill_part(source, name, tree).files.items():
            steps = path.split("/", _IN_A_VERSION - 1)
            if len(steps) == _IN_A_VERSION:
                found.setdefault(steps[2], []).append((steps[3], file))
        yield from found.values()


def as_built(version: Version, read: Read, writer: Writer) -> None:
    """Make an archive as a build does."""
    texts = [(path, file.executable, read(file.id)) for path, file in version]
    content = [(file_entry(path, text, executable=executable), text) for path, executable, text in texts]
    tree_digest(entry for entry, _text in content)
    packed = pack_archive(content)
    writer.put(f"archives/{hex_of(packed)}.tar.gz", packed)


def bare(version: Version, read: Read, writer: Writer) -> None:
    """Make an archive with what Python brings along."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, file in version:
            text = read(file.id)
            sha256(text).hexdigest()
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    packed = bytes(deflate.gzip_compress(tar.getvalue(), 1))
    writer.put(f"archives/{sha256(packed).hexdigest()}.tar.gz", packed)


def spent() -> float:
    """Return the CPU seconds of this process so far."""
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(repository: Path, out: Path, make: Callable[[Version, Read, Writer], None]) -> None:
    """Make every archive and print the CPU seconds that it took."""
    out.mkdir()
    listed, objects = list(versions(GitSource(repository))), pygit2.Repository(str(repository)).odb
    with plain_umask():
        writer, before = Writer(out, fresh=True), spent()
        for version in listed:
            make(version, lambda blob: objects.read(blob)[1], writer)
        print(f"{spent() - before:.3f}")


main(Path(sys.argv[1]), Path(sys.argv[2]), bare if "--bare" in sys.argv else as_built)
