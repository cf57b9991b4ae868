"""Publishers' signatures, with gpg as the other side: each reads what the other makes, and bad ones are named."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pysequoia
import pytest

from molthub.errors import Problem, SignatureError
from molthub.publisher_signatures import Keyring, Release
from molthub.publisher_signatures.openpgp import sign_with_file, sign_with_gpg
from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import Tree, TreeSource, as_bytes, commit, pack, registry, skill, write_tree
from tests.registry.command import run_molthub, run_skills
from tests.signing.keys import KEY, new_key, public, secret, signed

RELEASE = Release("skill", "git", "1.2.0", f"sha256:{'ab' * 32}", 529)
NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
GPG = shutil.which("gpg")


def ring(*keys: bytes) -> Keyring:
    return Keyring((f"{number}.asc", key) for number, key in enumerate(keys))


@pytest.fixture
def gpg(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bytes]]:
    """Run gpg with a home of its own; its path is short, because its agent's socket lies in it."""
    assert GPG is not None, "these tests need GnuPG: apt-get install gpg"
    with tempfile.TemporaryDirectory(prefix="gpg") as home:
        monkeypatch.setenv("GNUPGHOME", home)

        def run(*arguments: str, given: bytes = b"") -> bytes:
            done = subprocess.run(
                ["gpg", "--batch", "--no-tty", *arguments], input=given, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr.decode()
            return done.stdout

        yield run
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": home}, check=True)


def test_the_manifest_is_canonical() -> None:
    expected = (
        '{"digest":"sha256:%s","format":"molthub.release/1","name":"git","size":529,"type":"skill","version":"1.2.0"}'
    )
    assert RELEASE.manifest().decode() == expected % ("ab" * 32)


def test_gpg_verifies_ours(gpg: Callable[..., bytes], ada: Any, tmp_path: Path) -> None:
    gpg("--import", given=public(ada))
    (tmp_path / "manifest").write_bytes(RELEASE.manifest())
    (tmp_path / "manifest.sig").write_bytes(sign_with_file(RELEASE, secret(ada), "key"))
    said = gpg("--status-fd", "1", "--verify", str(tmp_path / "manifest.sig"), str(tmp_path / "manifest"))
    assert b"VALIDSIG" in said
    assert ada.extract_certificate().fingerprint.upper().encode() in said


@pytest.mark.parametrize("kind", ["ed25519", "rsa3072"])
def test_we_verify_those_of_gpg(kind: str, gpg: Callable[..., bytes]) -> None:
    gpg("--passphrase", "", "--quick-generate-key", "Bob <bob@example.com>", kind, "sign", "never")
    signature = sign_with_gpg(RELEASE, "bob@example.com")
    keys = ring(gpg("--armor", "--export", "bob@example.com"))
    assert keys.verify(RELEASE, signature, NOW).fingerprint in keys.fingerprints


def test_gpg_says_what_it_misses(gpg: Callable[..., bytes]) -> None:
    assert gpg("--version")
    with pytest.raises(SignatureError, match="nobody"):
        sign_with_gpg(RELEASE, "nobody@example.com")


def test_a_good_signature_names_its_key_and_time(ada: Any, eve: Any) -> None:
    found = ring(public(eve), public(ada)).verify(RELEASE, sign_with_file(RELEASE, secret(ada), "key"), NOW)
    assert found.fingerprint == ada.extract_certificate().fingerprint
    assert found.signed is not None
    assert abs(found.signed - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "other",
    [
        RELEASE._replace(name="docker"),
        RELEASE._replace(version="1.2.1"),
        RELEASE._replace(kind="pack"),
        RELEASE._replace(digest=f"sha256:{'cd' * 32}"),
        RELEASE._replace(size=530),
    ],
)
def test_a_signature_counts_for_nothing_else(other: Release, ada: Any) -> None:
    with pytest.raises(SignatureError, match="did not sign this"):
        ring(public(ada)).verify(other, sign_with_file(RELEASE, secret(ada), "key"), NOW)


def test_a_strange_key_does_not_count(ada: Any, eve: Any) -> None:
    signature = sign_with_file(RELEASE, secret(eve), "key")
    with pytest.raises(SignatureError, match="none of the publisher's"):
        ring(public(ada)).verify(RELEASE, signature, NOW)
    with pytest.raises(SignatureError, match="there is none"):
        ring().verify(RELEASE, signature, NOW)


def test_a_revoked_key_does_not_count() -> None:
    key = new_key()
    cert = key.extract_certificate()
    signature = sign_with_file(RELEASE, secret(key), "key")
    revoked = pysequoia.Cert.from_bytes(bytes(cert) + bytes(cert.revoke(key.certifier())))
    with pytest.raises(SignatureError, match="revoked"):
        ring(bytes(revoked)).verify(RELEASE, signature, NOW)
    with pytest.raises(SignatureError, match="revoked"):  # the revocation may come in a file of its own
        ring(bytes(cert), bytes(revoked)).verify(RELEASE, signature, NOW)


def test_a_key_that_had_expired_when_it_was_published_does_not_count() -> None:
    key = new_key(validity_seconds=3600)
    signature = sign_with_file(RELEASE, secret(key), "key")
    assert ring(public(key)).verify(RELEASE, signature, NOW)
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(SignatureError, match="expired"):
        ring(public(key)).verify(RELEASE, signature, later)


@pytest.mark.parametrize("content", [b"", b"what is this?", b"-----BEGIN PGP SIGNATURE-----\n\n", b"\x00" * 100_000])
def test_no_signature_is_named(content: bytes, ada: Any) -> None:
    with pytest.raises(SignatureError) as error:
        ring(public(ada)).verify(RELEASE, content, NOW)
    assert "backtrace" not in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize("content", [b"", b"what is this?", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"])
def test_no_key_is_named(content: bytes) -> None:
    with pytest.raises(SignatureError, match="OpenPGP key"):
        ring(content)


def test_a_secret_key_among_the_public_ones_is_refused_and_never_shown(ada: Any) -> None:
    with pytest.raises(SignatureError, match="SECRET") as error:
        ring(secret(ada))
    assert "PRIVATE KEY" not in f"{error.value}{error.value.remedy}"


def test_what_cannot_sign_is_named(ada: Any, tmp_path: Path) -> None:
    for content in (b"", public(ada), b"what is this?"):
        with pytest.raises(SignatureError, match="cannot sign"):
            sign_with_file(RELEASE, content, str(tmp_path))


# --- the check -----------------------------------------------------------------------------------------------------


def found(tree: Tree, base: Tree | None = None) -> list[Problem]:
    result = check(TreeSource(tree), TreeSource(base) if base is not None else None)
    return [problem for problem in result.problems if problem.id.startswith(("MH61", "MH63", "MH014"))]


ONE = registry(skill("git", "1.1.0"), locked=False)
STRICT = registry(skill("git", "1.1.0"), locked=False, policy={"requireSignatures": True})


def test_the_check_takes_a_good_signature(ada: Any) -> None:
    assert found(signed({**ONE, KEY: public(ada)}, ada)) == []


def test_the_check_names_a_bad_signature(ada: Any, eve: Any) -> None:
    for tree, why in (
        (signed({**ONE, KEY: public(ada)}, eve), "none of the publisher's"),
        (signed(ONE, ada), "there is none"),
        (signed({**ONE, KEY: public(ada)}, ada, name="git", size=1), "did not sign this"),
        (signed({**ONE, KEY: b"no key"}, ada), "no OpenPGP key"),
    ):
        problems = found(tree)
        assert any(why in problem.message for problem in problems), problems
        assert {problem.severity for problem in problems} == {"error"}


def test_a_signature_of_a_version_that_is_not_there_is_named(ada: Any) -> None:
    tree = signed({**ONE, KEY: public(ada)}, ada)
    tree["skills/git/9.9.9.sig"] = tree["skills/git/1.1.0.sig"]
    assert [(problem.file, problem.severity) for problem in found(tree)] == [("skills/git/9.9.9.sig", "warning")]


def test_a_pack_is_signed_in_the_same_way(ada: Any) -> None:
    tree = registry(skill("git"), pack("dev", {"skills": ["git"]}))
    from molthub.registry.catalog import read_catalog

    source = TreeSource(tree)
    made = read_catalog(source).packs["dev"].versions[1]
    assert made.record is not None
    release = Release("pack", "dev", "1", made.record.digest, source.files["packs/dev/1.yaml"].size)
    tree |= {KEY: public(ada), "packs/dev/1.sig": sign_with_file(release, secret(ada), "key")}
    assert found(tree) == []
    tree["packs/dev/1.sig"] = sign_with_file(release._replace(version="2"), secret(ada), "key")
    assert ["did not sign this" in problem.message for problem in found(tree)] == [True]


def test_the_policy_demands_signatures(ada: Any) -> None:
    two = registry(skill("git", "1.1.0", "1.2.0"), locked=False, policy={"requireSignatures": True})
    assert [(problem.id, problem.file) for problem in found(two)] == [
        ("MH631", "skills/git/1.1.0.sig"),
        ("MH631", "skills/git/1.2.0.sig"),
    ]
    both = signed(signed({**two, KEY: public(ada)}, ada), ada, number="1.2.0")
    assert found(both) == []
    assert found(ONE) == []


def test_the_policy_may_begin_at_a_time_but_what_is_new_is_signed_whatever_its_date(ada: Any) -> None:
    policy = {"requireSignatures": True, "signedSince": "2030-01-01T00:00:00Z"}
    one = registry(skill("git", "1.1.0"), locked=False, policy=policy)
    two = registry(skill("git", "1.1.0", "1.2.0"), locked=False, policy=policy)
    assert found(two) == []
    assert [(problem.id, problem.file) for problem in found(two, one)] == [("MH631", "skills/git/1.2.0.sig")]
    assert found(signed({**two, KEY: public(ada)}, ada, number="1.2.0"), {**one, KEY: public(ada)}) == []


def test_a_new_version_must_be_signed_by_a_key_that_is_good_today() -> None:
    """Who stole a key that has expired since can write any date into project.yaml."""
    gone = new_key()
    two = registry(skill("git", "1.1.0", "1.2.0"), locked=False)
    tree = signed({**two, KEY: public(gone)}, gone, number="1.2.0")
    cert = gone.extract_certificate()
    ended = cert.set_expiration(datetime.now(UTC) - timedelta(seconds=20), gone.certifier())
    tree[KEY] = pysequoia.armor(bytes(ended), pysequoia.ArmorKind.PublicKey).encode()
    assert [problem.id for problem in found(tree, {**ONE, KEY: tree[KEY]})] == ["MH633"]


def test_a_change_is_judged_by_the_keys_that_it_meets(ada: Any, eve: Any) -> None:
    """Who swaps the publisher's key and signs with the new one has shown nothing."""
    two = registry(skill("git", "1.1.0", "1.2.0"), locked=False)
    head = signed({**two, KEY: public(eve)}, eve, number="1.2.0")
    assert found(head) == []
    problems = found(head, {**ONE, KEY: public(ada)})
    assert ["none of the publisher's" in problem.message for problem in problems] == [True]


def test_a_scope_s_publisher_signs(ada: Any, eve: Any) -> None:
    tree = registry(skill("@acme/deploy", "1.0.0"), locked=False)
    assert found(signed({**tree, KEY: public(ada)}, ada, "@acme/deploy", "1.0.0")) == []
    problems = found(signed({**tree, KEY: public(ada)}, eve, "@acme/deploy", "1.0.0"))
    assert [problem.file for problem in problems] == ["skills/@acme/deploy/1.0.0.sig"]


def test_either_owner_may_sign(ada: Any, eve: Any) -> None:
    tree = registry(skill("git", "1.1.0", project={"owners": ["acme", "other"]}), locked=False)
    tree |= {"publishers/other/publisher.yaml": "name: other\n", "publishers/other/eve.asc": public(eve)}
    assert found(signed({**tree, KEY: public(ada)}, eve)) == []


def test_what_is_merged_is_not_judged_again(ada: Any, eve: Any, tmp_path: Path) -> None:
    """Only a change can be blamed: a bad signature of before is told by the check without a base."""
    bad = signed({**ONE, KEY: public(ada)}, eve)
    commit(bad, tmp_path)
    commit({**bad, "registry.yaml": as_bytes(bad["registry.yaml"]) + b"description: Skills.\n"}, tmp_path)
    head, base = open_source(tmp_path), open_source(tmp_path, rev="HEAD~1")
    assert [problem.id for problem in check(head, base).problems if problem.id.startswith("MH63")] == []
    assert [problem.id for problem in check(head).problems if problem.id.startswith("MH63")] == ["MH632"]


# --- the command ---------------------------------------------------------------------------------------------------


def test_publishing_signs_what_is_new(
    ada: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkout = write_tree({**STRICT, KEY: public(ada)}, tmp_path / "registry")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run(["git", "-C", str(checkout), *arguments], check=True)
    write_tree({"hello/SKILL.md": "---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n"}, tmp_path)
    (tmp_path / "ada.key").write_bytes(secret(ada))
    said = run_skills(capsys, "publish", "hello", "--registry", checkout, "--yes", "--sign", "ada.key")
    assert said.status == 0, said
    assert "signed: skills/hello/1.0.0.sig" in said.err
    assert "PRIVATE" not in said.out + said.err
    checked = run_molthub(capsys, "check", "--registry", checkout, "--base", "HEAD~1", "--json")
    assert checked.status == 0, "what the change brings is signed"
    whole = run_molthub(capsys, "check", "--registry", checkout, "--json")
    assert [problem["file"] for problem in whole.json["problems"] if problem["id"] == "MH631"] == [
        "skills/git/1.1.0.sig"
    ]


def test_nothing_is_published_when_it_cannot_be_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkout = write_tree(ONE, tmp_path / "registry")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run(["git", "-C", str(checkout), *arguments], check=True)
    write_tree({"hello/SKILL.md": "---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n"}, tmp_path)
    (tmp_path / "bad.key").write_text("what is this?")
    said = run_skills(capsys, "publish", "hello", "--registry", checkout, "--yes", "--sign", "bad.key")
    assert said.status == 1
    assert "cannot sign" in said.err
    assert not (checkout / "skills/hello").exists()


# --- damage ----------------------------------------------------------------------------------------------------------


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return some bytes with one thing wrong with them."""
    at = chance.randrange(len(content))
    what = chance.randrange(3)
    if what == 0:
        return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
    if what == 1:
        return content[:at] + content[at + chance.randrange(1, 20) :]
    return content[:at] + chance.randbytes(chance.randrange(1, 9)) + content[at:]


def test_damaged_keys_and_signatures_are_refused_and_nothing_else_happens(ada: Any) -> None:
    """Whatever somebody commits as a key or a signature, the only error is ours; and it never counts as another's."""
    chance = random.Random(1)  # noqa: S311 (the same damage each time)
    good = sign_with_file(RELEASE, secret(ada), "key")
    raw = bytes(ada.extract_certificate())
    keys = ring(public(ada))
    for _ in range(150):
        with contextlib.suppress(SignatureError):
            assert keys.verify(RELEASE, damaged(good, chance), NOW).fingerprint in keys.fingerprints
    for _ in range(150):
        with contextlib.suppress(SignatureError):
            ring(damaged(raw, chance)).verify(RELEASE, good, NOW)
