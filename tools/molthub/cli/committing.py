"""How commands that edit a registry end: a diff on a dry run, else one commit of their own files, pushed on demand."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.cli.next_step import say_next
from molthub.console import Console
from molthub.errors import UsageError

if TYPE_CHECKING:
    from molthub.cli.pull_requests import PullRequest
    from molthub.model import Json
    from molthub.registry.authoring.checkout import Checkout

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Editing:
    """One edit of a registry's checkout, as its options ask for it; :meth:`finish` sets ``commit`` and ``proposed``."""

    registry: str
    commits: bool = True
    dry_run: bool = False
    push: bool = False
    pull_request: bool = False
    commit: str | None = None
    proposed: PullRequest | None = None

    @functools.cached_property
    def checkout(self) -> Checkout:
        """The checkout. Raises :class:`molthub.errors.RegistryError` where there is none, or no place to commit."""
        from molthub.registry.authoring.checkout import Checkout

        return Checkout(Path(self.registry), commits=self.commits)

    def finish(
        self,
        console: Console,
        files: Mapping[str, bytes],
        message: str,
        *,
        after: str = "",
        executable: Collection[str] = (),
    ) -> None:
        """Write ``files`` (paths relative to the registry) as one commit, and say what comes next.

        Those of ``executable`` may be run. ``after`` is the command that follows once the change is merged. A dry run
        shows what would change instead.
        """
        if self.dry_run:
            self._show(console, files)
            return
        if not files:
            return
        from molthub.registry.authoring.new_files import NewFile

        if self.push or self.pull_request:
            self.checkout.remote()
        self.commit = self.checkout.write(
            {path: NewFile(content, path in executable) for path, content in files.items()}, message
        )
        self._say(console, files, message, after)

    def _show(self, console: Console, files: Mapping[str, bytes]) -> None:
        source = self.checkout.source
        for path, content in files.items():
            earlier = path if path in source.files else _version_before(path, source.files)
            old = source.read(earlier).decode() if earlier else ""
            names = (f"a/{earlier}" if earlier else "/dev/null", f"b/{path}")
            if not earlier and path.startswith("skills/"):
                console.result(f"{names[1]}: new, {len(content)} bytes")
                continue
            try:
                new = content.decode()
            except UnicodeDecodeError:
                console.result(f"{names[1]}: {len(content)} bytes that are no text")
                continue
            lines = unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
            for line in lines:
                color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1]) if line[:3] not in _HEADS else None
                console.result(console.style(line, fg=color))
        console.say("nothing was written: this was a dry run")

    def _say(self, console: Console, files: Mapping[str, bytes], message: str, after: str) -> None:
        if self.commit is None:
            console.say(f"wrote {', '.join(sorted(files))}")
        if self.commit is None or not (self.push or self.pull_request):
            say_next(console, self.checkout, self.commit)
        else:
            self._push(console, self.commit, message)
        if self.commit is not None and after:
            here = self.checkout.shown == "."
            registry = "" if here else f" --registry {shlex.quote(self.checkout.shown)}"
            console.say(f"then: {after}{registry}")

    def _push(self, console: Console, commit: str, message: str) -> None:
        console.say(f"committed {commit[:12]} on {self.checkout.branch}")
        if self.pull_request:
            from molthub.cli.pull_requests import propose_commit

            self.proposed = propose_commit(console, self.checkout, commit, message)
            return
        for line in self.checkout.push().splitlines():
            console.say(f"  {line}")
        console.say("pushed")

    def to_json(self) -> dict[str, Json]:
        """Return how it ended, for ``--json``: the commit, whether it was a dry run, and what is to be reviewed."""
        shown: dict[str, Json] = {"commit": self.commit, "dryRun": self.dry_run}
        if self.proposed is None:
            return shown
        asked = {"branch": self.proposed.branch, "url": self.proposed.url, "open": self.proposed.is_open}
        return {**shown, "pullRequest": asked}


_HEADS = ("+++", "---")


def _version_before(path: str, known: Iterable[str]) -> str | None:
    """Return the file of the pack version that a new one follows: what differs from it says more than the whole."""
    folder, _, file = path.rpartition("/")
    if not file.removesuffix(".yaml").isdecimal():
        return None
    names = (other.removeprefix(f"{folder}/").removesuffix(".yaml") for other in known if other.startswith(folder))
    numbers = [int(name) for name in names if name.isdecimal()]
    return f"{folder}/{max(numbers)}.yaml" if numbers else None


def editing_options(command: Command) -> Command:
    """Add the options of commands that edit a registry; the command gets ``editing``."""

    @click.option("--registry", metavar="DIR", default=".", help="The registry's checkout. Default: here.")
    @click.option("-n", "--dry-run", is_flag=True, help="Only show what would change.")
    @click.option("--no-commit", is_flag=True, help="Leave the files in the work tree, do not commit.")
    @click.option("--push", is_flag=True, help="Push the commit.")
    @click.option(
        "--pr", "pull_request", is_flag=True, help="Push the commit as a branch of its own, and ask for a review of it."
    )
    @functools.wraps(command)
    def with_editing(
        *args: Any, registry: str, dry_run: bool, no_commit: bool, push: bool, pull_request: bool, **kwargs: Any
    ) -> Any:
        if no_commit and (push or pull_request):
            raise UsageError("--no-commit leaves nothing to push", remedy="leave it out, or --push and --pr")
        if push and pull_request:
            raise UsageError("--push and --pr exclude each other", remedy="give one of them")
        editing = Editing(registry, not no_commit, dry_run, push, pull_request)
        return command(*args, editing=editing, **kwargs)

    return with_editing  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click
