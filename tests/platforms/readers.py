"""How each agent program reads a text of its file: what it expands, from left to right, and what it leaves alone.

These are the rules as the programs themselves follow them (``tests/peers`` runs them on the same texts).
"""

from __future__ import annotations

import re
from collections.abc import Callable

ENVIRONMENT = {"A": "<a>", "B_1": "<b>", "x": "<x>"}
Reader = Callable[[str], str]


def openclaw(text: str) -> str:
    """Read at each dollar first an escape, then a reference."""
    found, position = "", 0
    while position < len(text):
        escaped = re.match(r"\$(\$\{[A-Z_][A-Z0-9_]*\})", text[position:])
        referred = re.match(r"\$\{([A-Z_][A-Z0-9_]*)\}", text[position:])
        if escaped:
            found, position = found + escaped[1], position + escaped.end()
        elif referred:
            found, position = found + ENVIRONMENT.get(referred[1], referred[0]), position + referred.end()
        else:
            found, position = found + text[position], position + 1
    return found


def claude_code(text: str) -> str:
    """Read ``${NAME}`` and ``${NAME:-default}``."""

    def value(match: re.Match[str]) -> str:
        name, has_default, default = match[1].partition(":-")
        return ENVIRONMENT.get(name, default if has_default else match[0])

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?)\}", value, text)


def dollars(text: str) -> str:
    """Read ``$NAME``, ``${NAME}`` and ``${NAME:-default}``, as Copilot CLI does, and Gemini CLI in arguments."""

    def value(match: re.Match[str]) -> str:
        name, default = match["plain"] or match["name"], match["default"]
        return ENVIRONMENT.get(name, match[0] if default is None else default)

    return re.sub(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})", value, text)


def copilot_env(text: str) -> str:
    """Cut the space around a text, and read one that is a variable's name as that variable."""
    return ENVIRONMENT.get(text.strip()) or dollars(text.strip())


def gemini_env(text: str) -> str:
    """Read as arguments are, and then once more as files of variables are."""
    return re.sub(
        r"\\(?P<escaped>\$)|\$\{(?P<braced>[^}]*)\}|\$(?P<plain>[A-Za-z_]\w*)",
        lambda match: "$" if match["escaped"] else ENVIRONMENT.get(match["braced"] or match["plain"] or "", ""),
        dollars(text),
    )


def opencode(text: str) -> str:
    """Read ``{env:NAME}``; one that is not set is nothing. The text of a file would be searched in the same way."""
    read = re.sub(r"\{env:([^}]+)\}", lambda match: ENVIRONMENT.get(match[1], ""), text)
    return re.sub(r"\{file:[^}]+\}", "<file>", read)


def env_prefixed(text: str) -> str:
    """Read every ``${...}``, of which ``env:`` is one kind."""
    return re.sub(r"\$\{([^}]*)\}", lambda match: ENVIRONMENT.get(match[1].removeprefix("env:"), "<?>"), text)


def cursor(text: str) -> str:
    """Read ``${env:NAME}``, ``${NAME}`` and ``${NAME:-default}``; the editor knows ``${userHome}`` and more."""

    def value(match: re.Match[str]) -> str:
        return ENVIRONMENT.get(match[1] or match[2], match[0] if match[3] is None else match[3])

    return re.sub(r"\$\{(?:env:([A-Za-z_]\w*)|([^:}]+)(?::-([^}]*))?)\}", value, text)


def qwen(text: str) -> str:
    """Read ``$NAME`` and ``${NAME}``, whatever may stand in the braces."""
    return re.sub(r"\$(?:(\w+)|\{([^}]+)\})", lambda match: ENVIRONMENT.get(match[1] or match[2], match[0]), text)


def braced(text: str) -> str:
    """Read ``${NAME}`` alone, whatever may stand in the braces."""
    return re.sub(r"\$\{([^}]+)\}", lambda match: ENVIRONMENT.get(match[1], match[0]), text)


def named(text: str) -> str:
    """Read ``${NAME}`` alone, where it is a name."""
    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", lambda match: ENVIRONMENT.get(match[1], match[0]), text)


def hermes(text: str) -> str:
    """Read everything between braces as a name, with or without ``env:``."""

    def value(match: re.Match[str]) -> str:
        return ENVIRONMENT.get(match[1].strip().removeprefix("env:").strip(), match[0])

    return re.sub(r"\$\{([^}]+)\}", value, text)


ARGUMENTS: dict[str, Reader] = {
    "openclaw": openclaw,
    "claude-code": claude_code,
    "gemini-cli": dollars,
    "qwen-code": qwen,
    "opencode": opencode,
    "copilot-cli": dollars,
    "vscode": env_prefixed,
    "cursor": cursor,
    "windsurf": env_prefixed,
    "roo": env_prefixed,
    "kiro": braced,
    "amp": braced,
    "cline": str,
    "zed": str,
    "claude-desktop": str,
    "codex": str,
    "goose": str,
    "hermes": hermes,
    "nanobot": named,
}
"""How each reads an argument."""

VARIABLES: dict[str, Reader] = {**ARGUMENTS, "gemini-cli": gemini_env, "copilot-cli": copilot_env}
"""How each reads the value of a server's variable."""
