"""How things are named: the patterns of names, versions, digests and placeholders."""

from __future__ import annotations

import re

SKILL_NAME = re.compile(r"(?:@[a-z0-9]+(?:-[a-z0-9]+)*/)?[a-z0-9]+(?:-[a-z0-9]+)*\Z")
DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
MCP_NAME = re.compile(r"[a-z0-9-]{1,63}\Z")
ENV_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
SEMVER = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\Z"
)
HEX = re.compile(r"[0-9a-f]{64}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
FINGERPRINT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}|SHA256:[A-Za-z0-9+/]{43})\Z")
"""Matches a key's fingerprint: OpenPGP's (version 4 or 6), or SSH's as ``ssh-keygen -l`` shows it."""

TIME = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z\Z"
)
PLACEHOLDER = re.compile(r"\$\$|\$\{secrets\.([a-z0-9][a-z0-9_.-]*)\}")
"""Matches what a ``$`` may begin: an escape, or a secret's placeholder (its name in group 1)."""

MAX_SKILL_NAME = 64
