"""Which bot has which pack, as routes of the REST interface. Only an index that holds fleets has them.

The values of ``envOverrides`` are shown only where they are placeholders of secrets: what else stands there is the
bot's own business, and is in its document.
"""

from __future__ import annotations

from collections.abc import Iterable

from molthub.documents import PLACEHOLDER
from molthub.index.views import Files, as_json, with_rows
from molthub.index.views.api import route_paths
from molthub.model import Bot, DesiredState, Json
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.bot_layers import has_pack, pack_words, pinned_number

HIDDEN = "***"


Attachments = dict[str, dict[str, Json]]
"""How each pack is attached to a bot, by the pack's name."""


def fleet_route(fleet: str) -> str:
    """Return the route to the bots of a fleet."""
    return f"fleets/{fleet}/bots"


def pack_route(pack: str) -> str:
    """Return the route to the bots that have a pack."""
    return f"skill-packs/{pack}/bots"


def fleet_routes(fleet: str, rows: Iterable[bytes]) -> Files:
    """Return ``fleets/<fleet>/bots``, of the rows of its bots (:func:`fleet_row`) by their names."""
    return _route(fleet_route(fleet), with_rows({"fleet": fleet}, {"bots": rows}))


def pack_routes(pack: str, rows: Iterable[bytes]) -> Files:
    """Return ``skill-packs/<pack>/bots``, of the rows of the bots that have it (:func:`pack_rows`) by their paths."""
    return _route(pack_route(pack), with_rows({"pack": pack}, {"bots": rows}))


def _route(route: str, answer: bytes) -> Files:
    return dict.fromkeys(route_paths(route), answer)


def fleet_row(state: DesiredState, attached: Attachments) -> bytes:
    """Return a bot's row among those of its fleet."""
    head = {"botId": state.path, "name": state.bot, "platform": state.platform, "labels": dict(state.labels)}
    packs = [{"pack": name, **attachment} for name, attachment in attached.items()]
    return as_json({**head, "resolved": state.resolved, "digest": state.digest, "packs": packs})


def pack_rows(state: DesiredState, attached: Attachments) -> dict[str, bytes]:
    """Return a bot's row among those that have a pack, for each pack that it has."""
    return {name: as_json({"botId": state.path, **attachment}) for name, attachment in attached.items()}


def attachments(catalog: Catalog, bot: Bot, state: DesiredState) -> Attachments:
    """Return how each pack is attached: as it reached the bot, or as declared while the bot does not resolve."""
    found: Attachments = {}
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
