"""Publishers' signatures in the index: each is verified again, and those that are good are listed.

One list holds what somebody fetches together: all versions of a skill, or a pack's version with the skills it is locked
to. So an install of a hundred skills asks for one file more. Beside the lists, which programs read, each signature is
served as it was made, next to the very bytes it is over: ``signatures/skill/git/1.2.0.json`` and ``.json.sig``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from molthub.documents import canonical, hex_of
from molthub.documents.signatures import signatures_to_json
from molthub.errors import Problem, SignatureError, UnsignedError
from molthub.index.archives import compress
from molthub.index.releases import Archived
from molthub.model import Artifact, Project, SignatureRef, SignedVersion, VersionRecord
from molthub.publisher_signatures import Release, demands
from molthub.registry.source import Source


def offers_signed(
    release: Release, project: Project, record: VersionRecord, source: Source, archived: Archived
) -> bool:
    """Judge the signature beside a version, and keep it for the lists; whether the version may be offered.

    It may not with a signature that does not count, and not without one where the registry demands it: then a problem
    says why, and it is left out of the index.
    """
    file = release.file
    try:
        if file in source.files:
            judged = archived.judge.judge(release, project.owners, source.read(file), record.published)
            archived.signed[release.key] = judged
            archived.signed_manifests[release.key] = release.manifest()
        elif demands(archived.judge.demand, record.published):
            raise UnsignedError("it is not signed, and this registry's policy demands it", remedy=SIGN)
    except SignatureError as error:
        shown = f"{'pack/' if release.kind == 'pack' else ''}{release.name} {release.version}"
        message = f"{shown} is left out of the index: {_told(error)}"
        archived.problems.append(Problem(error.problem_id or "MH616", message, error.remedy, file=file))
        return False
    return True


def _told(error: SignatureError) -> str:
    if isinstance(error, UnsignedError):
        return error.message
    return f"its signature does not count: {f'{error.place}: ' if error.place else ''}{error.message}"


SIGN = "sign it: skills publish --sign KEY for what is new, or see docs/SIGNING.md for what is published already"


def list_of_signatures(of: str, keys: Iterable[str], archived: Archived) -> str:
    """Write the list of the signatures of these versions, and return its hex name; empty where none is signed.

    ``of`` is the skill or the pack's version whose list it is; it makes lists different that hold the same.
    """
    listed = {key: found for key in keys if (found := archived.signed.get(key)) is not None}
    if not listed:
        return ""
    content = compress(canonical(signatures_to_json(listed, of)))
    name = hex_of(content)
    archived.signatures[name] = content
    return name


def with_signature(artifact: Artifact, key: str, name: str, archived: Archived) -> Artifact:
    """Return how to fetch a version, and in which list, called ``name``, its signature is found."""
    found = archived.signed.get(key)
    if found is None:
        return artifact
    return replace(artifact, signature=SignatureRef(found.publisher, found.signer, name))


def signature_files(archived: Archived, signed: Mapping[str, SignedVersion]) -> dict[str, bytes]:
    """Return the lists of signatures, and each signature beside the bytes that it is over."""
    files: dict[str, bytes] = {f"signatures/{name}.json.gz": content for name, content in archived.signatures.items()}
    for key, found in signed.items():
        name, _, version = key.rpartition("@")
        path = f"signatures/{name}/{version}.json"
        files[path] = archived.signed_manifests[key]
        files[f"{path}.sig"] = found.signature
    return files
