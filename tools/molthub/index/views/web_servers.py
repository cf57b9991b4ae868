"""Rules for nginx and for Caddy, so that either answers as ``molthub serve`` does, but for what needs a query.

Both say types, lifetimes and CORS for every file, answer bare routes of JSON from the files that hold them, say in JSON
that there is no such route, and show nothing that belongs to the build.
"""

from __future__ import annotations

from molthub.index.content_types import BRIEFLY, FOREVER, JSON_ROUTES, TYPES
from molthub.index.folder import BLOB

BLOB_PATHS = "^/(?:" + BLOB.pattern.replace(r"\Z", "$").replace(r"\.", "[.]") + ")"
TILES = "^/log/tile/"
OWN_FILES = "/[.]well-known/agent-skills/[^/]+/"
DOWNLOADS = "^/s/.+/api/v1/download$"
BUILDS_OWN = "/[.](?:molthub-|git)"
NOTHING = '{"error":{"message":"there is no such file in this index"}}'
SANDBOX = "sandbox"

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "ETag",
    "X-Content-Type-Options": "nosniff",
}


def nginx_rules() -> str:
    """Return ``nginx.conf``, for ``include`` within a ``server`` whose ``root`` is the index."""
    texts = sorted({kind.partition(";")[0] for kind in TYPES.values() if "charset" in kind} - {"text/html"})
    types = "".join(f"  {kind.partition(';')[0]} {suffix[1:]};\n" for suffix, kind in TYPES.items() if suffix)
    return (
        "# For `include` within a server block whose root is this folder. No other add_header may stand beside it.\n"
        "index index.html;\n"
        "etag on;\n"
        "absolute_redirect off;\n"
        "charset utf-8;\n"
        f"charset_types {' '.join(texts)};\n"
        f"types {{\n{types}}}\n"
        "default_type text/plain;\n"
        f"{_nginx_headers(BRIEFLY)}"
        "if ($request_method = OPTIONS) { return 204; }\n"
        f'location ~ "{BUILDS_OWN}" {{ return 404; }}\n'
        f'location ~ "{BLOB_PATHS}" {{\n{_nginx_headers(FOREVER, indent=2)}}}\n'
        f'location ~ "{TILES}" {{\n'
        "  types { }\n"
        "  default_type application/octet-stream;\n"
        f"{_nginx_headers(FOREVER, indent=2)}}}\n"
        f'location ~ "{OWN_FILES}" {{\n'
        "  types { text/markdown md; }\n"
        "  default_type text/plain;\n"
        f"{_nginx_headers(BRIEFLY, indent=2, policy=SANDBOX)}}}\n"
        f'location ~ "{DOWNLOADS}" {{\n'
        "  types { }\n"
        "  default_type application/zip;\n"
        f"{_nginx_headers(BRIEFLY, indent=2)}}}\n"
        f'location ~ "^/{JSON_ROUTES}" {{\n'
        "  types { application/gzip tgz gz; }\n"
        "  default_type application/json;\n"
        "  try_files $uri $uri.json $uri/index.html @nothing;\n"
        f"{_nginx_headers(BRIEFLY, indent=2)}}}\n"
        "location @nothing {\n"
        "  default_type application/json;\n"
        f"{_nginx_headers('no-store', indent=2)}"
        f"  return 404 '{NOTHING}';\n"
        "}\n"
    )


def _nginx_headers(lifetime: str, *, indent: int = 0, policy: str = "") -> str:
    """Return all headers: a block that sets one of its own inherits none."""
    headers = {**_CORS, "Cache-Control": lifetime, **({"Content-Security-Policy": policy} if policy else {})}
    return "".join(f"{' ' * indent}add_header {name} '{value}' always;\n" for name, value in headers.items())


def caddy_rules() -> str:
    """Return ``Caddyfile``, for ``import`` within a site whose ``root`` is the index."""
    types = "".join(
        f"    @type{suffix[1:]} path *{suffix}\n    header @type{suffix[1:]} Content-Type `{kind}`\n"
        for suffix, kind in TYPES.items()
        if suffix
    )
    common = "".join(f"    {name} `{value}`\n" for name, value in _CORS.items())
    return (
        "# For `import` within a site block, after `root * <this folder>`. It answers every request of the site.\n"
        "@molthub-own path_regexp `" + BUILDS_OWN + "`\n"
        "@molthub-blob path_regexp `" + BLOB_PATHS + "`\n"
        "@molthub-tile path_regexp `" + TILES + "`\n"
        "@molthub-skill path_regexp `" + OWN_FILES + "`\n"
        "@molthub-markdown path_regexp `" + OWN_FILES + ".*[.]md$`\n"
        "@molthub-download path_regexp `" + DOWNLOADS + "`\n"
        "@molthub-json path_regexp `^/" + JSON_ROUTES + "`\n"
        "@molthub-options method OPTIONS\n"
        "route {\n"
        f"  header {{\n{common}    Cache-Control `{BRIEFLY}`\n  }}\n"
        "  respond @molthub-options 204\n"
        "  error @molthub-own 404\n"
        f"  header @molthub-blob Cache-Control `{FOREVER}`\n"
        "  route @molthub-tile {\n"
        f"    header Cache-Control `{FOREVER}`\n"
        "    header Content-Type `application/octet-stream`\n"
        "    file_server\n"
        "  }\n"
        "  route @molthub-skill {\n"
        "    header Content-Type `text/plain; charset=utf-8`\n"
        "    header @molthub-markdown Content-Type `text/markdown; charset=utf-8`\n"
        f"    header Content-Security-Policy `{SANDBOX}`\n"
        "    file_server\n"
        "  }\n"
        "  route @molthub-json {\n"
        "    @tgz path *.tgz\n"
        "    header Content-Type `application/json`\n"
        "    header @tgz Content-Type `application/gzip`\n"
        "    header @molthub-download Content-Type `application/zip`\n"
        "    try_files {path} {path}.json {path}/index.html\n"
        "    file_server\n"
        "  }\n"
        "  route {\n"
        "    @bare path_regexp `/[^./]+$`\n"
        f"    header @bare Content-Type `{TYPES['']}`\n"
        "    @folder path */\n"
        f"    header @folder Content-Type `{TYPES['.html']}`\n"
        f"{types}"
        "    file_server\n"
        "  }\n"
        "}\n"
        "handle_errors {\n"
        "  header Cache-Control `no-store`\n"
        "  header Content-Type `application/json`\n"
        f"  respond `{NOTHING}` {{err.status_code}}\n"
        "}\n"
    )
