"""How the hosts of git repositories take requests to merge a branch: by an address, by a push, by their REST API. Pure.

A person opens the address of a new request. GitLab makes a merge request when a push carries options (`git push -o
merge_request.create`, GitLab's "Push options"). Gitea and Forgejo make a pull request of a push to
``refs/for/<branch>`` (AGit workflow). GitHub makes one by REST only (``POST /repos/{owner}/{repo}/pulls``), for which a
token is needed; the others do so too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

Kind = Literal["github", "gitlab", "gitea", "bitbucket"]
KINDS: tuple[Kind, ...] = ("github", "gitlab", "gitea", "bitbucket")

_KNOWN: Mapping[str, Kind] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
    "bitbucket.org": "bitbucket",
}
_FIRST_WORDS: Mapping[str, Kind] = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?P<path>[^/\s].*)")
_TOKENS: Mapping[Kind, tuple[str, ...]] = {
    "github": ("GH_TOKEN", "GITHUB_TOKEN"),
    "gitlab": ("GITLAB_TOKEN",),
    "gitea": ("GITEA_TOKEN", "FORGEJO_TOKEN"),
    "bitbucket": (),
}
_HOSTS: Mapping[Kind, tuple[str, ...]] = {
    "github": ("GH_HOST", "GITHUB_SERVER_URL"),
    "gitlab": ("GITLAB_HOST", "CI_SERVER_HOST"),
    "gitea": ("GITEA_SERVER_URL", "FORGEJO_SERVER_URL"),
    "bitbucket": (),
}
OWN_TOKEN = "MOLTHUB_GIT_TOKEN"  # noqa: S105 (the name of a variable)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A branch that shall be merged into ``base``."""

    branch: str
    base: str
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a host's REST API. The answer names the new request's page in the field ``answer``."""

    url: str
    headers: Mapping[str, str]
    content: bytes
    answer: str


@dataclass(frozen=True, slots=True)
class GitHost:
    """A repository on a host: ``site`` is its origin for people (``https://git.example.com``), ``path`` where it is."""

    kind: Kind
    site: str
    path: str

    @property
    def host(self) -> str:
        """The host's name, without a port."""
        return urlsplit(self.site).hostname or ""

    @property
    def noun(self) -> str:
        """What the host calls a request to merge."""
        return "merge request" if self.kind == "gitlab" else "pull request"

    def page(self, proposed: Proposed) -> str:
        """Return the address where a person opens the request."""
        repository, branch = f"{self.site}/{self.path}", quote(proposed.branch, safe="/")
        base = quote(proposed.base, safe="/")
        if self.kind == "github":
            return f"{repository}/compare/{base}...{branch}?expand=1"
        if self.kind == "gitea":
            return f"{repository}/compare/{base}...{branch}"
        if self.kind == "gitlab":
            asked = {"source_branch": proposed.branch, "target_branch": proposed.base}
            query = urlencode({f"merge_request[{key}]": value for key, value in asked.items()})
            return f"{repository}/-/merge_requests/new?{query}"
        return f"{repository}/pull-requests/new?{urlencode({'source': proposed.branch, 'dest': proposed.base})}"

    def push(self, proposed: Proposed) -> tuple[str, tuple[str, ...]] | None:
        """Return the ref and the options of a push that makes the request; None where no push does."""
        if self.kind == "gitlab":
            options = ("merge_request.create", f"merge_request.target={proposed.base}",
                       f"merge_request.title={proposed.title}")  # fmt: skip
            return f"refs/heads/{proposed.branch}", options
        if self.kind == "gitea":
            return f"refs/for/{proposed.base}", (f"topic={proposed.branch}", f"title={proposed.title}")
        return None

    def token(self, environment: Mapping[str, str]) -> str | None:
        """Return the token that the environment has for this very host, so that none is shown to another."""
        if environment.get(OWN_TOKEN):
            return environment[OWN_TOKEN]
        meant = {(urlsplit(value).hostname if "://" in value else value.partition(":")[0])
                 for name in _HOSTS[self.kind] if (value := environment.get(name))}  # fmt: skip
        if self.host not in meant and _KNOWN.get(self.host) != self.kind:
            return None
        return next((environment[name] for name in _TOKENS[self.kind] if environment.get(name)), None)

    def call(self, proposed: Proposed, token: str) -> Call | None:
        """Return the call that makes the request; None for a host that is not spoken to."""
        if self.kind == "github":
            api = "https://api.github.com" if self.host == "github.com" else f"{self.site}/api/v3"
            said = {"title": proposed.title, "head": proposed.branch, "base": proposed.base, "body": proposed.body}
            headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
            return _call(f"{api}/repos/{quote(self.path)}/pulls", headers, said, "html_url")
        if self.kind == "gitea":
            said = {"title": proposed.title, "head": proposed.branch, "base": proposed.base, "body": proposed.body}
            url = f"{self.site}/api/v1/repos/{quote(self.path)}/pulls"
            return _call(url, {"Authorization": f"token {token}"}, said, "html_url")
        if self.kind == "gitlab":
            said = {"source_branch": proposed.branch, "target_branch": proposed.base, "title": proposed.title,
                    "description": proposed.body}  # fmt: skip
            url = f"{self.site}/api/v4/projects/{quote(self.path, safe='')}/merge_requests"
            return _call(url, {"PRIVATE-TOKEN": token}, said, "web_url")
        return None


def git_host(remote: str, kind: str | None = None) -> GitHost | None:
    """Return the host of a remote's URL; None where that is no host's, or of no known kind.

    ``kind`` is what the user says it is. Of an unknown host it is guessed by its first name (``gitlab.acme.org``).
    """
    found = _parts(remote)
    if found is None:
        return None
    site, host, path = found
    guessed = _KNOWN.get(host) or _FIRST_WORDS.get(host.partition(".")[0])
    chosen = next((one for one in KINDS if one == kind), guessed)
    return GitHost(chosen, site, path) if chosen is not None else None


def _parts(remote: str) -> tuple[str, str, str] | None:
    """Return the site, the host and the repository's path that a remote's URL names."""
    if "://" in remote:
        parts = urlsplit(remote)
        if parts.scheme not in ("http", "https", "ssh", "git+ssh", "git") or not parts.hostname:
            return None
        host, path = parts.hostname, parts.path
        is_web = parts.scheme in ("http", "https")
        port = f":{parts.port}" if is_web and parts.port else ""
        site = f"{parts.scheme if is_web else 'https'}://{host}{port}"
    else:
        match = _SCP.fullmatch(remote)
        if match is None or len(match["host"]) == 1:  # a drive of Windows
            return None
        host, path = match["host"], match["path"]
        site = f"https://{host}"
    path = path.strip("/").removesuffix(".git")
    return (site, host, path) if "/" in path else None


def _call(url: str, headers: Mapping[str, str], said: Mapping[str, str], answer: str) -> Call:
    content = json.dumps({key: value for key, value in said.items() if value}).encode()
    return Call(url, {**headers, "Content-Type": "application/json"}, content, answer)
