"""OpenSSF Model Signing signatures that skills bring along as ``skill.oms.sig``: read, verified where possible, shown.

Such a signature is a Sigstore bundle over an in-toto statement that lists a folder's files with their hashes. Its
signer is a key, a certificate that a root vouches for, or (keyless) an identity in Sigstore's log. Keys and roots are
taken from the publisher's ``*.pem`` files. A keyless signature is read but not verified: that needs the network. It is
never demanded, and says nothing of who may publish a name; that is what :mod:`molthub.publisher_signatures` is for.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from molthub.errors import MissingExtraError, missing_extra

FILE = "skill.oms.sig"
ANCHOR = ".pem"
_PUBLIC_KEY = b"-----BEGIN PUBLIC KEY-----"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_OWN_FILES = ("skill.yaml",)  # what publishing here writes beside the author's files

Kind = Literal["key", "certificate", "keyless"]


class Claim(NamedTuple):
    """What a signature says of itself, before anything is verified: its kind, who signed, and the files it lists."""

    kind: Kind
    signer: str
    files: frozenset[str]


class ModelSignature(NamedTuple):
    """What a signature is worth. ``by`` is the publisher's file that vouches for a verified one.

    ``state`` is ``verified``; ``refused``: it is not for these files, or damaged; ``unverified``: nobody here can tell.
    ``uncovered`` are files that it does not list.
    """

    state: Literal["verified", "refused", "unverified"]
    signer: str
    why: str = ""
    by: str = ""
    uncovered: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """One line for people."""
        rest = f", not covering {', '.join(self.uncovered)}" if self.uncovered else ""
        if self.state == "verified":
            return f"{self.signer} (verified by {self.by}{rest})"
        return f"{self.signer or 'unknown'} ({'NOT GOOD' if self.state == 'refused' else 'not verified'}: {self.why})"

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        pairs = {"state": self.state, "signer": self.signer, "why": self.why, "by": self.by}
        return {key: value for key, value in pairs.items() if value} | {"uncovered": list(self.uncovered)}


def judge_model_signature(files: Mapping[str, bytes], anchors: Mapping[str, bytes]) -> ModelSignature | None:
    """Judge the signature among a skill's ``files`` by a publisher's keys and roots; None: it brings none.

    Nothing is raised for content; without the library, or an anchor that fits, it is ``unverified``.
    """
    if FILE not in files:
        return None
    try:
        claim = read_claim(files[FILE])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return ModelSignature("refused", "", "it is no model signature")
    return _judged(files, claim, anchors)


def _judged(files: Mapping[str, bytes], claim: Claim, anchors: Mapping[str, bytes]) -> ModelSignature:
    missing = sorted(claim.files - files.keys())
    if missing or "SKILL.md" not in claim.files:
        why = f"it lists {missing[0]}, which is not there" if missing else "it does not cover SKILL.md"
        return ModelSignature("refused", claim.signer, why)
    uncovered = tuple(sorted(files.keys() - claim.files - {FILE, *_OWN_FILES}))
    if claim.kind == "keyless":
        return ModelSignature("unverified", claim.signer, "a keyless signature is verified over the network alone")
    fitting = {name: content for name, content in anchors.items() if _fits(claim, content)}
    if not fitting:
        return ModelSignature(
            "unverified", claim.signer, "none of its publisher's *.pem files is the key or root of it"
        )
    try:
        return _verified(files, claim, fitting, uncovered)
    except MissingExtraError as error:
        return ModelSignature("unverified", claim.signer, f"{error.message} ({error.remedy})")


def read_claim(content: bytes) -> Claim:
    """Read what a signature says of itself. Raises ValueError, KeyError, TypeError and their like."""
    bundle = json.loads(content)
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    resources = statement["predicate"].get("resources") if isinstance(statement.get("predicate"), dict) else None
    named = resources if resources is not None else statement["subject"]  # before 1.0 the subjects were the files
    material = bundle["verificationMaterial"]
    kind, signer = _signer(material)
    return Claim(kind, signer, frozenset(str(resource["name"]) for resource in named))


def _signer(material: Mapping[str, Any]) -> tuple[Kind, str]:
    if "publicKey" in material:
        return "key", f"key {str(material['publicKey'].get('hint') or 'of no name')[:64]}"
    chain = material.get("x509CertificateChain")
    single = chain["certificates"][0] if chain else material["certificate"]
    subject = _subject(base64.b64decode(single["rawBytes"]))
    return ("certificate", subject) if chain else ("keyless", subject)


def _subject(der: bytes) -> str:
    try:
        from cryptography import x509
    except ModuleNotFoundError:
        return "a certificate"
    certificate = x509.load_der_x509_certificate(der)
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [
            str(name.value) for name in names if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier)
        ]
        if found:
            return found[0]
    return certificate.subject.rfc4514_string() or "a certificate without a name"


def _fits(claim: Claim, anchor: bytes) -> bool:
    return (_PUBLIC_KEY if claim.kind == "key" else _CERTIFICATE) in anchor


def _verified(
    files: Mapping[str, bytes], claim: Claim, anchors: Mapping[str, bytes], uncovered: tuple[str, ...]
) -> ModelSignature:
    """Let the library verify the listed files, written into a folder of their own."""
    import tempfile

    verifying = _library()
    why = ""
    with tempfile.TemporaryDirectory(prefix="molthub-oms") as temporary:
        folder = Path(temporary, "skill")
        for path in claim.files:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path])
        signature = Path(temporary, FILE)
        signature.write_bytes(files[FILE])
        for name, content in sorted(anchors.items()):
            anchor = Path(temporary, "anchor.pem")
            anchor.write_bytes(content)
            config = verifying.Config()
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # it prints warnings there
                    if claim.kind == "key":
                        config.use_elliptic_key_verifier(public_key=anchor)
                    else:
                        config.use_certificate_verifier(certificate_chain=[anchor])
                    config.verify(folder, signature)
            except Exception as error:  # noqa: BLE001 (the library raises what its many parsers raise)
                if not _is_strange(error):
                    why = why or f"{_told(error)} ({name})"
            else:
                return ModelSignature("verified", claim.signer, by=name, uncovered=uncovered)
    if not why:
        return ModelSignature("unverified", claim.signer, _NO_ANCHOR)
    return ModelSignature("refused", claim.signer, why)


def _is_strange(error: Exception) -> bool:
    """Whether an anchor has nothing to do with a signature: another key, or a root that does not vouch for it."""
    return type(error).__name__ == "X509StoreContextError" or str(error).startswith("Key mismatch")


def _told(error: Exception) -> str:
    """Return the library's words for people: the files that differ, or its first line."""
    text = str(error)
    differing = re.findall(r"Hash mismatch for \\?'([^'\\]+)", text)  # the list is in there as Python shows it
    if differing:
        return f"{', '.join(differing)} {'differ' if len(differing) > 1 else 'differs'} from what was signed"
    return text.partition("\n")[0][:_LONGEST] or type(error).__name__


_LONGEST = 200
_NO_ANCHOR = "no *.pem file of its publisher's is its key or root"


def _library() -> Any:
    try:
        from model_signing import verifying
    except ModuleNotFoundError as error:
        raise missing_extra("oms", "verifying a model signature") from error
    return verifying
