"""The list of problems, from the ids that the code knows."""

from __future__ import annotations

from docgen.markdown import code, page, table
from molthub.problem_ids import PROBLEMS

_AREAS = {
    "MH0": "Reading files",
    "MH1": "Manifests",
    "MH2": "References and resolution",
    "MH3": "Agent Skills specification",
    "MH4": "History",
    "MH5": "Publishing",
    "MH6": "Index and client",
    "MH7": "Bots",
    "MH8": "Risks in a skill's files",
}


def pages() -> dict[str, str]:
    """Return `PROBLEMS.md`."""
    areas = {**_AREAS, **{known[:3]: f"Others ({known[:3]})" for known in PROBLEMS if known[:3] not in _AREAS}}
    blocks = []
    for prefix, title in areas.items():
        rows = [(code(known), meaning) for known, meaning in PROBLEMS.items() if known.startswith(prefix)]
        blocks += [f"## {title}", table(("Id", "What was found"), rows)] if rows else []
    return {"PROBLEMS.md": page("Problems", _HEAD, *blocks)}


_HEAD = """
Whatever is wrong is reported as a problem: its id, the place (file, line, column, and the place inside the document),
what is wrong, and how to mend it. With `--json` each has the shape of [problem](documents/problem.md). Ids are stable:
none is ever given a second meaning.
"""
