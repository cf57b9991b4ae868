"""The index's format: the nouns of :mod:`molthub.model` as JSON documents, and back.

Every document is canonical JSON (RFC 8785) and names its format, ``molthub.<kind>/<major>``. Readers ignore keys they
do not know and refuse another kind or a higher major. Whatever is read here came from somebody else's server, so every
value that later becomes a file name, a number of bytes or a version is checked as it is read.

Import them from here. Each module is loaded when a name of it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from molthub.lazy_names import lazy_names

if TYPE_CHECKING:
    from molthub.documents.digests import (
        NAMES_PER_SHARD,
        canonical,
        canonical_plain,
        digest_of,
        file_entry,
        file_list,
        hex_of,
        shard_key,
        shard_key_length,
        tree_digest,
    )
    from molthub.documents.fleets import (
        bot_from_json,
        bot_to_json,
        fleet_from_json,
        fleet_to_json,
        sync_from_json,
        sync_to_json,
    )
    from molthub.documents.index import (
        index_root_from_json,
        index_root_to_json,
        shard_from_json,
        shard_to_json,
    )
    from molthub.documents.names import (
        DIGEST,
        DNS_LABEL,
        ENV_KEY,
        HEX,
        MAX_SKILL_NAME,
        MCP_NAME,
        PLACEHOLDER,
        SEMVER,
        SKILL_NAME,
    )
    from molthub.documents.needs import env_need_to_json, needs_from_json, needs_to_json
    from molthub.documents.reading import load_document
    from molthub.documents.search import (
        search_directory_from_json,
        search_directory_to_json,
        search_from_json,
        search_row_to_json,
        search_to_json,
    )
    from molthub.documents.written import readable

_MODULES = {
    "digests": "NAMES_PER_SHARD canonical canonical_plain digest_of file_entry file_list hex_of shard_key "
    "shard_key_length tree_digest",
    "fleets": "bot_from_json bot_to_json fleet_from_json fleet_to_json sync_from_json sync_to_json",
    "index": "index_root_from_json index_root_to_json shard_from_json shard_to_json",
    "names": "DIGEST DNS_LABEL ENV_KEY HEX MAX_SKILL_NAME MCP_NAME PLACEHOLDER SEMVER SKILL_NAME",
    "needs": "env_need_to_json needs_from_json needs_to_json",
    "reading": "load_document",
    "search": "search_directory_from_json search_directory_to_json search_from_json search_row_to_json search_to_json",
    "written": "readable",
}
__getattr__ = lazy_names(__name__, _MODULES)

__all__ = [
    "DIGEST",
    "DNS_LABEL",
    "ENV_KEY",
    "HEX",
    "MAX_SKILL_NAME",
    "MCP_NAME",
    "NAMES_PER_SHARD",
    "PLACEHOLDER",
    "SEMVER",
    "SKILL_NAME",
    "bot_from_json",
    "bot_to_json",
    "canonical",
    "canonical_plain",
    "digest_of",
    "env_need_to_json",
    "file_entry",
    "file_list",
    "fleet_from_json",
    "fleet_to_json",
    "hex_of",
    "index_root_from_json",
    "index_root_to_json",
    "load_document",
    "needs_from_json",
    "needs_to_json",
    "readable",
    "search_directory_from_json",
    "search_directory_to_json",
    "search_from_json",
    "search_row_to_json",
    "search_to_json",
    "shard_from_json",
    "shard_key",
    "shard_key_length",
    "shard_to_json",
    "sync_from_json",
    "sync_to_json",
    "tree_digest",
]
