"""What the text of ``secrets.yaml`` says: checked by hand, because whatever starts servers brings no JSON Schema along.

``secrets-settings.schema.json`` says the same to editors. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from molthub.documents import DNS_LABEL
from molthub.errors import ManifestError, Problem
from molthub.secrets.settings import BUILT_IN, Declared, Section, Settings
from molthub.yaml_text import Pointer, YamlDocument, parse

FORMAT = "molthub.secrets-settings/1"
SECRET_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}\Z")
_PROVIDER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECONDS_AT_MOST = 600

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


def settings_of(content: bytes, where: str) -> Settings:
    """Return what a file's bytes say. Raises :class:`ManifestError`."""
    document = parse(content, where)
    value = {} if document.value is None else document.value
    wrong = list(_wrong(value))
    if wrong:
        problems = [_problem(document, where, pointer, message) for pointer, message in wrong]
        raise ManifestError(problems[0].message, place=where, remedy=problems[0].remedy, problems=problems)
    return Settings(
        where=where,
        providers={name: _declared(said) for name, said in value.get("providers", {}).items()},
        all_bots=_section(value),
        fleets={name: _section(said) for name, said in value.get("fleets", {}).items()},
        bots={name: _section(said) for name, said in value.get("bots", {}).items()},
        watch=value.get("watch", False),
    )


def _declared(said: Mapping[str, Any]) -> Declared:
    return Declared(said["kind"], {key: option for key, option in said.items() if key != "kind"})


def _section(said: Mapping[str, Any]) -> Section:
    return Section(tuple(said["order"]) if "order" in said else None, dict(said.get("names", {})))


def _problem(document: YamlDocument, where: str, pointer: Pointer, message: str) -> Problem:
    mark = document.key_mark(pointer)
    remedy = "docs/SECRETS.md describes the file; no secret belongs into it"
    return Problem("MH101", message, remedy, file=where, line=mark.line, column=mark.column)


# --- what may stand there ------------------------------------------------------------------------------------------


def _wrong(value: Any) -> Iterator[tuple[Pointer, str]]:
    """Yield everything that is wrong, with its place."""
    known = ("format", "watch", "providers", "order", "names", "fleets", "bots")
    yield from _unknown(value, known, ())
    if not isinstance(value, dict):
        return
    if value.get("format", FORMAT) != FORMAT:
        yield ("format",), f"this molthub reads {FORMAT}; install a newer one"
    if not isinstance(value.get("watch", False), bool):
        yield ("watch",), "watch is true or false"
    declared = value.get("providers", {})
    yield from _wrong_providers(declared)
    names = {*BUILT_IN, *(declared if isinstance(declared, dict) else ())}
    yield from _wrong_section(value, names, ())
    for group, is_name in (("fleets", _is_fleet), ("bots", _is_bot)):
        said = value.get(group, {})
        if not isinstance(said, dict):
            yield (group,), f"{group} is a map by name"
            continue
        for name, section in said.items():
            if not is_name(name):
                yield (group, name), f"{name!r} is no name of {'a fleet' if group == 'fleets' else 'a bot: FLEET/BOT'}"
            yield from _unknown(section, ("order", "names"), (group, name))
            yield from _wrong_section(section, names, (group, name))


