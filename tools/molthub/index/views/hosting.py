"""Small files for whoever hosts or crawls the index: rules for static hosts, a text for readers that are programs."""

from __future__ import annotations

from html import escape

from molthub import schema_files
from molthub.index.address import base_url
from molthub.index.content_types import BLOB_FOLDERS, BRIEFLY, FOREVER
from molthub.index.views import Files
from molthub.index.views.web_servers import SANDBOX, caddy_rules, nginx_rules
from molthub.model import Registry

API_LISTS = ("skills", "tags", "health", "skill-packs")


def schemas() -> Files:
    """Return the JSON Schemas at the paths of their ``$id``."""
    return {f"schemas/{name}{schema_files.SUFFIX}": schema_files.text(name) for name in schema_files.names()}


def host_rules(registry: Registry) -> Files:
    """Return rules for hosts; ``_headers`` and ``_redirects`` are those of Pages-like ones."""
    return {
        ".nojekyll": b"",
        "_headers": _headers().encode(),
        "_redirects": "".join(f"/api/v1/{name} /api/v1/{name}.json 200\n" for name in API_LISTS).encode(),
        "nginx.conf": nginx_rules().encode(),
        "Caddyfile": caddy_rules().encode(),
        "404.html": _nothing(registry).encode(),
    }


def texts(registry: Registry) -> Files:
    """Return what crawlers and readers that are programs are told of the pages."""
    return {"robots.txt": _robots(registry).encode(), "llms.txt": _llms(registry).encode()}


def _headers() -> str:
    rules = {"/*": [f"Cache-Control: {BRIEFLY}", "Access-Control-Allow-Origin: *", "X-Content-Type-Options: nosniff"]}
    # "! Name" takes a header of a wider rule away: both hosts would join the two values.
    rules |= {f"/{folder}/*": ["! Cache-Control", f"Cache-Control: {FOREVER}"] for folder in BLOB_FOLDERS}
    rules |= {path: ["Content-Type: application/json"] for path in ("/api/v1/*", "/v0.1/*", "/npm/:package/")}
    rules["/npm/:package/:archive"] = ["Content-Type: application/gzip"]
    for skill in ("/s/:skill", "/s/:scope/:skill"):
        rules[f"{skill}/api/v1/skills/*"] = rules[f"{skill}/api/v1/resolve"] = ["Content-Type: application/json"]
        rules[f"{skill}/api/v1/download"] = ["Content-Type: application/zip"]
    # Skills' own files are shown, never run in the index's name.
    rules |= {f"/{folder}/*": [f"Content-Security-Policy: {SANDBOX}"] for folder in ("s", "p", ".well-known")}
    return "".join(f"{path}\n" + "".join(f"  {header}\n" for header in headers) for path, headers in rules.items())


def _nothing(registry: Registry) -> str:
    """Return the page of what is not there. A Pages-like host without one answers the root's page, with status 200."""
    home = escape(base_url(registry) or "/", quote=True)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Not found</title>\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="robots" content="noindex">\n</head>\n'
        f"<body>\n<main>\n<h1>Not found</h1>\n<p>There is no such file in this index. "
        f'<a href="{home}">Search it</a>.</p>\n</main>\n</body>\n</html>\n'
    )


def _robots(registry: Registry) -> str:
    sitemap = f"Sitemap: {registry.url.rstrip('/')}/sitemap.xml\n" if registry.url else ""
    return f"User-agent: *\nAllow: /\n{sitemap}"


def _llms(registry: Registry) -> str:
    return (
        f"# {registry.name}: an index of Agent Skills\n\n"
        "> Static files. Skills are folders with a SKILL.md (https://agentskills.io), packs are locked sets of them.\n"
        "\n"
        "- [Every skill](api/v1/skills.json): name, description, tags, latest version\n"
        "- [New versions](feed.atom): an Atom feed; one skill's is `skills/<name>/feed.atom`\n"
        "- [Every pack](api/v1/skill-packs.json)\n"
        "- One skill: `api/v1/skills/<name>.json`, `s/<name>/.well-known/agent-skills/index.json`\n"
        "- One pack: `api/v1/skill-packs/<name>.json`, `p/<name>/.well-known/agent-skills/index.json`\n"
        "- Every route, with the schema of its answer: [OpenAPI](api/v1/openapi.json)\n"
        f"{_marketplace_line(registry)}"
        f"- Install one: `skills install <name>{f' --registry {registry.url}' if registry.url else ''}`\n"
        f"- JSON Schemas of every document: {', '.join(f'`{path}`' for path in sorted(schemas()))}\n"
    )


def _marketplace_line(registry: Registry) -> str:
    listed = "[Claude Code](.claude-plugin/marketplace.json), [their MCP servers](v0.1/servers/index.html)"
    return f"- Packs as plugins for {listed}\n" if registry.url else ""
