"""Fleets and bots: each bot's resolution as the document it is kept in sync with."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from molthub.documents import canonical, fleet_to_json, hex_of
from molthub.documents.bot_texts import BotTexts
from molthub.documents.fleets import ref_to_json
from molthub.errors import Problem
from molthub.index.releases import Archived
from molthub.index.views import Files, Views
from molthub.index.views.fleets import attachments, fleet_routes, fleet_row, pack_routes, pack_rows
from molthub.model import Artifact, BotRef, DesiredState, Fleet, FleetState, Json
from molthub.registry.catalog import Catalog
from molthub.registry.resolve import Resolution
from molthub.registry.resolving.noted import Notes

DEFAULT_AGENT = "main"


class MadeBot(NamedTuple):
    """What an index says of a bot: its document, and rows of documents that list many.

    ``path`` is ``<fleet>/<bot>``, ``file`` the hex name of the document, ``problems`` what was found on resolving.
    ``listed`` is its row among the bots of its fleet, ``packs`` its rows among the bots of each pack; no rows are
    made where no view has them.
    """

    path: str
    content: bytes
    file: str
    digest: str | None
    resolved: bool
    labels: Mapping[str, str]
    template: bool
    problems: tuple[Problem, ...]
    listed: bytes = b""
    packs: Mapping[str, bytes] = {}

    @property
    def fleet(self) -> str:
        """The fleet's name."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The bot's name in its fleet."""
        return self.path.partition("/")[2]

    def ref(self, named: Container[str] = ()) -> str:
        """Return the bot as its fleet's document holds it, as canonical JSON, with those of its labels in ``named``."""
        return ref_text(self.file, self.digest, self.labels, self.template, named)

    @property
    def files(self) -> Files:
        """The document, under its hex name and under the bot's own."""
        return {f"bots/{self.file}.json": self.content, f"bots/{self.path}.json": self.content}


@dataclass(frozen=True)
class FleetDocuments:
    """The documents of all fleets. ``names`` are the fleets' hex names, ``bots`` all bots, ``unresolved`` some."""

    files: Files = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    bots: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Offered:
    """What an index offers of skills' versions: each is looked up once, and ``notes`` are told of each question."""

    def __init__(self, archived: Archived, notes: Notes | None = None) -> None:
        self._archived = archived
        self._notes = notes or Notes()
        self._found: dict[tuple[str, str], Artifact | None] = {}

    def artifact(self, skill: str, version: str) -> Artifact | None:
        """Return how to fetch a skill's version, or None where there is no archive of it."""
        self._notes.note("offer", f"{skill} {version}")
        asked = skill, version
        if asked not in self._found:
            self._found[asked] = self._archived.artifact(*asked)
        return self._found[asked]


def write_fleets(
    catalog: Catalog, resolutions: Mapping[str, Resolution], archived: Archived, views: Views
) -> FleetDocuments:
    """Write every fleet and bot, each under its hex name and under its own (``fleets/prod.json``), and their views.

    ``problems`` hold what keeps bots from resolving, those of the resolutions among them.
    """
    offered, texts = Offered(archived), BotTexts()
    made = [made_bot(catalog, found, offered, texts, views) for _path, found in sorted(resolutions.items())]
    files = {path: content for bot in made for path, content in bot.files.items()}
    names: dict[str, str] = {}
    by_fleet: dict[str, list[MadeBot]] = {name: [] for name in catalog.fleets}
    for bot in made:
        by_fleet[bot.fleet].append(bot)
    for fleet in catalog.fleets.values():
        of_fleet = by_fleet[fleet.name]
        named = named_by_waves(fleet)
        names[fleet.name], written = fleet_files(fleet, ((bot.name, bot.ref(named)) for bot in of_fleet))
        files |= written
        if views.for_clients:
            files |= fleet_routes(fleet.name, [bot.listed for bot in of_fleet])
    for pack in {*archived.packs, *(pack for bot in made for pack in bot.packs)} if views.for_clients else ():
        files |= pack_routes(pack, [bot.packs[pack] for bot in made if pack in bot.packs])
    return FleetDocuments(
        files=files,
        names=names,
        bots=tuple(bot.path for bot in made),
        unresolved=tuple(bot.path for bot in made if not bot.resolved),
        problems=tuple(problem for bot in made for problem in bot.problems),
    )


