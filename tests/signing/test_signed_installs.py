"""Signatures when skills are installed: what is refused, by which id, and that nothing is changed then."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from molthub.client.cache import Store
from molthub.client.fetch import open_fetcher
from molthub.client.skill_manager import SkillManager
from molthub.errors import (
    ExpiredKeyError,
    ForeignSignerError,
    FormatError,
    MolthubError,
    OtherContentError,
    RevokedKeyError,
    SignatureError,
    SignerChangedError,
    UnsignedError,
)
from molthub.index.build import build_index
from molthub.mirror.copy import Wish, mirror
from molthub.mirror.folder import MirrorFolder
from molthub.mirror.selection import Selection
from molthub.registry.catalog import read_catalog
from tests.builders import Tree, TreeSource, pack, registry, skill
from tests.registry.command import run_skills
from tests.signing.keys import KEY, SSH_KEY, fingerprint, new_key, public, signed, ssh_key, ssh_public
from tests.signing.remade import Edit, Opened, changed, write


def built(tree: Tree) -> dict[str, bytes]:
    source = TreeSource(tree)
    return dict(build_index(read_catalog(source), source).files)


def tree_of(key: Any) -> Tree:
    """Return skills of acme, one in its scope and one without a signature, and a pack that is signed as well."""
    tree: Tree = {
        **registry(
            skill("git", "1.1.0", "1.2.0"),
            skill("@acme/deploy"),
            skill("plain"),
            pack("dev", {"skills": [{"name": "git", "version": "1.1.0"}]}),
        ),
        "publishers/acme/publisher.yaml": "name: acme\nscopes: [acme]\n",
        KEY: public(key),
    }
    for name, number in (("git", "1.1.0"), ("git", "1.2.0"), ("@acme/deploy", "1.0.0"), ("pack/dev", "1")):
        tree = signed(tree, key, name, number)
    return tree


class Place:
    """A project, and an index of its own that can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.skills = folder / ".skills"
        self.skills.mkdir(parents=True)
        self.count = 0

    def open(self, files: Mapping[str, bytes], **wishes: Any) -> SkillManager:
        site = self.folder / "site"
        if site.exists():
            site.rename(self.folder / f"site-{self.count}")
            self.count += 1
        write(files, site)
        return SkillManager(str(site), self.skills, store=Store(self.folder / "store"), **wishes)

    def install(self, files: Mapping[str, bytes], *names: str, **wishes: Any) -> Any:
        with self.open(files, **wishes) as manager:
            return manager.install(*names)

    def standing(self) -> dict[str, bytes]:
        found = (path for path in self.skills.rglob("*") if path.is_file() and path.name != ".lock")
        return {str(path.relative_to(self.skills)): path.read_bytes() for path in found}

    def refused(self, files: Mapping[str, bytes], *names: str, **wishes: Any) -> MolthubError:
        before = self.standing()
        with pytest.raises(MolthubError) as error:
            self.install(files, *names, **wishes)
        assert self.standing() == before
        assert error.value.remedy
        return error.value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Place(tmp_path / "project")


def test_who_signed_is_noted_and_remembered(place: Place, ada: Any) -> None:
    report = place.install(built(tree_of(ada)), "git", "@acme/deploy", "plain")
    assert report.first_signers == (("acme", fingerprint(ada)),)
    signers = {step.entry.name: (step.entry.publisher, step.entry.signer) for step in report.steps}
    assert signers == {
        "git": ("acme", fingerprint(ada)),
        "@acme/deploy": ("acme", fingerprint(ada)),
        "plain": (None, None),
    }
    known = json.loads((place.skills / "signers.json").read_text())["registries"]
    (found,) = known.values()
    assert found == {"names": {"@acme/deploy": "acme", "git": "acme"}, "publishers": {"acme": [fingerprint(ada)]}}
    again = place.install(built(tree_of(ada)), "git")
    assert again.first_signers == ()
    assert [step.entry.signer for step in again.steps] == [fingerprint(ada)]


def test_an_index_without_signatures_is_as_it_was(place: Place) -> None:
    place.install(built(registry(skill("plain"), locked=False)), "plain")
    assert not (place.skills / "signers.json").exists()


def test_a_pack_is_verified_with_all_of_its_skills(place: Place, ada: Any) -> None:
    report = place.install(built(tree_of(ada)), "pack/dev")
    assert [(str(step.entry), step.entry.signer) for step in report.steps] == [("git@1.1.0", fingerprint(ada))]
    known = json.loads((place.skills / "signers.json").read_text())["registries"]
    assert next(iter(known.values()))["names"] == {"git": "acme", "pack/dev": "acme"}


def _strip(opened: Opened) -> None:
    for version in opened.skill("git")["versions"].values():
        version.pop("signature", None)


