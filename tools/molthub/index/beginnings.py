"""What words in order begin with."""

from __future__ import annotations


def common_beginning(first: str, last: str) -> str:
    """Return what two words begin with, and all that stand between them in their order."""
    shorter = min(len(first), len(last))
    return first[: next((at for at in range(shorter) if first[at] != last[at]), shorter)]
