"""The agent programs that differ in paths and words only: one row each.

A row says where the program looks for skills, which file holds its MCP servers and at which key, how an entry is
spelled, how it refers to environment variables, and which fields of an entry belong to the owner.
:class:`molthub.platforms.table_program.TableProgram` makes the adapter of it. Paths are below the user's HOME, as the
program takes them when no variable (``XDG_CONFIG_HOME``, ``COPILOT_HOME`` ...) points elsewhere. Each row is compared
with what the program itself, or another tool that configures it, reads and writes (``judges``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.model import Json
from molthub.platforms import expansion
from molthub.platforms.base import FileFormat, Pointer, Reload
from molthub.platforms.expansion import References

SYSTEMS = ("linux", "darwin", "win32")
"""The systems whose paths differ, as :data:`sys.platform` names them."""

_CONFIG = dict(zip(SYSTEMS, (".config", "Library/Application Support", "AppData/Roaming"), strict=True))


@dataclass(frozen=True, slots=True)
class Form:
    """How a program spells one kind of server.

    ``fixed`` are fields with always the same value, ``names`` the program's words for declared fields where they
    differ. With ``joined``, command and arguments are one list.
    """

    fixed: Mapping[str, Json] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One agent program.

    ``file`` holds the servers as the object at ``servers``; where it differs between systems, ``file`` is a map.
    ``http`` and ``sse`` are None where the program cannot be told of such a server. ``env`` is where plain variables
    of the program itself stand, if it has such a place. ``owners_fields`` are the fields of an entry that its owner
    sets. ``named_in`` are fields that name variables, in a program that has such fields. ``unread_skills``: the
    program does not read ``skills``; they wait there for whoever loads them up.
    """

    name: str
    title: str
    skills: str
    file: str | Mapping[str, str]
    servers: Pointer
    judges: str
    reload: Reload
    file_format: FileFormat = "jsonc"
    started: Form = Form()
    http: Form | None = None
    sse: Form | None = None
    references: References = expansion.NONE
    owners_fields: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    env: tuple[str, Pointer] | None = None
    named_in: tuple[str, ...] = ()
    unread_skills: bool = False

    def server_file(self, system: str) -> str:
        """Return the file of the servers on ``system``, which is one of :data:`SYSTEMS` or else like Linux."""
        return self.file if isinstance(self.file, str) else self.file.get(system, self.file["linux"])


def _per_system(linux: str, below: Mapping[str, str] = _CONFIG, **others: str) -> Mapping[str, str]:
    """Return a path below the folder where each system keeps programs' settings."""
    return {system: f"{folder}/{others.get(system, linux)}" for system, folder in below.items()}


def _typed(word: str, **fixed: Json) -> Form:
    return Form({"type": word, **fixed})


