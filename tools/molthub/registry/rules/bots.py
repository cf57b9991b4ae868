"""Bots: each resolves, those of one home agree, hosts are known, and no skill takes a name that its agent uses.

What a bot finds of another bot of its home is remarked.
"""

from __future__ import annotations

from collections.abc import Iterator

from molthub.errors import Problem
from molthub.model import bare_name
from molthub.nearest import did_you_mean
from molthub.references.agent_programs import BUNDLED_SKILLS
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution, resolve_bots
from molthub.registry.resolving.homes import strange_skills
from molthub.registry.rules.sync import check_sync
from molthub.registry.rules.withdrawn import check_withdrawn


def check_bots(catalog: Catalog) -> Iterator[Problem]:
    """Yield why bots do not resolve, what a resolved one should know, and what was withdrawn and is still in use."""
    yield from _hosts(catalog)
    resolutions = resolve_bots(catalog)
    yield from check_withdrawn(catalog, resolutions)
    yield from check_sync(catalog, resolutions)
    for resolution in resolutions.values():
        yield from (problem for problem in resolution.problems if problem.id != "MH211")
        if resolution.resolved:
            yield from _bundled(resolution)
    yield from strange_skills(resolutions.values())


def _bundled(resolution: Resolution) -> Iterator[Problem]:
    own = BUNDLED_SKILLS.get(resolution.bot.platform, frozenset())
    for name in resolution.skills:
        if bare_name(name) in own:
            bot = resolution.bot
            message = f"{name} replaces the skill of that name that {bot.platform} brings itself"
            remedy = "nothing needs to be done if that is meant"
            yield Problem("MH213", message, remedy, "warning", file=bot.file)


def _hosts(catalog: Catalog) -> Iterator[Problem]:
    hosts = catalog.registry.hosts
    for host in hosts:
        if host in catalog.skills:
            message = f"the host {host} has the name of a skill, so nobody can tell which one a dependency means"
            yield Problem("MH214", message, "rename one of the two", file="registry.yaml")
    places = [(layer.file, layer.hosts) for layer in (*catalog.profiles.values(), *catalog.overlays.values())]
    places += [(bot.file, bot.hosts) for bot in catalog.bots.values()]
    for file, named in places:
        for host in named:
            if host not in hosts:
                remedy = did_you_mean(host, hosts, "add it to `hosts` of registry.yaml")
                yield Problem("MH203", f"the host {host} is not in registry.yaml", remedy, file=file)
