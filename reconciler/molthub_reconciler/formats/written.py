"""A report in one of the forms, to stdout or into a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from molthub import __version__
from molthub.atomic import write_atomically
from molthub.errors import MolthubError
from molthub_reconciler.formats.csv_rows import csv_of
from molthub_reconciler.formats.junit import junit
from molthub_reconciler.formats.markdown import markdown
from molthub_reconciler.formats.page import page
from molthub_reconciler.formats.sarif import sarif
from molthub_reconciler.formats.told import Told
from molthub_reconciler.metrics.passes import numbers_of


def rendered(told: Told, form: str, *, prefix: str = "") -> bytes:
    """Return the report in a form that is not for a terminal; ``prefix`` leads to the registry in its repository."""
    forms: Mapping[str, Callable[[], bytes]] = {
        "json": lambda: _json(told.report.to_json()),
        "sarif": lambda: _json(sarif(told, version=__version__, prefix=prefix)),
        "junit": lambda: junit(told),
        "html": lambda: page(told).encode("utf-8", "replace"),
        "csv": lambda: csv_of(told.report),
        "prometheus": lambda: numbers_of(told.report),
        "markdown": lambda: markdown(told).encode("utf-8", "replace"),
    }
    return forms[form]()


def write(content: bytes, output: Path | None) -> None:
    """Write to a file, whole or not at all, or to stdout. Raises :class:`MolthubError`."""
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        write_atomically(output, content)
    except OSError as error:
        remedy = "choose another file"
        raise MolthubError(error.strerror or str(error), place=str(output), remedy=remedy) from None


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
