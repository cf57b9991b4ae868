"""Writing files into a registry on disk and committing exactly those, by the user's own ``git``.

The program is used and no library, so that hooks, signing and identity are the user's own. Nothing else of the work
tree or the index is touched: a path that is already changed is refused before anything is written, and a commit that
fails leaves every file as it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from molthub.atomic import FileLock
from molthub.errors import RegistryError
from molthub.registry.authoring.new_files import NewFile, all_or_nothing
from molthub.registry.source import FolderSource, GitSource, Source, open_source

_BYTES_AS_THEY_ARE = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "user.useConfigOnly=true")
_OTHER_REPOSITORY = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})  # a hook may run us
_NO_COMMIT = "or leave the files in the work tree with --no-commit"


class Checkout:
    """A registry's folder on disk. ``commits`` says whether what is written is also committed."""

    def __init__(self, directory: Path, *, commits: bool = True) -> None:
        """Find the registry in ``directory``. Raises :class:`RegistryError` where there is none, or no place to commit.

        With ``commits``, the registry is read as of ``HEAD``, so that a commit never builds on what is not in it.
        """
        if "://" in str(directory) or str(directory).startswith(("http:/", "https:/")):
            message = "this is an address, and a registry is edited in a checkout of its repository"
            raise RegistryError(
                message, place=str(directory), remedy="git clone it, then give the folder: --registry DIR"
            )
        self.commits = commits
        if commits:
            self._require_repository(directory)
        source = open_source(directory, worktree=True)
        self.shown = str(directory)
        """How messages name the registry: as it was typed."""
        self.folder = Path(source.where).resolve()
        self.source: Source = GitSource(self.folder) if commits else source
        self.branch = _git(self.folder, "symbolic-ref", "--short", "-q", "HEAD").strip() if commits else ""

    def worktree(self) -> FolderSource:
        """Return the registry as it lies on disk."""
        return FolderSource(self.folder)

    def write(self, files: Mapping[str, NewFile | None], message: str) -> str | None:
        """Write ``files`` (paths relative to the registry) and commit them; return the commit, or None without one.

        A file that is None is taken away, and so is a folder that this leaves empty. Raises :class:`RegistryError`,
        with every file as it was before; also where somebody else has committed to one of them since it was read.
        """
        if not self.commits:
            with all_or_nothing(self.folder, files):
                return None
        self._require_identity()
        with self._alone():
            self._require_unmoved(list(files))
            self._require_clean(list(files))
            with all_or_nothing(self.folder, files):
                return self._commit(files, message)

    def _alone(self) -> FileLock:
        """Return the lock of those who write into this work tree: two commands at once would undo each other's work."""
        path = Path(_git(self.folder, "rev-parse", "--git-path", "molthub.lock").strip("\n"))
        return FileLock(self.folder / path)

    def _require_unmoved(self, paths: Sequence[str]) -> None:
        """Refuse to write what was made of files that are others by now: the other commit's work would be lost."""
        base = self.source.revision
        if base == _git(self.folder, "rev-parse", "HEAD").strip():
            return
        changed = _git(self.folder, "diff", "--name-only", "-z", "--relative", "--no-renames", base, "HEAD").split("\0")
        lost = [path for path in paths if path in changed]
        if lost:
            message = f"{lost[0]} was changed by another commit meanwhile"
            raise RegistryError(message, place=self.shown, remedy="run it again: nothing was written")

    def remote(self) -> str:
        """Return the name of the repository that the branch is pushed to. Raises :class:`RegistryError`: none."""
        remote = (_try_git(self.folder, "config", f"branch.{self.branch}.remote") or "origin").strip()
        if _try_git(self.folder, "remote", "get-url", remote) is None:
            remedy = f"git remote add {remote} URL, or leave --push and --pr out"
            raise RegistryError(f"there is no remote {remote} to push to", place=self.shown, remedy=remedy)
        return remote

    def remote_url(self) -> str:
        """Return the address that the branch is pushed to, as git makes it of its settings."""
        return _git(self.folder, "remote", "get-url", "--push", self.remote()).strip()

    def merges_into(self) -> str:
        """Return the branch of the remote that this branch goes to."""
        own = _try_git(self.folder, "config", f"branch.{self.branch}.merge") or self.branch
        return own.strip().removeprefix("refs/heads/")

    def setting(self, name: str) -> str | None:
        """Return a setting of git, None where there is none."""
        found = _try_git(self.folder, "config", name)
        return found.strip() if found is not None else None

    def push(self, ref: str | None = None, options: Sequence[str] = ()) -> str:
        """Push the branch to where it goes, or its commits to ``ref`` there, and return what the other side said.

        ``options`` are for the other side (`git push -o`). Raises :class:`RegistryError`: what was committed stays.
        """
        to = ref if ref is not None else f"refs/heads/{self.merges_into()}"
        given = [word for option in options for word in ("-o", option)]
        done = _run(self.folder, ("push", *given, self.remote(), f"HEAD:{to}"), None)
        said = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode:
            remedy = (
                "the commit is there: git pull --rebase, then git push; where that conflicts, two wrote the same: "
                "git rebase --abort, git reset --keep HEAD~1, git pull, and the command again"
            )
            raise RegistryError(f"git push failed: {said}", place=self.shown, remedy=remedy)
        lines = (line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:"))
        return "\n".join(filter(None, lines))

    def _require_repository(self, directory: Path) -> None:
        if shutil.which("git") is None:
            raise RegistryError("the program git is not installed", remedy=f"install git, {_NO_COMMIT}")
        if not directory.is_dir():
            raise RegistryError("there is no such folder", place=str(directory), remedy="give the folder of a registry")
        inside = _try_git(directory, "rev-parse", "--is-inside-work-tree", "--is-bare-repository")
        if inside is None:
            remedy = f"run git init and commit it there, {_NO_COMMIT}"
            raise RegistryError("this folder is not in a git repository", place=str(directory), remedy=remedy)
        if inside.split()[:1] != ["true"]:
            message = "this is a bare repository: there are no files to edit"
            raise RegistryError(message, place=str(directory), remedy="git clone it and edit the clone")
        if _try_git(directory, "symbolic-ref", "-q", "HEAD") is None:
            message = "HEAD is detached: a commit here would be on no branch"
            raise RegistryError(message, place=str(directory), remedy=f"git switch BRANCH first, {_NO_COMMIT}")

    def _require_identity(self) -> None:
        require_identity(self.folder)

    def _require_clean(self, paths: Sequence[str]) -> None:
        """Refuse paths that hold work which is not committed: it would be swept into this commit."""
        listed = _git(self.folder, "--literal-pathspecs", "status", "--porcelain=v1", "-z", "-uall", "--", ".")
        prefix = _git(self.folder, "rev-parse", "--show-prefix").strip("\n")
        changed = {entry[3:] for entry in listed.split("\0") if len(entry) > 3}  # noqa: PLR2004 ("XY path")
        dirty = [path for path in paths if prefix + path in changed]
        if dirty:
            shown = dirty[0] + (f" and {len(dirty) - 1} more" if len(dirty) > 1 else "")
            message = f"{shown} already holds changes that are not committed"
            remedy = f"commit them or take them back first (git status), {_NO_COMMIT}"
            raise RegistryError(message, place=self.shown, remedy=remedy)

    def _commit(self, files: Mapping[str, NewFile | None], message: str) -> str:
        listed = "\0".join(files).encode()
        executable = "\0".join(path for path, file in files.items() if file and file.executable).encode()
        from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
        try:
            _git(self.folder, "--literal-pathspecs", "add", "-f", *from_stdin, given=listed)
            if executable:  # where the disk keeps no executable bit, git is told
                _git(self.folder, "--literal-pathspecs", "add", "-f", "--chmod=+x", *from_stdin, given=executable)
            _git(
                self.folder, "--literal-pathspecs", "commit", "-q", "-m", message, "--only", *from_stdin, given=listed
            )  # fmt: skip
        except RegistryError:
            self._unstage(listed)
            raise
        return _git(self.folder, "rev-parse", "HEAD").strip()

    def _unstage(self, listed: bytes) -> None:
        from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
        with suppress(RegistryError):
            _git(self.folder, "--literal-pathspecs", "reset", "-q", *from_stdin, given=listed)


def require_identity(folder: Path) -> None:
    """Raise :class:`RegistryError` where git does not know in whose name to commit. It is never made up."""
    for which in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if _try_git(folder, "var", which) is None:
            raise RegistryError(
                "git does not know in whose name to commit",
                place=str(folder),
                remedy='git config --global user.name "Your Name"\n  git config --global user.email you@example.com',
            )


def is_pushed(directory: Path, commit: str) -> bool:
    """Whether a branch of another repository, as last fetched or pushed, holds a commit; True where that is unknown."""
    if shutil.which("git") is None or not (_try_git(directory, "remote") or "").strip():
        return True
    found = _try_git(directory, "branch", "--remotes", "--contains", commit)
    return found is None or bool(found.strip())


def path_in_repository(directory: Path, registry: Path) -> str:
    """Return the way from the repository's root to the folder ``registry``, ending in ``/``; empty at the root."""
    root = _try_git(directory, "rev-parse", "--show-toplevel") if shutil.which("git") else None
    if not root:
        return ""
    try:
        steps = registry.resolve().relative_to(Path(root.strip("\n")).resolve()).parts
    except ValueError:
        return ""
    return "".join(f"{step}/" for step in steps)


def first_commit(folder: Path, message: str) -> str:
    """Make ``folder`` a repository and commit all that it holds; return the commit. Raises :class:`RegistryError`."""
    if not (folder / ".git").exists():
        own = _try_git(folder, "config", "init.defaultBranch")
        _git(folder, "init", "-q", *([] if own else ["-b", "main"]))
    require_identity(folder)
    _git(folder, "add", "-A", "--", ".")
    _git(folder, "commit", "-q", "-m", message)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str, given: bytes | None = None) -> str:
    done = _run(folder, arguments, given)
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        verb = next((word for word in arguments if not word.startswith("-")), "")
        message = f"git {verb} failed: {said or f'exit status {done.returncode}'}"
        raise RegistryError(
            message, place=str(folder), remedy="nothing was changed; mend what git says, then run it again"
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _try_git(folder: Path, *arguments: str) -> str | None:
    done = _run(folder, arguments, None)
    return None if done.returncode else done.stdout.decode("utf-8", "replace")


def _run(folder: Path, arguments: Sequence[str], given: bytes | None) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *_BYTES_AS_THEY_ARE, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    stdin = subprocess.DEVNULL if given is None else None
    return subprocess.run(command, input=given, stdin=stdin, capture_output=True, check=False, env=environment)
