#!/usr/bin/env python3
"""Profile a CSV or TSV table: types, gaps, ranges, outliers, duplicates. Prints JSON.

Input:  a file, or standard input.
Exit:   0 profiled, 1 profiled with warnings, 2 not a table.
"""
from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import statistics
import sys
from collections import Counter

MISSING = {"", "na", "n/a", "null", "none", "nan", "-", "--", "?", "#n/a"}
NUMBER = re.compile(r"^[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][-+]?\d+)?$")
ISO = re.compile(r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$")
SLASHED = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})$")
KEPT = 200_000


def number(text: str) -> float | None:
    """The value of a decimal number, thousands separated by commas allowed."""
    if not NUMBER.match(text) or not any(c.isdigit() for c in text):
        return None
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if abs(value) != float("inf") else None


def kind_of(text: str) -> str:
    if number(text) is not None:
        return "number"
    if ISO.match(text):
        return "date"
    if SLASHED.match(text):
        return "date-slashed"
    if text.lower() in ("true", "false", "yes", "no"):
        return "boolean"
    return "text"


class Column:
    """What is seen of one column, row by row."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds: Counter = Counter()
        self.values: Counter = Counter()
        self.numbers: list[float] = []
        self.missing = 0
        self.overflow = False

    def add(self, text: str) -> None:
        text = text.strip()
        if text.lower() in MISSING:
            self.missing += 1
            return
        kind = kind_of(text)
        self.kinds[kind] += 1
        if kind == "number" and len(self.numbers) < KEPT:
            self.numbers.append(number(text))
        if text in self.values or len(self.values) < KEPT:
            self.values[text[:200]] += 1
        else:
            self.overflow = True

    def ambiguous(self) -> bool:
        """Whether every slashed date could be read day first and month first."""
        parts = [SLASHED.match(v) for v in self.values]
        return bool(self.kinds["date-slashed"]) and all(int(m.group(1)) <= 12 and int(m.group(2)) <= 12 for m in parts if m)

    def profile(self, rows: int) -> tuple[dict, list[dict]]:
        """The column's description, and its warnings."""
        present = sum(self.kinds.values())
        main, hits = self.kinds.most_common(1)[0] if self.kinds else ("empty", 0)
        result = {"name": self.name, "type": main, "missing": self.missing, "distinct": len(self.values),
                  "distinct_is_a_minimum": self.overflow}
        warnings = []
        if main == "number" and self.numbers:
            result.update(self.numeric())
            if result["outliers"]:
                warnings.append(("outliers", f"{result['outliers']} value(s) far outside the quartiles, largest {result['max']}"))
        elif main.startswith("date") and self.values and main == "date":
            result.update({"min": min(self.values), "max": max(self.values)})
        else:
            result["top"] = [{"value": v, "count": c} for v, c in self.values.most_common(5)]
        if present and 0 < present - hits:
            odd = [v for v in self.values if kind_of(v) != main][:3]
            warnings.append(("mixed-type", f"{present - hits} value(s) are no {main}, such as {', '.join(odd)}"))
        if rows and self.missing / rows >= 0.2:
            warnings.append(("missing-many", f"{self.missing} of {rows} missing"))
        elif self.missing and main == "number":
            warnings.append(("missing-some", f"{self.missing} of {rows} missing"))
        if len(self.values) == 1 and rows > 1:
            warnings.append(("constant", "one value only"))
        if self.ambiguous():
            warnings.append(("ambiguous-date", "day first or month first?"))
        return result, [{"warning": w, "column": self.name, "evidence": e} for w, e in warnings]

    def numeric(self) -> dict:
        values = sorted(self.numbers)
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        reach = 3 * (high - low)
        outliers = sum(1 for v in values if reach and (v < low - reach or v > high + reach))
        return {"min": values[0], "max": values[-1], "mean": round(statistics.fmean(values), 6), "median": middle,
                "quartiles": [low, high], "outliers": outliers}


def profile(text: str, delimiter: str | None, keys: list[str]) -> dict:
    """The whole report of a table."""
    if "\0" in text[:4096]:
        raise ValueError("not text")
    if delimiter is None:
        head = text[:65536].split("\n", 1)[0]
        delimiter = max([",", ";", "\t", "|"], key=head.count)
    csv.field_size_limit(1 << 24)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(reader, None)
    if not header or not any(name.strip() for name in header):
        raise ValueError("no header row")
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
    unknown = [k for k in keys if k not in names]
    if unknown:
        raise ValueError(f"no column {unknown[0]}; there are {', '.join(names[:20])}")
    columns, seen, seen_keys = [Column(n) for n in names], set(), set()
    rows = duplicates = key_duplicates = 0
    ragged, at = [], [names.index(k) for k in keys]
    for row in reader:
        if not row:
            continue
        rows += 1
        if len(row) != len(names):
            ragged.append(reader.line_num)
        row = (row + [""] * len(names))[:len(names)]
        mark = hashlib.blake2b("\x1f".join(row).encode(), digest_size=12).digest()
        duplicates += mark in seen
        seen.add(mark)
        if at:
            key = tuple(row[i] for i in at)
            key_duplicates += key in seen_keys
            seen_keys.add(key)
        for column, value in zip(columns, row):
            column.add(value)
    if not rows:
        raise ValueError("a header and no rows")
    described = [column.profile(rows) for column in columns]
    warnings = [w for _, found in described for w in found]
    if duplicates:
        warnings.insert(0, {"warning": "duplicate-rows", "column": None, "evidence": f"{duplicates} row(s) stand twice"})
    if key_duplicates:
        warnings.insert(0, {"warning": "duplicate-key", "column": ", ".join(keys), "evidence": f"{key_duplicates} row(s) repeat a key"})
    if ragged:
        warnings.insert(0, {"warning": "ragged-row", "column": None, "evidence": f"{len(ragged)} row(s), first in line {ragged[0]}"})
    return {"rows": rows, "delimiter": delimiter, "duplicates": duplicates, "key_duplicates": key_duplicates if keys else None,
            "columns": [d for d, _ in described], "warnings": warnings}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FILE", nargs="?", default="-", help="the table; default: standard input")
    parser.add_argument("--delimiter", help="default: guessed from the header")
    parser.add_argument("--encoding", default="utf-8-sig")
    parser.add_argument("--key", action="append", default=[], metavar="COLUMN", help="a column of the key; repeatable")
    options = parser.parse_args()
    try:
        if options.path == "-":
            raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        else:
            with open(options.path, "rb") as stream:
                raw = stream.read()
        delimiter = {"\\t": "\t", "tab": "\t"}.get(options.delimiter, options.delimiter)
        if delimiter is not None and len(delimiter) != 1:
            raise ValueError("--delimiter is one character")
        report = profile(raw.decode(options.encoding), delimiter, options.key)
    except (OSError, ValueError, LookupError, csv.Error) as problem:
        print(json.dumps({"error": str(problem), "remedy": "pass a table with a header row; try --delimiter or --encoding"}))
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if report["warnings"] else 0


if __name__ == "__main__":
    sys.exit(main())
