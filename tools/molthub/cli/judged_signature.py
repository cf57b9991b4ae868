"""What ``skills info`` says of a publisher's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from molthub.errors import MissingExtraError

if TYPE_CHECKING:
    from molthub.client.skill_manager import SkillManager
    from molthub.model import Artifact


class JudgedSignature(NamedTuple):
    """A signature as people and programs are told of it."""

    shown: str
    as_json: dict[str, Any]


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
