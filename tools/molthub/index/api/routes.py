"""Every route that an index answers to a GET: where it is, which file answers it, what it says, and who has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

JSON = "application/json"

PARAMETERS = MappingProxyType(
    {
        "hex": ("[0-9a-f]{64}", "the SHA-256 of the file's bytes"),
        "skill": (r"(?:@[a-z0-9-]+/)?[a-z0-9-]+", "a skill's name; the slash of `@scope/name` stands as it is"),
        "version": (r"[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*", "a version's number"),
        "pack": ("[a-z0-9-]{1,63}", "a pack's name"),
        "number": ("[0-9]+", "the number of a pack's version"),
        "fleet": ("[a-z0-9-]{1,63}", "a fleet's name"),
        "bot": ("[a-z0-9-]{1,63}", "a bot's name"),
        "slug": ("[a-z0-9-]+", "a skill's name without its scope"),
        "package": (r"[a-z0-9.-]+", "`<registry>.<pack>`"),
        "server": (r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", "a server's name; its slash may be escaped"),
        "kind": ("[a-z-]+", "the kind of document"),
        "role": (r"(?:[0-9]+\.)?(?:root|snapshot|targets|timestamp)", "a role of TUF, or one of its versions"),
        "tile": (r"(?:entries|[0-9]+)/[0-9x/]+(?:\.p/[0-9]+)?", "a tile's place, as C2SP tlog-tiles numbers them"),
    }
)
"""What may stand in a route: a regular expression, and what it is."""

QUERY = MappingProxyType(
    {
        "q": "words to find; some misspelled ones are mended",
        "tag": "only with this tag; may be repeated, as the following",
        "mcp": "only what uses this MCP server",
        "owner": "only of this publisher",
        "platform": "only for this agent program",
        "status": "only of this status",
        "limit": "how many results, up to 100",
    }
)
"""The parameters of the one route that has any."""


@dataclass(frozen=True)
class Route:
    """One GET. ``path`` and ``file`` have ``{parameters}``; ``schema`` is a component, or the kind of a document.

    ``only`` says which indexes have it, where not every one has.
    """

    path: str
    file: str
    says: str
    schema: str = ""
    type: str = JSON
    only: str = ""
    example: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path, in their order."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def is_kept_forever(self) -> bool:
        """Whether the file is named after its bytes."""
        return "{hex}" in self.path or "{tile}" in self.path

    def answers(self, file: str) -> dict[str, str] | None:
        """Return the parameters with which a file of an index answers this route; None where it does not."""
        match = _pattern(self.file).fullmatch(file)
        return match.groupdict() if match else None

    def at(self, parameters: Mapping[str, str]) -> str:
        """Return the path with parameters filled in."""
        return self.path.format(**parameters)


@cache
def _pattern(file: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", file)
    found = "".join(
        f"(?P<{part}>{PARAMETERS[part][0]})" if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )
    return re.compile(found)


FLEETS = "an index that was built with `--fleets`"
SERVE = (
    "`molthub serve`: it needs a query, which a host of files ignores; there the lists below `search/` hold the same"
)
KEYS = "a registry whose publishers have keys"
SIGNED = "an index that was signed (`molthub sign`)"
SMALL = "a registry of up to 100 skills"
ADDRESS = "a registry that says where it is published (`url`)"

_GIT = {"skill": "git"}
_DEV = {"pack": "dev"}
_SHELF = ".well-known/agent-skills"
_SERVER = {"server": "com.example.skills/dev.github"}

ROUTES: tuple[Route, ...] = (
    # the verified read path
    Route("/registry.json", "registry.json", "the root: names every shard, search list and fleet by its hash",
          "registry-root"),
    Route("/{hex}.registry.json", "{hex}.registry.json", "a root under its own hash, kept for 30 days",
          "registry-root"),
    Route("/shards/{hex}.json.gz", "shards/{hex}.json.gz", "skills and packs whose hashed names begin alike",
          type="application/gzip"),
    Route("/search/{hex}.json.gz", "search/{hex}.json.gz", "a list of rows to search in, or the directory of lists",
          type="application/gzip"),
    Route("/archives/{hex}.tar.gz", "archives/{hex}.tar.gz", "the files of one version", type="application/gzip"),
    Route("/fleets/{hex}.json", "fleets/{hex}.json", "a fleet's bots", "fleet-document", only=FLEETS),
    Route("/bots/{hex}.json", "bots/{hex}.json", "a bot's desired state", "bot-document", only=FLEETS),
    Route("/publishers/{hex}.json.gz", "publishers/{hex}.json.gz", "publishers, or one's keys",
          type="application/gzip", only=KEYS),
    Route("/signatures/{hex}.json.gz", "signatures/{hex}.json.gz", "the signatures of a version",
          type="application/gzip", only=KEYS),
    Route("/metadata/{role}.json", "metadata/{role}.json", "The Update Framework's metadata of the root", only=SIGNED),
    Route("/log/checkpoint", "log/checkpoint", "how large the log of published versions is, signed",
          type="text/plain", only=SIGNED),
    Route("/log/tile/{tile}", "log/tile/{tile}", "a part of that log", type="application/octet-stream", only=SIGNED),
    # the REST interface
    Route("/api/v1/health", "api/v1/health.json", "whether there is an index, and how much is in it", "Health"),
    Route("/api/v1/skills", "api/v1/skills.json", "every skill", "Skills"),
    Route("/api/v1/skills/{skill}", "api/v1/skills/{skill}.json", "a skill with all of its versions", "Skill",
          example=_GIT),
    Route("/api/v1/skills/{skill}/{version}", "api/v1/skills/{skill}/{version}.json",
          "a version: its manifest, its files, its archive", "SkillVersion", example={**_GIT, "version": "1.0.0"}),
    Route("/api/v1/skill-packs", "api/v1/skill-packs.json", "every pack", "SkillPacks"),
    Route("/api/v1/skill-packs/{pack}", "api/v1/skill-packs/{pack}.json", "a pack with all of its versions",
          "SkillPack", example=_DEV),
    Route("/api/v1/skill-packs/{pack}/bots", "api/v1/skill-packs/{pack}/bots.json", "the bots that have a pack",
          "PackBots", only=FLEETS, example=_DEV),
    Route("/api/v1/fleets/{fleet}/bots", "api/v1/fleets/{fleet}/bots.json", "the bots of a fleet with their packs",
          "FleetBots", only=FLEETS, example={"fleet": "prod"}),
    Route("/api/v1/tags", "api/v1/tags.json", "the skills of each tag", "Tags"),
    Route("/api/v1/search", "", "skills and packs that fit, best first", "Found", only=SERVE, query=QUERY),
    Route("/api/v1/openapi.json", "api/v1/openapi.json", "these routes as an OpenAPI document"),
    Route("/schemas/{kind}.schema.json", "schemas/{kind}.schema.json", "the JSON Schema of a document",
          example={"kind": "shard"}),
    Route("/fleets/{fleet}.json", "fleets/{fleet}.json", "a fleet under its name, for people", "fleet-document",
          only=FLEETS, example={"fleet": "prod"}),
    Route("/bots/{fleet}/{bot}.json", "bots/{fleet}/{bot}.json", "a bot under its name, for people", "bot-document",
          only=FLEETS, example={"fleet": "prod", "bot": "ada"}),
    # a simple repository
    Route("/simple/index.json", "simple/index.json", "every skill, as PEP 691 lists projects", "SimpleList"),
    Route("/simple/{skill}/index.json", "simple/{skill}/index.json", "a skill's archives, as PEP 691 lists files",
          "SimpleProject", example=_GIT),
    # Agent Skills Discovery
    Route(f"/{_SHELF}/index.json", f"{_SHELF}/index.json", "the latest version of every skill", "Discovery",
          only=SMALL),
    Route(f"/s/{{skill}}/{_SHELF}/index.json", f"s/{{skill}}/{_SHELF}/index.json", "the latest version of one skill",
          "Discovery", example=_GIT),
    Route(f"/s/{{skill}}/{{version}}/{_SHELF}/index.json", f"s/{{skill}}/{{version}}/{_SHELF}/index.json",
          "one version of a skill", "Discovery", example={**_GIT, "version": "1.0.0"}),
    Route(f"/p/{{pack}}/{_SHELF}/index.json", f"p/{{pack}}/{_SHELF}/index.json",
          "the skills that a pack's newest version is locked to", "Discovery", example=_DEV),
    Route(f"/p/{{pack}}/{{number}}/{_SHELF}/index.json", f"p/{{pack}}/{{number}}/{_SHELF}/index.json",
          "those of one version of a pack", "Discovery", example={**_DEV, "number": "1"}),
    Route(f"/s/{{skill}}/{_SHELF}/{{slug}}/index.json", f"s/{{skill}}/{_SHELF}/{{slug}}/index.json",
          "the names of a skill's files, which stand beside it", "SkillFiles", type="text/plain",
          example={**_GIT, "slug": "git"}),
    # others' clients
    Route("/s/{skill}/api/v1/skills/{slug}", "s/{skill}/api/v1/skills/{slug}/index.html",
          "a skill, as clawhub asks for it", "ClawhubSkill", example={**_GIT, "slug": "git"}),
    Route("/s/{skill}/api/v1/resolve", "s/{skill}/api/v1/resolve", "its latest version, for clawhub", "ClawhubLatest",
          example=_GIT),
    Route("/s/{skill}/api/v1/download", "s/{skill}/api/v1/download", "its latest version as a zip, for clawhub",
          type="application/zip", example=_GIT),
    Route("/.claude-plugin/marketplace.json", ".claude-plugin/marketplace.json",
          "the packs as plugins of Claude Code", "Marketplace", only=ADDRESS),
    Route("/npm/{package}", "npm/{package}/index.html", "a pack's plugin as a package of an npm registry",
          "NpmPackage", only=ADDRESS, example={"package": "acme.dev"}),
    Route("/npm/{package}/{version}.tgz", "npm/{package}/{version}.tgz", "the plugin", type="application/gzip",
          only=ADDRESS),
    Route("/v0.1/servers", "v0.1/servers/index.html", "the packs' MCP servers, as the MCP registry lists servers",
          "McpServers", only=ADDRESS),
    Route("/v0.1/servers/{server}/versions", "v0.1/servers/{server}/versions/index.html", "one server",
          "McpServers", only=ADDRESS, example=_SERVER),
    Route("/v0.1/servers/{server}/versions/latest", "v0.1/servers/{server}/versions/latest/index.html",
          "one server's newest version", "McpServer", only=ADDRESS, example=_SERVER),
    Route("/v0.1/servers/{server}/versions/{version}", "v0.1/servers/{server}/versions/{version}/index.html",
          "the same by its number", "McpServer", only=ADDRESS, example={**_SERVER, "version": "1.0.0"}),
)  # fmt: skip
