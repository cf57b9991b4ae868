"""Which bot has which pack, as routes of the REST interface. Only an index that holds fleets has them.

The values of ``envOverrides`` are shown only where they are placeholders of secrets: what else stands there is the
bot's own business, and is in its document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from molthub.documents import PLACEHOLDER
from molthub.index.views import Files
from molthub.index.views.api import add_route
from molthub.model import Bot, DesiredState, Json
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.bot_layers import has_pack, pack_words, pinned_number

HIDDEN = "***"


def fleet_routes(catalog: Catalog, states: Mapping[str, DesiredState], packs: Iterable[str]) -> Files:
    """Return ``fleets/<fleet>/bots`` and ``skill-packs/<pack>/bots``."""
    files: Files = {}
    by_pack: dict[str, list[Json]] = {name: [] for name in packs}
    by_fleet: dict[str, list[Json]] = {name: [] for name in catalog.fleets}
    for path, state in sorted(states.items()):
        attachments = _attachments(catalog, catalog.bots[path], state)
        for name, attachment in attachments.items():
            by_pack.setdefault(name, []).append({"botId": path, **attachment})
        listed = [{"pack": name, **attachment} for name, attachment in attachments.items()]
        by_fleet.setdefault(state.fleet, []).append({**_bot(state), "packs": listed})
    for name, rows in by_pack.items():
        add_route(files, f"skill-packs/{name}/bots", {"pack": name, "bots": rows})
    for name, rows in by_fleet.items():
        add_route(files, f"fleets/{name}/bots", {"fleet": name, "bots": rows})
    return files


def _bot(state: DesiredState) -> dict[str, Json]:
    head = {"botId": state.path, "name": state.bot, "platform": state.platform, "labels": dict(state.labels)}
    return head | {"resolved": state.resolved, "digest": state.digest}


def _attachments(catalog: Catalog, bot: Bot, state: DesiredState) -> dict[str, dict[str, Json]]:
    """Return how each pack is attached: as it reached the bot, or as declared while the bot does not resolve."""
    found: dict[str, dict[str, Json]] = {}
    for name, attached in state.packs.items():
        found[name] = {"version": attached.version, "attachedAt": attached.attached_at, "envOverrides": {}}
    for use in (word.use for word in pack_words(catalog, bot) if word.fits):
        if use.name not in found and not state.resolved and has_pack(catalog, bot, use.name):
            version = pinned_number(catalog, bot, use.name)
            found[use.name] = {"version": version, "attachedAt": use.attached_at, "envOverrides": {}}
        if use.name in found:
            found[use.name]["envOverrides"] |= {over.key: _shown(over.value) for over in use.env_overrides}
            found[use.name]["attachedAt"] = use.attached_at or found[use.name]["attachedAt"]
    return dict(sorted(found.items()))


def _shown(value: str | None) -> str | None:
    if value is None:
        return None
    whole = PLACEHOLDER.fullmatch(value)
    return value if whole and whole.group(1) else HIDDEN
