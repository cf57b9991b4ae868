"""The least that archiving every version takes: list, read, tar, compress, hash and write, in a bare loop."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import deflate


def versions(repository: str) -> Iterator[list[tuple[str, str]]]:
    """Yield (path, blob) of the files of each skill version."""
    listed = subprocess.run(
        ["git", "-C", repository, "ls-tree", "-r", "HEAD", "skills/"], check=True, capture_output=True
    )
    folder, files = "", []
    for line in listed.stdout.decode().splitlines():
        head, path = line.split("\t")
        parts = path.split("/", 3)
        if len(parts) < 4:  # noqa: PLR2004 (project.yaml)
            continue
        if "/".join(parts[:3]) != folder and files:
            yield files
            files = []
        folder = "/".join(parts[:3])
        files.append((parts[3], head.split()[2]))
    yield files


def main(repository: str, out: Path) -> None:
    """Write every archive."""
    out.mkdir()
    command = ["git", "-C", repository, "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        for files in versions(repository):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
                for path, blob in files:
                    git.stdin.write(f"{blob}\n".encode())
                    git.stdin.flush()
                    content = git.stdout.read(int(git.stdout.readline().split()[2]) + 1)[:-1]
                    sha256(content)
                    entry = tarfile.TarInfo(path)
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
            compressed = deflate.gzip_compress(packed.getvalue(), 1)
            (out / sha256(compressed).hexdigest()).write_bytes(compressed)
        git.stdin.close()


main(sys.argv[1], Path(sys.argv[2]))