def _version_swapped(opened: Opened) -> None:
    """Show the older version's signature for the newer one."""
    found = opened.signatures("skill/git")
    found["skill/git@1.2.0"] = found["skill/git@1.1.0"]


def _name_swapped(opened: Opened) -> None:
    opened.signatures("skill/git")["skill/git@1.2.0"] = opened.signatures("skill/@acme/deploy")[
        "skill/@acme/deploy@1.0.0"
    ]


def _other_content(opened: Opened) -> None:
    opened.skill("git")["versions"]["1.2.0"] |= {
        key: opened.skill("plain")["versions"]["1.0.0"][key] for key in ("digest", "archive", "size", "unpacked")
    }


def _not_listed(opened: Opened) -> None:
    del opened.signatures("skill/git")["skill/git@1.2.0"]


def _said_to_be_another_s(opened: Opened) -> None:
    opened.skill("git")["versions"]["1.2.0"]["signature"]["signer"] = "0" * 40


def _no_keys(opened: Opened) -> None:
    opened.publishers.clear()
    opened.root.pop("publishers")


def _not_the_owner(opened: Opened) -> None:
    opened.skill("git")["owners"] = ["other"]


def _damaged(opened: Opened) -> None:
    opened.signatures("skill/git")["skill/git@1.2.0"]["signature"] = base64.b64encode(b"what is this?").decode()


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (_version_swapped, OtherContentError),
        (_name_swapped, OtherContentError),
        (_other_content, OtherContentError),
        (_not_listed, SignatureError),
        (_said_to_be_another_s, SignatureError),
        (_no_keys, ForeignSignerError),
        (_not_the_owner, ForeignSignerError),
        (_damaged, SignatureError),
    ],
)
def test_a_signature_that_does_not_count_is_refused(edit: Edit, kind: type[Exception], place: Place, ada: Any) -> None:
    error = place.refused(changed(built(tree_of(ada)), edit), "git", "plain")
    assert type(error) is kind
    assert "git@1.2.0" in str(error)


def test_a_scope_s_skill_is_its_publisher_s_alone(place: Place, ada: Any) -> None:
    def edit(opened: Opened) -> None:
        opened.keys["acme"]["scopes"] = []

    assert isinstance(place.refused(changed(built(tree_of(ada)), edit), "@acme/deploy"), ForeignSignerError)


