"""The documents of desired state: ``molthub.fleet/1`` and ``molthub.bot/1``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from molthub.documents.digests import digest_of
from molthub.documents.index import artifact_from_json, signature_ref_to_json
from molthub.documents.names import DNS_LABEL, ENV_KEY, MCP_NAME, SEMVER, SKILL_NAME
from molthub.documents.needs import needs_from_json, needs_to_json
from molthub.documents.reading import (
    NO_INDEX,
    as_digest,
    as_digest_or_none,
    as_hex,
    as_skill_name,
    as_text,
    as_text_map,
    checked,
    load_document,
    reading,
    without_empty,
    without_none,
)
from molthub.errors import FormatError
from molthub.model import (
    Artifact,
    AttachedPack,
    BotRef,
    DesiredState,
    FleetState,
    Json,
    KeyRule,
    Origin,
    Suspension,
    SyncPolicy,
    Window,
)

_SHARED = 8192
"""How many skills, keys and origins are remembered."""


def sync_to_json(sync: SyncPolicy) -> dict[str, Json]:
    """Return a sync policy: only what it says."""
    said = {"mode": sync.mode, "prune": sync.prune, "orphans": sync.orphans, "interval": sync.interval}
    suspend = _suspension_to_json(sync.suspend) if sync.suspend is not None else None
    lists: dict[str, Json] = {
        "keys": [_rule_to_json(rule) for rule in sync.keys],
        "ignore": [_rule_to_json(rule) for rule in sync.ignore],
        "windows": [window_to_json(window) for window in sync.windows],
    }
    return without_none({**said, "revoked": sync.revoked, "suspend": suspend}) | without_empty(lists)


def _suspension_to_json(suspension: Suspension) -> dict[str, Json]:
    said = {"reason": suspension.reason or None, "since": suspension.since, "until": suspension.until}
    return {"active": suspension.active, **without_none(said)}


def _rule_to_json(rule: KeyRule) -> dict[str, Json]:
    return without_none({"match": rule.match, "mode": rule.mode, "reason": rule.reason or None})


def window_to_json(window: Window) -> dict[str, Json]:
    """Return a window as fleets' and bots' documents hold it."""
    head: dict[str, Json] = {"kind": window.kind, "schedule": window.schedule, "duration": window.duration}
    return head | {"timeZone": window.time_zone} | without_none({"reason": window.reason or None})


def sync_from_json(value: Mapping[str, Any] | None) -> SyncPolicy:
    """Read a sync policy."""
    said = value or {}
    suspend = said.get("suspend")
    return SyncPolicy(
        mode=said.get("mode"),
        prune=said.get("prune"),
        orphans=said.get("orphans"),
        interval=said.get("interval"),
        revoked=said.get("revoked"),
        suspend=None if suspend is None else _suspension(suspend),
        keys=tuple(_rule(rule) for rule in said.get("keys") or ()),
        ignore=tuple(_rule(rule) for rule in said.get("ignore") or ()),
        windows=tuple(window_from_json(window) for window in said.get("windows") or ()),
    )


def _suspension(said: Mapping[str, Any]) -> Suspension:
    since, until = (None if said.get(key) is None else as_text(said[key]) for key in ("since", "until"))
    active = said.get("active") is not False
    return Suspension(active, as_text(said.get("reason", "")), since, until)


def _rule(said: Mapping[str, Any]) -> KeyRule:
    return KeyRule(as_text(said["match"]), said.get("mode"), as_text(said.get("reason", "")))


def window_from_json(said: Mapping[str, Any]) -> Window:
    """Read a window. Raises ValueError for one of a kind that is not known: it must not be taken for an open one."""
    kind: Literal["allow", "deny"]
    if said["kind"] == "allow":
        kind = "allow"
    elif said["kind"] == "deny":
        kind = "deny"
    else:
        raise ValueError(f"{said['kind']!r} is no kind of window")
    zone, reason = as_text(said.get("timeZone", "UTC")), as_text(said.get("reason", ""))
    return Window(kind, as_text(said["schedule"]), as_text(said["duration"]), zone, reason)


def fleet_to_json(fleet: FleetState) -> dict[str, Json]:
    """Return the document ``molthub.fleet/1``."""
    bots = {name: ref_to_json(ref) for name, ref in fleet.bots.items()}
    head = {"labels": dict(fleet.labels), "sync": sync_to_json(fleet.sync), "bots": bots}
    optional = {"rollout": fleet.rollout, "windows": [window_to_json(window) for window in fleet.windows]}
    return {"format": "molthub.fleet/1", "fleet": fleet.fleet, **head, **without_empty(optional)}


def fleet_from_json(content: bytes, where: str) -> FleetState:
    """Read ``molthub.fleet/1``. Raises :class:`FormatError`."""
    return reading(_fleet, load_document(content, "fleet", where), where)


def _fleet(document: dict[str, Any]) -> FleetState:
    bots = {checked(DNS_LABEL, name, "a bot name"): _ref(ref) for name, ref in document["bots"].items()}
    return FleetState(
        fleet=checked(DNS_LABEL, document["fleet"], "a fleet name"),
        labels=as_text_map(document.get("labels")),
        sync=sync_from_json(document.get("sync")),
        bots=bots,
        rollout=document.get("rollout"),
        windows=tuple(window_from_json(window) for window in document.get("windows") or ()),
    )


def ref_to_json(ref: BotRef) -> dict[str, Json]:
    """Return a bot as its fleet's document holds it."""
    head = without_none({"file": ref.file, "digest": ref.digest})
    return head | without_empty({"labels": dict(ref.labels)}) | ({"template": True} if ref.template else {})


