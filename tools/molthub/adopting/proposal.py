"""What to declare for bots that were configured by hand: packs of what they share, and a document for each bot.

What bots share is found by :mod:`molthub.adopting.roles`. A variable reaches the servers of the packs that declare it,
and one that no pack declares reaches all; so variables that a pack's servers do not have today become a pack of their
own, without servers. Everything proposed is resolved before anything is written, and held against what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from molthub.adopting.adopted import Adopted, parts_of
from molthub.adopting.bot_documents import (
    BotPlan,
    difference,
    layer_of,
    manifest,
    merged_document,
    new_document,
    taken_away,
)
from molthub.adopting.home import Left
from molthub.adopting.known_packs import known_packs
from molthub.adopting.offers import PackOffer, offers_of, variables, with_left_variables
from molthub.adopting.pack_names import pack_names
from molthub.adopting.roles import Role, canonical, find_roles, least_bots
from molthub.errors import MolthubError, RegistryError, ResolutionError
from molthub.model import Json
from molthub.registry.authoring.consequences import newly_unresolved, resolve_some
from molthub.registry.authoring.pack_files import new_pack
from molthub.registry.authoring.packs import create_pack
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolving.availability import available_versions
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay
from molthub.versions import latest


@dataclass(frozen=True, slots=True)
class Naming:
    """What people want packs to be called: ``first`` for what all share, ``others`` by the name that is proposed."""

    first: str
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people want, and the time to record: at least ``least`` bots share what becomes a pack.

    ``labels`` are those of new bots.
    """

    naming: Naming
    published: str
    least: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """The files of one commit, and what they mean.

    ``besides`` says of each bot which keys it would get besides, or otherwise than it has them; ``otherwise`` which
    stand otherwise in its document already; ``added`` what is new of it; ``own`` what its document lists itself, and
    ``without`` what it takes away; ``refused`` why nothing is declared of it.
    """

    files: Mapping[str, bytes]
    packs: tuple[PackOffer, ...] = ()
    besides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: Mapping[str, tuple[Left, ...]] = field(default_factory=dict)
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    refused: Mapping[str, MolthubError] = field(default_factory=dict)

    @property
    def bent(self) -> frozenset[str]:
        """The bots that are exceptions to a pack."""
        return frozenset(path for offer in self.packs for path, keys in offer.bots.items() if keys)

    def state(self, path: str) -> str:
        """Return what becomes of a bot: ``refused``, ``new``, ``extended`` or ``unchanged``."""
        if path in self.refused:
            return "refused"
        if path not in self.known:
            return "new"
        return "extended" if self.added.get(path) else "unchanged"


def propose(source: Source, bots: Sequence[Adopted], wishes: Wishes) -> Proposal:
    """Return what to declare for ``bots``.

    A bot that would not resolve is refused, and the others are proposed without it. Raises :class:`RegistryError` where
    the packs do not fit the registry.
    """
    catalog = read_catalog(source)
    refused: dict[str, MolthubError] = {bot.path: error for bot in bots if (error := _foreign(catalog, bot))}
    strict: set[str] = set()
    while True:
        chosen = [bot for bot in bots if bot.path not in refused]
        draft = _Draft(source, catalog, chosen, wishes, strict)
        proposal = draft.proposal()
        broken = draft.broken(proposal.files)
        besides = {} if broken else draft.besides(proposal.files)
        bent = (broken.keys() | besides.keys()) & proposal.bent - strict
        if bent:  # an exception to a pack says something else than was meant: without it, the bot lists its own
            strict |= bent
        elif broken:
            refused |= broken
        else:
            return replace(proposal, besides=besides, refused=refused)


def _foreign(catalog: Catalog, bot: Adopted) -> MolthubError | None:
    """Return why a bot of that name cannot be this one, if it cannot."""
    if f"bot/{bot.path}" in catalog.broken or f"fleet/{bot.fleet}" in catalog.broken:
        return RegistryError(f"{bot.path} is declared, and cannot be read", remedy="molthub check says why")
    known = catalog.bots.get(bot.path)
    if known is None:
        return None
    for what, theirs, ours in (
        ("platform", known.platform, bot.platform),
        ("home", known.home, bot.home),
        ("agent", known.agent or "", bot.agent),
    ):
        if theirs != ours:
            message = (
                f"the bot {bot.path} is declared already, with the {what} {theirs or 'main'}, not {ours or 'main'}"
            )
            return RegistryError(message, place=known.file, remedy="give this one another name with --name")
    return None


