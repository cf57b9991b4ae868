"""What went wrong with one bot or one key, as a problem that the others need not wait for. Pure."""

from __future__ import annotations

import errno

from molthub.errors import MolthubError, PlatformFileError, Problem

_CANNOT_WRITE = "MH702"


def problem_of(error: MolthubError | OSError, file: str | None = None) -> Problem:
    """Return an error as a problem; ``file`` is where it came up, where the error does not say."""
    if isinstance(error, OSError):
        return _of_system(error, file)
    if error.problems:
        return error.problems[0]
    return Problem(error.problem_id or _CANNOT_WRITE, str(error), error.remedy, file=file)


def unwritable(file: str, message: str, remedy: str) -> PlatformFileError:
    """Return the error MH702 about one file or folder."""
    problem = Problem(_CANNOT_WRITE, message, remedy, file=file)
    return PlatformFileError(message, place=file, remedy=remedy, problems=[problem])


def refused(error: OSError, file: str) -> PlatformFileError:
    """Return the error for what the system refused to do with ``file``."""
    problem = _of_system(error, file)
    return PlatformFileError(problem.message, place=file, remedy=problem.remedy, problems=[problem])


def _of_system(error: OSError, file: str | None) -> Problem:
    message = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, "look at that path; the next pass tries again")
    return Problem(_CANNOT_WRITE, message[:1].lower() + message[1:], remedy, file=file or error.filename)


_RIGHTS = "give the user that runs molthub the right to read and write there"
_REMEDIES = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "that file system is read-only: make it writable, or use another target",
    errno.ENOSPC: "the disk is full: free some space; the next pass mends what is left",
    errno.EDQUOT: "the quota is used up: free some space; the next pass mends what is left",
    errno.EXDEV: "a bot's home must be one file system: mount it as a whole",
    errno.ENOTDIR: "a file stands where a folder belongs: move it away",
    errno.EISDIR: "a folder stands where a file belongs: move it away",
}
