"""What a running agent sees of its home: looked at again and again, in a process of its own, until stdin is closed.

Its skill ``git`` holds the number of its version in each file, and its server ``github`` the number of the version that
it came with. Whatever is seen that should never be is printed with how often it looked: ``{"looks": n, "wrong": []}``.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

MOST = 20


def main(home: Path) -> None:
    """Look until there is nothing more to read."""
    wrong: list[str] = []
    looks = whole = 0
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0] and len(wrong) < MOST:
        looks += 1
        before = server(home / ".claude.json", wrong)
        number = skill(home / ".claude/skills/git", wrong)
        after = server(home / ".claude.json", wrong)
        whole += number is not None
        if before is not None and before == after and (number is None or number < before):
            wrong.append(f"server {before} is there, and of its skill {number}")
        strange = [place.name for place in (home / ".claude/skills").iterdir() if place.name != "git"]
        if strange:
            wrong.append(f"beside the skill there is {strange}")
    print(json.dumps({"looks": looks, "whole": whole, "wrong": wrong}))


def server(file: Path, wrong: list[str]) -> int | None:
    """Return the number of the server; None where there is none."""
    content = file.read_bytes()
    try:
        document = json.loads(content)
    except ValueError:
        wrong.append(f"the file is cut off after {len(content)} bytes")
        return None
    if document.get("theme") != "dark":
        wrong.append("the owner's setting is gone")
    found = document.get("mcpServers", {}).get("github")
    return int(found["args"][0]) if found is not None else None


def skill(folder: Path, wrong: list[str]) -> int | None:
    """Return the number of the skill, if the folder is the same before and after it was read."""
    for _ in range(100):
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return None
        try:
            inode = os.fstat(descriptor).st_ino
            names = sorted(os.listdir(descriptor))  # noqa: PTH208 (a path has no descriptor)
            texts = [_read(name, descriptor) for name in names]
            if folder.stat().st_ino != inode:
                continue
        except FileNotFoundError:  # it was taken away, or another one put in its place, while it was read
            continue
        finally:
            os.close(descriptor)
        if names != ["SKILL.md", "a.md", "z.md"] or len(set(texts)) != 1 or not texts[0].endswith("\n"):
            wrong.append(f"the skill is {dict(zip(names, texts, strict=True))}")
        return int(texts[0].split()[0])
    return None


def _read(name: str, folder: int) -> str:
    descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
    with os.fdopen(descriptor) as file:
        return file.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
