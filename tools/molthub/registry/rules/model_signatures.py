"""Model signatures that skills bring along: told where one does not verify, or where nobody here can verify it.

Nothing demands them, so neither is an error. With a base, versions that were there before are not looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from molthub.errors import Problem
from molthub.model import SkillVersion
from molthub.model_signature import ANCHOR, FILE, judge_model_signature
from molthub.registry.catalog import Catalog
from molthub.registry.publisher_keys import owners_of
from molthub.registry.source import Source


def check_model_signatures(catalog: Catalog, source: Source, before: Catalog | None) -> Iterator[Problem]:
    """Yield a warning for each new version whose model signature is not verified."""
    scopes = {publisher.name: publisher.scopes for publisher in catalog.publishers.values()}
    scopes = {publisher.name: publisher.scopes for publisher in catalog.publishers.values()}
    for skill in catalog.skills.values():
        known = before.skills[skill.name].versions if before is not None and skill.name in before.skills else {}
        for number, version in skill.versions.items():
            if FILE in version.files and number not in known:
                owners = owners_of(skill.name, skill.project.owners, scopes)
                yield from _judged(version, source, _anchors(source, owners))


def _judged(version: SkillVersion, source: Source, anchors: Mapping[str, bytes]) -> Iterator[Problem]:
    files = {path: source.read(f"{version.folder}/{path}") for path in version.files}
    found = judge_model_signature(files, anchors)
    if found is None or found.state == "verified":
        return
    place = f"{version.folder}/{FILE}"
    if found.state == "refused":
        message = f"the model signature by {found.signer or 'nobody'} is not for these files: {found.why}"
        yield Problem("MH641", message, "sign the folder as it is published, or leave the file out", "warning", place)
    else:
        message = f"the model signature by {found.signer} is not verified: {found.why}"
        remedy = "add the signer's public key or root certificate beside publisher.yaml, as a .pem file"
        yield Problem("MH642", message, remedy, "warning", place)


def _anchors(source: Source, owners: tuple[str, ...]) -> dict[str, bytes]:
    folders = tuple(f"publishers/{owner}/" for owner in owners)
    paths = (path for path in source.files if path.startswith(folders) and path.endswith(ANCHOR))
    return {path.removeprefix("publishers/"): source.read(path) for path in paths}
