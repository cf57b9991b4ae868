"""SSH signatures of publishers, with the real ssh-keygen as the other side."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from molthub.errors import ForeignSignerError, OtherContentError, RevokedKeyError, SignatureError
from molthub.model import RevokedKey
from molthub.publisher_signatures import NAMESPACE, Keyring, Release, Signing
from tests.builders import TreeSource, registry, skill, write_tree
from tests.registry.command import run_molthub
from tests.signing.keys import SSH_KEY, signed, ssh_key, ssh_public

RELEASE = Release("skill", "git", "1.2.0", f"sha256:{'ab' * 32}", 529)
NOW = "2026-11-20T12:00:00Z"


def ring(*keys: Path, revoked: tuple[RevokedKey, ...] = ()) -> Keyring:
    return Keyring(((f"{number}.pub", ssh_public(key)) for number, key in enumerate(keys)), revoked)


def by_ssh_keygen(key: Path, content: bytes, namespace: str = NAMESPACE, *more: str) -> bytes:
    command = ["ssh-keygen", "-Y", "sign", "-n", namespace, *more, "-f", str(key)]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a publisher's key."""
    return ssh_key(tmp_path_factory.mktemp("ada"))


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return somebody else's."""
    return ssh_key(tmp_path_factory.mktemp("eve"))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_we_verify_those_of_ssh_keygen(kind: str, tmp_path: Path) -> None:
    key = ssh_key(tmp_path, kind=kind)
    found = ring(key).verify(RELEASE, by_ssh_keygen(key, RELEASE.manifest()), NOW)
    listed = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, check=True).stdout.decode()
    assert found.fingerprint in listed
    assert found.signed is None


def test_ssh_keygen_verifies_ours(ada: Path, tmp_path: Path) -> None:
    (tmp_path / "sig").write_bytes(Signing(str(ada)).sign(RELEASE))
    (tmp_path / "allowed").write_bytes(b"acme " + ssh_public(ada))
    verify = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "acme", "-n", NAMESPACE, "-s", "sig"]
    done = subprocess.run(verify, input=RELEASE.manifest(), capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    other = subprocess.run(verify, input=b"something else", capture_output=True, check=False, cwd=tmp_path)
    assert other.returncode != 0


def test_a_key_that_the_agent_holds_signs_by_its_public_file(ada: Path, tmp_path: Path) -> None:
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, check=True, text=True).stdout
    said = dict(part.split("=", 1) for part in started.replace("\n", ";").split(";") if "=" in part)
    environment = {**os.environ, "SSH_AUTH_SOCK": said["SSH_AUTH_SOCK"], "SSH_AGENT_PID": said["SSH_AGENT_PID"]}
    try:
        subprocess.run(["ssh-add", "-q", str(ada)], check=True, env=environment)
        (tmp_path / "ada.pub").write_bytes(ssh_public(ada))
        command = ["python3", "-c", _SIGN_BY, str(tmp_path / "ada.pub")]
        made = subprocess.run(command, capture_output=True, check=True, env=environment).stdout
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, env=environment, capture_output=True)
    assert ring(ada).verify(RELEASE, made, NOW)


_SIGN_BY = f"""
import sys
from molthub.publisher_signatures import Release, Signing
sys.stdout.buffer.write(Signing(sys.argv[1]).sign(Release(*{tuple(RELEASE)!r})))
"""


@pytest.mark.parametrize(
    "other",
    [RELEASE._replace(name="docker"), RELEASE._replace(version="1.2.1"), RELEASE._replace(kind="pack")],
)
def test_a_signature_counts_for_nothing_else(other: Release, ada: Path) -> None:
    with pytest.raises(OtherContentError):
        ring(ada).verify(other, Signing(str(ada)).sign(RELEASE), NOW)


def test_a_signature_for_git_or_mail_does_not_count(ada: Path) -> None:
    for namespace in ("git", "file", "email"):
        with pytest.raises(OtherContentError, match=NAMESPACE):
            ring(ada).verify(RELEASE, by_ssh_keygen(ada, RELEASE.manifest(), namespace), NOW)


def test_either_hash_that_openssh_makes_counts(ada: Path) -> None:
    for hashed in ("sha256", "sha512"):
        made = by_ssh_keygen(ada, RELEASE.manifest(), NAMESPACE, "-O", f"hashalg={hashed}")
        assert ring(ada).verify(RELEASE, made, NOW)


def test_a_strange_key_does_not_count(ada: Path, eve: Path) -> None:
    with pytest.raises(ForeignSignerError):
        ring(ada).verify(RELEASE, Signing(str(eve)).sign(RELEASE), NOW)