def test_what_is_not_signed_is_refused_where_that_is_demanded(
    place: Place, ada: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = built(tree_of(ada))
    assert isinstance(place.refused(files, "plain", require_signatures=True), UnsignedError)
    place.install(files, "git", require_signatures=True)
    (place.skills / "config.json").write_text('{"requireSignatures": true}')
    assert isinstance(place.refused(files, "plain"), UnsignedError)
    monkeypatch.chdir(place.folder)
    said = run_skills(capsys, "install", "plain", "--registry", place.folder / "site", "--json")
    assert said.status == 1
    assert said.json["error"]["id"] == "MH631"
    (place.skills / "config.json").write_text('{"requireSignatures": "yes"}')
    assert isinstance(place.refused(files, "plain"), FormatError)


def test_the_registry_s_own_policy_counts_for_its_clients(place: Place, ada: Any) -> None:
    files = built(tree_of(ada))

    def everything(opened: Opened) -> None:
        opened.root["requireSignatures"] = True

    def since(when: str) -> Edit:
        return lambda opened: opened.root.update(requireSignatures=True, signedSince=when)

    assert isinstance(place.refused(changed(files, everything), "plain"), UnsignedError)
    assert isinstance(place.refused(changed(files, since("2020-01-01T00:00:00Z")), "plain"), UnsignedError)
    place.install(changed(files, since("2040-01-01T00:00:00Z")), "plain")


def test_a_revoked_key_is_refused_though_the_index_still_offers_what_it_signed(place: Place, ada: Any) -> None:
    def edit(opened: Opened) -> None:
        opened.keys["acme"]["revoked"] = [{"fingerprint": fingerprint(ada).upper(), "reason": "Stolen."}]

    error = place.refused(changed(built(tree_of(ada)), edit), "git")
    assert isinstance(error, RevokedKeyError)
    assert "Stolen." in str(error)


def test_a_key_that_had_expired_when_it_was_published_is_refused(place: Place) -> None:
    key = new_key(validity_seconds=3600)

    def edit(opened: Opened) -> None:
        opened.signatures("skill/git")["skill/git@1.2.0"]["published"] = "2040-01-01T00:00:00Z"

    assert isinstance(place.refused(changed(built(tree_of(key)), edit), "git"), ExpiredKeyError)


def test_another_key_of_the_publisher_s_needs_to_be_accepted(place: Place, ada: Any, eve: Any) -> None:
    place.install(built(tree_of(ada)), "git@1.1.0")
    files = built(tree_of(eve))
    error = place.refused(files, "git")
    assert isinstance(error, SignerChangedError)
    assert f"--accept-signer {fingerprint(eve)}" in error.remedy
    assert isinstance(place.refused(files, "@acme/deploy"), SignerChangedError)  # new here, but acme's key is known
    report = place.install(files, "git", accept_signers=[fingerprint(eve)])
    assert [step.entry.signer for step in report.steps] == [fingerprint(eve)]
    place.install(files, "@acme/deploy")


def test_another_publisher_of_a_known_skill_needs_to_be_accepted(place: Place, ada: Any, eve: Any) -> None:
    place.install(built(tree_of(ada)), "git@1.1.0")
    tree: Tree = {
        **registry(skill("git", "1.1.0", "1.2.0", project={"owners": ["other"]}), locked=False),
        "publishers/other/publisher.yaml": "name: other\n",
        "publishers/other/eve.asc": public(eve),
    }
    files = built(signed(tree, eve, "git", "1.2.0"))
    error = place.refused(files, "git@1.2.0")
    assert isinstance(error, SignerChangedError)
    assert "acme signed it before" in str(error)
    place.install(files, "git@1.2.0", accept_signers=[fingerprint(eve)])


def test_a_skill_that_was_signed_is_not_taken_without_a_signature(place: Place, ada: Any) -> None:
    files = built(tree_of(ada))
    place.install(files, "git@1.1.0")
    stripped = changed(files, _strip)
    error = place.refused(stripped, "git@1.2.0")
    assert isinstance(error, UnsignedError)
    place.install(stripped, "git@1.2.0", accept_signers=["none"])


def test_updating_is_judged_as_installing_is(place: Place, ada: Any, eve: Any) -> None:
    place.install(built(tree_of(ada)), "git@^1.0")
    newer: Tree = {**registry(skill("git", "1.1.0", "1.2.0", "1.3.0"), locked=False), KEY: public(eve)}
    before = place.standing()
    with place.open(built(signed(newer, eve, "git", "1.3.0"))) as manager, pytest.raises(SignerChangedError):
        manager.update()
    assert place.standing() == before


def test_all_refused_versions_are_named(place: Place, ada: Any) -> None:
    def edit(opened: Opened) -> None:
        _version_swapped(opened)
        opened.keys["acme"]["scopes"] = []

    error = place.refused(changed(built(tree_of(ada)), edit), "git", "@acme/deploy")
    assert [problem.id for problem in error.problems] == ["MH632", "MH635"]


def test_a_pack_locked_to_other_versions_than_its_publisher_signed_is_refused(place: Place, ada: Any) -> None:
    files = built(tree_of(ada))

    def other_version(opened: Opened) -> None:
        release = opened.pack("dev")["versions"]["1"]
        lists = opened.signatures("pack/dev@1")
        lists |= opened.signatures("skill/git")
        file = release["skills"]["git"]["signature"]["file"]
        new = opened.skill("git")["versions"]["1.2.0"]
        release["skills"]["git"] = {
            "version": "1.2.0",
            **{key: new[key] for key in ("digest", "archive", "size", "unpacked", "signature")},
        }
        release["skills"]["git"]["signature"] = {**new["signature"], "file": file}

    def one_less(opened: Opened) -> None:
        opened.pack("dev")["versions"]["1"]["skills"].clear()

    for edit in (other_version, one_less):
        error = place.refused(changed(files, edit), "pack/dev", "plain")
        assert isinstance(error, OtherContentError)
        assert "git" in str(error)


def test_ssh_keys_are_pinned_as_others_are(place: Place, tmp_path: Path) -> None:
    key, other = ssh_key(tmp_path), ssh_key(tmp_path, name="other")
    tree = registry(skill("git", "1.1.0", "1.2.0"), locked=False)
    report = place.install(built(signed({**tree, SSH_KEY: ssh_public(key)}, key)), "git@1.1.0")
    assert report.first_signers[0][1].startswith("SHA256:")
    files = built(signed({**tree, SSH_KEY: ssh_public(other)}, other, "git", "1.2.0"))
    assert isinstance(place.refused(files, "git@1.2.0"), SignerChangedError)


def test_a_damaged_file_of_signers_is_not_passed_over(place: Place, ada: Any) -> None:
    files = built(tree_of(ada))
    place.install(files, "git@1.1.0")
    for content in ("{", "[]", '{"format": "molthub.signers/1", "registries": {"x": {"publishers": {"acme": ["x"]}}}}'):
        (place.skills / "signers.json").write_text(content)
        assert isinstance(place.refused(files, "git"), FormatError)


def test_known_signers_of_home_count_in_every_project(place: Place, ada: Any, eve: Any, tmp_path: Path) -> None:
    place.install(built(tree_of(ada)), "git")
    home = tmp_path / "home/.skills"
    home.mkdir(parents=True)
    (place.skills / "signers.json").rename(home / "signers.json")
    assert isinstance(place.refused(built(tree_of(eve)), "@acme/deploy"), SignerChangedError)


WITHOUT_LIBRARY = """
import sys
site, skills, store, required = sys.argv[1:]
sys.modules["pysequoia"] = None
from molthub.client.skill_manager import SkillManager
from molthub.client.cache import Store
from pathlib import Path
with SkillManager(site, skills, store=Store(Path(store)), require_signatures=bool(required)) as manager:
    report = manager.install("git")
    print([problem.message for problem in report.warnings], [step.entry.signer for step in report.steps])
"""


def test_without_the_library_nothing_is_said_to_be_verified(place: Place, ada: Any) -> None:
    with place.open(built(tree_of(ada))) as manager:
        site = manager.index.where

    def run(word: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_LIBRARY, site, str(place.skills), str(place.folder / "store"), word]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = run("required")
    assert refused.returncode == 1
    assert "MissingExtraError" in refused.stderr
    done = run("")
    assert "1 signatures were not verified" in done.stdout, done
    assert "[None]" in done.stdout
    assert not (place.skills / "signers.json").exists()


def test_a_mirror_serves_signatures_and_keys(place: Place, ada: Any, tmp_path: Path) -> None:
    with place.open(built(tree_of(ada))) as manager:
        site = manager.index.where
    for out, selection in ((tmp_path / "whole", Selection()), (tmp_path / "part", Selection(only=("pack/dev",)))):
        mirror(open_fetcher(site), MirrorFolder(out), Wish(selection))
        project = tmp_path / f"project-{out.name}"
        with SkillManager(
            str(out), project / ".skills", store=Store(tmp_path / "store"), require_signatures=True
        ) as skills:
            assert [step.entry.signer for step in skills.install("pack/dev").steps] == [fingerprint(ada)]


def test_commands_say_who_signed(
    place: Place, ada: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = built(tree_of(ada))
    place.install(files, "git", "plain")
    monkeypatch.chdir(place.folder)
    site = place.folder / "site"
    said = run_skills(capsys, "info", "git", "--registry", site)
    assert f"signed by:     acme, key {fingerprint(ada)} (verified)" in said.out
    assert run_skills(capsys, "info", "pack/dev", "--registry", site, "--json").json["signature"] == {
        "publisher": "acme",
        "signer": fingerprint(ada),
        "verified": True,
    }
    assert "signed by" not in run_skills(capsys, "info", "plain", "--registry", site).out
    listed = {entry["name"]: entry["signer"] for entry in run_skills(capsys, "list", "--json").json["skills"]}
    assert listed == {"git": fingerprint(ada), "plain": None}
    verified = run_skills(capsys, "verify")
    assert verified.status == 0, verified
    assert f"1 signed by acme, key {fingerprint(ada)}" in verified.err


def test_verify_and_info_tell_of_a_key_that_was_revoked_since(
    place: Place, ada: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(opened: Opened) -> None:
        opened.keys["acme"]["revoked"] = [{"fingerprint": fingerprint(ada), "reason": "Stolen."}]

    place.install(built(tree_of(ada)), "git")
    place.open(changed(built(tree_of(ada)), edit)).close()
    monkeypatch.chdir(place.folder)
    verified = run_skills(capsys, "verify", "--json")
    assert verified.status == 1
    assert [problem["id"] for report in verified.json["signatures"] for problem in report["problems"]] == ["MH634"]
    assert run_skills(capsys, "verify", "--offline").status == 0
    assert "DO NOT TRUST IT" in run_skills(capsys, "info", "git", "--registry", place.folder / "site").out


def test_verify_says_which_index_could_not_be_asked(
    place: Place, ada: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.install(built(tree_of(ada)), "git")
    place.open(built(registry(skill("plain"), locked=False))).close()
    monkeypatch.chdir(place.folder)
    assert run_skills(capsys, "verify").status == 0  # what the index offers no longer cannot be judged by it
    (place.folder / "site/registry.json").write_text("{")
    said = run_skills(capsys, "verify", "--json")
    assert said.status == 1
    assert [problem["id"] for report in said.json["signatures"] for problem in report["problems"]] == ["MH602"]


def test_info_tells_when_nothing_can_be_verified(place: Place, ada: Any) -> None:
    command = [sys.executable, "-c", INFO_WITHOUT_LIBRARY, "info", "git", "--registry"]
    with place.open(built(tree_of(ada))) as manager:
        site = manager.index.where
    said = subprocess.run([*command, site], capture_output=True, text=True, check=False)
    assert "(not verified: " in said.stdout, said


INFO_WITHOUT_LIBRARY = """
import sys
sys.modules["pysequoia"] = None
from molthub.cli.main import skills
skills()
"""
