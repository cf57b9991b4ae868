"""The MCP servers that one pack version brings by itself, as a bot with nothing else would start them. Pure."""

from __future__ import annotations

from contextlib import suppress

from molthub.model import Json, PackVersion
from molthub.registry.catalog import Catalog
from molthub.registry.resolving.attachments import Attached, above, chain_of, layers_of
from molthub.registry.resolving.layers import ConflictError, Stack, env_words, settle
from molthub.registry.resolving.mcp_servers import merge_servers, with_environment


def pack_servers(catalog: Catalog, version: PackVersion) -> dict[str, dict[str, Json]]:
    """Return each server's ``command`` with ``args`` and ``env``, or its ``url`` with ``transport`` and ``headers``.

    Bases are included, and the pack's variables. Placeholders of secrets stay. A server that does not settle (the
    check names why) is left out.
    """
    chain, _problems = chain_of(catalog, version, version.file)
    pack = Attached(version, chain)
    stack = Stack(tuple(link.layer for link in layers_of((pack,))), (), above((pack,)))
    servers, _problems = merge_servers(stack, {})
    env: dict[str, str] = {}
    for key, words in sorted(env_words(stack).items()):
        with suppress(ConflictError):
            value = settle(f"env/{key}", words, stack.over).value
            env |= {key: value} if value is not None else {}
    found = with_environment(servers, env, (pack,))
    return {name: value for name, value in found.items() if "command" in value or "url" in value}
