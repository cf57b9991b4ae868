"""Which agent programs a bot's home is set up for, by the servers that stand in their files.

The manifest does not say it, and one home may be several programs'. A file that cannot be read, or is a link, counts as
if it were not there: what is wrong with it is told by whoever writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from molthub.errors import MolthubError
from molthub.platforms import platform, platforms
from molthub.platforms.base import MANIFEST_FILE, Platform
from molthub.platforms.config_file import ConfigFile
from molthub.references.secrets import is_sensitive
from molthub.secrets.bot_manifest import BotManifest
from molthub.secrets.plain_file import read_plain

_MAX_BYTES = 4 * 1024 * 1024


def programs_of(home: Path, manifest: BotManifest) -> tuple[str, ...]:
    """Return the platforms, of those that spoil values, whose files have a server of the manifest with a secret."""
    known = (platform(name) for name in platforms())
    return tuple(one.name for one in known if one.pitfalls and any(_holds(home, one, manifest)))


def _holds(home: Path, program: Platform, manifest: BotManifest) -> Iterator[bool]:
    files: dict[str, ConfigFile] = {}
    for name, server in manifest.servers.items():
        if not is_sensitive(server):
            continue
        try:
            entry = next(one for one in program.entries("", f"mcp/{name}", server) if one.file != MANIFEST_FILE)
            if entry.file not in files:
                content = read_plain(home / entry.file, _MAX_BYTES)
                files[entry.file] = ConfigFile.parse(content, program.file_format(entry.file), entry.file)
            yield files[entry.file].get(entry.pointer)[0]
        except (MolthubError, OSError, TypeError):  # it is none that can be written, or no file that can be read
            continue
