"""Whatever the program rsync reaches: ``rsync://HOST/MODULE/PATH``, or ``USER@HOST:PATH`` over ssh.

rsync itself writes each file beside its place and renames it. Here it is told which files, in which order.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shutil import which

from molthub.errors import MolthubError, UnreachableError
from molthub.index.deploy.places import Done, Held
from molthub.index.folder import BLOB

_LISTED = re.compile(r"-[rwxXsStT-]{9}\S*\s+(\d+) (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.*)")
_DOCUMENTS = ("/*.json", "/metadata/", "/metadata/*.json", "/shards/", "/shards/*", "/fleets/", "/fleets/*.json",
              "/search/", "/search/*")  # fmt: skip
_PARTIAL = 23


class RsyncPlace:
    """A place that rsync writes to. Raises :class:`MolthubError` where the program is missing."""

    def __init__(self, address: str) -> None:
        if which("rsync") is None:
            raise MolthubError("the program rsync is not on PATH", place=address, remedy="install rsync")
        self.where = re.sub(r"(?<=rsync://)[^/@]*@", "", address)
        self._address = address.rstrip("/") + "/"
        self._exists = True
        self._documents: dict[str, bytes] | None = None

    def files(self) -> Mapping[str, Held]:
        """Return every file below the address; none where that does not exist yet."""
        done = self._rsync(["-r", "--list-only", "--no-human-readable", "--", self._address], missing_is_fine=True)
        self._exists = done is not None
        found = (_LISTED.fullmatch(line) for line in (done or "").splitlines())
        return {match[3]: Held(int(match[1]), _time(match[2])) for match in found if match}

    def read(self, path: str) -> bytes:
        """Return a document's bytes. All that a deployment may read are fetched at the first call."""
        if self._documents is None:
            self._documents = self._fetch_documents()
        if path not in self._documents:
            raise FileNotFoundError(path)
        return self._documents[path]

    def _fetch_documents(self) -> dict[str, bytes]:
        chosen = [*(f"--include={pattern}" for pattern in _DOCUMENTS), "--exclude=*"]
        with tempfile.TemporaryDirectory(prefix="molthub-") as folder:
            self._rsync(["-r", *chosen, "--", self._address, f"{folder}/"], missing_is_fine=True)
            found = (file for file in Path(folder).rglob("*") if file.is_file())
            return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}

    def changed(self, site: Path, paths: Sequence[str], held: Mapping[str, Held]) -> list[str]:
        """Compare sizes; let rsync compare the content of files that are not named after their bytes."""
        different = {path for path in paths if path not in held or (site / path).stat().st_size != held[path].size}
        asked = [path for path in paths if path not in different and not BLOB.match(path)]
        if asked:
            options = ["--checksum", "--dry-run", "--out-format=%n"]
            said = self._rsync([*options, "--files-from=-", "--", f"{site}/", self._address], names=asked)
            different.update((said or "").splitlines())
        return [path for path in paths if path in different]

    def send(self, site: Path, paths: Sequence[str], done: Done) -> None:
        """Send files whose content is known to differ."""
        options = ["--ignore-times", "--chmod=D755,F644", "--perms"]
        if not self._exists:
            options.append("--mkpath")
        self._rsync([*options, "--files-from=-", "--", f"{site}/", self._address], names=paths)
        self._exists = True
        done(len(paths))

    def keep(self, _paths: Sequence[str]) -> list[str]:
        """Nothing has to be done: files stay where they are."""
        return []

    def remove(self, paths: Sequence[str]) -> None:
        """Delete exactly these files: they are missing in a folder that holds nothing but their folders."""
        with tempfile.TemporaryDirectory(prefix="molthub-") as empty:
            for folder in {path.rpartition("/")[0] for path in paths}:
                (Path(empty) / folder).mkdir(parents=True, exist_ok=True)
            options = ["-r", "--delete-missing-args", "--files-from=-"]
            self._rsync([*options, "--", f"{empty}/", self._address], names=paths)

    def _rsync(
        self, arguments: Sequence[str], *, names: Sequence[str] = (), missing_is_fine: bool = False
    ) -> str | None:
        """Run rsync and return what it printed; None where nothing is there and that is fine."""
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
        command = ["rsync", "--8-bit-output", "--from0", *arguments]
        listed = "".join(f"{name}\0" for name in names).encode()
        done = subprocess.run(command, input=listed, env=environment, capture_output=True, check=False)
        said = done.stderr.decode(errors="replace")
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "surrogateescape")
        if missing_is_fine and done.returncode == _PARTIAL and "No such file or directory" in said:
            return None
        reason = next((line for line in said.splitlines() if line.strip()), f"exit status {done.returncode}")
        remedy = "see what rsync says of the address by itself; what was sent is not sent twice"
        raise UnreachableError(f"rsync: {reason.strip()}", place=self.where, remedy=remedy)


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
