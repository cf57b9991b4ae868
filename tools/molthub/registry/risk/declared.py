"""MH815 and MH816: variables that code reads and hosts that it reaches, held against what the skill says. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import addresses
from molthub.registry.risk.text import Text

_READS = re.compile(
    r"os\.environ(?:\.get\(|\.pop\(|\.setdefault\(|\[)\s*[\"'](?P<a>[A-Za-z_]\w*)|"
    r"os\.getenv\(\s*[\"'](?P<b>[A-Za-z_]\w*)|"
    r"process\.env(?:\.(?P<c>[A-Za-z_]\w*)|\[[\"'](?P<d>[A-Za-z_]\w*))|Deno\.env\.get\([\"'](?P<e>[A-Za-z_]\w*)|"
    r"\$\{(?P<f>[A-Z][A-Z0-9_]{2,})(?::?[?-])|\$env:(?P<g>[A-Za-z_]\w*)|ENV\[[\"'](?P<h>[A-Z_][A-Z0-9_]*)|"
    r"os\.Getenv\(\"(?P<i>\w+)"
)
_ASSIGNS = re.compile(r"^[ \t]*(?:export |local |readonly )?([A-Z_][A-Z0-9_]*)=", re.MULTILINE)
_EVERYWHERE = re.compile(
    r"(?:HOME|USER|USERNAME|LOGNAME|PATH|PWD|OLDPWD|SHELL|TERM|COLUMNS|LINES|LANG|LC_\w+|TZ|TMPDIR|TMP|TEMP|"
    r"EDITOR|PAGER|VISUAL|DISPLAY|HOSTNAME|"
    r"CI|DEBUG|VERBOSE|NO_COLOR|FORCE_COLOR|CLICOLOR\w*|XDG_\w+|PYTHON\w*|VIRTUAL_ENV|NODE_ENV|NODE_PATH|"
    r"APPDATA|LOCALAPPDATA|USERPROFILE|SYSTEMROOT|"
    r"COMSPEC|PROGRAMFILES\w*|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|BASH_\w+|EUID|UID|GITHUB_(?:ACTIONS|OUTPUT|"
    r"WORKSPACE|REPOSITORY|SHA|REF)|"
    r"CLAUDE_\w+|OPENCLAW_\w+|CODEX_\w+|MOLTHUB_\w+|PORT|OS|OSTYPE|SSH_\w+|COLORTERM|IFS|RANDOM|SECONDS|"
    r"PIPESTATUS|FUNCNAME|LINENO)",
    re.IGNORECASE,
)
_SCRIPTS = (".py", ".sh", ".bash", ".zsh", ".js", ".mjs", ".cjs", ".ts", ".ps1", ".rb", ".go", ".rs", ".pl", ".php")
ENV_REMEDY = "list it under `env` in skill.yaml, so that a bot is told what the skill reads"
HOST_REMEDY = "name the host in SKILL.md, so that people know whom the skill talks to"


def look_at_variables(texts: Collection[Text], declared: Collection[str]) -> Iterator[Finding]:
    """Yield the first place of each environment variable that code reads and skill.yaml does not name."""
    known = {name.upper() for name in declared}
    for text in texts:
        if not text.path.lower().endswith(_SCRIPTS) or text.words.isdisjoint((b"env", b"environ", b"getenv", b"sh")):
            continue
        assigned = set(_ASSIGNS.findall(text.visible))
        for match in _READS.finditer(text.visible):
            name = next(group for group in match.groups() if group)
            if name.upper() in known or _EVERYWHERE.fullmatch(name) or not name.isupper():
                continue
            if match["f"] and (name in assigned or not text.path.endswith((".sh", ".bash", ".zsh"))):
                continue
            known.add(name.upper())
            message = f"the code reads {name}, which skill.yaml does not name"
            yield text.finding("MH815", "warning", match.start(), message, ENV_REMEDY)


def look_at_hosts(texts: Collection[Text], said: str) -> Iterator[Finding]:
    """Yield the first place of each host that code names and neither SKILL.md nor skill.yaml does (``said``)."""
    seen: set[str] = set()
    for text in texts:
        if not text.path.lower().endswith(_SCRIPTS) or text.words.isdisjoint((b"http", b"https")):
            continue
        for offset, address in addresses(text.low):
            if address.standing not in ("stranger", "shady") or not address.host or address.host in seen:
                continue
            seen.add(address.host)
            if _domain(address.host) not in said:
                message = f"the code names {address.host}, which SKILL.md does not"
                yield text.finding("MH816", "warning", offset, message, HOST_REMEDY)


def _domain(host: str) -> str:
    steps = host.split(".")
    return host if steps[-1].isdigit() else ".".join(steps[-2:])
