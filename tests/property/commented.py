"""YAML with comments anywhere, for laws of edits."""

from __future__ import annotations

import random


def commented(text: str, chance: random.Random) -> str:
    """Put comments and blank lines in between, wherever YAML lets them stand."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines()):
        what = chance.random()
        indent = " " * (len(line) - len(line.lstrip(" ")))
        if what < 0.2:
            lines.append(f"{indent}# above {number} - x: y")
        elif what > 0.9:
            lines.append("")
        lines.append(f"{line}  # beside {number}" if 0.2 < what < 0.4 else line)
    end = "# the end" if chance.random() < 0.3 else ""
    return "\n".join([*lines, end]) + ("\n" if chance.random() < 0.8 else "")
