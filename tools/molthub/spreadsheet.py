"""Rows as CSV (RFC 4180), for spreadsheets: no text of them is taken for a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet computes (OWASP, "CSV Injection")."""


def csv_text(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the file, with lines that end as the RFC has them."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(headers)
    lines.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
