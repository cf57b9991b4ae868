"""A fleet's ``rollout`` as it is declared and published: the same shape in YAML and in ``molthub.fleet/1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from molthub.documents.reading import as_text, as_text_map, as_texts, reading, without_empty, without_none
from molthub.model import Json
from molthub.model.rollouts import DEFAULT_WAVES, HOOKS, Gate, Rollout, Share, Wave

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])\Z")
_SHARE = re.compile(r"(100|[1-9]?[0-9])%\Z")
_TIMEOUT = 30
_UNITS = {"s": 1, "m": 60, "h": 3600}


def rollout_from_json(value: Mapping[str, Any], where: str) -> Rollout:
    """Read a rollout; what it does not say has its default. Raises :class:`FormatError`."""
    return reading(_rollout, dict(value), where)


def rollout_to_json(rollout: Rollout) -> dict[str, Json]:
    """Return a rollout with everything said, so that every reader follows the same one."""
    return {
        "waves": [_wave_to_json(wave) for wave in rollout.waves],
        "gates": [_gate_to_json(gate) for gate in rollout.gates],
        "maxUnavailable": _share_to_json(rollout.max_unavailable),
        "maxFailed": _share_to_json(rollout.max_failed),
        "onFailure": rollout.on_failure,
        "deadline": _said(rollout.deadline),
    }


def seconds_of(text: Any) -> int:
    """Return the seconds of ``90s``, ``10m`` or ``2h``; raises ValueError or TypeError."""
    match = _DURATION.match(as_text(text))
    if match is None:
        raise ValueError(f"{text!r} is no length of time")
    return int(match[1]) * _UNITS[match[2]]


def _rollout(value: dict[str, Any]) -> Rollout:
    usual = Rollout()
    found = Rollout(
        waves=tuple(_wave(wave) for wave in value.get("waves") or ()) or DEFAULT_WAVES,
        gates=tuple(_gate(gate) for gate in value.get("gates") or ()),
        max_unavailable=_share(value.get("maxUnavailable"), usual.max_unavailable),
        max_failed=_share(value.get("maxFailed"), usual.max_failed),
        on_failure=value.get("onFailure", usual.on_failure),
        deadline=seconds_of(value["deadline"]) if "deadline" in value else usual.deadline,
    )
    if found.on_failure not in ("rollback", "pause"):
        raise ValueError(f"{found.on_failure!r} is neither rollback nor pause")
    for what, named in (("waves", found.waves), ("gates", found.gates)):
        names = [one.name for one in named]
        if len(set(names)) < len(names):
            raise ValueError(f"two {what} have one name")
    return found


def _wave(value: dict[str, Any]) -> Wave:
    if "count" in value and "percent" in value:
        raise ValueError(f"the wave {value['name']!r} has a count and a percent: one of them decides")
    return Wave(
        name=as_text(value["name"]),
        match_labels=as_text_map(value.get("matchLabels")),
        count=_number(value.get("count")),
        percent=_number(value.get("percent"), 100),
        soak=seconds_of(value["soak"]) if "soak" in value else 0,
    )


def _wave_to_json(wave: Wave) -> dict[str, Json]:
    head = {"name": wave.name, "count": wave.count, "percent": wave.percent}
    rest = {"matchLabels": dict(wave.match_labels), "soak": _said(wave.soak) if wave.soak else None}
    return {**without_none(head), **without_empty(rest)}


def _gate(value: dict[str, Any]) -> Gate:
    kinds = sorted({"probe", "scenarios", "http"} & value.keys())
    if len(kinds) != 1:
        raise ValueError(f"the gate {value['name']!r} is not one of probe, scenarios and http")
    kind, how = kinds[0], value[kinds[0]]
    hook = how.get("hook", "rollout")
    if hook not in HOOKS:
        raise ValueError(f"{hook!r} is none of {', '.join(HOOKS)}")
    command = as_texts(how["command"]) if kind != "http" else ()
    if kind != "http" and not command:
        raise ValueError(f"the gate {value['name']!r} has no command")
    return Gate(
        name=as_text(value["name"]),
        kind=kind,  # type: ignore[arg-type] # one of the three above
        command=command,
        url=as_text(how["url"]) if kind == "http" else "",
        hook=hook,
        metadata=as_text_map(how.get("metadata")),
        waves=as_texts(value.get("waves")),
        bots=_number(value.get("bots")) or 1,
        attempts=_number(value.get("attempts")) or 1,
        timeout=seconds_of(value["timeout"]) if "timeout" in value else _TIMEOUT,
    )


def _gate_to_json(gate: Gate) -> dict[str, Json]:
    if gate.kind == "http":
        how: dict[str, Json] = {"url": gate.url, "hook": gate.hook, **without_empty({"metadata": dict(gate.metadata)})}
    else:
        how = {"command": list(gate.command)}
    limits = {"bots": gate.bots, "attempts": gate.attempts, "timeout": _said(gate.timeout)}
    return {"name": gate.name, gate.kind: how, **without_empty({"waves": list(gate.waves)}), **limits}


def _share(value: Any, usual: Share) -> Share:
    if value is None:
        return usual
    if isinstance(value, str):
        match = _SHARE.match(value)
        if match is None:
            raise ValueError(f"{value!r} is neither a number nor a share like 25%")
        return Share(int(match[1]), is_percent=True)
    return Share(_number(value) or 0)


def _share_to_json(share: Share) -> Json:
    return str(share) if share.is_percent else share.number


def _number(value: Any, most: int = 100_000) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number from 0 to {most:,}")
    return value


def _said(seconds: int) -> str:
    """Return seconds as they are written: in the largest unit that holds them whole."""
    unit = next(unit for unit in ("h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