def _ref(value: dict[str, Any]) -> BotRef:
    labels = as_text_map(value.get("labels"))
    digest = as_digest_or_none(value.get("digest"))
    return BotRef(as_hex(value["file"]), digest, labels, template=value.get("template") is True)


def bot_to_json(state: DesiredState) -> dict[str, Json]:
    """Return the document ``molthub.bot/1``. A bot that does not resolve says only why."""
    head = {
        "format": "molthub.bot/1",
        "fleet": state.fleet,
        "bot": state.bot,
        "resolved": state.resolved,
        "problems": list(state.problems),
        "platform": state.platform,
        "home": state.home,
        "agent": state.agent,
        "labels": dict(state.labels),
        "sync": sync_to_json(state.sync),
    }
    head |= {"template": True} if state.template else {}
    if not state.resolved:
        return head
    needs = {name: needs_to_json(needs) for name, needs in state.needs.items() if needs}
    return (
        head
        | ({"needs": needs} if needs else {})
        | {
            "digest": state.digest,
            "packs": {name: _attached_to_json(pack) for name, pack in state.packs.items()},
            "desired": dict(state.desired),
            "skills": {digest: fetch_to_json(artifact) for digest, artifact in state.skills.items()},
            "origins": {key: origins_to_json(origins) for key, origins in state.origins.items()},
        }
    )


def bot_from_json(content: bytes, where: str) -> DesiredState:
    """Read ``molthub.bot/1`` and check that its digest is that of its ``desired``. Raises :class:`FormatError`."""
    state = reading(_bot, load_document(content, "bot", where), where)
    if state.resolved and digest_of(dict(state.desired)) != state.digest:
        raise FormatError("the document's digest is not that of its desired state", place=where, remedy=NO_INDEX)
    return state


