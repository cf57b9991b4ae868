"""``molthub explain``: every value a bot shall have, where it came from, and what it overrode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molthub.console import Console, common_options
from molthub.errors import ExitStatus, MolthubError, NotFoundError, UsageError
from molthub.model import Json, Origin

if TYPE_CHECKING:
    from molthub.registry.resolving.resolution import Resolution


@click.command()
@click.argument("bot")
@click.argument("key", required=False)
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="this folder",
    help="The registry's folder, or the one around its registry-index/.",
)
@click.option("--rev", help="The git revision to read (default: HEAD).")
@click.option("--worktree", is_flag=True, help="Read the files as they lie on disk, uncommitted ones too.")
@common_options
def explain(
    console: Console, *, bot: str, key: str | None, registry: Path, rev: str | None, worktree: bool
) -> ExitStatus | None:
    """Show what BOT shall have, and which file and line each value comes from.

    BOT is FLEET/BOT, or the bot's name alone where no two fleets have one of that name. KEY narrows it to one value
    with the whole chain of what it overrode: `env/LOG_LEVEL` or LOG_LEVEL, `mcp/github`, `skill/git`, `config/git`.
    Secrets stay placeholders.

    \b
    Examples:
      molthub explain prod/ada
      molthub explain ada LOG_LEVEL
      molthub explain ada mcp/github --rev v1.4
      molthub explain ada --worktree --json
    """
    from molthub.registry.authoring.bot_choice import find_bot
    from molthub.registry.catalog import read_catalog
    from molthub.registry.resolve import resolve_bots
    from molthub.registry.source import open_source

    if rev is not None and worktree:
        raise UsageError("--rev and --worktree exclude each other", remedy="give one of the two")
    source = open_source(registry, rev=rev, worktree=worktree)
    if source.uncommitted and rev is None:
        files = "file is" if source.uncommitted == 1 else "files are"
        console.warn(f"{source.uncommitted} uncommitted {files} not read; --worktree reads them")
    catalog = read_catalog(source)
    path = find_bot(catalog, bot).path
    resolution = resolve_bots(catalog)[path]
    if not resolution.resolved:
        raise _not_resolved(resolution)
    console.problems(problem for problem in resolution.problems if problem.severity == "warning")
    if key is not None:
        _show_chain(console, resolution, _find_key(resolution, key))
    else:
        _show_all(console, resolution, catalog.revision)
    return None


def _find_key(resolution: Resolution, asked: str) -> str:
    from molthub.registry.authoring.bot_choice import nearest

    known = list(dict.fromkeys([*resolution.desired, *resolution.origins]))
    found = [key for key in known if asked in (key, key.partition("/")[2])]
    if len(found) == 1 or asked in found:
        return asked if asked in found else found[0]
    if found:
        raise UsageError(f"{asked} names several values", remedy=f"say which: {', '.join(found)}")
    place = resolution.bot.path
    remedy = nearest(asked, [*known, *(key.partition("/")[2] for key in known)]) or f"see molthub explain {place}"
    raise NotFoundError(f"no layer says anything about {asked}", place=place, remedy=remedy)


def _not_resolved(resolution: Resolution) -> MolthubError:
    errors = [problem for problem in resolution.problems if problem.severity == "error"]
    message = "the bot does not resolve"
    return MolthubError(message, place=resolution.bot.path, remedy="mend what is named above", problems=errors)


# --- showing -------------------------------------------------------------------------------------------------------


def _show_all(console: Console, resolution: Resolution, revision: str) -> None:
    keys = sorted({*resolution.desired, *resolution.origins})
    keyed = {key: _key_to_json(resolution, key) for key in keys}
    console.json({**_head(resolution, revision), "keys": keyed, "sync": _sync_to_json(resolution)})
    console.say(f"{resolution.bot.path} ({resolution.bot.platform}) at {revision[:12]}")
    rows = []
    for key in keys:
        chain = resolution.origins.get(key, ())
        winner = _origin_text(chain[0]) if chain else ""
        rows.append((key, _value_text(resolution, key), winner, ", ".join(origin.layer for origin in chain[1:]) or "-"))
    console.table(("KEY", "VALUE", "FROM", "OVERRODE"), rows)
    policy = list(_policy_rows(resolution))
    if policy:
        console.result()
        console.table(("SYNC", "VALUE", "FROM", "WHY"), policy)


def _sync_to_json(resolution: Resolution) -> dict[str, Json]:
    from molthub.documents import sync_to_json

    return sync_to_json(resolution.sync)


def _policy_rows(resolution: Resolution) -> Iterator[tuple[str, str, str, str]]:
    """Yield how the bot is kept in sync: what is said, by whom, and why."""
    bot, fleet = resolution.bot, resolution.fleet
    for name in ("mode", "prune", "interval", "revoked"):
        own, shared = getattr(bot.sync, name), getattr(fleet.sync, name)
        if own is not None or shared is not None:
            value = shared if own is None else own
            shown = _json_text(value) if isinstance(value, bool) else str(value)
            yield name, shown, fleet.file if own is None else bot.file, ""
    suspend = resolution.sync.suspend
    if suspend is not None:
        said = (("since", suspend.since), ("until", suspend.until))
        since = " ".join(f"{word} {time}" for word, time in said if time)
        file = fleet.file if bot.sync.suspend is None else bot.file
        yield "suspend", "yes" if suspend.active else "no", file, " ".join(filter(None, (suspend.reason, since)))
    for name, rules in (("keys", resolution.sync.keys), ("ignore", resolution.sync.ignore)):
        for rule in rules:
            yield name, f"{rule.match}{f': {rule.mode}' if rule.mode else ''}", rule.at, rule.reason
    for window in resolution.sync.windows:
        when = f"{window.kind} {window.schedule} for {window.duration} ({window.time_zone})"
        yield "windows", when, window.at, window.reason


def _show_chain(console: Console, resolution: Resolution, key: str) -> None:
    chain = resolution.origins.get(key, ())
    console.json({"bot": resolution.bot.path, "key": key, **_key_to_json(resolution, key)})
    console.result(f"{key} = {_value_text(resolution, key, whole=True)}")
    console.table(("LAYER", "SAYS", "AT"), [(origin.layer, _says(origin), origin.at) for origin in chain])


def _head(resolution: Resolution, revision: str) -> dict[str, Json]:
    packs = {name: pack.version for name, pack in resolution.packs.items()}
    return {
        "bot": resolution.bot.path,
        "platform": resolution.bot.platform,
        "revision": revision,
        "labels": dict(resolution.labels),
        "packs": packs,
        "problems": [problem.to_json() for problem in resolution.problems],
    }


def _key_to_json(resolution: Resolution, key: str) -> dict[str, Json]:
    name = key.partition("/")[2]
    value = {"value": resolution.desired[key]} if key in resolution.desired else {"takenAway": True}
    is_skill = key.startswith("skill/") and name in resolution.skills
    version = {"version": resolution.skills[name].version} if is_skill else {}
    return {**value, **version, "origins": [dict(_origin_pairs(origin)) for origin in resolution.origins.get(key, ())]}


def _origin_pairs(origin: Origin) -> Iterator[tuple[str, Json]]:
    yield "layer", origin.layer
    yield "at", origin.at
    if origin.has_value:
        yield "value", origin.value
    if origin.via:
        yield "via", origin.via


def _value_text(resolution: Resolution, key: str, *, whole: bool = False) -> str:
    kind, _, name = key.partition("/")
    if key not in resolution.desired:
        return "(taken away)"
    if kind == "skill":
        lock = resolution.skills[name]
        return f"{lock.version} {lock.digest}" if whole else lock.version
    value = resolution.desired[key]
    if kind == "mcp" and not whole and isinstance(value, Mapping):
        return " ".join([value["command"], *value.get("args", [])]) if "command" in value else str(value["url"])
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Json) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _origin_text(origin: Origin) -> str:
    via = f" via {origin.via}" if origin.via else ""
    return f"{origin.layer}{via} {origin.at}"


def _says(origin: Origin) -> str:
    if origin.has_value:
        return "(takes it away)" if origin.value is None else str(origin.value)
    return f"needed by {origin.via}" if origin.via else "declares it"
