"""Fetching one commit with the ``git`` program, which is told to run nothing else and to stay where it was sent.

No configuration of the system or user is read, no hook, filter, helper or submodule is followed, nothing is checked
out: a commit's objects come into an empty bare repository. Credentials are what ssh and ``~/.netrc`` know; nobody is
asked for any.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from molthub.errors import RefusedUpstreamError, UpstreamError
from molthub.registry.upstreams.allowed import Permissions, shown

COMMIT = re.compile(r"[0-9a-f]{40}\Z")
REVISION = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}\Z")
_OLDEST = (2, 32)  # the first that knows GIT_CONFIG_GLOBAL
_MAX_ANSWER = 1024 * 1024
_SLOWEST = 1000
_PATIENCE = 20
_KEPT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH")  # which certificates a company's own host shows
_SSH = f"ssh -oBatchMode=yes -oConnectTimeout={_PATIENCE} -oPermitLocalCommand=no -oForwardAgent=no"
_SETTINGS = {
    "protocol.version": "2",
    "protocol.allow": "never",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.alternateRefsCommand": "",
    "credential.helper": "",
    "fetch.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "fetch.unpackLimit": "1",
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "transfer.bundleURI": "false",
    "transfer.credentialsInUrl": "die",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": str(_SLOWEST),
    "http.lowSpeedTime": str(_PATIENCE),
    "pack.threads": "2",  # each takes memory, which is limited
    "gc.auto": "0",
    "maintenance.auto": "false",
}
# What servers say that give single commits to nobody; everything is fetched from them instead.
_NO_SINGLE = re.compile(r"unadvertised object|does not support shallow|dumb http transport", re.IGNORECASE)
_EVERYTHING = ("+refs/heads/*:refs/upstream/heads/*", "+refs/tags/*:refs/upstream/tags/*")


class GitProgram:
    """Runs git for one repository: ``location``, fetched into ``folder``, which exists and is empty."""

    def __init__(self, location: str, folder: Path, allowed: Permissions) -> None:
        _require_git(location)
        self.location = location
        self.folder = folder
        self._allowed = allowed
        self._run("init", "--quiet", "--bare", "--template=", str(folder))

    def resolve(self, revision: str) -> str:
        """Return the commit that a branch, a tag or ``HEAD`` names there now; a commit's own id is itself.

        Raises :class:`UpstreamError`.
        """
        if COMMIT.match(revision):
            return revision
        if not REVISION.match(revision):
            message, remedy = f"{revision!r} is no revision", "name a branch, a tag or a commit in full"
            raise RefusedUpstreamError(message, place=shown(self.location), remedy=remedy)
        names = [revision] if revision == "HEAD" else [f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"]
        names += [] if revision == "HEAD" else [f"refs/heads/{revision}"]
        listed = self._run("ls-remote", "--quiet", "--", self.location, *names)
        found = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines())}
        commit = next((found[name] for name in names if name in found), None)
        if commit is None or not COMMIT.match(commit):
            remedy = f"see what there is: git ls-remote {shown(self.location)}"
            raise UpstreamError(f"there is no branch or tag {revision!r}", place=shown(self.location), remedy=remedy)
        return commit

    def fetch(self, commit: str) -> None:
        """Bring one commit. Raises :class:`UpstreamError`."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        try:
            self._run("fetch", *options, "--depth=1", "--", self.location, commit)
        except UpstreamError as error:
            if not _NO_SINGLE.search(error.said):
                raise
            self._run("fetch", *options, "--", self.location, *_EVERYTHING)

    def _run(self, *arguments: str) -> str:
        """Run git and return what it printed. Raises :class:`UpstreamError` with what it said."""
        protocols = {f"protocol.{scheme}.allow": "always" for scheme in ("https", "ssh", *self._allowed)}
        settings = [f"{key}={value}" for key, value in {**_SETTINGS, **protocols}.items()]
        command = ["git", *(word for setting in settings for word in ("-c", setting))]
        command += [f"--git-dir={self.folder}"] if arguments[0] != "init" else []
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=_environment(),
        )
        with process, process.stdout as output:  # type: ignore[union-attr] # it is a pipe
            said = output.read(_MAX_ANSWER + 1)
            if len(said) > _MAX_ANSWER:
                process.kill()
        text = said[:_MAX_ANSWER].decode("utf-8", "replace")
        if process.returncode:
            raise _failure(text, process.returncode, self.location)
        return text


