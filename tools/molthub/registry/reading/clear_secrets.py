"""Find secrets that stand in clear, and placeholders that are none. Pure; nothing found is ever repeated.

A literal counts as a secret by its shape alone where only one document is at hand; what a lower layer or a skill's
contract says about it is judged when a bot is resolved (:mod:`molthub.registry.resolving.layers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from molthub.documents import PLACEHOLDER
from molthub.references.secrets import steers_programs, variable_of
from molthub.yaml_text import Pointer

_SHAPES: dict[str, str] = {
    "a GitHub token": r"gh[opusr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{16,}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "an AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])",
    "a Google API key": r"AIza[0-9A-Za-z_-]{30,}",
    "an API key": r"sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
    "a Stripe key": r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "an npm token": r"npm_[A-Za-z0-9]{30,}",
    "a PyPI token": r"pypi-AgE[A-Za-z0-9_-]{20,}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "a JSON Web Token": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
_SHAPE = re.compile("|".join(f"(?<![A-Za-z0-9])(?P<s{n}>{shape})" for n, shape in enumerate(_SHAPES.values())))
_HINTS = (
    "gh",
    "github_pat_",
    "gl",
    "xox",
    "AKIA",
    "ASIA",
    "AIza",
    "sk",
    "rk_",
    "npm_",
    "pypi-",
    "hf_",
    "eyJ",
    "-----BEGIN",
)
_NEAR_PLACEHOLDER = re.compile(r"\$[({]*\s*secrets?\s*[.:\[}/]", re.IGNORECASE)
_UNREAD = frozenset({"description", "displayName", "resolved", "metadata"})

GRAMMAR = "write ${secrets.name} with a name of lower-case letters, digits, _, . and -; $$ stands for a plain $"


class Found(NamedTuple):
    """What is wrong with the text at ``pointer``."""

    id: str
    pointer: Pointer
    message: str
    remedy: str


def clear_secrets(value: Any, pointer: Pointer) -> Iterator[Found]:
    """Yield every text below ``value`` that has a token's shape or holds a placeholder that is none."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in _UNREAD:
                yield from clear_secrets(item, (*pointer, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from clear_secrets(item, (*pointer, index))
    elif isinstance(value, str):
        yield from _judged(value, pointer)


def _judged(text: str, pointer: Pointer) -> Iterator[Found]:
    shape = token_shape(text)
    if shape is not None:
        remedy = "revoke it, since git remembers it; then write ${secrets.name} and give the value where the bot runs"
        yield Found("MH105", pointer, f"the value looks like {shape}", remedy)
    if "$" in text and near_placeholder(text):
        yield Found("MH106", pointer, "a placeholder that is none stands in the value", GRAMMAR)
    for match in PLACEHOLDER.finditer(text) if "${" in text else ():
        if match[1] is not None and steers_programs(variable_of(match[1])):
            message = f"the secret {match[1]} would be the variable {variable_of(match[1])}, which steers programs"
            yield Found("MH109", pointer, message, "give the secret another name")


def token_shape(text: str) -> str | None:
    """Return what kind of credential ``text`` holds by its shape, or None."""
    if not any(hint in text for hint in _HINTS):
        return None
    match = _SHAPE.search(text)
    return None if match is None or match.lastgroup is None else list(_SHAPES)[int(match.lastgroup[1:])]


def near_placeholder(text: str) -> bool:
    """Whether ``text`` holds something that means a secret's placeholder but is not written like one."""
    return _NEAR_PLACEHOLDER.search(PLACEHOLDER.sub("\0", text)) is not None


def has_placeholder(text: str) -> bool:
    """Whether a secret's placeholder stands in ``text``."""
    return any(match[1] for match in PLACEHOLDER.finditer(text))
