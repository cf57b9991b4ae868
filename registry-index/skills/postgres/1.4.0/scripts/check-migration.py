#!/usr/bin/env python3
"""Report statements of a PostgreSQL migration that lock or lose data, as JSON.

Input:  one or more SQL files, or - for standard input. A comment line
        `-- molthub: allow RULE` excuses the statement that follows it.
Exit:   0 safe, 1 review or blocking, 2 unreadable or empty.
"""
from __future__ import annotations

import argparse
import json
import re
import sys

EXCLUSIVE = "access exclusive"
RULES = [
    ("create-index", r"^create (unique )?index (?!concurrently)", "blocking", "share",
     "Writes wait until the index is built.", "create index concurrently, outside a transaction"),
    ("drop-index", r"^drop index (?!concurrently)", "review", EXCLUSIVE,
     "Everything on the table waits.", "drop index concurrently"),
    ("reindex", r"^reindex (?!.*concurrently)", "blocking", EXCLUSIVE, "Writes wait.", "reindex ... concurrently"),
    ("foreign-key", r"^alter table .* add (constraint \S+ )?foreign key(?!.*not valid)", "blocking", "share row exclusive",
     "Checks every row while writes to both tables wait.", "add ... not valid, then validate constraint"),
    ("check-constraint", r"^alter table .* add (constraint \S+ )?check\b(?!.*not valid)", "blocking", EXCLUSIVE,
     "Checks every row while everything waits.", "add ... not valid, then validate constraint"),
    ("unique-constraint", r"^alter table .* add (constraint \S+ )?(unique|primary key)\b(?!.*using index)", "blocking", EXCLUSIVE,
     "Builds an index while everything waits.", "create unique index concurrently, then add constraint ... using index"),
    ("set-not-null", r"^alter table .* alter (column )?\S+ set not null", "blocking", EXCLUSIVE,
     "Reads the whole table, unless a validated check proves it.", "check (x is not null) not valid, validate, then set not null"),
    ("change-type", r"^alter table .* alter (column )?\S+ (set data )?type\b", "blocking", EXCLUSIVE,
     "Usually rewrites the table.", "new column, fill in portions, switch"),
    ("volatile-default", r"^alter table .* add (column )?(if not exists )?\S+ .*default \w*\.?\w*(random|uuid|clock_timestamp|nextval)\w*\s*\(",
     "blocking", EXCLUSIVE, "Rewrites the table.", "add without default, set the default, fill in portions"),
    ("required-column", r"^alter table .* add (column )?(if not exists )?(?!constraint|check|exclude|foreign|primary|unique)\S+ (?!.*default).*\bnot null", "blocking", EXCLUSIVE,
     "Fails as soon as the table has rows.", "add it optional, fill it, then require it"),
    ("drop-column", r"^alter table .* drop (column )?(?!constraint|default|not null|expression|identity)", "review", EXCLUSIVE,
     "Data is lost; running code may still read it.", "one release after the code stopped using it"),
    ("drop-table", r"^drop (table|schema|database|materialized view)\b", "review", EXCLUSIVE, "Data is lost.",
     "rename it first, drop it one release later"),
    ("truncate", r"^truncate\b", "review", EXCLUSIVE, "Data is lost.", "delete in portions"),
    ("rename", r"^alter table .* rename\b", "review", EXCLUSIVE, "Running code still uses the old name.", "a view, or a new column"),
    ("rewrite", r"^(vacuum full|cluster\b|alter table .* set (logged|unlogged|tablespace)\b)", "blocking", EXCLUSIVE,
     "Rewrites the table while everything waits.", "vacuum without full; pg_repack"),
    ("lock-table", r"^lock\b", "blocking", "as asked", "Holds a lock until the transaction ends.", "a narrower lock, or none"),
    ("change-all", r"^(update|delete from)\b(?!.*\bwhere\b)", "review", "row exclusive", "Changes every row.", "a where clause, in portions"),
]
ORDER = {"safe": 0, "review": 1, "blocking": 2}


