"""What a build remembers of each skill: the tree it was made from, what was wrong with it, and what it refers to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from molthub.errors import Problem
from molthub.index.state.asking import one

# What only makes things is imported where it is made: an unchanged index is told from the state alone.
if TYPE_CHECKING:
    from molthub.index.skill_rows import SkillRows
    from molthub.registry.reading.gathered import Reference

TABLES = """
CREATE TABLE skills (name TEXT PRIMARY KEY, tree TEXT, readable INTEGER, latest INTEGER, versions INTEGER, removed TEXT,
    problems TEXT, broken TEXT, refers TEXT, dangling TEXT) WITHOUT ROWID;
CREATE INDEX skill_counts ON skills (versions);
CREATE INDEX skills_removed ON skills (removed) WHERE removed != '[]';
CREATE INDEX skills_problems ON skills (name) WHERE problems != '';
CREATE INDEX skills_broken ON skills (name) WHERE broken != '';
CREATE INDEX skills_dangling ON skills (name) WHERE dangling != '';
CREATE INDEX skills_latest ON skills (name) WHERE latest;
CREATE TABLE targets (target TEXT, skill TEXT, PRIMARY KEY (target, skill)) WITHOUT ROWID;
"""


class Skills:
    """The skills of the commit that was built."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def put(self, many: Sequence[SkillRows]) -> None:
        """Remember skills of which nothing is known."""
        many_times = self._database.executemany
        many_times("INSERT INTO skills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_line, many))
        targets = ((target, rows.name) for rows in many for target in {ref.target: None for ref in rows.references})
        many_times("INSERT INTO targets VALUES (?, ?)", targets)

    def drop(self, name: str) -> None:
        """Forget a skill."""
        for target in {reference.target for reference in self.references(name)}:
            self._database.execute("DELETE FROM targets WHERE target = ? AND skill = ?", (target, name))
        self._database.execute("DELETE FROM skills WHERE name = ?", (name,))

    def version_count(self) -> int:
        """Return how many versions of skills are offered."""
        found = self._database.execute("SELECT coalesce(sum(versions), 0) FROM skills").fetchone()
        return int(found[0])

    def trees(self) -> dict[str, str]:
        """Return the tree of every skill, by name in order."""
        return dict(self._database.execute("SELECT name, tree FROM skills ORDER BY name"))

    def tree(self, name: str) -> str:
        """Return a skill's tree; empty where there is no such skill."""
        return one(self._database, "SELECT tree FROM skills WHERE name = ?", name) or ""

    def readable(self, name: str) -> bool:
        """Whether the catalog holds a skill of this name."""
        return bool(one(self._database, "SELECT readable FROM skills WHERE name = ?", name))

    def readable_names(self) -> list[str]:
        """Return the names of the catalog's skills, in order."""
        return [name for (name,) in self._database.execute("SELECT name FROM skills WHERE readable ORDER BY name")]

    def latest_names(self, most: int) -> list[str]:
        """Return skills of which there is a latest version, in order, no more than ``most``."""
        query = "SELECT name FROM skills WHERE latest ORDER BY name LIMIT ?"
        return [name for (name,) in self._database.execute(query, (most,))]

    def removed(self) -> set[str]:
        """Return the digests of all removed versions of skills."""
        found = self._database.execute("SELECT removed FROM skills WHERE removed != '[]'")
        return {digest for (removed,) in found for digest in json.loads(removed)}

    def problems(self) -> Iterator[Problem]:
        """Yield everything that was found wrong in skills, by skill."""
        columns = "SELECT name, problems, dangling FROM skills WHERE"
        query = f"{columns} problems != '' UNION {columns} dangling != '' ORDER BY name"
        for _name, own, dangling in self._database.execute(query):
            yield from (Problem(**problem) for problem in json.loads(own or "[]"))
            yield from _dangling(dangling).values()

    def broken(self) -> dict[str, str]:
        """Return what of skills could not be read, and the file that is at fault."""
        found: dict[str, str] = {}
        for (broken,) in self._database.execute("SELECT broken FROM skills WHERE broken != '' ORDER BY name"):
            found |= json.loads(broken)
        return found

    # --- references between skills ------------------------------------------------------------------------------------

    def references(self, name: str) -> list[Reference]:
        """Return what a skill refers to."""
        from molthub.registry.reading.gathered import Reference

        found = json.loads(one(self._database, "SELECT refers FROM skills WHERE name = ?", name) or "[]")
        return [Reference(target, wanted, file, tuple(pointer), at) for target, wanted, file, pointer, at in found]

    def referring_at_all(self) -> set[str]:
        """Return the skills that refer to anything."""
        return {name for (name,) in self._database.execute("SELECT DISTINCT skill FROM targets")}

    def referring(self, names: Iterable[str]) -> set[str]:
        """Return the skills that refer to one of these."""
        query = "SELECT skill FROM targets WHERE target = ?"
        return {owner for name in names for (owner,) in self._database.execute(query, (f"skill/{name}",))}

    def dangling_names(self) -> set[str]:
        """Return the skills that refer to what does not exist."""
        return {name for (name,) in self._database.execute("SELECT name FROM skills WHERE dangling != ''")}

    def dangling(self) -> dict[tuple[str, str], Problem]:
        """Return the findings on references between skills."""
        found: dict[tuple[str, str], Problem] = {}
        for (text,) in self._database.execute("SELECT dangling FROM skills WHERE dangling != '' ORDER BY name"):
            found |= _dangling(text)
        return found

    def put_dangling(self, name: str, found: Mapping[tuple[str, str], Problem]) -> bool:
        """Remember the findings on the references of one skill; whether they are others than before."""
        text = json.dumps([[*key, problem.to_json()] for key, problem in found.items()]) if found else ""
        before = one(self._database, "SELECT dangling FROM skills WHERE name = ?", name)
        self._database.execute("UPDATE skills SET dangling = ? WHERE name = ?", (text, name))
        return bool(text != before)


def _line(rows: SkillRows) -> tuple[Any, ...]:
    return (
        rows.name,
        rows.tree,
        rows.readable,
        rows.latest,
        len(rows.archives),
        json.dumps(rows.removed) if rows.removed else "[]",
        json.dumps([problem.to_json() for problem in rows.problems]) if rows.problems else "",
        json.dumps(rows.broken) if rows.broken else "",
        json.dumps(rows.references) if rows.references else "",
        "",
    )


def _dangling(text: str) -> dict[tuple[str, str], Problem]:
    return {(at, target): Problem(**problem) for at, target, problem in json.loads(text or "[]")}
