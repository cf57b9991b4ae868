"""GitOps for the skills, MCP servers, environment and secrets of AI agent fleets.

The public names are those of ``__all__``; they are loaded on first use, so that ``import molthub`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molthub import errors, model
    from molthub.client.skill_manager import SkillManager

__version__ = "0.1.0"

__all__ = ["SkillManager", "__version__", "errors", "model"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "SkillManager":
        return import_module("molthub.client.skill_manager").SkillManager
    if name in ("errors", "model"):
        return import_module(f"molthub.{name}")
    raise AttributeError(f"module 'molthub' has no attribute {name!r}")
