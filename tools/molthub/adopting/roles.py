"""Roles in a crowd of bots: parts that many bots have together, found so that saying them once saves the most. Pure.

This is role mining as access control knows it (FastMiner: Vaidya, Atluri and Warner, "RoleMiner: mining roles using
subset enumeration", 2006): what a pair of bots has in common is a candidate, because a role that several bots have is
the intersection of some two of them, whatever else each has. Of the candidates the one is taken that saves the most
text, then the next of what is left. The same bots give the same roles, in whatever order they come.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from molthub.model import Json

PART, USE, PACK, EXCEPTION = 4, 1, 2, 3
"""What a part, an attachment, a pack and an exception weigh: about the lines that a person writes and reads for each.

An exception is dear, because who reads the pack must know it; so packs stay what their bots really have.
"""

_FEWEST_PARTS = 2
_LARGEST_EXCEPTION = 0.25
_MOST_PAIRED = 600
_MOST_CANDIDATES = 1500


@dataclass(frozen=True, slots=True)
class Role:
    """Parts by key, and who has them: each bot with the keys that it does not have, or has otherwise.

    ``known`` is the pack that says all this already, empty for a new one.
    """

    parts: Mapping[str, Json]
    bots: Mapping[str, frozenset[str]]
    known: str = ""


@dataclass(frozen=True, slots=True)
class KnownPack:
    """A pack that there is, as what a bot with it has by key. ``holders``: how many bots have it."""

    name: str
    parts: Mapping[str, Json]
    holders: int = 0


def least_bots(count: int) -> int:
    """Return how many of ``count`` bots must share something before it is worth a pack: two, or a tenth of them."""
    return max(2, count // 10)


def find_roles(
    bots: Mapping[str, Mapping[str, Json]],
    *,
    least: int,
    known: Sequence[KnownPack] = (),
    declared: Mapping[str, Collection[str]] | None = None,
    strict: Collection[str] = (),
) -> tuple[Role, ...]:
    """Return the roles of ``bots`` (parts by key), those that save the most first.

    At least ``least`` bots have a new one; what all of them have is one in any case. ``known`` packs cost nothing and
    are taken where they fit. ``declared`` are a bot's keys that are said already: nothing is saved by them. ``strict``
    bots take no pack with an exception.
    """
    search = _Search(bots, least, known, declared or {})
    search.strict = frozenset(strict)
    return search.roles()


@dataclass
class _Candidate:
    """A set of parts as bits; ``known`` is the name of the pack that has them, on ``holders`` bots so far."""

    mask: int
    known: str = ""
    holders: int = 0


@dataclass
class _Taken:
    candidate: _Candidate
    bots: dict[str, int] = field(default_factory=dict)


class _Search:
    """One search: every distinct part is a bit, so that what two bots share is one operation."""

    def __init__(
        self,
        bots: Mapping[str, Mapping[str, Json]],
        least: int,
        known: Sequence[KnownPack],
        declared: Mapping[str, Collection[str]],
    ) -> None:
        self._least = least
        self.strict: frozenset[str] = frozenset()
        texts = {(key, canonical(value)): (key, value) for _, key, value in _all_parts(bots, known)}
        self._parts = [texts[text] for text in sorted(texts)]
        self._bit = {text: 1 << number for number, text in enumerate(sorted(texts))}
        self._names = sorted(bots)
        self._has = {name: self._mask(bots[name]) for name in self._names}
        self._left = {
            name: self._mask({key: value for key, value in bots[name].items() if key not in declared.get(name, ())})
            for name in self._names
        }
        keys: dict[str, int] = {}
        for (key, _), bit in self._bit.items():
            keys[key] = keys.get(key, 0) | bit
        self._rivals = {bit: keys[key] & ~bit for (key, _), bit in self._bit.items()}
        self._brought = dict.fromkeys(self._names, 0)
        self._known = [
            _Candidate(self._mask(pack.parts), pack.name, pack.holders)
            for pack in sorted(known, key=lambda one: one.name)
        ]
        self._bound = self._mask_of_kind("env/")

    def roles(self) -> tuple[Role, ...]:
        candidates = [*self._known, *(_Candidate(mask) for mask in self._new_candidates())]
        taken: list[_Taken] = []
        while (best := self._best(candidates)) is not None:
            taken.append(best)
            for name, covers in best.bots.items():
                self._left[name] &= ~covers
                self._brought[name] |= best.candidate.mask
        return tuple(self._role(one) for one in taken)

    # --- candidates ------------------------------------------------------------------------------------------------

    def _new_candidates(self) -> Iterator[int]:
        """Yield what pairs of bots share, the most promising of it, and what all of them share."""
        support = Counter(bit for name in self._names for bit in _bits(self._left[name]))
        frequent = sum(bit for bit, count in support.items() if count >= min(self._least, len(self._names)))
        masks = Counter(self._left[name] & frequent for name in self._names)
        distinct = sorted(masks, key=lambda mask: (-masks[mask], -mask.bit_count(), mask))[:_MOST_PAIRED]
        shared: Counter[int] = Counter({mask: masks[mask] for mask in distinct})
        for one, other in combinations(distinct, 2):
            shared[one & other] += 1
        ranked = sorted(shared, key=lambda mask: (-shared[mask] * mask.bit_count(), mask))[:_MOST_CANDIDATES]
        yield from (mask for mask in ranked if mask.bit_count() >= _FEWEST_PARTS)
        of_all = sum(bit for bit, count in support.items() if count == len(self._names))
        if of_all and of_all not in ranked[:_MOST_CANDIDATES]:
            yield of_all
        if of_all.bit_count() == 1:
            yield of_all

    # --- what each is worth ----------------------------------------------------------------------------------------

    def _best(self, candidates: Iterable[_Candidate]) -> _Taken | None:
        best: tuple[tuple[int, ...], _Taken] | None = None
        for candidate in candidates:
            found = self._worth(candidate)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
        return best[1] if best is not None else None

    def _worth(self, candidate: _Candidate) -> tuple[tuple[int, ...], _Taken] | None:
        uses = self._uses(candidate.mask, is_known=bool(candidate.known))
        if not candidate.known:
            trimmed = candidate.mask & _union(covers for _, covers in uses.values())
            if trimmed != candidate.mask:  # the rest is brought by other packs wherever this one would be
                candidate = _Candidate(trimmed)
                uses = self._uses(trimmed, is_known=False)
        count, size = len(uses), candidate.mask.bit_count()
        of_all = count == len(self._names)
        if not uses or (not candidate.known and not self._is_worth_a_pack(count, size, of_all=of_all)):
            return None
        gain = sum(saved for saved, _ in uses.values()) - (0 if candidate.known else PACK + PART * size)
        if gain < 0 and not (of_all and count == 1):
            return None
        taken = _Taken(candidate, {name: covers for name, (_, covers) in uses.items()})
        return (bool(candidate.known), gain, count, size, candidate.holders, -candidate.mask), taken

    def _is_worth_a_pack(self, count: int, size: int, *, of_all: bool) -> bool:
        return of_all or (count >= self._least and size >= _FEWEST_PARTS)

    def _uses(self, mask: int, *, is_known: bool) -> dict[str, tuple[int, int]]:
        """Return the bots for which attaching ``mask`` saves something: how much, and the parts that it says."""
        uses: dict[str, tuple[int, int]] = {}
        for name in self._names:
            covers = mask & self._left[name]
            lacks = mask & ~self._has[name]
            if not covers or self._is_rival(name, mask) or not self._is_bearable(name, mask, lacks, is_known=is_known):
                continue
            saved = PART * covers.bit_count() - USE - EXCEPTION * lacks.bit_count()
            if saved > 0:
                uses[name] = saved, covers
        return uses

    def _is_rival(self, name: str, mask: int) -> bool:
        """Whether another pack of the bot says something else of one of the keys: then neither would count."""
        brought = self._brought[name]
        return bool(brought) and any(self._rivals[bit] & brought for bit in _bits(mask))

    def _is_bearable(self, name: str, mask: int, lacks: int, *, is_known: bool) -> bool:
        if not lacks:
            return True
        if name in self.strict:
            return False
        return lacks.bit_count() <= _LARGEST_EXCEPTION * mask.bit_count() and not (is_known and lacks & self._bound)

    # --- to and from bits ------------------------------------------------------------------------------------------

    def _mask(self, parts: Mapping[str, Json]) -> int:
        return sum(self._bit[key, canonical(value)] for key, value in parts.items())

    def _mask_of_kind(self, kind: str) -> int:
        return sum(bit for (key, _), bit in self._bit.items() if key.startswith(kind))

    def _role(self, taken: _Taken) -> Role:
        mask = taken.candidate.mask
        parts = dict(self._parts_of(mask))
        bots = {
            name: frozenset(key for key, _ in self._parts_of(mask & ~self._has[name])) for name in sorted(taken.bots)
        }
        return Role(parts, bots, taken.candidate.known)

    def _parts_of(self, mask: int) -> Iterator[tuple[str, Json]]:
        return (self._parts[bit.bit_length() - 1] for bit in _bits(mask))


def canonical(value: Json) -> str:
    """Return a text that is the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _all_parts(bots: Mapping[str, Mapping[str, Json]], known: Sequence[KnownPack]) -> Iterator[tuple[str, str, Json]]:
    for name, parts in (*bots.items(), *((pack.name, pack.parts) for pack in known)):
        for key, value in parts.items():
            yield name, key, value


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
