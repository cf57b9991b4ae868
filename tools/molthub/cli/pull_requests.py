"""Pushing a commit as a branch of its own, and asking the host of the repository to review it."""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from molthub.console import Console
from molthub.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from molthub.registry.authoring.checkout import Checkout
    from molthub.registry.authoring.git_hosts import Call, GitHost, Proposed

_TIMEOUT = 30.0
_MOST = 1024 * 1024
_CREATED = 201
_SETTING = "molthub.githost"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What became of it: the ``branch`` that was pushed, and the page of the request, or where a person opens it."""

    branch: str
    url: str | None = None
    is_open: bool = False


def propose_commit(console: Console, checkout: Checkout, commit: str, message: str) -> PullRequest:
    """Push ``commit`` to be reviewed.

    The host is asked by its API where a token is at hand, else by what its pushes can; else a branch is pushed, and a
    person opens the request. Raises :class:`RegistryError` where nothing could be pushed: the commit stays.
    """
    from molthub.registry.authoring.git_hosts import Proposed, git_host

    title, _, body = message.partition("\n")
    proposed = Proposed(f"molthub/{commit[:12]}", checkout.merges_into(), title, body.strip())
    host = git_host(checkout.remote_url(), checkout.setting(_SETTING))
    if host is None:
        _say(console, checkout.push(f"refs/heads/{proposed.branch}"))
        console.say(f"pushed as the branch {proposed.branch}; next: open a pull request for it")
        return PullRequest(proposed.branch)
    token = host.token(os.environ)
    call = host.call(proposed, token) if token is not None else None
    if call is not None:
        _need_private(call)
    if call is None and (done := _by_push(console, checkout, host, proposed)) is not None:
        return done
    _say(console, checkout.push(f"refs/heads/{proposed.branch}"))
    page = host.page(proposed)
    opened = _by_call(console, call, host) if call is not None else None
    if opened is not None:
        console.say(f"opened the {host.noun} {opened}")
        return PullRequest(proposed.branch, opened, is_open=True)
    console.say(f"pushed as the branch {proposed.branch}; next: open a {host.noun} for it")
    console.say(f"  {page}")
    return PullRequest(proposed.branch, page)


def _by_push(console: Console, checkout: Checkout, host: GitHost, proposed: Proposed) -> PullRequest | None:
    """Make the request by a push; None where the host does not take such a push."""
    asked = host.push(proposed)
    if asked is None:
        return None
    ref, options = asked
    try:
        said = checkout.push(ref, options)
    except RegistryError as error:
        console.say(f"{host.site} makes no {host.noun} of a push: {error.message.splitlines()[-1].strip()}")
        return None
    _say(console, said)
    found = next((word for line in said.splitlines() for word in line.split() if word.startswith(host.site)), None)
    where = f" {found}" if found else f" on {host.site}"
    console.say(f"pushed {proposed.branch} as a {host.noun}:{where}")
    return PullRequest(proposed.branch, found or host.page(proposed), is_open=True)


def _by_call(console: Console, call: Call, host: GitHost) -> str | None:
    """Make the request by the host's API; None, with a word why, where it refuses."""
    try:
        status, content = _posted(call)
    except (OSError, http.client.HTTPException) as error:
        console.warn(f"{host.host} does not answer: {str(error) or type(error).__name__}")
        return None
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    if status == _CREATED and isinstance(said, dict) and isinstance(said.get(call.answer), str):
        return str(said[call.answer])
    why = said.get("message") or said.get("error") if isinstance(said, dict) else None
    console.warn(f"{host.host} opened no {host.noun} (HTTP {status}){f': {str(why)[:300]}' if why else ''}")
    return None


def _need_private(call: Call) -> None:
    """Raise :class:`UsageError` where others could read the token on its way."""
    from molthub.client.addresses import parse_address

    if not parse_address(call.url).origin.is_private:
        remedy = "make the remote an https address, or leave the token out"
        raise UsageError("over http everybody on the way could read the token", place=call.url, remedy=remedy)


def _posted(call: Call) -> tuple[int, bytes]:
    from molthub import __version__
    from molthub.client.access.find import Access
    from molthub.client.addresses import parse_address
    from molthub.client.connections import Pool

    address = parse_address(call.url)
    connection = Pool(_TIMEOUT, Access(address).context).take(address.origin)
    headers = {**call.headers, "User-Agent": f"molthub/{__version__}", **connection.headers()}
    try:
        path = connection.target(call.url.removeprefix(str(address.origin)))
        connection.http.request("POST", path, body=call.content, headers=headers)
        with connection.http.getresponse() as response:
            return response.status, response.read(_MOST)
    finally:
        connection.http.close()


def _say(console: Console, said: str) -> None:
    for line in said.splitlines():
        console.say(f"  {line}")
