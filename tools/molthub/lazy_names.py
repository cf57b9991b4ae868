"""Names that a package offers and loads from its modules on first use (PEP 562).

A package whose names come from several modules would otherwise load all of them for each: every command would pay for
the nouns that only another one needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of ``package``; ``modules`` maps each of its modules to the names in it."""
    home = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> Any:
        from importlib import import_module

        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next use finds it without asking here
        return value

    return load
