"""One style for manifests: two spaces, list items indented, Unix line ends, quotes where a value needs them."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver

from molthub.errors import ManifestError
from molthub.registry.edit import comments
from molthub.yaml_text import parse

_WIDTH = 1_000_000  # lines are as long as their authors made them


class _AsTyped(VersionedResolver):
    """Takes every plain scalar for text, so that `1.20`, `0o17` and `no` are written back as they were typed."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        resolved = super().resolve(kind, value, implicit)
        plain = implicit[0] if isinstance(implicit, tuple) else implicit
        return self.DEFAULT_SCALAR_TAG if plain and isinstance(value, str) and value else resolved


def in_style(text: str, file: str) -> str | None:
    """Return ``text`` in the one style, or None where that would lose a comment or change a value.

    Raises :class:`ManifestError` where it is no strict YAML.
    """
    before = parse(text, file)
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        styled = _round_trip(plain)
        after = parse(styled, file)
    except (YAMLError, ManifestError, ValueError, TypeError, AttributeError):
        return None
    same = after.value == before.value and after.written == before.written
    return styled if same and Counter(comments(plain)) == Counter(comments(styled)) else None


def _round_trip(text: str) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.Resolver = _AsTyped
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = StringIO()
    yaml.dump(yaml.load(text), written)
    lines = (line.rstrip() if not line.strip() else line for line in written.getvalue().split("\n"))
    return "\n".join(lines).rstrip("\n") + "\n"
