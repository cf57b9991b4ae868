"""The publishers of one commit: whose keys signatures are judged by, and the documents that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from molthub.documents import canonical, hex_of
from molthub.documents.signatures import publisher_keys_to_json, publishers_to_json
from molthub.index.archives import compress
from molthub.model import Json, Publisher, PublisherKeys, PublisherRef, RevokedKey
from molthub.publisher_signatures import Demand
from molthub.registry.publisher_keys import SignatureJudge, read_keys
from molthub.registry.reading.gathered import Reading
from molthub.registry.reading.read_skills import read_publishers
from molthub.registry.source import Source
from molthub.registry.trees.git_source import GitSource

FOLDER = "publishers"


class Publishers(NamedTuple):
    """What ``publisher.yaml`` files say, by name, and the tree that holds them, empty where there is none."""

    tree: str
    known: Mapping[str, Publisher]

    @classmethod
    def read(cls, source: GitSource) -> Publishers:
        """Read those of a commit; what cannot be read is not there (the catalog tells of it)."""
        tree = tree_of(source)
        return cls(tree, read_publishers(Reading(source.below(tree, FOLDER))) if tree else {})

    @classmethod
    def from_json(cls, value: Json) -> Publishers:
        """Read what :meth:`to_json` wrote."""
        return cls(value["tree"], {name: _publisher(name, said) for name, said in value["known"].items()})

    def to_json(self) -> Json:
        """Return it as a state remembers it."""
        said = {
            name: {
                "scopes": found.scopes,
                "revoked": [(key.fingerprint, key.reason, key.since) for key in found.revoked],
            }
            for name, found in self.known.items()
        }
        return {"tree": self.tree, "known": said}

    def judge(self, source: GitSource, demand: Demand) -> SignatureJudge:
        """Return who judges signatures by them; their keys are read when they are asked for."""
        keys = _KeysOf(self, source)
        return SignatureJudge({name: found.scopes for name, found in self.known.items()}, keys.of, demand)

    def keys(self, source: GitSource) -> list[PublisherKeys]:
        """Return the keys of all of them."""
        keys = _KeysOf(self, source)
        return [read_keys(found, keys.part) for found in self.known.values()]


def tree_of(source: GitSource) -> str:
    """Return the id of the folder of publishers, empty where there is none."""
    return source.top_folder(FOLDER) or ""


def judge_of(publishers: Mapping[str, Publisher], source: Source, demand: Demand) -> SignatureJudge:
    """Return who judges signatures by the keys in a source that holds a whole registry."""

    def keys(name: str) -> PublisherKeys | None:
        return read_keys(publishers[name], source) if name in publishers else None

    return SignatureJudge({name: found.scopes for name, found in publishers.items()}, keys, demand)


def publisher_files(publishers: Iterable[PublisherKeys]) -> tuple[str, dict[str, bytes]]:
    """Return the hex name of the directory of publishers, empty where none has keys, and all files of their keys."""
    files: dict[str, bytes] = {}
    refs: dict[str, PublisherRef] = {}
    for keys in publishers:
        if keys.files:
            content = compress(canonical(publisher_keys_to_json(keys)))
            name = hex_of(content)
            refs[keys.name] = PublisherRef(keys.scopes, name)
            files[f"{FOLDER}/{name}.json.gz"] = content
            files |= {f"{FOLDER}/{keys.name}/{file}": read for file, read in keys.files.items()}
    if not refs:
        return "", {}
    directory = compress(canonical(publishers_to_json(refs)))
    name = hex_of(directory)
    return name, {**files, f"{FOLDER}/{name}.json.gz": directory}


def watched(name: str, owners: Iterable[str]) -> list[str]:
    """Return whose keys the signatures of a skill depend on: its owners by name, or its scope as ``@scope``."""
    return [name.partition("/")[0]] if name.startswith("@") else list(owners)


class _KeysOf:
    """The keys of publishers, read from a commit."""

    def __init__(self, publishers: Publishers, source: GitSource) -> None:
        self._publishers = publishers
        self._source = source

    @cached_property
    def part(self) -> Source:
        return self._source.below(self._publishers.tree, FOLDER)

    def of(self, name: str) -> PublisherKeys | None:
        known = self._publishers.known.get(name)
        return read_keys(known, self.part) if known is not None else None


def _publisher(name: str, said: Json) -> Publisher:
    return Publisher(name, tuple(said["scopes"]), revoked=tuple(RevokedKey(*key) for key in said["revoked"]))