ROWS: tuple[Row, ...] = (
    Row(
        name="claude-code",
        title="Claude Code",
        skills=".claude/skills",
        file=".claude.json",
        servers=("mcpServers",),
        judges="Claude Code 2.1.197",
        reload=Reload("hot", "session"),
        file_format="json",  # the program's own state: it rewrites the file and reads no comments
        started=_typed("stdio"),
        http=_typed("http"),
        sse=_typed("sse"),
        references=expansion.CLAUDE_CODE,
        owners_fields=("timeout",),
        reserved=("claude-in-chrome", "computer-use", "workspace"),
        env=(".claude/settings.json", ("env",)),
    ),
    Row(
        name="gemini-cli",
        title="Gemini CLI",
        skills=".gemini/skills",
        file=".gemini/settings.json",
        servers=("mcpServers",),
        judges="Gemini CLI 0.61.0",
        reload=Reload("restart", "restart", "/skills reload, /mcp refresh"),
        http=_typed("http"),
        sse=_typed("sse"),
        references=expansion.GEMINI_CLI,
        owners_fields=("description", "excludeTools", "includeTools", "oauth", "timeout", "trust"),
    ),
    Row(
        name="opencode",
        title="OpenCode",
        skills=".config/opencode/skills",
        file=".config/opencode/opencode.jsonc",
        servers=("mcp",),
        judges="OpenCode 1.18.33",
        reload=Reload("restart", "restart"),
        started=Form({"type": "local", "environment": {}}, {"env": "environment"}, joined=True),
        http=_typed("remote"),
        sse=_typed("remote"),
        references=expansion.OPENCODE,
        owners_fields=("enabled", "oauth", "timeout"),
        reserved=("servers", "timeout"),
    ),
    Row(
        name="copilot-cli",
        title="Copilot CLI",
        skills=".copilot/skills",
        file=".copilot/mcp-config.json",
        servers=("mcpServers",),
        judges="Copilot CLI 1.0.102",
        reload=Reload("restart", "restart"),
        started=_typed("stdio", args=[]),
        http=_typed("http"),
        sse=_typed("sse"),
        references=expansion.COPILOT_CLI,
        owners_fields=("disabled", "timeout", "tools"),
    ),
    Row(
        name="vscode",
        title="VS Code",
        skills=".copilot/skills",
        file=_per_system("Code/User/mcp.json"),
        servers=("servers",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("session", "restart", "MCP: List Servers"),
        started=_typed("stdio", args=[]),
        http=_typed("http"),
        sse=_typed("sse"),
        references=expansion.ENV_PREFIXED,
        owners_fields=("dev", "gallery", "sandbox", "sandboxEnabled", "version"),
    ),
    Row(
        name="cursor",
        title="Cursor",
        skills=".cursor/skills",
        file=".cursor/mcp.json",
        servers=("mcpServers",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("restart", "restart"),
        started=Form({"args": []}),
        http=Form(),
        sse=Form(),
        references=expansion.ENV_PREFIXED,
        owners_fields=("auth", "disabled"),
    ),
    Row(
        name="windsurf",
        title="Windsurf",
        skills=".codeium/windsurf/skills",
        file=".codeium/windsurf/mcp_config.json",
        servers=("mcpServers",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("session", "restart", "refresh in the MCP panel"),
        started=Form({"args": []}),
        http=Form(names={"url": "serverUrl"}),
        sse=Form(names={"url": "serverUrl"}),
        references=expansion.ENV_PREFIXED,
        owners_fields=("alwaysAllow", "disabled", "disabledTools"),
    ),
    Row(
        name="cline",
        title="Cline",
        skills=".agents/skills",
        file=".cline/data/settings/cline_mcp_settings.json",
        servers=("mcpServers",),
        judges="Cline's library 0.0.86, add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("session", "hot"),
        started=Form({"args": []}),
        http=_typed("streamableHttp"),
        sse=_typed("sse"),
        owners_fields=("alwaysAllow", "autoApprove", "disabled", "metadata", "oauth", "oauthClient", "timeout"),
    ),
    Row(
        name="roo",
        title="Roo Code",
        skills=".roo/skills",
        file=_per_system("Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"),
        servers=("mcpServers",),
        judges="install-mcp 1.10.2, skills 1.7.4",
        reload=Reload("session", "hot"),
        started=Form({"args": []}),
        http=_typed("streamable-http"),
        sse=_typed("sse"),
        references=expansion.ENV_PREFIXED,
        owners_fields=("alwaysAllow", "disabled", "disabledTools", "timeout", "watchPaths"),
    ),
    Row(
        name="kiro",
        title="Kiro",
        skills=".kiro/skills",
        file=".kiro/settings/mcp.json",
        servers=("mcpServers",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("session", "hot"),
        started=Form({"args": []}),
        http=Form(),
        sse=Form(),
        references=expansion.KIRO,
        owners_fields=("autoApprove", "disabled", "disabledTools", "timeout"),
    ),
    Row(
        name="zed",
        title="Zed",
        skills=".agents/skills",
        file=_per_system("zed/settings.json", {**_CONFIG, "darwin": ".config"}, win32="Zed/settings.json"),
        servers=("context_servers",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        reload=Reload("session", "hot"),
        started=Form({"source": "custom", "args": [], "env": {}}),
        http=_typed("http", source="custom", headers={}),
        sse=_typed("sse", source="custom", headers={}),
        owners_fields=("enabled", "settings"),
    ),
    Row(
        name="claude-desktop",
        title="Claude Desktop",
        skills=".agents/skills",
        file=_per_system("Claude/claude_desktop_config.json"),
        servers=("mcpServers",),
        judges="add-mcp 2.4.0",
        reload=Reload("restart", "restart"),
        file_format="json",
        started=Form({"args": []}),
        unread_skills=True,
    ),
    Row(
        name="amp",
        title="Amp",
        skills=".config/agents/skills",
        file=".config/amp/settings.json",
        servers=("amp.mcpServers",),
        judges="Amp 0.0.1767830505, skills 1.7.4",
        reload=Reload("restart", "restart"),
        http=Form(),
        sse=Form(),
        references=expansion.AMP,
        owners_fields=("disabled", "includeTools"),
    ),
    Row(
        name="codex",
        title="Codex CLI",
        skills=".agents/skills",
        file=".codex/config.toml",
        servers=("mcp_servers",),
        judges="Codex CLI 0.169.0",
        named_in=("env_vars", "bearer_token_env_var", "env_http_headers"),
        reload=Reload("session", "session"),
        file_format="toml",
        http=Form(),
        owners_fields=(
            *("auth", "default_tools_approval_mode", "disabled_tools", "enabled", "enabled_tools", "oauth_resource"),
            *("required", "scopes", "startup_timeout_ms", "startup_timeout_sec", "tool_timeout_sec", "tools"),
        ),
        env=(".codex/config.toml", ("shell_environment_policy", "set")),
    ),
    Row(
        name="hermes",
        title="Hermes",
        skills=".hermes/skills",
        file=".hermes/config.yaml",
        servers=("mcp_servers",),
        judges="Hermes 0.19.0",
        reload=Reload("session", "restart", "/reload-mcp"),
        file_format="yaml",
        http=Form(),
        sse=Form({"transport": "sse"}),
        references=expansion.HERMES,
        owners_fields=(
            *("auth", "connect_timeout", "elicitation", "enabled", "idle_timeout_seconds", "keepalive_interval"),
            *("lifecycle", "max_lifetime_seconds", "oauth", "protocol", "sampling", "skip_preflight"),
            *("supports_parallel_tool_calls", "timeout", "tools", "trust"),
        ),
    ),
    Row(
        name="nanobot",
        title="nanobot",
        skills=".nanobot/workspace/skills",
        file=".nanobot/config.json",
        servers=("tools", "mcpServers"),
        judges="nanobot 0.3.5",
        reload=Reload("session", "restart"),
        file_format="json",
        # it writes every field when it saves its settings: what is there from the start is no drift then
        started=_typed("stdio", args=[], cwd="", env={}, headers={}, url=""),
        http=_typed("streamableHttp", args=[], command="", cwd="", env={}, headers={}),
        sse=_typed("sse", args=[], command="", cwd="", env={}, headers={}),
        references=expansion.NANOBOT,
        owners_fields=("auth", "enabledTools", "toolTimeout"),
    ),
    Row(
        name="goose",
        title="Goose",
        skills=".agents/skills",
        file={
            "linux": ".config/goose/config.yaml",
            "darwin": ".config/goose/config.yaml",
            "win32": "AppData/Roaming/Block/goose/config/config.yaml",
        },
        servers=("extensions",),
        judges="add-mcp 2.4.0, skills 1.7.4",
        named_in=("env_keys",),
        reload=Reload("session", "session"),
        file_format="yaml",
        http=Form(),
        owners_fields=("available_tools", "bundled", "description", "display_name", "enabled", "timeout"),
    ),
)
"""The rows, in the order in which they are documented."""

BY_NAME: Mapping[str, Row] = {row.name: row for row in ROWS}
