"""`python -m docgen` writes every generated page; `--check` only says which are not current, with exit status 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docgen import commands, controller, kinds, platforms, problems, routes, workflows

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDERS = ("kinds", "documents")
"""Folders whose every page is generated, so that a page of something that is gone can be told."""


def pages() -> dict[str, str]:
    """Return every generated page and workflow, by its path below `docs/`."""
    sources = (kinds, commands, platforms, problems, routes, controller, workflows)
    return {path: text for source in sources for path, text in source.pages().items()}


def out_of_date(docs: Path) -> tuple[dict[str, str], list[Path]]:
    """Return the pages that differ from what is on disk, and the files that no page stands for any more."""
    wanted = pages()
    changed = {path: text for path, text in wanted.items() if _read(docs / path) != text}
    found = [page for folder in FOLDERS for page in sorted((docs / folder).glob("*.md"))]
    return changed, [page for page in found if page.relative_to(docs).as_posix() not in wanted]


def main(arguments: list[str] | None = None, docs: Path = DOCS) -> int:
    """Write or check the pages below `docs`; return the exit status."""
    parser = argparse.ArgumentParser(prog="docgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    check = parser.parse_args(arguments).check
    changed, stale = out_of_date(docs)
    for path in (*changed, *(page.relative_to(docs).as_posix() for page in stale)):
        print(f"docs/{path}: not current; run `python -m docgen`" if check else f"docs/{path}")
    if check:
        return 1 if changed or stale else 0
    for path, text in changed.items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_bytes(text.encode())
    for page in stale:
        page.unlink()
    return 0


def _read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
