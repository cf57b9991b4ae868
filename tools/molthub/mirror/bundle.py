"""A mirror as one file, to be carried where no network leads: a plain tar archive of what its readers read.

Its files stand in the order in which they are published, the root last, so that unpacking it over an older copy leaves
a whole mirror at every moment. Every index can be read from it as it is (:mod:`molthub.client.fetch_bundle`), so that
``molthub mirror FILE.tar DIR`` verifies it like any other origin.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from molthub.atomic import unique_suffix
from molthub.index.folder import FILE_MODE
from molthub.mirror.folder import MirrorFolder


def write_bundle(folder: MirrorFolder, target: Path, progress: Callable[[int], None] = lambda _done: None) -> int:
    """Write the mirror in ``folder`` to ``target`` and return how many files that are. Raises OSError."""
    files = folder.files()
    temporary = target.with_name(f".{target.name}.{unique_suffix()}.tmp")
    try:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
            for path in files:
                content = (folder.path / path).read_bytes()
                member = tarfile.TarInfo(path)
                member.size = len(content)
                member.mode = FILE_MODE
                tar.addfile(member, io.BytesIO(content))
                progress(1)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return len(files)
