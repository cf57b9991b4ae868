"""What a person asks for, as typed: ``git``, ``git@^1.2``, ``@acme/deploy@latest``, ``pack/standard-dev@3``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from molthub.documents import DNS_LABEL, MAX_SKILL_NAME, SKILL_NAME
from molthub.errors import UsageError
from molthub.versions import LATEST, is_range, is_version

PACK_PREFIX = "pack/"


class Wanted(NamedTuple):
    """A skill or a pack. ``range`` is a version, a range or a pack's number; None means the latest."""

    kind: Literal["skill", "pack"]
    name: str
    range: str | None
    text: str

    @property
    def exact(self) -> bool:
        """Whether one version and no other is meant."""
        return self.range is not None and (self.kind == "pack" or is_version(self.range))

    @property
    def shown(self) -> str:
        """The name as people write it, without a version."""
        return f"{PACK_PREFIX}{self.name}" if self.kind == "pack" else self.name


def parse_wanted(text: str) -> Wanted:
    """Read ``NAME[@RANGE]`` or ``pack/NAME[@N]``. Raises :class:`UsageError`."""
    # A scope begins with "@" too, so the version's is looked for behind the first character.
    name, _, wanted = text[1:].partition("@")
    name = text[:1] + name
    version = None if wanted in ("", LATEST, "*") else wanted
    if name.startswith(PACK_PREFIX):
        return _pack(name.removeprefix(PACK_PREFIX), version, text)
    if not SKILL_NAME.match(name) or len(name.rpartition("/")[2]) > MAX_SKILL_NAME:
        raise UsageError(f"{name!r} is not a skill name", remedy=_EXAMPLES)
    if version is not None and not is_version(version) and not is_range(version):
        raise UsageError(f"{version!r} in {text!r} is not a version or range", remedy=_EXAMPLES)
    return Wanted("skill", name, version, text)


def parse_all(texts: Iterable[str]) -> tuple[Wanted, ...]:
    """Read several, each once."""
    return tuple(dict.fromkeys(parse_wanted(text) for text in texts))


def weightier(known: str | None, now: str | None) -> str | None:
    """Return the request to keep on record: asking by name counts more than by pack, and either more than neither."""
    if now is None or (known is not None and now.startswith(PACK_PREFIX) and not known.startswith(PACK_PREFIX)):
        return known
    return now


def _pack(name: str, number: str | None, text: str) -> Wanted:
    if not DNS_LABEL.match(name):
        raise UsageError(f"{name!r} is not a pack name", remedy=_EXAMPLES)
    if number is not None and not (number.isascii() and number.isdecimal() and int(number) > 0):
        raise UsageError(f"{number!r} in {text!r} is not a pack's version", remedy="packs are numbered: 1, 2, 3")
    return Wanted("pack", name, number, text)


_EXAMPLES = "write it as git, git@1.2.0, git@^1.2, @acme/deploy or pack/standard-dev@3"
