"""Secrets that stand in a bot's own files: found by names, by shape and by chance, and replaced by references.

Four classes, each told with what was found: a *name* that says so (``*_TOKEN``), a *shape* that a kind of credential
has (the detectors of the risk scan), an *address* that holds a password, and text that is *random* (Shannon's entropy,
as ``detect-secrets`` computes it). Names are given by comparing texts in memory; a value goes along with its place, for
whoever is told to keep it, in a form that is never printed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, Literal

from molthub.errors import PlatformValueError, missing_extra
from molthub.model import Json
from molthub.references.secrets import is_sensitive, placeholders, reference
from molthub.registry.reading.clear_secrets import token_shape
from molthub.registry.risk.secrets import credential_kind
from molthub.secrets.value import SecretValue

_WORDS = "TOKENS?|KEY|APIKEY|PASSWORD|PASSWD|PASSPHRASE|PAT|SECRETS?|CREDENTIALS?|AUTHORIZATION|COOKIE"
_NAMED = re.compile(rf"(?:^|[^A-Z0-9])(?:{_WORDS})(?:$|[^A-Z0-9])|(?:TOKEN|APIKEY|SECRET|PASSWORD)$")
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_IN_QUERY = re.compile(
    r"://[^\s]*[?&](?:[\w.-]*[_.-])?(?:api[_-]?key|key|token|secret|password|sig|signature)=[^&\s#]", re.IGNORECASE
)
_UNBROKEN = re.compile(r"[A-Za-z0-9+/_.~-]{20,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_WORDS_IN_IT = re.compile(r"[a-z]{6}|[A-Z]{6}|^[./~]|/.*/|\d+\.\d+\.\d+")
_LEAST_ENTROPY = {"hex": 3.0, "other": 3.7}
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+", re.IGNORECASE)
_LONGEST = 60
_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(=)?")


SecretClass = Literal["name", "shape", "address", "random", "reference", "asked"]


@dataclass(frozen=True, slots=True)
class Needed:
    """A secret that a bot needs, and where it stands now: in words, never as a value.

    ``kind`` is the class by which it was found (``reference``: the program refers to a variable already; ``asked``: the
    command line said so), ``why`` the same in words. ``value`` is that of a literal.
    """

    name: str
    key: str
    where: str
    is_literal: bool
    kind: SecretClass = "reference"
    why: str = ""
    value: SecretValue | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        shown: dict[str, Json] = {"name": self.name, "key": self.key, "where": self.where, "literal": self.is_literal}
        return {**shown, "class": self.kind, "why": self.why}


@dataclass(frozen=True, slots=True)
class Judged:
    """Variables, flags and fields that a person has judged: values under ``secret`` are, those under ``plain`` not."""

    secret: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    @classmethod
    def of(cls, secret: Collection[str], plain: Collection[str]) -> Judged:
        """Return what the command line says; case does not count, nor a flag's hyphens."""
        return cls(frozenset(map(_judged_name, secret)), frozenset(map(_judged_name, plain)))


NOTHING_JUDGED = Judged()


