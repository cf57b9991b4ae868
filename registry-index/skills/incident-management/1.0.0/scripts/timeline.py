#!/usr/bin/env python3
"""Merge notes of an incident into one timeline, as JSON or Markdown.

Input:  text files or standard input; a line begins with a time (14:03Z, 14:03:12, ISO 8601).
        A mark is a word in square brackets: [started] [detected] [declared] [mitigated] [resolved].
Exit:   0 done, 1 done but a mark is missing, 2 nothing usable.
"""
from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import date, datetime, timedelta, timezone

MARKS = ("started", "detected", "declared", "mitigated", "resolved")
FULL = re.compile(r"^[\s\-*|\[(]*(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?[\])]?\s*[|:,-]*\s*(.*)$")
SHORT = re.compile(r"^[\s\-*|\[(]*(\d{1,2}):(\d\d)(?::(\d\d))?\s?(Z|UTC)?[\])]?\s*[|:,-]*\s+(.*)$")


def parse(line: str, day: date, previous: datetime | None) -> tuple[datetime, str] | None:
    """Time in UTC and text of a line; None when it begins with no time."""
    try:
        found = FULL.match(line)
        if found:
            zone = (found.group(5) or "Z").replace("Z", "+0000").replace(":", "")
            text = f"{found.group(1)} {found.group(2)}:{found.group(3)}:{found.group(4) or '00'} {zone}"
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(timezone.utc), found.group(6)
        found = SHORT.match(line)
        if found:
            at = datetime(day.year, day.month, day.day, int(found.group(1)), int(found.group(2)), int(found.group(3) or 0), tzinfo=timezone.utc)
            if previous and at < previous - timedelta(hours=12):
                at += timedelta(days=1)
            return at, found.group(5)
    except ValueError:
        return None
    return None


def read(sources: list[tuple[str, str]], day: date) -> tuple[list[dict], list[dict]]:
    """Events in order, and the lines that carried no time."""
    events, skipped = [], []
    for name, text in sources:
        previous = None
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            parsed = parse(line, day, previous)
            if parsed is None:
                skipped.append({"source": name, "line": number, "text": line.strip()[:200]})
                continue
            previous, text_ = parsed
            marks = [w.lower() for w in re.findall(r"\[(\w+)\]", text_) if w.lower() in MARKS]
            events.append({"at": previous, "source": name, "text": text_.strip(), "marks": marks})
    events.sort(key=lambda e: e["at"])
    return events, skipped


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def minutes(marks: dict, start: str, end: str) -> float | None:
    if start not in marks or end not in marks:
        return None
    return round((marks[end] - marks[start]).total_seconds() / 60, 1)


def report(events: list[dict], skipped: list[dict]) -> dict:
    marks: dict[str, datetime] = {}
    for event in events:
        for mark in event["marks"]:
            marks.setdefault(mark, event["at"])
    gaps = [{"from": stamp(a["at"]), "to": stamp(b["at"]), "minutes": round((b["at"] - a["at"]).total_seconds() / 60, 1)}
            for a, b in zip(events, events[1:]) if b["at"] - a["at"] > timedelta(minutes=15)]
    durations = {"to_detect": minutes(marks, "started", "detected"), "to_mitigate": minutes(marks, "started", "mitigated"),
                 "to_resolve": minutes(marks, "started", "resolved")}
    return {"events": [{**e, "at": stamp(e["at"])} for e in events], "marks": {k: stamp(marks[k]) for k in MARKS if k in marks},
            "missing": [k for k in MARKS if k not in marks], "durations": durations, "gaps": gaps, "skipped": skipped}


def markdown(result: dict) -> str:
    rows = ["| Time (UTC) | Source | Event |", "|---|---|---|"]
    rows += [f"| {e['at'][:10]} {e['at'][11:19]} | {e['source']} | {e['text'].replace('|', '/')} |" for e in result["events"]]
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", metavar="FILE", nargs="*", help="notes; default: standard input")
    parser.add_argument("--source", action="append", default=[], metavar="NAME=FILE", help="a file and where its lines come from")
    parser.add_argument("--date", help="the day of bare times, YYYY-MM-DD (default: today, UTC)")
    parser.add_argument("--markdown", action="store_true", help="a table instead of JSON")
    options = parser.parse_args()
    try:
        day = date.fromisoformat(options.date) if options.date else datetime.now(timezone.utc).date()
        named = [tuple(s.split("=", 1)) for s in options.source]
        if any(len(pair) != 2 for pair in named):
            raise ValueError("--source is NAME=FILE")
        sources = []
        for name, path in [*named, *((p.rsplit("/", 1)[-1], p) for p in options.paths)]:
            with open(path, encoding="utf-8", errors="replace") as stream:
                sources.append((name, stream.read()))
        if not sources and not sys.stdin.isatty():
            sources.append(("notes", sys.stdin.buffer.read().decode("utf-8", "replace")))
        events, skipped = read(sources, day)
        if not events:
            raise ValueError("no line begins with a time")
    except (OSError, ValueError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass notes whose lines begin with a time such as 14:03Z"}))
        return 2
    result = report(events, skipped)
    print(markdown(result) if options.markdown else json.dumps(result, indent=2, ensure_ascii=False))
    return 1 if result["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
