"""One pack version of a registry as a plugin's folder, without an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from molthub.atomic import replace_folder, unique_suffix, write_new
from molthub.documents import tree_digest
from molthub.errors import IntegrityError, MolthubError
from molthub.index.address import base_url
from molthub.index.archive_packs import BASE
from molthub.index.archive_skills import whole_content
from molthub.index.plugins.agent_plugin import agent_plugin_files, left_out, portable
from molthub.index.plugins.claude_plugin import claude_plugin_files, claude_servers
from molthub.index.plugins.plugin import Plugin, PluginFiles
from molthub.model import Locked, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.pack_servers import pack_servers
from molthub.registry.source import Source
from molthub.registry.upstreams.content import NO_UPSTREAMS, Content

FORMATS: Mapping[str, Callable[[Plugin], PluginFiles]] = {
    "agent-plugin": agent_plugin_files,
    "claude-plugin": claude_plugin_files,
}
"""The formats by name."""


class Exported(NamedTuple):
    """A plugin's files, and why a server or a skill of the pack is not among them, by ``mcp/<name>``, ``skill/<name>``.

    ``needs`` are the secrets that the format cannot refer to, by server: what is declared under ``env`` or ``headers``.
    """

    files: PluginFiles
    left_out: Mapping[str, str]
    needs: Mapping[str, Mapping[str, Mapping[str, str]]]


def export(catalog: Catalog, source: Source, version: PackVersion, kind: str) -> Exported:
    """Return a pack version in the format ``kind`` (a key of :data:`FORMATS`).

    Raises :class:`MolthubError` where a locked skill's files are not in the registry, or not what was locked.
    """
    skills = {
        name: _content(catalog, source, name, lock)
        for name, lock in version.resolved.items()
        if not name.startswith(BASE)
    }
    registry, owners = catalog.registry, catalog.packs[version.name].project.owners
    plugin = Plugin(
        name=version.name,
        number=version.number,
        title=version.display_name or version.name,
        description=version.description,
        owner=", ".join(owners),
        digest=version.record.digest if version.record is not None else "",
        homepage=f"{base_url(registry)}packs/{version.name}/" if registry.url else "",
        skills=skills,
        servers=pack_servers(catalog, version),
    )
    if kind == "claude-plugin":
        gone = claude_servers(plugin)[1] | left_out(plugin, {})
        return Exported(FORMATS[kind](plugin), gone, {})
    servers = {name: portable(server) for name, server in plugin.servers.items()}
    needs = {name: found.needs for name, found in servers.items() if found.needs}
    return Exported(FORMATS[kind](plugin), left_out(plugin, servers), needs)


def _content(catalog: Catalog, source: Source, name: str, lock: Locked) -> Content:
    skill = catalog.skills.get(name)
    version = skill.versions.get(lock.version) if skill is not None else None
    if version is None:
        message = f"the pack is locked to {name} {lock.version}, whose files are not in this registry"
        raise MolthubError(message, remedy="molthub check says what became of it")
    content = whole_content(version, source, NO_UPSTREAMS)
    if content is None:
        message = f"{name} {lock.version} was imported: its files are fetched when an index is built"
        raise MolthubError(message, remedy="install the pack from an index, or from its marketplace")
    if tree_digest(entry for entry, _bytes in content) != lock.digest:
        message = f"the files of {name} {lock.version} are not those that the pack is locked to"
        raise IntegrityError(message, place=version.folder, remedy="molthub check names what was changed")
    return content


def write_plugin(files: PluginFiles, folder: Path) -> None:
    """Write a plugin as a whole. Raises :class:`MolthubError` where something else stands in ``folder``."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MolthubError("something stands there already", place=str(folder), remedy="give a new or empty folder")
    staged = folder.absolute().with_name(f".{folder.absolute().name}.{unique_suffix()}")
    for path, (content, executable) in files.items():
        (staged / path).parent.mkdir(parents=True, exist_ok=True)
        write_new(staged / path, content, executable=executable)
    replace_folder(staged, folder.absolute())
