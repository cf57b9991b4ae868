"""Packs that are offered to bots: made of roles, and of variables that may stand in no bot's own document. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from molthub.adopting.bot_documents import BotPlan
from molthub.adopting.roles import Role
from molthub.model import Json

_MOST_TAKEN_AWAY = 4


@dataclass(frozen=True, slots=True)
class PackOffer:
    """A pack that bots get: a new one, or one that is there (``is_known``). ``bots``: each with its exceptions."""

    name: str
    parts: Mapping[str, Json]
    bots: Mapping[str, frozenset[str]]
    is_known: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        exceptions = {path: sorted(keys) for path, keys in self.bots.items() if keys}
        shown = {"pack": self.name, "new": not self.is_known, "parts": sorted(self.parts), "bots": sorted(self.bots)}
        return {**shown, "exceptions": exceptions}


def offers_of(role: Role, name: str) -> list[PackOffer]:
    """Return the packs of one role: one, or two where its variables would reach its servers.

    What a bot has in a server's place is another server of the pack, which the variables would reach too.
    """
    started = [part for key, part in role.parts.items() if key.startswith("mcp/") and "command" in part]
    others = any(key.startswith("mcp/") for exceptions in role.bots.values() for key in exceptions)
    reaching = {
        key
        for key, value in role.parts.items()
        if key.startswith("env/") and (others or any(part.get("env", {}).get(key[4:]) != value for part in started))
    }
    if not reaching:
        return [PackOffer(name, role.parts, role.bots)]
    offers = []
    for title, keys in ((name, role.parts.keys() - reaching), (f"{name}-env", reaching)):
        bots = {path: exceptions & keys for path, exceptions in role.bots.items() if keys - exceptions}
        offers.append(PackOffer(title, {key: role.parts[key] for key in sorted(keys)}, bots))
    return offers


def with_left_variables(
    waiting: Mapping[str, BotPlan], offers: Sequence[PackOffer], taken: Collection[str], *, first: str
) -> list[PackOffer]:
    """Take the variables of ``waiting`` bots out of their documents, into packs without servers; return all packs.

    There they would reach every server. A pack of ``offers`` that has nothing but variables takes those in that it
    says. A new one is called ``first``, or after its bot; never as one that is ``taken``.
    """
    groups = [_Group(dict(variables(offer)), offer) for offer in offers if len(variables(offer)) == len(offer.parts)]
    for path in sorted(waiting, key=lambda one: (-len(waiting[one].env), one)):
        env = waiting[path].env
        fitting = next((group for group in groups if group.fits(env)), None)
        if fitting is None:
            fitting = _Group(dict(env))
            groups.append(fitting)
        has = waiting[path].has
        fitting.bots[path] = {
            key: has.get(f"env/{key}") for key in fitting.env if has.get(f"env/{key}") != fitting.env[key]
        }
    known = {*taken, *(offer.name for offer in offers)}
    found = {offer.name: offer for offer in offers}
    for group in groups:
        bot = waiting[next(iter(group.bots))].bot.name if group.bots else ""
        name = group.offer.name if group.offer else _free_name(known, first, f"{bot}-env"[:59])
        known.add(name)
        found[name] = group.as_offer(name)
        for path, differing in group.bots.items():
            waiting[path].packs[name], waiting[path].env = differing, {}
    return [*found.values()]


def _free_name(known: Collection[str], first: str, of_bot: str) -> str:
    wanted = first if first not in known else of_bot
    return next(one for one in (wanted, *(f"{wanted}-{n}" for n in range(2, 9999))) if one not in known)


@dataclass
class _Group:
    """Variables that some bots have, as one pack: ``offer`` is that pack where it is proposed already."""

    env: dict[str, Json]
    offer: PackOffer | None = None
    bots: dict[str, dict[str, Json]] = field(default_factory=dict)

    def fits(self, env: Mapping[str, Json]) -> bool:
        """Whether a bot's variables are among these, nearly all of them: of a pack that is proposed with its values."""
        is_among = env.keys() <= self.env.keys() and len(self.env) - len(env) <= _MOST_TAKEN_AWAY
        return is_among and (self.offer is None or all(self.env[key] == value for key, value in env.items()))

    @property
    def exceptions(self) -> dict[str, frozenset[str]]:
        """Each bot, with the variables that it does not have, or has otherwise."""
        return {path: frozenset(f"env/{key}" for key in differing) for path, differing in self.bots.items()}

    def as_offer(self, name: str) -> PackOffer:
        """Return the pack, with the bots that joined."""
        if self.offer is not None:
            return replace(self.offer, bots={**self.offer.bots, **self.exceptions})
        return PackOffer(name, {f"env/{key}": value for key, value in self.env.items()}, self.exceptions)


def variables(offer: PackOffer) -> dict[str, Json]:
    """Return the variables of a pack."""
    return {key[4:]: value for key, value in offer.parts.items() if key.startswith("env/")}