def _bot(document: dict[str, Any]) -> DesiredState:
    resolved = document["resolved"] is True
    return DesiredState(
        fleet=checked(DNS_LABEL, document["fleet"], "a fleet name"),
        bot=checked(DNS_LABEL, document["bot"], "a bot name"),
        platform=as_text(document["platform"]),
        home=checked(DNS_LABEL, document["home"], "a home"),
        agent=checked(DNS_LABEL, document["agent"], "an agent"),
        labels=as_text_map(document.get("labels")),
        sync=sync_from_json(document.get("sync")),
        resolved=resolved,
        problems=tuple(document.get("problems") or ()),
        digest=as_digest(document["digest"]) if resolved else None,
        packs={name: AttachedPack(int(pack["version"]), pack.get("attachedAt"))
               for name, pack in (document.get("packs") or {}).items()},
        desired={_desired_key(key): value for key, value in (document.get("desired") or {}).items()},
        skills={artifact.digest: artifact for artifact in map(_fetch, *_sides(document.get("skills")))},
        origins={key: tuple(_origin(origin) for origin in origins)
                 for key, origins in (document.get("origins") or {}).items()},
        template=document.get("template") is True,
        needs={as_skill_name(name): needs_from_json(needs) for name, needs in (document.get("needs") or {}).items()},
    )  # fmt: skip


def _sides(pairs: Mapping[str, Any] | None) -> tuple[Iterable[str], Iterable[Any]]:
    return (pairs.keys(), pairs.values()) if pairs else ((), ())


# Bots of a fleet have most of their skills, keys and origins in common: what was read and checked once is shared, which
# halves the time that a document takes, and what many of them take in memory.


@lru_cache(maxsize=_SHARED, typed=True)
def _desired_key(key: Any) -> str:
    kind, _, name = as_text(key).partition("/")
    patterns = {"skill": SKILL_NAME, "config": SKILL_NAME, "mcp": MCP_NAME, "env": ENV_KEY}
    if kind not in patterns:
        raise ValueError(f"{key!r} is not a key of desired state")
    checked(patterns[kind], name, f"a name for {kind}")
    return str(key)


def _attached_to_json(pack: AttachedPack) -> dict[str, Json]:
    return without_none({"version": pack.version, "attachedAt": pack.attached_at})


@lru_cache(maxsize=_SHARED)
def fetch_to_json(artifact: Artifact) -> dict[str, Json]:
    """Return how a bot's document says that a skill is fetched."""
    head = {"name": artifact.name, "version": artifact.version, "archive": artifact.archive}
    sizes = {"size": artifact.size, "unpacked": artifact.unpacked}
    return head | sizes | signature_ref_to_json(artifact.signature)


def _fetch(digest: str, how: dict[str, Any]) -> Artifact:
    signature = how.get("signature")
    signed = None if signature is None else tuple(signature.items())
    return _artifact(digest, how["name"], how["version"], how["archive"], how["size"], how["unpacked"], signed)


@lru_cache(maxsize=_SHARED, typed=True)
def _artifact(  # noqa: PLR0917 (each is a part of the key)
    digest: Any, name: Any, version: Any, archive: Any, size: Any, unpacked: Any, signed: tuple[Any, ...] | None
) -> Artifact:
    how = {"digest": digest, "archive": archive, "size": size, "unpacked": unpacked}
    signature = None if signed is None else dict(signed)
    return artifact_from_json(
        {**how, "signature": signature}, checked(SEMVER, version, "a version"), as_skill_name(name)
    )


def origins_to_json(origins: Iterable[Origin]) -> list[Json]:
    """Return how a bot's document says where a key comes from."""
    return [_origin_to_json(origin) for origin in origins]


def _origin_to_json(origin: Origin) -> dict[str, Json]:
    plain = _plain_origin_to_json(origin.layer, origin.at, origin.via)
    return {**plain, "value": origin.value} if origin.has_value else plain


@lru_cache(maxsize=_SHARED)
def _plain_origin_to_json(layer: str, at: str, via: str | None) -> dict[str, Json]:
    return {"layer": layer, "at": at} | ({"via": via} if via else {})


def _origin(value: dict[str, Any]) -> Origin:
    plain = _plain_origin(value["layer"], value["at"], value.get("via"))
    return replace(plain, value=value["value"], has_value=True) if "value" in value else plain


@lru_cache(maxsize=_SHARED, typed=True)
def _plain_origin(layer: Any, at: Any, via: Any) -> Origin:
    return Origin(layer=as_text(layer), at=as_text(at), via=via)
