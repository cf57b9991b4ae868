"""Model signatures (OpenSSF), made by the reference library, without the network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from model_signing import signing

from molthub.index.build import build_index
from molthub.model_signature import FILE, judge_model_signature, read_claim
from molthub.registry.catalog import read_catalog
from molthub.registry.check import check
from tests.builders import Tree, TreeSource, as_bytes, registry, skill
from tests.registry.command import run_skills
from tests.signing.remade import write

SKILL: Mapping[str, bytes] = {
    "SKILL.md": b"---\nname: git\ndescription: Commits.\n---\nCommit.\n",
    "scripts/run.sh": b"#!/bin/sh\n",
}


class Signer:
    """A key, and a certificate for it that a root of its own vouches for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = certificate("Example root", root_key, "Example root", root_key, is_root=True)
        self.certificate = certificate("Example agent signing", self.key, "Example root", root_key, is_root=False)
        private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "key.pem").write_bytes(self.key.private_bytes(serialization.Encoding.PEM, *private))
        for name, found in (("root.pem", self.root), ("signing.pem", self.certificate)):
            (folder / name).write_bytes(found.public_bytes(serialization.Encoding.PEM))

    @property
    def public(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)

    @property
    def root_pem(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def sign(self, files: Mapping[str, bytes], *, by_certificate: bool = False) -> dict[str, bytes]:
        """Return the files with their signature beside them."""
        folder = self.folder / f"signed-{len(list(self.folder.iterdir()))}"
        write(files, folder)
        config: Any = signing.Config()  # type: ignore[no-untyped-call] # the library types only some of it
        if by_certificate:
            config.use_certificate_signer(
                private_key=self.folder / "key.pem",
                signing_certificate=self.folder / "signing.pem",
                certificate_chain=[self.folder / "root.pem"],
            )
        else:
            config.use_elliptic_key_signer(private_key=self.folder / "key.pem")
        config.sign(folder, folder / FILE)
        return {**files, FILE: (folder / FILE).read_bytes()}


def certificate(subject: str, key: Any, issuer: str, issuer_key: Any, *, is_root: bool) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_root, crl_sign=is_root, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2 if is_root else 1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Return who signs."""
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Return somebody else."""
    return Signer(tmp_path_factory.mktemp("other"))


def test_a_signature_by_a_known_key_is_verified(signer: Signer, other: Signer) -> None:
    found = judge_model_signature(signer.sign(SKILL), {"acme/other.pem": other.public, "acme/key.pem": signer.public})
    assert found is not None
    assert (found.state, found.by, found.uncovered) == ("verified", "acme/key.pem", ())
    assert found.signer.startswith("key ")


def test_a_signature_by_a_certificate_of_a_known_root_is_verified(signer: Signer) -> None:
    found = judge_model_signature(signer.sign(SKILL, by_certificate=True), {"acme/root.pem": signer.root_pem})
    assert found is not None
    assert (found.state, found.signer) == ("verified", "CN=Example agent signing")


def test_what_publishing_adds_is_told_apart_from_what_somebody_else_adds(signer: Signer) -> None:
    anchors = {"acme/key.pem": signer.public}
    found = judge_model_signature({**signer.sign(SKILL), "skill.yaml": b"name: git\n"}, anchors)
    assert found is not None
    assert (found.state, found.uncovered) == ("verified", ())
    found = judge_model_signature({**signer.sign(SKILL), "scripts/more.sh": b""}, anchors)
    assert found is not None
    assert found.uncovered == ("scripts/more.sh",)
    assert "not covering scripts/more.sh" in found.shown


@pytest.mark.parametrize("by_certificate", [False, True])
def test_changed_files_are_refused(by_certificate: bool, signer: Signer) -> None:
    files = signer.sign(SKILL, by_certificate=by_certificate)
    anchors = {"acme/key.pem": signer.public, "acme/root.pem": signer.root_pem}
    for spoiled in ({**files, "SKILL.md": b"changed"}, {path: files[path] for path in ("SKILL.md", FILE)}):
        found = judge_model_signature(spoiled, anchors)
        assert found is not None
        assert found.state == "refused"
        assert ("SKILL.md differs" in found.why) == ("scripts/run.sh" in spoiled)


def test_a_list_that_was_changed_is_refused(signer: Signer) -> None:
    files = signer.sign(SKILL)
    bundle = json.loads(files[FILE])
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    statement["subject"][0]["name"] = "other"
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    found = judge_model_signature({**files, FILE: json.dumps(bundle).encode()}, {"acme/key.pem": signer.public})
    assert found is not None
    assert found.state == "refused"


def test_nobody_s_key_verifies_nothing(signer: Signer, other: Signer) -> None:
    for anchors in ({}, {"acme/key.pem": other.public}):
        found = judge_model_signature(signer.sign(SKILL), anchors)
        assert found is not None
        assert found.state == "unverified"
    certified = signer.sign(SKILL, by_certificate=True)
    found = judge_model_signature(certified, {"acme/key.pem": signer.public})
    assert found is not None
    assert (found.state, found.signer) == ("unverified", "CN=Example agent signing")
    found = judge_model_signature(certified, {"acme/root.pem": other.root_pem})
    assert found is not None
    assert found.state == "unverified"


def test_a_keyless_signature_is_read_and_not_verified(signer: Signer) -> None:
    """Its bundle holds one certificate, whose alternative name is the identity."""
    bundle = json.loads(signer.sign(SKILL, by_certificate=True)[FILE])
    chain = bundle["verificationMaterial"].pop("x509CertificateChain")
    bundle["verificationMaterial"]["certificate"] = chain["certificates"][0]
    found = judge_model_signature({**SKILL, FILE: json.dumps(bundle).encode()}, {"acme/root.pem": signer.root_pem})
    assert found is not None
    assert found.state == "unverified"
    assert "network" in found.why


def test_no_signature_and_no_sense_are_told_apart(signer: Signer) -> None:
    assert judge_model_signature(SKILL, {}) is None
    for content in (b"", b"{}", b"[]", b'{"dsseEnvelope": {"payload": "AAAA"}}', b"\xff", b"[" * 100_000):
        found = judge_model_signature({**SKILL, FILE: content}, {"acme/key.pem": signer.public})
        assert found is not None
        assert found.state == "refused"


def test_a_list_without_the_skill_itself_or_with_files_elsewhere_is_refused(signer: Signer) -> None:
    anchors = {"acme/key.pem": signer.public}
    found = judge_model_signature({**SKILL, **signer.sign({"scripts/run.sh": b"#!/bin/sh\n"})}, anchors)
    assert found is not None
    assert found.why == "it does not cover SKILL.md"
    bundle = json.loads(signer.sign(SKILL)[FILE])
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    statement["predicate"]["resources"][1]["name"] = "../../etc/passwd"
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    found = judge_model_signature({**SKILL, FILE: json.dumps(bundle).encode()}, anchors)
    assert found is not None
    assert "../../etc/passwd" in found.why


def test_the_claim_says_which_files_are_signed(signer: Signer) -> None:
    claim = read_claim(signer.sign(SKILL)[FILE])
    assert (claim.kind, claim.files) == ("key", frozenset(SKILL))


def tree_of(signer: Signer, *, anchor: bytes | None) -> Tree:
    """Return a registry with a skill that was signed as it is published."""
    tree = registry(skill("git", "1.0.0"), locked=False)
    folder = "skills/git/1.0.0/"
    own = {path.removeprefix(folder): as_bytes(content) for path, content in tree.items() if path.startswith(folder)}
    brought = {FILE: signer.sign({path: content for path, content in own.items() if path != "skill.yaml"})[FILE]}
    rebuilt: Tree = registry(skill("git", "1.0.0", files=brought), locked=False)
    return {**rebuilt, **({"publishers/acme/key.pem": anchor} if anchor is not None else {})}


def test_the_check_tells_of_what_is_not_verified(signer: Signer, other: Signer) -> None:
    for anchor, ids in ((signer.public, []), (None, ["MH642"]), (other.public, ["MH642"])):
        problems = check(TreeSource(tree_of(signer, anchor=anchor))).problems
        assert [problem.id for problem in problems if problem.id.startswith("MH64")] == ids
        assert all(problem.severity == "warning" for problem in problems if problem.id.startswith("MH64"))


def test_verify_and_info_show_who_signed(
    signer: Signer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = TreeSource(tree_of(signer, anchor=signer.public))
    site = write(build_index(read_catalog(source), source).files, tmp_path / "site")
    (tmp_path / "project/.skills").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("MOLTHUB_REGISTRY", str(site))
    assert "(verified by acme/key.pem)" in run_skills(capsys, "info", "git").out
    assert run_skills(capsys, "install", "git").status == 0
    said = run_skills(capsys, "verify", "--json").json["skills"][0]["modelSignature"]
    assert (said["state"], said["by"]) == ("verified", "acme/key.pem")
    (tmp_path / "project/.skills/git/1.0.0/SKILL.md").write_text("changed")
    assert "NOT GOOD" in run_skills(capsys, "verify").err