class _Draft:
    """One proposal for bots that are all taken."""

    def __init__(
        self, source: Source, catalog: Catalog, bots: Sequence[Adopted], wishes: Wishes, strict: Collection[str]
    ) -> None:
        self._source, self._catalog, self._bots = source, catalog, bots
        self._naming, self._published, self._strict = wishes.naming, wishes.published, strict
        self._labels = wishes.labels
        self._parts = {bot.path: bot.parts for bot in bots}
        found = resolve_some(catalog, [bot.path for bot in bots if bot.path in catalog.bots])
        self._declared = {path: parts_of(found[path]) if path in found else {} for path in self._parts}
        self._least = wishes.least if wishes.least is not None else least_bots(len(bots))

    def proposal(self) -> Proposal:
        """Return the proposal, not yet held against what it resolves to."""
        new = {path: self._new_keys(path) for path in self._parts}
        open_bots = [bot for bot in self._bots if new[bot.path] or bot.path not in self._catalog.bots]
        offers = self._offers([bot for bot in open_bots if new[bot.path]])
        plans = {bot.path: self._plan(bot, offers, new[bot.path]) for bot in open_bots}
        waiting = {path: plan for path, plan in plans.items() if self._would_reach(plan)}
        offers = with_left_variables(waiting, offers, self._catalog.packs, first=f"{self._naming.first}-env")
        files: dict[str, bytes] = {}
        for offer in offers:
            if not offer.is_known:
                files |= self._pack_files(files, offer)
        files |= self._bot_files(plans)
        return Proposal(
            files,
            tuple(offers),
            otherwise={path: found for path in self._parts if (found := self._otherwise(path))},
            added={path: tuple(sorted(keys)) for path, keys in new.items() if keys},
            own={path: plan.keys for path, plan in plans.items()},
            without={path: plan.without for path, plan in plans.items()},
            known=frozenset(self._catalog.bots.keys() & self._parts.keys()),
        )

    def _new_keys(self, path: str) -> frozenset[str]:
        return frozenset(self._parts[path].keys() - self._declared[path].keys())

    def _otherwise(self, path: str) -> tuple[Left, ...]:
        """Return what stands in a home otherwise than it is declared: it is drift, and none of this command's work."""
        declared, parts = self._declared[path], self._parts[path]
        differing = [
            key for key in sorted(parts.keys() & declared.keys()) if canonical(parts[key]) != canonical(declared[key])
        ]
        remedy = f"molthub drift --bot {path} shows how; change what is declared, or let a reconcile correct it"
        return tuple(Left(key, "it is declared otherwise", remedy) for key in differing)

    # --- packs -----------------------------------------------------------------------------------------------------

    def _offers(self, bots: Sequence[Adopted]) -> list[PackOffer]:
        """Return the packs for ``bots``, each with parts that are new of some of them."""
        if not bots:
            return []
        known = known_packs(self._catalog, [self._parts[bot.path] for bot in bots])
        variables = {key: value for pack in known for key, value in pack.parts.items() if key.startswith("env/")}
        has = {
            bot.path: {
                **({} if bot.keeps_variables else variables),
                **self._parts[bot.path],
                **self._declared[bot.path],
            }
            for bot in self._bots
        }
        roles = find_roles(has, least=self._least, known=known, declared=self._declared, strict=self._strict)
        alone = self._bots[0].path if len(self._bots) == 1 else ""
        if alone and (alone in self._catalog.bots or any(role.known for role in roles)):
            roles = tuple(role for role in roles if role.known)  # what is left of one bot is its own
        new = [role for role in roles if not role.known]
        names = iter(self._names(new, has))
        offers: list[PackOffer] = []
        for role in roles:
            if role.known:
                offers.append(PackOffer(role.known, role.parts, role.bots, is_known=True))
            else:
                offers += offers_of(role, next(names))
        return offers

    def _names(self, roles: Sequence[Role], bots: Mapping[str, Mapping[str, Json]]) -> list[str]:
        taken = {*self._catalog.packs, *(key[5:] for key in self._catalog.broken if key.startswith("pack/"))}
        proposed = pack_names(roles, bots, first=self._naming.first, taken=taken)
        return [self._naming.others.get(name, name) for name in proposed]

    def _pack_files(self, files: Mapping[str, bytes], offer: PackOffer) -> dict[str, bytes]:
        layer = layer_of({key: self._floating(part) for key, part in offer.parts.items()})
        env = dict(sorted(variables(offer).items()))
        fleet, count = self._bots[0].fleet, len(offer.bots)
        whose = "one bot" if count == 1 else f"{count} bots"
        text = new_pack(
            offer.name,
            description=f"What {whose} of {fleet} had when adopted.",
            skills=layer["skills"],
            mcps=layer["mcps"],
            env=env,
        )
        owner = self._catalog.registry.owner or next(iter(self._catalog.publishers), "")
        tree = Overlay(self._source, files)
        return create_pack(tree, offer.name, text, owner=owner, published=self._published)[0]

    def _floating(self, part: Json) -> Json:
        """Return a skill without its version where that is the newest: a pack is locked to it in any case."""
        skill = self._catalog.skills.get(part["name"]) if isinstance(part, dict) and "version" in part else None
        if skill is None or latest(available_versions(skill)) != part["version"]:
            return part
        return part["name"] if part.keys() == {"name", "version"} else {k: v for k, v in part.items() if k != "version"}

    # --- bots ------------------------------------------------------------------------------------------------------

    def _plan(self, bot: Adopted, offers: Iterable[PackOffer], new: Collection[str]) -> BotPlan:
        parts = self._parts[bot.path]
        plan = BotPlan(bot, {**parts, **self._declared[bot.path]})
        left = set(new)
        for offer in offers:
            if bot.path not in offer.bots:
                continue
            exceptions = offer.bots[bot.path]
            plan.packs[offer.name] = {key[4:]: parts.get(key) for key in sorted(exceptions) if key.startswith("env/")}
            left -= offer.parts.keys() - {key for key in exceptions if key in parts and not key.startswith("env/")}
            for key in exceptions:
                if key not in parts and not key.startswith("env/"):
                    plan.own[key] = taken_away(key, offer.parts[key])
                elif key.startswith("mcp/"):
                    plan.own[key] = difference(offer.parts[key], parts[key])
        plan.own |= {key: parts[key] for key in left if not key.startswith("env/") and key not in plan.own}
        plan.env = {key[4:]: parts[key] for key in left if key.startswith("env/")}
        return plan

    def _would_reach(self, plan: BotPlan) -> bool:
        """Whether a variable of the bot's own would reach a server that does not have it."""
        parts = {**self._declared[plan.bot.path], **self._parts[plan.bot.path]}
        return not all(_holds(parts, key, value) for key, value in plan.env.items())

    def _bot_files(self, plans: Mapping[str, BotPlan]) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for plan in plans.values():
            bot = plan.bot
            if bot.fleet not in self._catalog.fleets:
                files[f"fleets/{bot.fleet}/fleet.yaml"] = manifest("Fleet", bot.fleet, {})
            known = self._catalog.bots.get(bot.path)
            if known is None:
                files[f"fleets/{bot.fleet}/bots/{bot.name}.yaml"] = new_document(plan, self._published, self._labels)
            elif not plan.is_empty:
                text = self._source.read(known.file).decode()
                files[known.file] = merged_document(text, plan, self._published, known.file)
        return files

    # --- what comes of it ------------------------------------------------------------------------------------------

    def broken(self, files: Mapping[str, bytes]) -> dict[str, MolthubError]:
        """Return the bots that would not resolve, with why. Raises :class:`RegistryError` for a pack that is none."""
        after = read_catalog(Overlay(self._source, files))
        for problem in after.problems:
            file = problem.file or ""
            if file in files and problem.severity == "error" and not file.startswith("fleets/"):
                raise RegistryError(problem.message, place=problem.place, remedy=problem.remedy, problems=[problem])
        found = resolve_some(after, [*self._parts])
        broken: dict[str, MolthubError] = {}
        for path in self._parts:
            told = [one for one in after.problems if one.file == _file(path) and one.severity == "error"]
            if path in found and not found[path].resolved:
                told += [problem for problem in found[path].problems if problem.severity == "error"]
            if told:
                message = f"{path} would not resolve: {told[0].message}"
                broken[path] = ResolutionError(message, place=_file(path), remedy=told[0].remedy, problems=told)
        mates = newly_unresolved(self._catalog, after, [*self._parts]) if not broken else {}
        return broken | {path: _mate_error(path, mates) for path in self._parts if path in mates}

    def besides(self, files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
        """Return which keys each bot would get, get otherwise than it has them, or not get."""
        found = resolve_some(read_catalog(Overlay(self._source, files)), [*self._parts])
        besides = {}
        for bot in self._bots:
            was = {**self._parts[bot.path], **self._declared[bot.path]}
            will = parts_of(found[bot.path])
            differing = [key for key in {*was, *will} if canonical(was.get(key)) != canonical(will.get(key))]
            besides[bot.path] = tuple(
                sorted(key for key in differing if bot.keeps_variables or not key.startswith("env/"))
            )
        return {path: keys for path, keys in besides.items() if keys}


def _file(path: str) -> str:
    fleet, _, name = path.partition("/")
    return f"fleets/{fleet}/bots/{name}.yaml"


def _mate_error(path: str, mates: Mapping[str, Sequence[object]]) -> MolthubError:
    others = ", ".join(sorted(one for one in mates if one != path))
    return ResolutionError(
        f"with it, {others or path} would no longer resolve", place=_file(path), remedy="molthub check"
    )


def _holds(parts: Mapping[str, Json], key: str, value: Json) -> bool:
    """Whether every server that a bot starts has a variable by itself."""
    servers = (part for name, part in parts.items() if name.startswith("mcp/") and "command" in part)
    return all(server.get("env", {}).get(key) == value for server in servers)