def statements(text: str) -> list[tuple[int, str, set[str]]]:
    """(line, text without comments, excused rules) of every statement."""
    pattern = re.compile(
        r"(?P<comment>--[^\n]*)|(?P<block>/\*.*?\*/)|(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
        r"|(?P<string>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<end>;)|(?P<other>.)", re.S)
    found, current, line, start, excused = [], [], 1, 0, set()
    for match in pattern.finditer(text + "\n;"):
        kind, part = match.lastgroup, match.group(0)
        if kind == "tag":
            kind = "dollar"
        if kind == "comment":
            allow = re.match(r"--\s*molthub:\s*allow\s+(.+)", part)
            excused |= set(re.split(r"[\s,]+", allow.group(1).strip())) if allow else set()
        elif kind == "end":
            body = re.sub(r"\s+", " ", "".join(current)).strip()
            if body:
                found.append((start, body, excused))
                excused = set()
            current, start = [], 0
        elif kind != "block":
            if not start and part.strip():
                start = line
            current.append("''" if kind in ("string", "dollar") else part)
        line += part.count("\n")
    return found


def check(name: str, text: str) -> tuple[int, list[dict]]:
    """Number of statements and the findings of one file."""
    found, created, limited, in_transaction, parts = [], set(), False, False, statements(text)
    for line, body, excused in parts:
        lower = body.lower()
        if re.match(r"set (local |session )?lock_timeout\b", lower):
            limited = True
        if re.match(r"(begin|start transaction)\b", lower):
            in_transaction = True
        elif re.match(r"(commit|rollback|end)\b", lower):
            in_transaction = False
        made = re.match(r"create (?:unlogged |temp |temporary )?table (?:if not exists )?(\S+)", lower)
        if made:
            created.add(made.group(1).rstrip("("))
        target = re.match(r"(?:alter table(?: if exists)?(?: only)?|create (?:unique )?index (?:.*? )?on(?: only)?) ([^\s(]+)", lower)
        on_new = bool(target and target.group(1) in created)
        hits = [] if on_new else [r for r in RULES if re.search(r[1], lower)]
        for rule, _, severity, lock, message, safer in hits:
            if rule not in excused:
                found.append({"file": name, "line": line, "rule": rule, "severity": severity, "lock": lock, "message": message, "safer": safer})
        if in_transaction and " concurrently" in lower:
            found.append({"file": name, "line": line, "rule": "concurrently-in-transaction", "severity": "blocking", "lock": "none",
                          "message": "PostgreSQL refuses this inside a transaction.", "safer": "a migration of its own without begin"})
        if lower.startswith("alter table") and not on_new and not limited and "no-lock-timeout" not in excused:
            found.append({"file": name, "line": line, "rule": "no-lock-timeout", "severity": "review", "lock": EXCLUSIVE,
                          "message": "Waits without limit, and everything waits behind it.", "safer": "set lock_timeout = '2s'; first"})
            limited = True
    return len(parts), found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", metavar="FILE", nargs="+", help="an SQL file, or - for standard input")
    count, findings = 0, []
    for path in parser.parse_args().paths:
        try:
            if path == "-":
                text = sys.stdin.buffer.read().decode("utf-8", "replace")
            else:
                with open(path, encoding="utf-8", errors="replace") as stream:
                    text = stream.read()
            if "\0" in text:
                raise ValueError(f"{path} is not text")
        except (OSError, ValueError) as problem:
            print(json.dumps({"error": str(problem), "remedy": "pass the path of an SQL file"}))
            return 2
        number, found = check(path, text)
        count, findings = count + number, findings + found
    if not count:
        print(json.dumps({"error": "no statement found", "remedy": "pass a file with SQL in it"}))
        return 2
    verdict = max((f["severity"] for f in findings), key=ORDER.__getitem__, default="safe")
    print(json.dumps({"statements": count, "verdict": verdict, "findings": findings}, indent=2))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
