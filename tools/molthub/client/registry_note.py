"""``.skills/.cache/registry-metadata.json``: which index the skills came from last, for people and other programs."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from molthub.atomic import write_atomically
from molthub.client.index_cache import timestamp
from molthub.documents import digest_of, index_root_to_json
from molthub.model import IndexRoot


def note_registry(folder: Path, where: str, root: IndexRoot) -> None:
    """Write name, address, revision, digest and time, unless it says this revision already.

    Nothing reads it back, so a failure to write it is none.
    """
    path = folder / ".cache" / "registry-metadata.json"
    note = {
        "name": root.name,
        "url": where,
        "revision": root.revision,
        "digest": digest_of(index_root_to_json(root)),
    }
    with contextlib.suppress(OSError):
        try:
            known = json.loads(path.read_bytes())
            if {**known, **note} == known:
                return
        except (OSError, ValueError, TypeError):
            path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({**note, "fetched": timestamp()}, indent=2, ensure_ascii=False) + "\n"
        write_atomically(path, content.encode(), durable=False)
