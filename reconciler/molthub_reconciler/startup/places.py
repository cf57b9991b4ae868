"""Where a machine's startup files lie: written, replaced and removed only where they were made here."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from molthub.atomic import write_atomically
from molthub.errors import MolthubError, NotFoundError
from molthub_reconciler.startup import launchd, systemd
from molthub_reconciler.startup.job import MARK, Job

Kind = Literal["systemd", "launchd"]


@dataclass(frozen=True, slots=True)
class Startup:
    """Where this machine keeps startup files: those of the ``system``, which root writes, or a user's own."""

    kind: Kind
    folder: Path
    is_system: bool

    @classmethod
    def here(cls) -> Startup:
        """Return that of this machine and user."""
        is_system = os.name != "nt" and os.geteuid() == 0
        if sys.platform == "darwin":
            folder = Path("/Library/LaunchDaemons") if is_system else Path.home() / "Library/LaunchAgents"
            return cls("launchd", folder, is_system)
        own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"
        return cls("systemd", Path("/etc/systemd/system") if is_system else own, is_system)

    def path(self, name: str) -> Path:
        """Return where the file of a job of that name lies."""
        return self.folder / f"{name}{systemd.SUFFIX if self.kind == 'systemd' else launchd.SUFFIX}"

    def text(self, job: Job) -> str:
        """Return the file. Raises :class:`MolthubError` for paths that it cannot hold."""
        if self.kind == "systemd":
            return systemd.unit(job)
        logs = Path("/Library/Logs") if self.is_system else Path.home() / "Library/Logs"
        return launchd.property_list(job, str(logs / f"{job.name}.log"))

    def put(self, job: Job) -> bool:
        """Write the file; return False where it was like that already. Raises :class:`MolthubError`."""
        place, text = self.path(job.name), self.text(job)
        before = self._ours(place)
        if before == text:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(place, text.encode(), 0o644)
        except OSError as error:
            message = f"it cannot be written: {error.strerror or error}"
            raise MolthubError(message, place=str(place), remedy="without --write it is printed") from None
        return True

    def remove(self, name: str, *, dry_run: bool) -> list[Path]:
        """Remove the file of that name, with what starts it; return them. Raises :class:`NotFoundError`."""
        place = self.path(name)
        if self._ours(place) is None:
            remedy = "look at what is there: `systemctl list-unit-files 'molthub-*'`"
            raise NotFoundError("there is nothing to uninstall", place=str(place),
                                remedy=remedy if self.kind == "systemd" else "look into that folder")  # fmt: skip
        link = self.folder / f"{systemd.WANTED_BY[self.is_system]}.wants" / place.name
        found = [one for one in (link, place) if one.is_symlink() or one.exists()]
        try:
            for one in found if not dry_run else ():
                one.unlink()
        except OSError as error:
            raise MolthubError(f"it cannot be removed: {error.strerror or error}", place=str(place)) from None
        return found

    def _ours(self, place: Path) -> str | None:
        """Return what a file holds that was made here; None: there is none. Raises :class:`MolthubError` for others."""
        found = None
        with contextlib.suppress(FileNotFoundError):
            found = place.read_text(errors="replace")
        if found is not None and MARK not in found:
            remedy = "move it away first, if it is not needed"
            raise MolthubError("a file of that name was not made by molthub", place=str(place), remedy=remedy)
        return found

    # --- what to type next --------------------------------------------------------------------------------------------

    def to_start(self, name: str, *, again: bool = False) -> str:
        """Return the commands that start what was written; ``again``: where it may run already."""
        place = self.path(name)
        if self.kind == "launchd":
            return f"launchctl bootstrap {self._domain} {place}"
        verb = "restart" if again else "enable --now"
        return f"{self._control} daemon-reload && {self._control} {verb} {place.name}"

    def to_stop(self, name: str) -> str:
        """Return the commands that end what was removed."""
        if self.kind == "launchd":
            return f"launchctl bootout {self._domain}/{name}"
        return f"{self._control} stop {self.path(name).name}; {self._control} daemon-reload"

    @property
    def _control(self) -> str:
        return "systemctl" if self.is_system else "systemctl --user"

    @property
    def _domain(self) -> str:
        return "system" if self.is_system else f"gui/{os.getuid()}"
