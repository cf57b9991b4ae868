"""Secrets that stand in a bot's own files: found by their shape and their names, and replaced by references.

No value leaves this module, nor is any kept: names are given by comparing texts in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from molthub.errors import PlatformValueError
from molthub.model import Json
from molthub.references.secrets import is_sensitive, placeholders, reference
from molthub.registry.reading.clear_secrets import token_shape

_WORDS = "TOKENS?|KEY|APIKEY|PASSWORD|PASSWD|PASSPHRASE|PAT|SECRETS?|CREDENTIALS?|AUTHORIZATION|COOKIE"
_NAMED = re.compile(rf"(?:^|[^A-Z0-9])(?:{_WORDS})(?:$|[^A-Z0-9])|(?:TOKEN|APIKEY|SECRET|PASSWORD)$")
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+", re.IGNORECASE)
_LONGEST = 60
_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(=)?")


@dataclass(frozen=True, slots=True)
class Needed:
    """A secret that a bot needs, and where it stands now: in words, never as a value."""

    name: str
    key: str
    where: str
    is_literal: bool

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        return {"name": self.name, "key": self.key, "where": self.where, "literal": self.is_literal}


@dataclass(slots=True)
class Literals:
    """The literals of one bot: each distinct text gets one name. ``taken`` are names that references use already."""

    taken: frozenset[str] = frozenset()
    _texts: dict[str, str] = field(default_factory=dict, repr=False)
    needed: list[Needed] = field(default_factory=list)

    def replaced(self, key: str, value: Json, where: str) -> Json:
        """Return a declared value with every literal secret as a placeholder. ``where`` is the file it stands in."""
        kind, _, name = key.partition("/")
        if kind == "env":
            return self._text(key, value, name, where) if _is_secret(name, value) else value
        if kind == "mcp":
            return {field: self._field(key, name, field, item, where) for field, item in value.items()}
        return self._setting(key, name, value, where)

    def _field(self, key: str, server: str, field: str, item: Json, where: str) -> Json:
        if isinstance(item, dict):
            return {
                name: self._text(key, text, _hint(server, field, name), f"{where}, {field} {name}")
                if _is_secret(name, text)
                else text
                for name, text in item.items()
            }
        if isinstance(item, list):
            return list(self._arguments(key, server, item, where))
        if field in ("url", "command") and _is_secret("", item):
            return self._text(key, item, f"{server}_{field}", f"{where}, {field}")
        return item

    def _arguments(self, key: str, server: str, words: Iterable[str], where: str) -> Iterator[str]:
        flag = ""
        for number, word in enumerate(words, 1):
            match = _FLAG.match(word)
            place = f"{where}, argument {number}"
            if match and match[2] and _is_secret(match[1], word[match.end() :]):
                hint = f"{server}_{match[1].strip('-')}"
                yield match[0] + self._text(key, word[match.end() :], hint, place)
            elif not word.startswith("-") and _is_secret(flag, word):
                yield self._text(key, word, f"{server}_{flag.strip('-') or 'secret'}", place)
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
        return self._text(key, value, hint, where) if _is_secret(last, value) or _is_secret(hint, value) else value

    def _text(self, key: str, text: str, hint: str, where: str) -> str:
        scheme = _SCHEME.match(text)
        before, literal = (scheme[0], text[scheme.end() :]) if scheme else ("", text)
        server = key.partition("/")[2]
        name = next(name for name in _names(hint, server) if self._is_free(name, literal))
        self._texts[name] = literal
        self.needed.append(Needed(name, key, where, is_literal=True))
        return f"{before}${{secrets.{name}}}"

    def _is_free(self, name: str, literal: str) -> bool:
        try:
            reference(name)
        except PlatformValueError:
            return False
        return name not in self.taken and self._texts.get(name, literal) == literal


def references_of(key: str, value: Json, where: str) -> tuple[Needed, ...]:
    """Return the secrets that a value refers to already."""
    return tuple(Needed(name, key, where, is_literal=False) for name in placeholders(value))


def _is_secret(name: str, text: Json) -> bool:
    if not isinstance(text, str) or not text or is_sensitive(text):
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    return bool(_NAMED.search(words)) or token_shape(text) is not None or _IN_ADDRESS.search(text) is not None


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
