"""Names for packs that were found in a crowd: what a person would call them, by the bots that have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from molthub.adopting.roles import Role
from molthub.registry.authoring.mend import slug

_MOST = 50
_NEARLY_ALL = 0.8
_WORD = re.compile(r"[a-z]{2,}")


def pack_names(
    roles: Sequence[Role], bots: Mapping[str, Collection[str]], *, first: str, taken: Collection[str]
) -> list[str]:
    """Return a name for each of ``roles``, none of them ``taken``.

    What all bots have, or the only role, is called ``first``. Another one is called by the word that its bots' names
    share and no others have (``dev`` of dev-01, dev-02 ...), or else by the two parts that are most its own. ``bots``
    are the keys of every bot by path.
    """
    named: list[str] = []
    for role in roles:
        is_first = first not in named and (len(roles) == 1 or len(role.bots) == len(bots))
        wanted = first if is_first else _shared_word(role, bots) or _own_parts(role, bots) or first
        named.append(_free(wanted[:_MOST].strip("-"), {*taken, *named}))
    return named


def _shared_word(role: Role, bots: Mapping[str, Collection[str]]) -> str:
    words = {path: set(_WORD.findall(path.rpartition("/")[2].lower())) for path in bots}
    ours = sorted({word for path in role.bots for word in words[path]})
    best = ""
    share = _NEARLY_ALL
    for word in ours:
        holders = {path for path, said in words.items() if word in said}
        common = len(holders & role.bots.keys())
        fits = min(common / len(holders), common / len(role.bots))
        if common > 1 and len(holders) < len(bots) and (fits > share or (fits == share and not best)):
            best, share = word, fits
    return best


def _own_parts(role: Role, bots: Mapping[str, Collection[str]]) -> str:
    elsewhere = {key: sum(key in keys for path, keys in bots.items() if path not in role.bots) for key in role.parts}
    names = {key: slug(key.partition("/")[2]) for key in role.parts}
    most_own = sorted(role.parts, key=lambda key: (elsewhere[key], key.startswith("env/"), key))
    chosen = dict.fromkeys(names[key] for key in most_own if names[key])
    return "-".join([*chosen][:2])


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 2, name
    while free in taken or f"{free}-env" in taken:
        free, number = f"{name}-{number}", number + 1
    return free
