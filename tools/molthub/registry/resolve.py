"""From the catalog to desired state: which skills, servers, variables and settings a bot shall have, and why. Pure.

The order of layers: packs, then the profile, then the overlays in their order, then the bot, whose attachments'
overrides count last. The steps are in :mod:`molthub.registry.resolving`: ``attachments`` for packs, ``layers`` for
merging, ``skill_choice`` for versions and ``mcp_servers`` for servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem
from molthub.model import AttachedPack, Bot, EnvUse, Fleet, Json, Layer, Locked, Needs, Origin, Profile, SyncPolicy
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.attachments import Attached, above, attach, layers_of
from molthub.registry.resolving.availability import latest_pack, placed
from molthub.registry.resolving.bot_layers import bot_labels, pack_words, profiles_of
from molthub.registry.resolving.bot_skills import choose_skills
from molthub.registry.resolving.homes import check_homes, disagreements
from molthub.registry.resolving.layers import ConflictError, Stack, clear_text_findings, env_words, origins, settle
from molthub.registry.resolving.mcp_servers import merge_servers, with_environment
from molthub.registry.resolving.pack_lock import resolve_pack
from molthub.registry.resolving.resolution import Resolution
from molthub.registry.resolving.skill_choice import Chooser
from molthub.registry.resolving.unmet_needs import unmet

__all__ = ["Resolution", "check_homes", "latest_pack", "resolve_bot", "resolve_bots", "resolve_pack"]


def resolve_bot(catalog: Catalog, bot: Bot, chooser: Chooser | None = None) -> Resolution:
    """Resolve one bot. Never raises for what is declared: what does not fit together is in ``problems``.

    A ``chooser`` of the same catalog may be shared between bots; it only saves time.
    """
    fleet = catalog.fleets[bot.fleet]
    labels = bot_labels(bot, fleet)
    draft = _Draft(catalog, bot, fleet, chooser or Chooser(catalog))
    draft.resolve()
    sync = _sync(bot, fleet)
    resolved = not any(problem.severity == "error" for problem in draft.problems)
    problems = tuple(dict.fromkeys(draft.problems))
    if not resolved:
        return Resolution(bot, fleet, False, problems, labels, sync)
    return Resolution(
        bot=bot,
        fleet=fleet,
        resolved=True,
        problems=problems,
        labels=labels,
        sync=sync,
        packs={pack.name: AttachedPack(pack.version.number, pack.attached_at) for pack in draft.packs},
        desired=dict(sorted(draft.desired.items())),
        skills=draft.skills,
        origins=dict(sorted(draft.origins.items())),
        needs=draft.needs,
    )


def resolve_bots(catalog: Catalog) -> Mapping[str, Resolution]:
    """Resolve every bot, by ``<fleet>/<bot>``. Bots of one home that disagree do not resolve."""
    chooser = Chooser(catalog)
    return agreed({path: resolve_bot(catalog, bot, chooser) for path, bot in catalog.bots.items()})


def agreed(resolutions: Mapping[str, Resolution]) -> Mapping[str, Resolution]:
    """Return resolutions by ``<fleet>/<bot>`` where bots of one home that disagree do not resolve."""
    found = dict(resolutions)
    for problem, paths in disagreements(resolutions.values()):
        for path in paths:
            known = found[path]
            found[path] = Resolution(
                known.bot, known.fleet, False, (*known.problems, problem), known.labels, known.sync
            )
    return found


def _sync(bot: Bot, fleet: Fleet) -> SyncPolicy:
    """Return the fleet's policy with what the bot says; what becomes of orphans, and windows, are the fleet's alone."""
    said, base = bot.sync, fleet.sync
    return SyncPolicy(
        revoked=said.revoked if said.revoked is not None else base.revoked,
        suspend=said.suspend if said.suspend is not None else base.suspend,
        keys=(*said.keys, *base.keys),
        ignore=(*said.ignore, *base.ignore),
        windows=fleet.windows,
        mode=said.mode if said.mode is not None else base.mode,
        prune=said.prune if said.prune is not None else base.prune,
        interval=said.interval if said.interval is not None else base.interval,
    )


@dataclass
class _Draft:
    """A bot while it is being resolved."""

    catalog: Catalog
    bot: Bot
    fleet: Fleet
    chooser: Chooser
    problems: list[Problem] = field(default_factory=list)
    packs: tuple[Attached, ...] = ()
    desired: dict[str, Json] = field(default_factory=dict)
    skills: dict[str, Locked] = field(default_factory=dict)
    origins: dict[str, tuple[Origin, ...]] = field(default_factory=dict)
    needs: Mapping[str, Needs] = field(default_factory=dict)

    def resolve(self) -> None:
        """Fill in what the bot shall be, or why it cannot be said."""
        broken = [key for key in (f"bot/{self.bot.path}", f"fleet/{self.fleet.name}") if key in self.catalog.broken]
        if broken:
            file = self.catalog.broken[broken[0]]
            self.problems.append(placed("MH210", f"{broken[0]} cannot be read", f"mend {file}", file))
            return
        profiles, said = profiles_of(self.catalog, self.bot)
        self.problems += said
        uses = [word.use for word in pack_words(self.catalog, self.bot) if word.fits]
        self.packs, said = self.chooser.shared("packs", uses, None, lambda: attach(self.catalog, uses))
        self.problems += said
        stack = self._stack(profiles)
        secret = self._skills(stack, profiles)
        env = self._environment(stack, secret)
        self._servers(stack, secret, env)
        self.problems += unmet(self.bot, self.skills, self.needs, self.desired, self.origins)

    def _stack(self, profiles: Sequence[Profile]) -> Stack:
        overrides = tuple(use for pack in self.packs for use in pack.overrides)
        self.problems += _split_overrides(overrides)
        upper = (*(profile.layer for profile in profiles), self.bot.layer, Layer("bot", env=overrides))
        packs, over = self.chooser.shared("layers", [self.packs], None, lambda: _layers(self.packs))
        return Stack(packs, upper, over)

    def _skills(self, stack: Stack, profiles: Sequence[Profile]) -> dict[str, str]:
        """Take the skills and their settings; return the variables that their contracts call secret, with whose."""
        said = {key: value for profile in profiles for key, value in profile.hosts.items()} | dict(self.bot.hosts)
        hosts = {name: said.get(name) for name in self.catalog.registry.hosts}
        found = choose_skills(self.chooser, stack, self.packs, hosts, self.bot.file)
        self.problems += found.problems
        self.origins |= found.origins
        self.desired |= found.desired
        self.skills = dict(found.skills)
        self.needs = found.needs
        return dict(found.secret)

    def _environment(self, stack: Stack, secret: Mapping[str, str]) -> dict[str, str]:
        env: dict[str, str] = {}
        for name, words in sorted(env_words(stack).items()):
            key = f"env/{name}"
            self.problems += clear_text_findings(key, words, secret.get(name))
            try:
                winner = settle(key, words, stack.over)
            except ConflictError as conflict:
                self.problems.append(conflict.problem)
                continue
            if winner.value is not None:
                env[name] = self.desired[key] = winner.value
            elif len(words) == 1:
                continue  # there was nothing to take away
            self.origins[key] = origins(winner, words, shows_value=True)
        return env

    def _servers(self, stack: Stack, secret: Mapping[str, str], env: Mapping[str, str]) -> None:
        speaking = [layer for layer in stack.layers if layer.mcps]
        besides = tuple(sorted(secret.items()))
        shared = self.chooser.shared("servers", [*speaking, stack.over], besides, lambda: merge_servers(stack, secret))
        servers, said = shared
        self.problems += said
        for name, server in servers.items():
            if server.value is not None or len(server.origins) > 1:
                self.origins[f"mcp/{name}"] = server.origins
        for name, value in with_environment(servers, env, self.packs).items():
            self.desired[f"mcp/{name}"] = value


def _layers(packs: Sequence[Attached]) -> tuple[tuple[Layer, ...], Mapping[str, frozenset[str]]]:
    """Return the layers of packs, lowest first, and which lie above each."""
    return tuple(version.layer for version in layers_of(packs)), above(packs)


def _split_overrides(overrides: Iterable[EnvUse]) -> Iterator[Problem]:
    """Yield where two attachments of one bot override a variable with different values."""
    seen: dict[str, EnvUse] = {}
    for use in overrides:
        other = seen.setdefault(use.key, use)
        if other.value != use.value:
            message = f"the bot's overrides ({other.at}) and ({use.at}) say different things about env/{use.key}"
            yield placed("MH204", message, "keep one of the two", use.at)
