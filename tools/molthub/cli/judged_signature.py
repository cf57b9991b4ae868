"""What ``skills info`` and ``verify`` say of signatures: a publisher's, and those that a skill brings along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.errors import MissingExtraError, MolthubError
from molthub.model_signature import FILE

if TYPE_CHECKING:
    from molthub.client.installed_state import OnDisk
    from molthub.client.lockfile import InstalledVersion
    from molthub.client.skill_manager import SkillManager
    from molthub.model import Artifact
    from molthub.model_signature import ModelSignature


_SMALL = 1024 * 1024
"""Up to what size an archive is fetched only to look for a model signature in it."""


class JudgedSignature(NamedTuple):
    """A signature as people and programs are told of it; ``brought`` tells of the one that a skill brings along."""

    shown: str
    as_json: dict[str, Any]
    brought: str = ""


def judged_signature(skills: SkillManager, kind: str, artifact: Artifact) -> JudgedSignature:
    """Judge the signature of a version that the index offers; nothing is raised for what it is worth."""
    ref = artifact.signature
    if ref is None:
        return JudgedSignature("", {})
    whose = f"{ref.publisher}, key {ref.signer}"
    said = {"publisher": ref.publisher, "signer": ref.signer}
    try:
        found = skills.judge(kind, artifact)
        missing = found.missing
    except MissingExtraError as error:
        missing = error
    if missing is not None:
        return JudgedSignature(f"{whose} (not verified: {missing.message})", {"signature": {**said, "verified": None}})
    for refusal in found.failed.values():
        shown = f"{whose}, BUT DO NOT TRUST IT: {refusal.message} ({refusal.problem_id})"
        problem = {"id": refusal.problem_id, "message": refusal.message}
        return JudgedSignature(shown, {"signature": {**said, "verified": False, "problem": problem}})
    return JudgedSignature(f"{whose} (verified)", {"signature": {**said, "verified": True}})


def model_signatures(skills: SkillManager, found: Iterable[OnDisk]) -> dict[InstalledVersion, ModelSignature]:
    """Judge the model signatures that installed skills bring along, by the files as they stand on the disk."""
    judged = {}
    for item in found:
        place = skills.folder.place(item.entry.name, item.entry.version)
        if item.state != "missing" and (place / FILE).is_file():
            paths = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
            files = {path.relative_to(place).as_posix(): path.read_bytes() for path in paths}
            signature = skills.model_signature(item.entry.name, files)
            if signature is not None:
                judged[item.entry] = signature
    return judged


def offered_model_signature(skills: SkillManager, artifact: Artifact) -> ModelSignature | None:
    """Judge the model signature that a version of the index brings along; None: none, or it would take long to see."""
    known = skills.store.has(artifact.digest)
    if not artifact.archive or not (known or artifact.size <= _SMALL):
        return None
    try:
        skills.index.fetch([artifact], skills.store)
        files = {entry.path: content for entry, content in skills.store.content(artifact.digest)}
    except (MolthubError, OSError):
        return None
    return skills.model_signature(artifact.name, files)