def _require_git(location: str) -> None:
    """Raise :class:`UpstreamError` without a git that can be told to leave its user's configuration alone."""
    place, newer = shown(location), ".".join(map(str, _OLDEST))
    if shutil.which("git") is None:
        raise UpstreamError("the program git is not installed", place=place, remedy=f"install git {newer} or newer")
    said = subprocess.run(["git", "version"], capture_output=True, check=False, text=True).stdout
    found = re.search(r"([0-9]+)\.([0-9]+)", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        message = f"{said.strip() or 'this git'} cannot be told to leave its user's configuration alone"
        raise UpstreamError(message, place=place, remedy=f"install git {newer} or newer")


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT}
    kept.pop("SSH_ASKPASS", None)
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": _SSH,
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",
    }


# What git says, what that means, and what to do.
_MEANINGS: tuple[tuple[str, type[UpstreamError], str, str], ...] = (
    (
        r"returned error: 30[0-9]|redirect",
        RefusedUpstreamError,
        "it redirects to another address, which is not followed",
        "give the address that it leads to",
    ),
    (
        r"transport '[^']*' not allowed",
        RefusedUpstreamError,
        "it leads to another protocol, which is not spoken",
        "give an address of https or ssh",
    ),
    (
        r"not our ref|no such remote ref|couldn't find remote ref|bad object",
        UpstreamError,
        "it does not have this commit",
        "check the commit, and that the repository is the one it was in; it may have been rewritten",
    ),
    (
        r"HOST IDENTIFICATION HAS CHANGED",
        RefusedUpstreamError,
        "it shows another host key than ssh knows of it",
        "ask its owner; if the key was changed on purpose, forget the old one: ssh-keygen -R HOST (or [HOST]:PORT)",
    ),
    (
        r"Host key verification failed",
        RefusedUpstreamError,
        "ssh does not know its host key",
        "connect once by hand with ssh, and compare the key with what its owner publishes",
    ),
    (
        r"Authentication failed|returned error: 40[13]|could not read Username|Permission denied \(",
        UpstreamError,
        "it gives nothing to this user",
        "put a password or token into ~/.netrc, or give ssh a key",
    ),
    (
        r"returned error: 404|repository .* not found|does not appear to be a git repository|repository '.*' does not",
        UpstreamError,
        "there is no such repository",
        "check its address",
    ),
    (r"Could not resolve host", UpstreamError, "there is no such host", "check its address and the network"),
    (
        r"Failed to connect|Connection refused|Connection timed out|unreachable|Connection reset|Empty reply",
        UpstreamError,
        "nobody answers there",
        "check its address and the network; then try again",
    ),
    (
        r"too slow|transfer closed|early EOF|unexpected disconnect|RPC failed|hung up unexpectedly",
        UpstreamError,
        "its answer broke off, or came too slowly",
        "try again; if it stays so, tell whoever runs it",
    ),
    (
        r"fsck|gitmodules|is broken|inflate|pack has bad|corrupt|mismatch",
        UpstreamError,
        "git refuses what it sent: an object is damaged or not well formed",
        "tell whoever owns it; git fsck names the object",
    ),
    (
        r"File too large|Out of memory|unable to (write|create)|write error|No space|index-pack output|died of signal",
        UpstreamError,
        "it is larger than is fetched",
        "import from a smaller repository, or publish a copy: skills publish",
    ),
)


def _failure(text: str, status: int, location: str) -> UpstreamError:
    place = shown(location)
    if status < 0:  # ended by a signal: a limit of size or time
        remedy = "import from a smaller repository, or publish a copy: skills publish"
        error = UpstreamError("it is larger than is fetched, or takes too long", place=place, remedy=remedy)
    else:
        for pattern, kind, message, remedy in _MEANINGS:
            if re.search(pattern, text, re.IGNORECASE):
                error = kind(message, place=place, remedy=remedy)
                break
        else:
            error = UpstreamError(f"git says: {_last_line(text)}", place=place, remedy="check its address")
    error.said = text
    return error


def _last_line(text: str) -> str:
    lines = [re.sub(r"[^ -~]", "?", line) for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing"
