"""Rollouts: waves that would never hold a bot, and gates that no wave would ever meet."""

from __future__ import annotations

from collections.abc import Iterator

from molthub.documents.rollouts import rollout_from_json
from molthub.errors import FormatError, Problem
from molthub.model import Fleet
from molthub.model.rollouts import Rollout, members
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.bot_layers import bot_labels


def check_rollouts(catalog: Catalog) -> Iterator[Problem]:
    """Yield what in a fleet's rollout has no effect, or contradicts itself."""
    for fleet in catalog.fleets.values():
        if fleet.rollout is None:
            continue
        try:
            rollout = rollout_from_json(fleet.rollout, fleet.file)
        except FormatError as error:
            remedy = "see the schema of a fleet: `rollout`"
            yield Problem("MH217", f"its rollout cannot be followed: {error.message}", remedy, file=fleet.file)
            continue
        if fleet.name not in catalog.partly:
            yield from _empty_waves(catalog, fleet, rollout)
        yield from _strange_gates(fleet, rollout)


def _empty_waves(catalog: Catalog, fleet: Fleet, rollout: Rollout) -> Iterator[Problem]:
    bots = [bot for bot in catalog.bots.values() if bot.fleet == fleet.name and not bot.template]
    labels = {bot.name: bot_labels(bot, fleet) for bot in bots}
    if not bots or not fleet.rollout or not fleet.rollout.get("waves"):
        return
    for wave, (_, held) in zip(rollout.waves, members(rollout.waves, labels), strict=False):
        if held:
            continue
        fits = any(wave.match_labels.items() <= found.items() for found in labels.values())
        why = "those that fit are in waves before it" if fits else "no bot of the fleet has its labels"
        message = f"the wave {wave.name!r} holds no bot: {why}"
        yield Problem("MH217", message, "mend its labels, or take it out", "warning", file=fleet.file)


def _strange_gates(fleet: Fleet, rollout: Rollout) -> Iterator[Problem]:
    known = {wave.name for wave in rollout.waves}
    for gate in rollout.gates:
        for wave in gate.waves:
            if wave not in known:
                message = f"the gate {gate.name!r} is for a wave {wave!r}, which there is not"
                yield Problem("MH217", message, f"name one of {', '.join(sorted(known))}", file=fleet.file)
        if gate.kind == "http" and gate.url.startswith("http://"):
            message = f"the gate {gate.name!r} is asked without encryption: whoever is on the way can answer"
            yield Problem("MH217", message, "use https", "warning", file=fleet.file)
