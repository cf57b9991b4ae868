"""Templates, compiled once for each process, and what all pages share."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2.compiler
from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, Template
from jinja2.bccache import Bucket

from molthub.index.pages.text import anchor, day, encoded, shown_size, tag_path, url_path
from molthub.model import Registry

HERE = Path(__file__).parent
ASSETS = "assets"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'self'; form-action 'self'"
)
"""The Content-Security-Policy of every page: nothing from elsewhere, nothing inline."""


def page(template: str, registry: Registry, path: str, **values: Any) -> bytes:
    """Return the page at ``path`` (a folder, ending in ``/``, or empty for the root)."""
    head = {"registry": registry, "here": path, "root": "../" * path.count("/") or "./", "policy": POLICY}
    return encoded(_template(template).render(head | values))


def fragment(template: str, **values: Any) -> bytes:
    """Return a part that many pages share."""
    return encoded(_template(template).render(values))


@cache
def _template(name: str) -> Template:
    return _templates().get_template(name)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        bytecode_cache=_compiled(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": shown_size, "path": url_path, "day": day, "tag_path": tag_path, "anchor": anchor}
    return environment


def _compiled() -> BytecodeCache | None:
    """Return where compiled templates are kept: beside them, as Python keeps what it compiles, if that is allowed.

    Their names say what they were compiled by, for templates may stay as they are where it does not.
    """
    compiler = sha256(repr([_stamp(Path(file)) for file in (jinja2.compiler.__file__, __file__)]).encode()).hexdigest()
    folder = HERE / "templates" / "__pycache__"
    if sys.dont_write_bytecode:
        return _Kept(str(folder), f"%s.{compiler[:16]}") if folder.is_dir() else None
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder), f"%s.{compiler[:16]}") if os.access(folder, os.W_OK) else None


def _stamp(file: Path) -> tuple[str, int, int]:
    found = file.stat()
    return str(file), found.st_size, found.st_mtime_ns


class _Kept(FileSystemBytecodeCache):
    """Compiled templates, to which none may be added."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep nothing."""


def assets() -> dict[str, bytes]:
    """Return the style, the script and the icon."""
    return {f"{ASSETS}/{file.name}": file.read_bytes() for file in sorted((HERE / "assets").iterdir())}