def made_bot(catalog: Catalog, resolution: Resolution, offered: Offered, texts: BotTexts, views: Views) -> MadeBot:
    """Return what an index says of one bot of ``catalog``."""
    state, problems = desired_state(resolution, offered, texts)
    content = texts.content(state)
    made = MadeBot(
        path=state.path,
        content=content,
        file=hex_of(content),
        digest=state.digest,
        resolved=state.resolved,
        labels=state.labels,
        template=state.template,
        problems=problems,
    )
    if not views.for_clients:
        return made
    attached = attachments(catalog, resolution.bot, state)
    return made._replace(listed=fleet_row(state, attached), packs=pack_rows(state, attached))


def fleet_files(fleet: Fleet, refs: Iterable[tuple[str, str]]) -> tuple[str, Files]:
    """Return the hex name of a fleet's document, and the document under that and under the fleet's own name.

    ``refs`` are its bots by name in order, each as :meth:`MadeBot.ref` writes it.
    """
    document = fleet_to_json(FleetState(fleet.name, fleet.labels, fleet.sync, {}, _rollout(fleet), fleet.windows))
    members = {name: canonical(value).decode() for name, value in document.items()}
    members["bots"] = _object(refs)
    content = _object(sorted(members.items())).encode()
    name = hex_of(content)
    return name, {f"fleets/{name}.json": content, f"fleets/{fleet.name}.json": content}


def _object(members: Iterable[tuple[str, str]]) -> str:
    """Return a JSON object of members that are written already, under names that need no escapes."""
    written = ",".join([f'"{name}":{text}' for name, text in members])
    return f"{{{written}}}"


def desired_state(
    resolution: Resolution, offered: Offered, texts: BotTexts
) -> tuple[DesiredState, tuple[Problem, ...]]:
    """Return a bot's document, and all findings on it.

    A bot one of whose skills the index does not offer does not resolve: it could never be brought in sync.
    """
    artifacts, missing = _artifacts(resolution, offered)
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
        digest=texts.digest(resolution.desired),
        packs=resolution.packs,
        desired=resolution.desired,
        skills={artifact.digest: artifact for artifact in artifacts},
        origins=resolution.origins,
        needs=resolution.needs,
    )
    return resolved, problems


def _artifacts(resolution: Resolution, offered: Offered) -> tuple[list[Artifact], list[Problem]]:
    found, missing = [], []
    for name, locked in resolution.skills.items():
        artifact = offered.artifact(name, locked.version)
        if artifact is not None and artifact.digest == locked.digest:
            found.append(artifact)
        else:
            message = f"{resolution.bot.path} does not resolve: the index does not offer {name} {locked.version}"
            remedy = "mend that version, or attach another one"
            missing.append(Problem("MH210", message, remedy, file=resolution.bot.file or None))
    return found, missing


def named_by_waves(fleet: Fleet) -> frozenset[str]:
    """Return the labels by which a fleet's rollout chooses bots."""
    if fleet.rollout is None:
        return frozenset()
    from molthub.documents.rollouts import rollout_from_json  # most registries have no rollout

    waves = rollout_from_json(fleet.rollout, fleet.file).waves
    return frozenset(key for wave in waves for key in wave.match_labels)


def ref_text(file: str, digest: str | None, labels: Mapping[str, str], template: bool, named: Container[str]) -> str:
    """Return what :meth:`MadeBot.ref` does, of what is remembered of a bot."""
    some = {key: text for key, text in labels.items() if key in named}
    return canonical(ref_to_json(BotRef(file, digest, some, template=template))).decode()


def _rollout(fleet: Fleet) -> dict[str, Json] | None:
    """Return a fleet's rollout with everything said."""
    if fleet.rollout is None:
        return None
    from molthub.documents.rollouts import rollout_from_json, rollout_to_json

    return rollout_to_json(rollout_from_json(fleet.rollout, fleet.file))