@dataclass(slots=True)
class Literals:
    """The literals of one bot: each distinct text gets one name. ``taken`` are names that references use already."""

    taken: frozenset[str] = frozenset()
    judged: Judged = NOTHING_JUDGED
    _texts: dict[str, str] = field(default_factory=dict, repr=False)
    needed: list[Needed] = field(default_factory=list)

    def replaced(self, key: str, value: Json, where: str) -> Json:
        """Return a declared value with every literal secret as a placeholder. ``where`` is the file it stands in."""
        kind, _, name = key.partition("/")
        if kind == "env":
            return self._text(key, value, name, where, self._why(name, value))
        if kind == "mcp":
            return {field: self._field(key, name, field, item, where) for field, item in value.items()}
        return self._setting(key, name, value, where)

    def _field(self, key: str, server: str, field: str, item: Json, where: str) -> Json:
        if isinstance(item, dict):
            return {
                name: self._text(
                    key, text, _hint(server, field, name), f"{where}, {field} {name}", self._why(name, text)
                )
                for name, text in item.items()
            }
        if isinstance(item, list):
            return list(self._arguments(key, server, item, where))
        if field in ("url", "command"):
            return self._text(key, item, f"{server}_{field}", f"{where}, {field}", self._why("", item))
        return item

    def _arguments(self, key: str, server: str, words: Iterable[str], where: str) -> Iterator[str]:
        flag = ""
        for number, word in enumerate(words, 1):
            match = _FLAG.match(word)
            place = f"{where}, argument {number}"
            if match and match[2]:
                hint, rest = f"{server}_{match[1].strip('-')}", word[match.end() :]
                yield match[0] + self._text(key, rest, hint, place, self._why(match[1], rest))
            elif not word.startswith("-"):
                hint = f"{server}_{flag.strip('-') or 'secret'}"
                yield self._text(key, word, hint, place, self._why(flag, word))
            else:
                yield word
            flag = match[1] if match and not match[2] and match.end() == len(word) else ""

    def _setting(self, key: str, hint: str, value: Json, where: str) -> Json:
        if isinstance(value, dict):
            return {
                name: self._setting(key, f"{hint}_{name}", item, f"{where}, {name}") for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._setting(key, hint, item, where) for item in value]
        last = hint.rpartition("_")[2] if "_" in hint else ""
        return self._text(key, value, hint, where, self._why(last, value) or self._why(hint, value))

    def _why(self, name: str, text: Json) -> _Why | None:
        """Return the class of a secret, and why it is one; None where a text is none."""
        if not isinstance(text, str) or not text or is_sensitive(text) or _judged_name(name) in self.judged.plain:
            return None
        if _judged_name(name) in self.judged.secret:
            return "asked", "--secret says so"
        return _class_of(name, text)

    def _text(self, key: str, text: Json, hint: str, where: str, why: _Why | None) -> Json:
        """Return ``text``, or what stands for it where it is a secret, which is noted."""
        if why is None:
            return text
        scheme = _SCHEME.match(text)
        before, literal = (scheme[0], text[scheme.end() :]) if scheme else ("", text)
        server = key.partition("/")[2]
        name = next(name for name in _names(hint, server) if self._is_free(name, literal))
        self._texts[name] = literal
        kind, words = why
        self.needed.append(Needed(name, key, where, True, kind, words, SecretValue(literal)))
        return f"{before}${{secrets.{name}}}"

    def _is_free(self, name: str, literal: str) -> bool:
        try:
            reference(name)
        except PlatformValueError:
            return False
        return name not in self.taken and self._texts.get(name, literal) == literal


def references_of(key: str, value: Json, where: str) -> tuple[Needed, ...]:
    """Return the secrets that a value refers to already."""
    why = "the program refers to a variable"
    return tuple(Needed(name, key, where, is_literal=False, why=why) for name in placeholders(value))


_Why = tuple[SecretClass, str]


def _class_of(name: str, text: str) -> _Why | None:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    if _NAMED.search(words):
        return "name", f"{name.strip('-')} names a secret"
    shape = token_shape(text) or credential_kind(text)
    if shape is not None:
        return "shape", f"it looks like {shape}"
    if _IN_ADDRESS.search(text) or _IN_QUERY.search(text):
        return "address", "the address holds a password or key"
    return ("random", "it looks random") if _is_random(text) else None


def _is_random(text: str) -> bool:
    """Whether a text is one that nobody thought up: long, unbroken, without words, of many different characters."""
    if _UNBROKEN.fullmatch(text) is None:
        return False
    if _HEX.fullmatch(text):
        return _entropy(text) >= _LEAST_ENTROPY["hex"]
    has_both = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return has_both and not _WORDS_IN_IT.search(text) and _entropy(text) >= _LEAST_ENTROPY["other"]


def _entropy(text: str) -> float:
    return float(_entropy_detector().calculate_shannon_entropy(text))


@cache
def _entropy_detector() -> Any:
    try:
        from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString
    except ImportError as error:
        raise missing_extra("registry", "the search for secrets") from error
    return Base64HighEntropyString()


def _judged_name(name: str) -> str:
    return name.strip("-").replace("-", "_").upper()


def _hint(server: str, field: str, name: str) -> str:
    if field == "env":
        return name
    return f"{server}_token" if name.lower() == "authorization" else f"{server}_{name}"


def _names(hint: str, server: str) -> Iterator[str]:
    """Yield names for a secret: what its variable is called, then with what it belongs to, then with numbers."""
    plain, owner = (re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:_LONGEST] for text in (hint, server))
    yield plain if plain[:1].isalpha() else f"secret_{plain}"
    if not plain.startswith(f"{owner}_") and owner[:1].isalpha():
        plain = f"{owner}_{plain}"
        yield plain
    yield f"secret_{plain}"  # some beginnings, as `python`, are no variables that a secret may have
    yield from (f"secret_{plain}_{number}" for number in count(2))
