"""Fleets and bots: each bot's resolution as the document it is kept in sync with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from molthub.documents import bot_to_json, canonical, digest_of, fleet_to_json, hex_of
from molthub.errors import Problem
from molthub.index.releases import Archived
from molthub.model import Artifact, BotRef, DesiredState, Fleet, FleetState, Json
from molthub.registry.resolve import Resolution

Files = dict[str, bytes]
Offered = dict[tuple[str, str], Artifact | None]
"""What an index offers of skills' versions, as far as somebody asked."""
DEFAULT_AGENT = "main"


@dataclass(frozen=True)
class FleetDocuments:
    """The documents of all fleets. ``states`` are by ``<fleet>/<bot>``, ``names`` are the fleets' hex names."""

    files: Files = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    states: dict[str, DesiredState] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def write_fleets(
    fleets: Mapping[str, Fleet], resolutions: Mapping[str, Resolution], archived: Archived
) -> FleetDocuments:
    """Write every fleet and bot, each under its hex name and under its own (``fleets/prod.json``).

    ``problems`` hold what keeps bots from resolving, those of the resolutions among them.
    """
    documents = FleetDocuments()
    refs: dict[str, dict[str, BotRef]] = {name: {} for name in fleets}
    offered: Offered = {}
    for path, resolution in sorted(resolutions.items()):
        state, problems = desired_state(resolution, archived, offered)
        documents.states[path] = state
        documents.problems.extend(problems)
        content = canonical(bot_to_json(state))
        name = hex_of(content)
        documents.files[f"bots/{name}.json"] = documents.files[f"bots/{path}.json"] = content
        labels = _named_by_waves(fleets.get(state.fleet), state.labels)
        refs.setdefault(state.fleet, {})[state.bot] = BotRef(name, state.digest, labels, template=state.template)
    for fleet in fleets.values():
        content = canonical(fleet_to_json(_fleet_state(fleet, refs[fleet.name])))
        documents.names[fleet.name] = name = hex_of(content)
        documents.files[f"fleets/{name}.json"] = documents.files[f"fleets/{fleet.name}.json"] = content
    return documents


def desired_state(
    resolution: Resolution, archived: Archived, offered: Offered | None = None
) -> tuple[DesiredState, tuple[Problem, ...]]:
    """Return a bot's document, and all findings on it. ``offered`` is shared between bots, and only saves time.

    A bot one of whose skills the index does not offer does not resolve: it could never be brought in sync.
    """
    artifacts, missing = _artifacts(resolution, archived, {} if offered is None else offered)
    problems = (*resolution.problems, *missing)
    bot = resolution.bot
    head = DesiredState(
        fleet=bot.fleet,
        bot=bot.name,
        platform=bot.platform,
        home=bot.home or bot.name,
        agent=bot.agent or DEFAULT_AGENT,
        labels=resolution.labels,
        sync=resolution.sync,
        resolved=resolution.resolved and not missing,
        problems=tuple(problem.to_json() for problem in problems),
        template=bot.template,
    )
    if not head.resolved:
        return head, problems
    resolved = replace(
        head,
        digest=digest_of(dict(resolution.desired)),
        packs=resolution.packs,
        desired=resolution.desired,
        skills={artifact.digest: artifact for artifact in artifacts},
        origins=resolution.origins,
        needs=resolution.needs,
    )
    return resolved, problems


def _artifacts(resolution: Resolution, archived: Archived, offered: Offered) -> tuple[list[Artifact], list[Problem]]:
    found, missing = [], []
    for name, locked in resolution.skills.items():
        asked = name, locked.version
        if asked not in offered:
            offered[asked] = archived.artifact(*asked)
        artifact = offered[asked]
        if artifact is not None and artifact.digest == locked.digest:
            found.append(artifact)
        else:
            message = f"{resolution.bot.path} does not resolve: the index does not offer {name} {locked.version}"
            remedy = "mend that version, or attach another one"
            missing.append(Problem("MH210", message, remedy, file=resolution.bot.file or None))
    return found, missing


def _named_by_waves(fleet: Fleet | None, labels: Mapping[str, str]) -> dict[str, str]:
    """Return those of a bot's labels by which the fleet's rollout chooses."""
    if fleet is None or fleet.rollout is None:
        return {}
    from molthub.documents.rollouts import rollout_from_json  # most registries have no rollout

    waves = rollout_from_json(fleet.rollout, fleet.file).waves
    named = {key for wave in waves for key in wave.match_labels}
    return {key: labels[key] for key in sorted(named & labels.keys())}


def _fleet_state(fleet: Fleet, bots: Mapping[str, BotRef]) -> FleetState:
    return FleetState(fleet.name, fleet.labels, fleet.sync, bots, _published_rollout(fleet), fleet.windows)


def _published_rollout(fleet: Fleet) -> dict[str, Json] | None:
    """Return a fleet's rollout with everything said."""
    if fleet.rollout is None:
        return None
    from molthub.documents.rollouts import rollout_from_json, rollout_to_json

    return rollout_to_json(rollout_from_json(fleet.rollout, fleet.file))
