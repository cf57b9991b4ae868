"""Which settings of OpenClaw hold, as the program itself judges what skills require. As of 2026.9.6. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.model import Json

SETTINGS_FILE = ".openclaw/openclaw.json"
"""The program's settings, in JSON5, below the user's HOME."""

_DEFAULTS: Mapping[str, bool] = {"browser.enabled": True, "browser.evaluateEnabled": True}
_BLOCKED = frozenset({"__proto__", "constructor", "prototype"})
_INCLUDE = "$include"


def setting_holds(settings: Json, path: str) -> bool | None:
    """Whether the setting at a dotted path is there and neither false, 0 nor empty; a few hold where nothing is said.

    None: an included file may say it.
    """
    value: Json = settings
    parts = [part for part in path.split(".") if part]
    for part in parts:
        if part in _BLOCKED:
            return False
        value, around = _below(value, part), value
        if value is None and isinstance(around, dict) and _INCLUDE in around and part not in around:
            return None
        if value is None:
            return _DEFAULTS.get(path, False)
    return bool(value.strip()) if isinstance(value, str) else value is not None and value not in (False, 0)


def _below(value: Json, part: str) -> Json:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return None
