"""How each agent program expands variables in its MCP servers, found out by running it or from its own documentation.

A program without a word here (:data:`NONE`) takes every text literally: there, a server that needs a secret is started
by ``molthub exec`` (:mod:`molthub.references.exec_wrapper`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from molthub.references.claude_servers import EXPANDED as _CLAUDE_SERVERS
from molthub.references.interpolation import Interpolation

UNSET = "MOLTHUB_UNSET"
"""A variable that nobody sets: its default is how literal text is written where a program knows no escape."""

LITERAL = Interpolation(re.compile(r"(?!)(?P<name>)"))
"""Nothing is expanded."""

_STARTING = frozenset({"command", "args"})
_NEVER_HIDDEN: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class References:
    """How a program refers to environment variables, by field of a declared server.

    ``usual`` holds for fields that ``fields`` does not name; None: for none of them, so that secrets need ``molthub
    exec``. ``wrapped`` are further fields in which a secret makes the server be started by ``molthub exec``: the
    program would show the value, or not expand it without somebody's word. ``passed`` says that the program keeps its
    own environment from the servers it starts. ``withheld`` are variables that it keeps from every reference.
    """

    usual: Interpolation | None
    fields: Mapping[str, Interpolation] = field(default_factory=dict)
    wrapped: frozenset[str] = frozenset()
    passed: bool = False
    withheld: frozenset[str] = _NEVER_HIDDEN

    def of(self, name: str) -> Interpolation:
        """Return how the declared field ``name`` is expanded."""
        return self.fields.get(name, self.usual or LITERAL)


NONE = References(None)

CLAUDE_CODE = References(_CLAUDE_SERVERS)


def _defaulted(further: str = r"(?!)") -> Interpolation:
    """Return the expansion of a program that knows ``$NAME``, ``${NAME}`` and ``${NAME:-default}``, and no escape.

    Literal text is written as the default of :data:`UNSET`. ``further`` is what else the program acts on.
    """
    acts_on = re.compile(rf"\$(?=[A-Za-z_]|\{{[A-Za-z_]\w*(?:\}}|:-))|{further}")
    return Interpolation(
        re.compile(
            rf"\$\{{{UNSET}:-(?P<text>[^}}]*)\}}"
            rf"|\$(?:[A-Za-z_]\w*|\{{(?P<name>[A-Za-z_]\w*)(?::-[^}}]*)?\}})|{further}"
        ),
        escape=lambda text: acts_on.sub(lambda match: f"${{{UNSET}:-{match[0]}}}", text),
    )


_DOLLARS = _defaulted()

# Texts of `env` and `headers` are expanded a second time, as `.env` files are, with operators and a backslash.
_TWICE = Interpolation(re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}|\\?\$(?=[\w{])|\\\$"))
GEMINI_CLI = References(
    _DOLLARS,
    {"env": _TWICE, "headers": _TWICE},
    wrapped=_STARTING,  # `gemini mcp list` prints what it expanded
    passed=True,
)

# It takes every word after a dollar for a name, and has no escape; what is not set stays as it is.
QWEN_CODE = References(
    Interpolation(re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}|(?P<text>\$\{[^}]+\})|\$(?=[A-Za-z_])")),
    wrapped=_STARTING,  # `qwen mcp list` prints what it expanded
)

# In `env`, a text that is the name of a variable stands for its value, with no sign at all; space around it is cut.
_NAME_OR_SPACE = r"\A\s*[A-Za-z_]\w*\s*\Z|\A\s+|\s+\Z"
_NAMED = _defaulted(_NAME_OR_SPACE)
COPILOT_CLI = References(
    _DOLLARS,
    {"env": _NAMED},
    withheld=frozenset(
        {"ANTHROPIC_API_KEY", "COPILOT_GITHUB_TOKEN", "GITHUB_COPILOT_API_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY"}
    ),
)

# The file's text is searched before it is parsed, so that a match may begin in one value and end in another.
OPENCODE = References(
    Interpolation(re.compile(r"\{env:(?P<name>[A-Z_][A-Z0-9_]*)\}|\{(?:env|file):"), reference="{env:%s}"),
    wrapped=_STARTING,  # `opencode mcp list` prints what it expanded
)

# Programs of the VS Code family know many more names than `env:`, and other words in later versions.
ENV_PREFIXED = References(Interpolation(re.compile(r"\$\{env:(?P<name>\w+)\}|\$\{"), reference="${env:%s}"))

# What stands in braces and is no name, these leave alone, up to the first brace that closes.
_BRACED = Interpolation(re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}|(?P<text>\$\{[^}]+\})"))
KIRO = References(_BRACED, wrapped=_STARTING | {"env"})  # expands variables that its user approved, no others
AMP = References(_BRACED)
NANOBOT = References(Interpolation(re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")), passed=True)

# Whatever stands between the braces is taken for a name, if it is one or not.
HERMES = References(
    Interpolation(re.compile(r"\$\{\s*(?:env:\s*)?(?P<name>[A-Za-z_]\w*)\s*\}|(?P<text>\$\{[^}]+\})")), passed=True
)
