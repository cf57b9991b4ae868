"""A bucket behind the S3 interface: AWS's own, or any that speaks it (``AWS_ENDPOINT_URL``).

Credentials, region and endpoint are read from the usual environment variables. Each object gets its type and its
lifetime as metadata, which S3 answers it with. Putting an object is atomic there. What changed is told by size and
ETag, which of an object that was put at once is the MD5 of its bytes; where a bucket's encryption makes it something
else, the object is sent again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from hashlib import md5
from pathlib import Path

from molthub.errors import DeniedError, MolthubError, UnreachableError, UsageError, missing_extra
from molthub.index.content_types import content_type, lifetime
from molthub.index.deploy.places import Done, Held
from molthub.index.folder import BLOB

try:
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import S3Store
except ModuleNotFoundError as error:
    raise missing_extra("deploy", "sending an index to a bucket") from error

_AT_ONCE = 16
_PAGE = 1000
_METADATA_HOST = "169.254.169.254"  # where credentials are asked for on AWS's own machines, when nothing else has any


class ObjectStorePlace:
    """``s3://BUCKET/PREFIX``. Raises :class:`UsageError` for an address without a bucket."""

    def __init__(self, address: str) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not bucket:
            raise UsageError("no bucket is named", place=address, remedy="write s3://BUCKET or s3://BUCKET/PREFIX")
        self.where = address
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        self._store = S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            endpoint=endpoint or None,
            client_options={"allow_http": endpoint is not None and endpoint.startswith("http://")},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        )

    def files(self) -> Mapping[str, Held]:
        """Return every object below the prefix."""
        with self._told():
            pages = obstore.list(self._store, chunk_size=_PAGE)
            return {
                found["path"]: Held(found["size"], found["last_modified"], (found["e_tag"] or "").strip('"'))
                for page in pages
                for found in page
            }

    def read(self, path: str) -> bytes:
        """Return an object's bytes."""
        with self._told():
            return bytes(obstore.get(self._store, path).bytes())

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        """Compare sizes; of files that are not named after their bytes the MD5 too."""
        return [path for path in paths if path not in held or not _is_same(site, path, held[path])]

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        """Put objects, several at once. The first that fails ends it."""

        def put(path: str) -> None:
            attributes = {"Content-Type": content_type(path), "Cache-Control": lifetime(path)}
            obstore.put(self._store, path, (site / path).read_bytes(), attributes=attributes, use_multipart=False)

        with self._told(), ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for _ in pool.map(put, paths):
                    done(1)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def keep(self, _paths: Sequence[str]) -> list[str]:
        """Nothing has to be done: objects stay where they are."""
        return []

    def remove(self, paths: Sequence[str]) -> None:
        """Delete objects."""
        with self._told():
            for start in range(0, len(paths), _PAGE):
                obstore.delete(self._store, list(paths[start : start + _PAGE]))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our words what the bucket refused. An object that is not there stays a FileNotFoundError."""
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            if "NoSuchBucket" not in str(error) and isinstance(error, FileNotFoundError):
                raise
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> MolthubError:
        if "NoSuchBucket" in str(error):
            remedy = "make it, or correct its name; AWS_ENDPOINT_URL says which S3 is asked"
            return MolthubError("there is no such bucket", place=self.where, remedy=remedy)
        refused = isinstance(error, (PermissionDeniedError, UnauthenticatedError))
        if refused or "status code: 403" in str(error):  # as it is called where a listing is refused
            return DeniedError(f"access is denied ({_code(error)})", place=self.where, remedy=_RIGHTS)
        if _METADATA_HOST in str(error):
            return DeniedError("there are no credentials", place=self.where, remedy=_RIGHTS)
        remedy = "run it again: what was sent is not sent twice"
        return UnreachableError(f"the bucket did not answer ({_code(error)})", place=self.where, remedy=remedy)


_RIGHTS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) of a user who may list, get, put and "
    "delete there"
)


def _is_same(site: Path, path: str, held: Held) -> bool:
    if (site / path).stat().st_size != held.size:
        return False
    if BLOB.match(path):
        return True
    return md5((site / path).read_bytes(), usedforsecurity=False).hexdigest() == held.md5


def _code(error: Exception) -> str:
    """Return the code of S3's answer, or the first line of what the library says."""
    text = str(error)
    if "<Code>" in text:
        return text.partition("<Code>")[2].partition("</Code>")[0]
    return text.partition("\n")[0][:200]
