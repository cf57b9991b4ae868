"""The way into ``molthub``: short for ``molthub exec``, which stands before every server that a bot starts.

Whatever is not the plain form of ``exec`` goes to the whole command line (:mod:`molthub.cli.main`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from molthub.secrets.start import Asked

_TEXTS = ("--server", "--bot")
_PATHS = {"--home": "home", "--manifest": "manifest", "--secrets": "settings"}


def molthub() -> None:
    """Run ``molthub``."""
    asked = plain_exec(sys.argv[1:])
    if asked is not None:
        sys.exit(_start(asked))
    from molthub.cli.main import molthub as whole

    whole()


def plain_exec(words: Sequence[str]) -> Asked | None:
    """Return what ``exec``'s options before ``--`` say; None for anything else, which the whole command line reads."""
    if words[:1] != ["exec"] or "--" not in words:
        return None
    end = words.index("--")
    said: dict[str, str] = {}
    left = list(words[1:end])
    while left:
        option = left.pop(0)
        if option == "--env":
            said[option] = ""
        elif option in (*_TEXTS, *_PATHS) and left:
            said[option] = left.pop(0)
        else:
            return None
    if ("--env" in said) == ("--server" in said):
        return None
    from pathlib import Path

    from molthub.secrets.start import Asked

    paths = {field: Path(said[option]) for option, field in _PATHS.items() if option in said}
    return Asked(said.get("--server"), tuple(words[end + 1 :]), bot=said.get("--bot"), **paths)


def _start(asked: Asked) -> int:
    try:
        from molthub.secrets.start import start

        return start(asked)
    except Exception as error:  # noqa: BLE001 (the last door: a person gets one line, not a traceback)
        from molthub.console import Console, failed

        return failed(error, Console(color=False))


if __name__ == "__main__":
    molthub()