def test_a_revoked_key_counts_no_more_or_for_what_was_published_before(ada: Path) -> None:
    made = Signing(str(ada)).sign(RELEASE)
    shown = ring(ada).verify(RELEASE, made, NOW).fingerprint
    with pytest.raises(RevokedKeyError, match="was stolen"):
        ring(ada, revoked=(RevokedKey(shown, "It was stolen."),)).verify(RELEASE, made, NOW)
    since = (RevokedKey(shown, "It was stolen.", "2026-11-20T12:00:00Z"),)
    assert ring(ada, revoked=since).verify(RELEASE, made, "2026-11-20T11:59:59Z")
    with pytest.raises(RevokedKeyError):
        ring(ada, revoked=since).verify(RELEASE, made, NOW)


def test_damaged_signatures_are_named(ada: Path) -> None:
    good = Signing(str(ada)).sign(RELEASE).decode().splitlines()
    for spoiled in (
        good[:1],
        good[:2],
        [good[0], "AAAA", good[-1]],
        [good[0], "!", good[-1]],
        [good[0], good[2][::-1]],
    ):
        with pytest.raises(SignatureError) as error:
            ring(ada).verify(RELEASE, "\n".join(spoiled).encode(), NOW)
        assert error.value.remedy
    with pytest.raises(SignatureError):
        ring(ada).verify(RELEASE, b"-----BEGIN SSH SIGNATURE-----\n\xff\xfe", NOW)


def test_every_changed_byte_is_noticed(ada: Path) -> None:
    import base64

    lines = Signing(str(ada)).sign(RELEASE).decode().splitlines()
    blob = base64.b64decode("".join(lines[1:-1]))
    keys = ring(ada)
    for at in range(len(blob)):
        changed = base64.b64encode(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]).decode()
        with pytest.raises(SignatureError):
            keys.verify(RELEASE, f"{lines[0]}\n{changed}\n{lines[-1]}\n".encode(), NOW)


@pytest.mark.parametrize(
    "content", [b"", b"what is this?", b"ssh-ed25519", b"ssh-ed25519 !!!", b"ssh-dss AAAAB3NzaC1kc3M="]
)
def test_no_key_is_named(content: bytes) -> None:
    with pytest.raises(SignatureError, match="no OpenSSH key"):
        Keyring([("ada.pub", content)])


def test_a_secret_key_among_the_public_ones_is_refused(ada: Path) -> None:
    with pytest.raises(SignatureError, match="SECRET"):
        Keyring([("ada.pub", ada.read_bytes())])


def test_what_cannot_sign_is_named(ada: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.pub"
    alone.write_bytes(ssh_public(ada))
    with pytest.raises(SignatureError, match="cannot sign") as error:
        Signing(str(alone)).sign(RELEASE)
    assert "agent" in error.value.remedy


def test_the_check_takes_both_kinds_beside_each_other(ada: Path, eve: Path) -> None:
    from molthub.registry.check import check

    tree = {**registry(skill("git", "1.1.0"), locked=False), SSH_KEY: ssh_public(ada)}
    assert [problem for problem in check(TreeSource(signed(tree, ada))).problems if problem.id != "MH104"] == []
    problems = check(TreeSource(signed(tree, eve))).problems
    assert [problem.id for problem in problems if problem.file == "skills/git/1.1.0.sig"] == ["MH632"]


def test_a_pack_and_its_next_version_are_signed_as_they_are_made(
    ada: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = write_tree(
        {**registry(skill("git", "1.1.0"), locked=False), SSH_KEY: ssh_public(ada)}, tmp_path / "made"
    )
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run(["git", "-C", str(checkout), *arguments], check=True)
    create = ["skill-packs", "create", "--name", "dev", "--skills", "git", "--registry", checkout, "--sign", str(ada)]
    assert run_molthub(capsys, *create).status == 0
    newer = registry(skill("git", "1.1.0", "1.2.0"), locked=False)
    write_tree({path: content for path, content in newer.items() if path.startswith("skills/")}, checkout)
    for arguments in (["add", "-A"], ["commit", "-qm", "Publish git 1.2.0"]):
        subprocess.run(["git", "-C", str(checkout), *arguments], check=True)
    assert run_molthub(capsys, "skill-packs", "update", "--registry", checkout, "--sign", str(ada)).status == 0
    assert {path.name for path in (checkout / "packs/dev").glob("*.sig")} == {"1.sig", "2.sig"}
    checked = run_molthub(capsys, "check", "--registry", checkout, "--json").json["problems"]
    assert [problem for problem in checked if problem["id"].startswith("MH63")] == []
