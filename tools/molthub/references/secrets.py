"""Placeholders in desired values: what they are, and how a program refers to the secret itself.

A value may hold ``${secrets.name}``; ``$$`` means a literal ``$``, and any other ``$`` is literal as it stands. The
secret's value is never here: a program is given a reference to the environment variable that holds it where the bot
runs, and expands that itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from molthub.documents import ENV_KEY, PLACEHOLDER
from molthub.errors import PlatformValueError, Problem
from molthub.model import Json


@dataclass(frozen=True, slots=True)
class Secret:
    """A placeholder's secret, by name."""

    name: str


Piece = str | Secret
"""Literal text, or a secret in it."""

_STEERING = """
    PATH HOME SHELL USER LOGNAME PWD OLDPWD IFS ENV BASH_ENV CDPATH PROMPT_COMMAND PS4 TMPDIR TEMP TMP
    PATHEXT COMSPEC SYSTEMROOT WINDIR USERPROFILE HOMEDRIVE HOMEPATH APPDATA LOCALAPPDATA PROGRAMDATA
    NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE PERL5LIB PERL5OPT PERL5DB PERLLIB RUBYLIB RUBYOPT CLASSPATH
    JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS DOTNET_STARTUP_HOOKS LUA_INIT EDITOR VISUAL PAGER BROWSER
    GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_EXEC_PATH GIT_DIR GIT_WORK_TREE GIT_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF
    GIT_PROXY_COMMAND GIT_TEMPLATE_DIR SSH_AUTH_SOCK SSH_ASKPASS
    SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
    AMP_SETTINGS_FILE AMP_URL CLINE_DIR CODEX_HOME COPILOT_HOME GEMINI_CLI_HOME GEMINI_CLI_SYSTEM_SETTINGS_PATH
    HERMES_HOME OPENCODE_CONFIG OPENCODE_CONFIG_CONTENT OPENCODE_CONFIG_DIR MOLTHUB_UNSET
    CLAUDE_CONFIG_DIR OPENCLAW_HOME OPENCLAW_CONFIG_PATH OPENCLAW_STATE_DIR OPENCLAW_PROFILE OPENCLAW_INCLUDE_ROOTS
    CODEX_HOME HERMES_HOME
"""
REFUSED_NAMES = frozenset(_STEERING.split())
"""Variables that steer programs: where they are found and write, code they run first, whom they trust."""

REFUSED_PREFIXES = ("LD_", "DYLD_", "PYTHON", "GIT_CONFIG", "NPM_CONFIG_", "BASH_FUNC_", "XDG_", "LC_")
"""Beginnings of further such names."""


def variable_of(secret: str) -> str:
    """Return the environment variable that holds a secret: upper case, ``.`` and ``-`` become ``_``."""
    return re.sub(r"[.-]", "_", secret.upper())


def steers_programs(variable: str) -> bool:
    """Whether a variable decides what programs run, read or trust, so that no declared secret may be put there."""
    return variable in REFUSED_NAMES or variable.startswith(REFUSED_PREFIXES)


def reference(secret: str) -> str:
    """Return the environment variable that holds a secret: upper case, ``.`` and ``-`` become ``_``.

    Raises :class:`PlatformValueError` (MH707) for a name that is no variable, or one that steers programs.
    """
    name = variable_of(secret)
    if not ENV_KEY.match(name):
        raise _refused(f"secret {secret!r} would be the environment variable {name}, which is none")
    if steers_programs(name):
        raise _refused(f"secret {secret!r} would be the environment variable {name}, which steers programs")
    return name


def pieces(text: str) -> tuple[Piece, ...]:
    """Return a value's literal text and secrets in order; neighbouring literals are one, empty ones are left out."""
    if "$" not in text:
        return (text,) if text else ()
    found: list[Piece] = []
    literal = ""
    start = 0
    for match in PLACEHOLDER.finditer(text):
        literal += text[start : match.start()]
        start = match.end()
        if match[1] is None:
            literal += "$"
        else:
            found += [literal, Secret(match[1])] if literal else [Secret(match[1])]
            literal = ""
    literal += text[start:]
    return (*found, literal) if literal else tuple(found)


def placeholders(value: Json) -> tuple[str, ...]:
    """Return the names of the secrets in a value of any depth, each once, in order of first use."""
    texts = [text for text in _texts(value) if "$" in text]
    return tuple(dict.fromkeys(piece.name for text in texts for piece in pieces(text) if isinstance(piece, Secret)))


def is_sensitive(value: Json) -> bool:
    """Whether a desired value holds a secret, so that what is observed in its place must not be shown."""
    return any(match[1] is not None for text in _texts(value) for match in PLACEHOLDER.finditer(text))


def render(value: Json, to_reference: Callable[[str], str], escape: Callable[[str], str]) -> Json:
    """Return a desired value of any depth with its secrets referred to and its literal text escaped.

    ``to_reference`` is given a secret's name, ``escape`` a literal piece of text. Keys of objects stay as they are.
    """
    if isinstance(value, str):
        return "".join(
            to_reference(piece.name) if isinstance(piece, Secret) else escape(piece) for piece in pieces(value)
        )
    if isinstance(value, dict):
        return {key: render(item, to_reference, escape) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [render(item, to_reference, escape) for item in value]
    return value


def as_declared(value: Json) -> Json:
    """Return literal text of any depth as a manifest declares it: what would be read as a placeholder is escaped."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: "$" + match[0] if match[1] else "$$$$", value)
    if isinstance(value, dict):
        return {key: as_declared(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_declared(item) for item in value]
    return value


def declared_text(parts: Iterable[Piece]) -> str:
    """Return literal text and secrets as one declared text: the inverse of :func:`pieces`."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += str(as_declared(part))
        else:
            is_open = (len(text) - len(text.rstrip("$"))) % 2 == 1  # a literal $ would take the placeholder's own
            text += ("$" if is_open else "") + f"${{secrets.{part.name}}}"
    return text


def shared_references(desired: Mapping[str, Json]) -> dict[str, Problem]:
    """Return the keys of one bot that cannot be held because two secrets would be one environment variable.

    ``desired`` may be that of all bots of one home together.
    """
    holders: dict[str, dict[str, None]] = {}
    for secret in placeholders(dict(desired)):
        with suppress(PlatformValueError):  # a name that is refused holds nothing
            holders.setdefault(reference(secret), {})[secret] = None
    shared = {secret: name for name, secrets in holders.items() if len(secrets) > 1 for secret in secrets}
    found: dict[str, Problem] = {}
    for key, value in desired.items() if shared else ():
        for secret in placeholders(value):
            if secret in shared:
                others = " and ".join(map(repr, holders[shared[secret]]))
                message = f"{key}: secrets {others} would be one environment variable, {shared[secret]}"
                found[key] = Problem("MH707", message, "use one name for one secret")
    return found


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def value_error(key: str, message: str, remedy: str) -> PlatformValueError:
    """Return the error for a value that the program cannot hold. ``message`` must not quote a secret's value."""
    problem = Problem("MH707", f"{key}: {message}", remedy)
    return PlatformValueError(problem.message, remedy=remedy, problems=[problem])


def _refused(message: str) -> PlatformValueError:
    problem = Problem("MH707", message, "give the secret another name")
    return PlatformValueError(message, remedy=problem.remedy, problems=[problem])
