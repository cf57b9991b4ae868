"""What somebody meant who wrote a name that nobody has. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", *, most: int = 1) -> str:
    """Return a remedy: a question for the ``known`` names nearest to ``word``, ``otherwise`` where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=most)
    return f"did you mean {' or '.join(near)}?" if near else otherwise
