"""The routes of an index, from the table that the OpenAPI document is made of; each with what the example answers."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docgen.markdown import bullets, code, fence, page, table
from molthub import schema_files
from molthub.index.api.openapi import openapi
from molthub.index.api.routes import PARAMETERS, ROUTES, SERVE, Route
from molthub.index.build import BuiltIndex, build_index
from molthub.index.search import search_index
from molthub.registry.catalog import read_catalog
from molthub.registry.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parent / "example"
_GROUPS = {
    "/registry.json": ("The verified read path", """
Clients of molthub read nothing else. Whatever is below the root is named by its SHA-256 from there; `.gz` documents are
shown unpacked."""),
    "/api/v1/health": ("REST", "Every route answers with and without `.json`."),
    "/simple/index.json": ("Simple repository", "PEP 503, 592, 691, 700 and 792; the same lists stand beside as HTML."),
    "/.well-known/agent-skills/index.json": ("Agent Skills Discovery", "Version 0.2.0, with the `files` of 0.1."),
    "/s/{skill}/api/v1/skills/{slug}": ("Others' clients", "See [Other clients](OTHER_CLIENTS.md)."),
}  # fmt: skip
"""Headings, by the path of the first route below them."""


def pages() -> dict[str, str]:
    """Return `API_SPEC.md` and the OpenAPI document."""
    blocks: list[str] = [_HEAD, table(("In a path", "What it is"), _parameters())]
    for route in ROUTES:
        if route.path in _GROUPS:
            title, says = _GROUPS[route.path]
            blocks += [f"## {title}", says]
        blocks += _route(route)
    document = json.dumps(json.loads(openapi()), indent=1, ensure_ascii=False) + "\n"
    return {"API_SPEC.md": page("Routes", *blocks, _TAIL), "openapi.json": document}


def _parameters() -> Iterator[tuple[str, str]]:
    return ((code(f"{{{name}}}"), says) for name, (_pattern, says) in PARAMETERS.items())


def _route(route: Route) -> list[str]:
    facts = [f"Answers `{route.type}`{_schema(route)}, kept {'forever' if route.is_kept_forever else 'for a minute'}."]
    facts += [f"Only {route.only}."] if route.only else []
    facts += [f"{code(name)}: {says}." for name, says in route.query.items()]
    blocks = [f"### GET {route.path}", f"{route.says[0].upper()}{route.says[1:]}.", bullets(facts)]
    shown = example(route)
    if shown is not None:
        path, answer = shown
        blocks += [f"`GET {path}`", fence(json.dumps(answer, indent=2, ensure_ascii=False), "json")]
    return blocks


def _schema(route: Route) -> str:
    if not route.schema:
        return ""
    if route.schema in schema_files.names():
        return f" ([{route.schema}](documents/{route.schema}.md))"
    return f" (`{route.schema}` of [openapi.json](openapi.json))"


def example(route: Route) -> tuple[str, Any] | None:
    """Return a path of this route, and what the example's index answers there; None where that is no JSON."""
    if route.only == SERVE:
        return f"{route.path}?q=git", _found()
    for file, content in example_index().files.items():
        parameters = route.answers(file)
        if parameters is not None and all(parameters.get(name) == value for name, value in route.example.items()):
            answer = _parsed(file, content)
            return (route.at(parameters), answer) if answer is not None else None
    return None


def _parsed(file: str, content: bytes) -> Any:
    if file.endswith((".tar.gz", ".tgz", "/download")) or file == "api/v1/openapi.json" or file.startswith("schemas/"):
        return None
    return json.loads(gzip.decompress(content) if file.endswith(".gz") else content)


def _found() -> Any:
    from tempfile import TemporaryDirectory

    from molthub.index.publish import publish

    with TemporaryDirectory() as folder:
        publish(example_index(), Path(folder) / "site")
        return search_index(Path(folder) / "site", {"q": ["git"]}, 100)


@cache
def example_index() -> BuiltIndex:
    """Return the index of the example registry."""
    source = open_source(EXAMPLE, worktree=True)
    return build_index(read_catalog(source), source, fleets=True)


_HEAD = """
An index is a folder of files, and these are its routes: GET and HEAD, nothing else. A host that knows only files
answers all but one; [nginx.conf, Caddyfile, _headers and _redirects](OTHER_CLIENTS.md#hosts) in the index tell common
hosts the types and lifetimes. The same table is an OpenAPI 3.1 document: `api/v1/openapi.json` of every index, and
[openapi.json](openapi.json) here.

- An `ETag` comes with every answer; `If-None-Match` is answered with 304.
- `Cache-Control` is `immutable` for what is named after its bytes, a minute for everything else.
- `Access-Control-Allow-Origin: *`: pages elsewhere may read it.
- What is not there is 404: with `{"error": {"message": "..."}}` from `molthub serve`, and from nginx and Caddy with the
  index's rules; with a page from others.
- Readers ignore keys that they do not know. A document with a `format` refuses to be read by one that is too old.
- A scoped skill's name stands as it is: `/api/v1/skills/@acme/tool`.

The examples are answers of the index of one small registry, `tools/docgen/example`.
"""

_TAIL = """
## What a host of files cannot answer

`/api/v1/search` needs the query, and only `molthub serve` reads it. Elsewhere a client reads the same rows itself:
`search` in `registry.json` names the lists (one, or by the first letters of words), as `skills search` and the pages
do. `limit`, `cursor` and `search` of the MCP registry's routes are ignored in the same way: there is one page.

`/api/v1/skills/{skill}/{version}` is a file with `.json`. Without it, `molthub serve`, nginx and Caddy answer; other
hosts have to be asked for the file.
"""
