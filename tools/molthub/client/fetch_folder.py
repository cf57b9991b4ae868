"""Reading an index from a folder of this machine."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from molthub.client.fetcher import NOT_FOUND, NOT_MODIFIED, OK, Fetched, too_large
from molthub.errors import FormatError, UnreachableError


class FolderFetcher:
    """An index in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.normpath(folder.absolute()))
        self.where = str(self.folder)
        if not folder.is_dir():
            raise UnreachableError("there is no such folder", place=str(folder), remedy=_folder_remedy(str(folder)))
        _refuse_registry(folder)

    def get(self, path: str, *, etag: str | None = None, limit: int) -> Fetched:
        """Read a file; its ETag is its hash."""
        try:
            with open(f"{self.where}/{path}", "rb", buffering=0) as stream:  # noqa: PTH123 (ten thousand in a row)
                # No more than there is: room for ``limit`` bytes takes longer to make than a document to read.
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, limit) + 1)
                while 0 < len(content) <= limit and (more := stream.read(limit + 1 - len(content))):
                    content += more
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return Fetched(NOT_FOUND)
        except OSError as error:
            raise UnreachableError(
                error.strerror or str(error), place=str(self.folder / path), remedy="make the file readable"
            ) from None
        if len(content) > limit:
            raise too_large(str(self.folder / path), limit)
        found = f'"{sha256(content).hexdigest()}"'
        return Fetched(NOT_MODIFIED, etag=found) if found == etag else Fetched(OK, content, found)

    def close(self) -> None:
        """Nothing is held open."""


def _refuse_registry(folder: Path) -> None:
    sources = (folder / "registry.yaml", folder / "registry-index" / "registry.yaml")
    if any(source.is_file() for source in sources) and not (folder / "registry.json").exists():
        raise FormatError(
            "this is a registry, and what is needed here is the index that is built from it",
            place=str(folder),
            remedy=f"build it first: molthub build --registry {folder} --out site; then use --registry site",
        )


def _folder_remedy(text: str) -> str:
    first = text.split("/", 1)[0]
    if "." in first.strip("."):
        return f"if it is a web address, write https://{text}; a folder must be one that `molthub build` wrote"
    return "give a folder that `molthub build` wrote, or a URL that begins with https://"
