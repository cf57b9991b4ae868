"""A bot's document as adopting writes it: a new one, or more lines in one that is there. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from molthub import schema_files
from molthub.adopting.adopted import Adopted
from molthub.model import Json
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.attachments import Attachment, attached_text
from molthub.registry.authoring.pack_files import API_VERSION
from molthub.yaml_text import parse


@dataclass
class BotPlan:
    """What a bot's document shall say: packs with their overrides, and items of the bot's own by key.

    ``has`` are all parts that the bot shall have in the end, whoever says them.
    """

    bot: Adopted
    has: Mapping[str, Json]
    packs: dict[str, dict[str, Json]] = field(default_factory=dict)
    own: dict[str, Json] = field(default_factory=dict)
    env: dict[str, Json] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """What the document lists itself."""
        own = (key for key, part in self.own.items() if not is_taken_away(part))
        return tuple(sorted([*own, *(f"env/{key}" for key in self.env)]))

    @property
    def without(self) -> tuple[str, ...]:
        """What the document takes away."""
        return tuple(sorted(key for key, part in self.own.items() if is_taken_away(part)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be said."""
        return not (self.packs or self.own or self.env)


def new_document(plan: BotPlan, attached_at: str, labels: Mapping[str, str]) -> bytes:
    """Return the text of a new bot."""
    bot = plan.bot
    spec: dict[str, Json] = {"platform": bot.platform, **({"home": bot.home} if bot.home != bot.name else {})}
    spec |= {"agent": bot.agent} if bot.agent else {}
    uses = [Attachment(name, env=env, attached_at=attached_at).to_json() for name, env in plan.packs.items()]
    spec |= {"packs": uses} if uses else {}
    spec |= {kind: items for kind, items in layer_of(plan.own).items() if items}
    spec |= {"envVars": dict(sorted(plan.env.items()))} if plan.env else {}
    return manifest("Bot", bot.name, spec, labels)


def merged_document(text: str, plan: BotPlan, attached_at: str, file: str) -> bytes:
    """Return the text of a bot with what is new in it; every other line stays. Raises :class:`RegistryError`."""
    for name, env in plan.packs.items():
        text = attached_text(text, Attachment(name, env=env, attached_at=attached_at), file=file)
    for kind, items in layer_of(plan.own).items():
        for item in items:
            spec = parse(text, file).value.get("spec") or {}
            text = edit.set_value(text, ("spec", kind, len(spec.get(kind) or ())), item, file=file)
    for key, value in sorted(plan.env.items()):
        text = edit.set_value(text, ("spec", "envVars", key), value, file=file)
    return text.encode()


def manifest(kind: str, name: str, spec: Mapping[str, Json], labels: Mapping[str, str] | None = None) -> bytes:
    """Return a whole document of ``kind``."""
    metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(spec)}
    schema = f"{schema_files.BASE_URL}{kind.lower()}{schema_files.SUFFIX}"
    return yaml_write.document(document, schema=schema).encode()


def layer_of(parts: Mapping[str, Json]) -> dict[str, list[Json]]:
    """Return parts as the fields ``skills`` and ``mcps`` of a layer."""
    skills = [part for key, part in sorted(parts.items()) if key.startswith("skill/")]
    servers = [_server(key[4:], part) for key, part in sorted(parts.items()) if key.startswith("mcp/")]
    return {"skills": skills, "mcps": servers}


def taken_away(key: str, part: Json) -> dict[str, Json]:
    """Return the item by which a bot says that it does not have what a pack brings."""
    return {"name": part["name"] if key.startswith("skill/") else key[4:], "enabled": False}


def is_taken_away(part: Json) -> bool:
    """Whether an item says that a bot does not have something."""
    return isinstance(part, dict) and part.get("enabled") is False


def difference(pack: Mapping[str, Json], own: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields that make a pack's server a bot's own: what differs, and null for what is not there.

    Variables and headers are merged one by one, so they are taken away one by one.
    """
    fields: dict[str, Json] = dict(_changed(pack, own))
    for field_ in ("env", "headers"):
        inner = dict(_changed(pack.get(field_, {}), own.get(field_, {})))
        if inner:
            fields[field_] = inner
    return fields


def _changed(pack: Mapping[str, Json], own: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name in (*own, *(name for name in pack if name not in own)):
        if pack.get(name) != own.get(name):
            yield name, own.get(name)


def _server(name: str, server: Mapping[str, Json]) -> dict[str, Json]:
    """Return a server as a layer lists it. A command is quoted, because it is split into words there."""
    if "command" not in server or server["command"] is None:
        said = {key: value for key, value in server.items() if (key, value) != ("transport", "http")}
        return {"name": name, **({} if "name" in said else said), **said}
    return {"name": name, **server, "command": shlex.quote(server["command"])}
