"""What a controller's refusals, and its silence, mean to who asked: place, problem, remedy. Pure."""

from __future__ import annotations

import json
from http import HTTPStatus

from molthub.errors import DeniedError, FormatError, MolthubError, UnreachableError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NO_ANSWER = "check the address: a controller is `molthub reconcile --listen`, of this version of molthub or a newer one"
_LATER = "check the address and the network; it is tried again"
_OPERATE = "on the controller's machine: molthub agents token --operator --operate"
_ONE = "a bot has one agent; `molthub agents list` on the controller's machine says where that runs"
_PASSING = frozenset({429, 500, 502, 503, 504})


class TakenError(UnreachableError):
    """Another agent keeps the bot."""


class MissingError(UnreachableError):
    """The controller has nothing of that name, for whoever asks."""


def failure(error: Exception, where: str, proxy: str = "") -> MolthubError:
    """Return why nobody answers at ``where``, asked through a ``proxy`` if there is one."""
    reason = str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        remedy = "check the address and this machine's clock; --controller-ca FILE names a CA of your own"
        return UnreachableError(f"no trusted connection: {reason}", place=where, remedy=remedy)
    if "ALERT" in reason:
        message = f"the controller wants another client certificate ({reason.replace('_', ' ').lower()})"
        remedy = "give --client-certificate and --client-key of the CA that it names by --tls-client-ca"
        return DeniedError(message, place=where, remedy=remedy)
    if "WRONG_VERSION_NUMBER" in reason:
        remedy = "give its address with http:// on its own machine, or a controller with --tls-certificate"
        return UnreachableError("no TLS is spoken there", place=where, remedy=remedy)
    if proxy:
        remedy = f"no_proxy in the environment names hosts that are asked without a proxy; {_LATER}"
        return UnreachableError(f"no answer through the proxy {proxy}: {reason}", place=where, remedy=remedy)
    return UnreachableError(f"the controller does not answer: {reason}", place=where, remedy=_LATER)


def refusal(status: int, content: bytes, where: str, path: str, bot: str) -> MolthubError:
    """Return what an answer without the thing asked for means. ``bot`` is who asks; empty: an operator."""
    said = _message(content)
    message, remedy = f"the controller refuses that (HTTP {status}): {said}", NO_ANSWER
    if status in REDIRECTS:
        message = f"the controller's address leads to {content.decode('ascii', 'replace')[:200]}"
        remedy = "if it has moved, give its new address with --controller: a token is shown to no other host"
    elif status in _PASSING:
        message, remedy = f"the controller cannot answer now (HTTP {status}): {said}", _LATER
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return _unknown_token(where, bot)
        case HTTPStatus.FORBIDDEN:
            return DeniedError(f"the controller refuses that: {said}", place=where, remedy=_OPERATE)
        case HTTPStatus.CONFLICT:
            return TakenError(said, place=where, remedy=_ONE)
        case HTTPStatus.NOT_FOUND:
            place = f"{where}{path.partition('?')[0]}"
            return MissingError("the controller does not have that", place=place, remedy=NO_ANSWER)
    return UnreachableError(message, place=where, remedy=remedy)


def too_large(where: str, limit: int) -> FormatError:
    """Return the error for an answer beyond its limit."""
    return FormatError(f"its answer is larger than {limit} bytes", place=where, remedy=NO_ANSWER)


def _unknown_token(where: str, bot: str) -> MolthubError:
    command = f"molthub agents token {bot or '--operator'}"
    then = "--token-file FILE here" if bot else "MOLTHUB_OPERATOR_TOKEN_FILE=FILE here"
    message = f"the controller knows no such token for {bot or 'an operator'}"
    return DeniedError(message, place=where, remedy=f"on the controller's machine: {command}; then {then}")


def _message(said: bytes) -> str:
    try:
        text = str(json.loads(said)["error"]["message"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it says no more"
    return "".join(char if char.isprintable() else "?" for char in text)