def _wrong_providers(declared: Any) -> Iterator[tuple[Pointer, str]]:
    if not isinstance(declared, dict):
        yield ("providers",), "providers is a map by name"
        return
    for name, said in declared.items():
        at = ("providers", name)
        if not isinstance(name, str) or not _PROVIDER_NAME.match(name):
            yield at, f"{name!r} is no name: lower-case letters, digits and hyphens"
        kind = said.get("kind") if isinstance(said, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            yield at, f"the provider has no kind that is known: {', '.join(KINDS)}"
            continue
        options = KINDS[kind]
        yield from _unknown(said, ("kind", *options), at)
        for option, (check, needed) in options.items():
            if option not in said:
                if needed:
                    yield at, f"a provider of kind {kind} needs {option}"
            elif (wrong := check(said[option])) is not None:
                yield (*at, option), f"{option} {wrong}"


def _wrong_section(said: Any, providers: set[str], at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if not isinstance(said, dict):
        return
    order = said.get("order", [])
    if not isinstance(order, list):
        yield (*at, "order"), "order is a list of providers"
    else:
        for index, name in enumerate(order):
            yield from _unknown_provider(name, providers, (*at, "order", index))
    names = said.get("names", {})
    if not isinstance(names, dict):
        yield (*at, "names"), "names is a map by the secret's name"
        return
    for name, called in names.items():
        if not isinstance(name, str) or not SECRET_NAME.match(name):
            message = f"{name!r} is no secret's name: write github_token for ${{secrets.github_token}}"
            yield (*at, "names", name), message
        yield from _wrong_id(called, providers, (*at, "names", name))


def _wrong_id(called: Any, providers: set[str], at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if not isinstance(called, dict):
        if _text(called) is not None:
            yield at, "what a secret is called is a text, or one for each provider"
        return
    for provider, wanted in called.items():
        yield from _unknown_provider(provider, providers, (*at, provider))
        if _text(wanted) is not None:
            yield (*at, provider), "what a secret is called is a text"


def _unknown_provider(name: Any, providers: set[str], at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if not isinstance(name, str) or name not in providers:
        yield at, f"there is no provider {name}: {', '.join(sorted(providers))}"


def _unknown(said: Any, known: tuple[str, ...], at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if not isinstance(said, dict):
        yield at, "this is a map"
        return
    for key in said:
        if key not in known:
            yield (*at, key), f"unknown key {key}; known here: {', '.join(known)}"


def _is_fleet(name: Any) -> bool:
    return isinstance(name, str) and DNS_LABEL.match(name) is not None


def _is_bot(name: Any) -> bool:
    parts = name.split("/") if isinstance(name, str) else []
    return len(parts) == 2 and all(DNS_LABEL.match(part) for part in parts)  # noqa: PLR2004 (fleet and bot)


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value and value.isprintable() else "is a text"


def _program(value: Any) -> str | None:
    if not isinstance(value, list) or not value or not all(isinstance(word, str) and word for word in value):
        return "is a list: a program and its arguments"
    return None if PurePath(value[0]).is_absolute() else "begins with the absolute path of a program"


def _variables(value: Any) -> str | None:
    good = isinstance(value, list) and all(isinstance(name, str) and _ENV_NAME.match(name) for name in value)
    return None if good else "is a list of environment variables"


def _seconds(value: Any) -> str | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _SECONDS_AT_MOST
    return None if good else f"is a number of seconds, at most {_SECONDS_AT_MOST}"


def _address(value: Any) -> str | None:
    hidden = r"https://[^\s@/]+|http://(?:localhost|127(?:\.[0-9]{1,3}){3})(?::[0-9]+)?"
    good = isinstance(value, str) and re.match(rf"(?:{hidden})/?\Z", value)
    return None if good else "is an https address without credentials; http only of this machine itself"


def _engine(value: Any) -> str | None:
    return None if type(value) is int and value in (1, 2) else "is 1 or 2"


KINDS: Mapping[str, Mapping[str, tuple[Check, bool]]] = {
    "environment": {},
    "credentials": {},
    "directory": {"path": (_text, True)},
    "file": {"path": (_text, True)},
    "exec": {"command": (_program, True), "env": (_variables, False), "seconds": (_seconds, False)},
    "keyring": {"service": (_text, False)},
    "kubernetes": {
        "secret": (_text, True),
        "namespace": (_text, False),
        "kubeconfig": (_text, False),
        "context": (_text, False),
    },
    "vault": {
        "address": (_address, True),
        "path": (_text, True),
        "mount": (_text, False),
        "engine": (_engine, False),
        "namespace": (_text, False),
        "role": (_text, False),
        "auth-mount": (_text, False),
        "account-file": (_text, False),
        "token-file": (_text, False),
        "ca": (_text, False),
    },
}
"""The kinds of providers: each option with its check, and whether it must be there."""
