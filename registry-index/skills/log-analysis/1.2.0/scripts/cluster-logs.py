#!/usr/bin/env python3
"""Group log lines into patterns, with counts and times, as JSON.

Input:  files (plain or .gz), or standard input.
Exit:   0 grouped, 1 grouped and something of level error or worse found, 2 nothing could be read.
"""
from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import sys
from collections import Counter
from datetime import datetime, timezone

LEVELS = ["trace", "debug", "info", "warning", "error", "critical"]
ALIASES = {"warn": "warning", "err": "error", "severe": "error", "fatal": "critical", "panic": "critical",
           "crit": "critical", "emerg": "critical", "alert": "critical", "notice": "info"}
LEVEL = re.compile(r"\b(trace|debug|info|notice|warn(?:ing)?|err(?:or)?|severe|fatal|panic|crit(?:ical)?|alert|emerg)\b", re.I)
ISO = re.compile(r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?\s?(Z|[+-]\d\d:?\d\d)?")
WEB = re.compile(r"\b(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\b")
SYSLOG = re.compile(r"^([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d)\b")
MASKS = [
    (re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.){2,}'"), "<str>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<id>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b", re.I), "<ip>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=\w*[a-f]|\d{8,})[0-9a-f]{8,}\b", re.I), "<id>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), "<mail>"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:\.\d+)*"), "<n>"),
]


def when(line: str) -> datetime | None:
    """The first time in a line, in UTC; a time without a zone is taken as UTC."""
    found = ISO.search(line)
    try:
        if found:
            zone = (found.group(4) or "Z").replace("Z", "+0000").replace(":", "")
            return datetime.strptime(f"{found.group(1)} {found.group(2)} {zone}", "%Y-%m-%d %H:%M:%S %z").astimezone(timezone.utc)
        found = WEB.search(line)
        if found:
            return datetime.strptime(found.group(1), "%d/%b/%Y:%H:%M:%S %z").astimezone(timezone.utc)
        found = SYSLOG.search(line)
        if found:
            year = datetime.now(timezone.utc).year
            text = f"{year} {found.group(1)} {found.group(2)} {found.group(3)} +0000"
            return datetime.strptime(text, "%Y %b %d %H:%M:%S %z")
    except ValueError:
        return None
    return None


def read_json(line: str) -> tuple[datetime | None, str, str] | None:
    """Time, level and message of a JSON line; None when it is none."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    stamp = next((record[k] for k in ("ts", "time", "timestamp", "@timestamp") if k in record), None)
    at = None
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
        try:
            at = datetime.fromtimestamp(stamp / 1000 if stamp > 1e11 else stamp, timezone.utc)
        except (OverflowError, OSError, ValueError):
            at = None
    elif isinstance(stamp, str):
        at = when(stamp)
    message = next((str(record[k]) for k in ("msg", "message", "event", "error") if k in record), line)
    return at, str(record.get("level", record.get("severity", ""))).lower(), message


def level_of(text: str) -> str:
    found = LEVEL.search(text)
    word = found.group(1).lower() if found else ""
    return ALIASES.get(word, word) if word else "info"


def mask(text: str) -> str:
    """The line without what differs between two lines of one kind."""
    for pattern in (ISO, WEB, SYSLOG):
        text = pattern.sub("", text, count=1)
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return re.sub(r"\s+", " ", text).strip()[:300]


def records(streams):
    """(time, level, message) per record; indented lines belong to the line before."""
    for stream in streams:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if not line.strip() or line[0] in " \t" or line.startswith(("Caused by:", "Traceback ")):
                continue
            parsed = read_json(line)
            if parsed:
                at, level, message = parsed
                yield at, ALIASES.get(level, level) if level in LEVELS or level in ALIASES else level_of(message), message
            else:
                yield when(line), level_of(line[:120]), line


def stamp(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def group(streams, since, until, least: str, top: int) -> dict:
    """The whole report."""
    patterns: dict[str, dict] = {}
    levels, minutes, lines, unparsed, first, last = Counter(), Counter(), 0, 0, None, None
    for at, level, message in records(streams):
        if (since or until) and (at is None or (since and at < since) or (until and at > until)):
            continue
        if LEVELS.index(level) < LEVELS.index(least):
            continue
        lines += 1
        levels[level] += 1
        if at is None:
            unparsed += 1
        else:
            minutes[at.replace(second=0, microsecond=0)] += 1
            first, last = min(first or at, at), max(last or at, at)
        entry = patterns.setdefault(mask(message), {"count": 0, "level": level, "first": None, "last": None, "example": message[:300]})
        entry["count"] += 1
        entry["level"] = max(entry["level"], level, key=LEVELS.index)
        if at:
            entry["first"], entry["last"] = min(entry["first"] or at, at), max(entry["last"] or at, at)
    usual = statistics.median(minutes.values()) if minutes else 0
    bursts = [{"minute": stamp(m), "lines": c} for m, c in sorted(minutes.items()) if len(minutes) > 3 and c >= max(10, 3 * usual)]
    ranked = sorted(patterns.items(), key=lambda p: (-p[1]["count"], p[0]))[:top]
    shown = [{"pattern": text, **e, "first": stamp(e["first"]), "last": stamp(e["last"])} for text, e in ranked]
    return {"lines": lines, "unparsed": unparsed, "span": [stamp(first), stamp(last)], "levels": dict(levels.most_common()),
            "distinct": len(patterns), "patterns": shown, "bursts": bursts[:20]}


def moment(text: str) -> datetime:
    at = when(text if ":" in text else text + " 00:00:00") or when(text.replace("T", " ") + ":00")
    if at is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time")
    return at


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", metavar="FILE", nargs="*", help="log files; default: standard input")
    parser.add_argument("--since", type=moment, metavar="TIME")
    parser.add_argument("--until", type=moment, metavar="TIME")
    parser.add_argument("--level", choices=LEVELS, default="trace", help="this level and worse")
    parser.add_argument("--top", type=int, default=20, metavar="N")
    options = parser.parse_args()
    streams, opened = [], []
    try:
        for path in options.paths:
            stream = open(path, "rb")
            opened.append(stream)
            compressed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            streams.append(gzip.GzipFile(fileobj=stream) if compressed else stream)
        if not options.paths:
            streams = [] if sys.stdin.isatty() else [sys.stdin.buffer]
        report = group(streams, options.since, options.until, options.level, max(1, options.top))
    except (OSError, EOFError) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass readable log files"}))
        return 2
    finally:
        for stream in opened:
            stream.close()
    if not report["lines"]:
        print(json.dumps({"error": "no readable line", "remedy": "check the file, and the times of --since and --until"}))
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if {"error", "critical"} & set(report["levels"]) else 0


if __name__ == "__main__":
    sys.exit(main())
