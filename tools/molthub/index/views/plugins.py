"""Packs as plugins for Claude Code (https://code.claude.com/docs/en/plugin-marketplaces), installable from plain files.

    .claude-plugin/marketplace.json              the marketplace: the newest version of every pack
    npm/<registry>.<pack>/index.html             the pack as npm's registry would describe it, in JSON
    npm/<registry>.<pack>/<version>.tgz          the plugin

Of the sources that a marketplace may name, only a package of an npm registry needs no git server: the program runs
``npm install`` with this index as the registry, and npm checks the SHA-512 that the description states. Two registries
may have a pack of one name and npm's folder is shared, so the package's name has the registry's before it. What npm
unpacks is an Agent Plugin as well. All of it needs to know where the index is published.
"""

from __future__ import annotations

import io
import tarfile
from base64 import b64encode
from hashlib import sha512

from molthub.index.address import base_url
from molthub.index.archives import compress
from molthub.index.plugins.agent_plugin import agent_plugin_files, as_text
from molthub.index.plugins.claude_plugin import claude_plugin_files
from molthub.index.plugins.plugin import Plugin, PluginFiles
from molthub.index.releases import Archived, latest_pack
from molthub.index.views import Files, as_json
from molthub.model import Json, PackEntry, Registry

NPM = "npm"
MARKETPLACE = ".claude-plugin/marketplace.json"


def pack_plugin(registry: Registry, archived: Archived, pack: PackEntry) -> Plugin | None:
    """Return the newest version of a pack as a plugin; None where there is none."""
    number = latest_pack(pack)
    if number is None:
        return None
    release = pack.releases[number]
    return Plugin(
        name=pack.name,
        number=number,
        title=pack.display_name or pack.name,
        description=pack.description,
        owner=", ".join(pack.owners),
        digest=release.artifact.digest,
        homepage=f"{base_url(registry)}packs/{pack.name}/" if registry.url else "",
        skills={name: archived.contents[name, locked.version] for name, locked in release.skills.items()},
        servers=archived.servers.get(pack.name, {}),
    )


def plugin_package(registry: Registry, archived: Archived, pack: PackEntry) -> Files:
    """Return one pack as a package of an npm registry."""
    plugin = pack_plugin(registry, archived, pack) if registry.url else None
    if plugin is None:
        return {}
    said = {"name": package_name(registry, pack), "version": plugin.version, "description": plugin.description}
    packed = _packed(
        claude_plugin_files(plugin) | agent_plugin_files(plugin) | {"package.json": (as_text(said), False)}
    )
    folder = f"{NPM}/{said['name']}"
    integrity = f"sha512-{b64encode(sha512(packed).digest()).decode()}"
    dist = {"tarball": f"{base_url(registry)}{folder}/{plugin.version}.tgz", "integrity": integrity}
    description = {
        "name": said["name"],
        "dist-tags": {"latest": plugin.version},
        "versions": {plugin.version: {**said, "dist": dist}},
    }
    return {f"{folder}/index.html": as_json(description), f"{folder}/{plugin.version}.tgz": packed}


def marketplace(registry: Registry, archived: Archived) -> Files:
    """Return the list of all packs that can be installed as plugins."""
    if not registry.url:
        return {}
    plugins = [_listed(registry, pack, number) for pack in archived.packs.values() if (number := latest_pack(pack))]
    answer = {
        "name": registry.name,
        "owner": {"name": registry.owner},
        "metadata": {"description": f"The packs of {base_url(registry)}"},
        "plugins": plugins,
    }
    return {MARKETPLACE: as_json(answer)}


def package_name(registry: Registry, pack: PackEntry) -> str:
    """Return the name of a pack's package."""
    return f"{registry.name}.{pack.name}"


def _listed(registry: Registry, pack: PackEntry, number: int) -> Json:
    version = f"{number}.0.0"
    source = {"source": "npm", "package": package_name(registry, pack), "version": version}
    return {
        "name": pack.name,
        "description": pack.description or pack.display_name,
        "version": version,
        "author": {"name": ", ".join(pack.owners)},
        "homepage": f"{base_url(registry)}packs/{pack.name}/",
        "source": {**source, "registry": f"{base_url(registry)}{NPM}/"},
    }


def _packed(files: PluginFiles) -> bytes:
    """Return the files as npm packs them: below ``package/``. Paths may be longer than in a skill's archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, (content, executable) in sorted(files.items(), key=lambda item: item[0].encode()):
            member = tarfile.TarInfo(f"package/{path}")
            member.size, member.mode = len(content), 0o755 if executable else 0o644
            tar.addfile(member, io.BytesIO(content))
    return compress(buffer.getvalue())
