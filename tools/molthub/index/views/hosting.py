"""Small files for whoever hosts or crawls the index: rules for static hosts, a text for readers that are programs."""

from __future__ import annotations

from molthub import schema_files
from molthub.index.content_types import BLOB_FOLDERS, BRIEFLY, FOREVER
from molthub.index.views import Files
from molthub.model import Registry

API_LISTS = ("skills", "tags", "health", "skill-packs")


def schemas() -> Files:
    """Return the JSON Schemas at the paths of their ``$id``."""
    return {f"schemas/{name}{schema_files.SUFFIX}": schema_files.text(name) for name in schema_files.names()}


def hosting(registry: Registry) -> Files:
    """Return ``_headers`` and ``_redirects`` (Cloudflare Pages, Netlify), ``nginx.conf``, and texts for programs."""
    return {
        ".nojekyll": b"",
        "_headers": _headers().encode(),
        "_redirects": "".join(f"/api/v1/{name} /api/v1/{name}.json 200\n" for name in API_LISTS).encode(),
        "nginx.conf": _nginx().encode(),
        "robots.txt": _robots(registry).encode(),
        "llms.txt": _llms(registry).encode(),
    }


def _headers() -> str:
    rules = {"/*": [f"Cache-Control: {BRIEFLY}", "Access-Control-Allow-Origin: *", "X-Content-Type-Options: nosniff"]}
    # "! Name" takes a header of a wider rule away: both hosts would join the two values.
    rules |= {f"/{folder}/*": ["! Cache-Control", f"Cache-Control: {FOREVER}"] for folder in BLOB_FOLDERS}
    rules["/api/v1/*"] = ["Content-Type: application/json"]
    # Skills' own files are shown, never run in the index's name.
    rules |= {f"/{folder}/*": ["Content-Security-Policy: sandbox"] for folder in ("s", "p", ".well-known")}
    return "".join(f"{path}\n" + "".join(f"  {header}\n" for header in headers) for path, headers in rules.items())


def _nginx() -> str:
    blobs = "|".join(BLOB_FOLDERS)
    return (
        "# Include this in a server block whose root is this folder.\n"
        "types {\n"
        "  application/json json; application/gzip gz; text/html html; text/markdown md; text/plain txt;\n"
        "  text/css css; text/javascript js; image/svg+xml svg; application/atom+xml atom; application/xml xml;\n"
        "}\n"
        "charset utf-8;\n"
        "add_header Access-Control-Allow-Origin *;\n"
        "add_header X-Content-Type-Options nosniff;\n"
        f"location ~ ^/({blobs})/ {{\n"
        f"  add_header Access-Control-Allow-Origin *; add_header Cache-Control '{FOREVER}';\n"
        "}\n"
        "location /api/v1/ { default_type application/json; try_files $uri $uri.json =404; }\n"
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
        f"- Install one: `skills install <name>{f' --registry {registry.url}' if registry.url else ''}`\n"
        f"- JSON Schemas of every document: {', '.join(f'`{path}`' for path in sorted(schemas()))}\n"
    )
