"""A registry that demands signatures vouches for what it imports, over all of its bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from molthub.registry.check import check
from molthub.registry.source import open_source
from tests.builders import as_yaml, commit
from tests.imports.command import ALLOWED, run_import
from tests.imports.upstream_index import company, public_files
from tests.index_fixture import serve
from tests.registry.command import run_molthub
from tests.signing.keys import SSH_KEY, ssh_key, ssh_public


def test_what_is_imported_is_signed_by_who_imports_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    place = tmp_path / "company"
    demand = {"requireSignatures": True}
    tree = company() | {SSH_KEY: ssh_public(key)}
    commit(tree, place)
    commit(tree | {"registry.yaml": as_yaml({"name": "acme", "owner": "acme", "policy": demand})}, place)
    with serve(public_files()) as server:
        assert run_import(capsys, place, "docker@1.0.0", "--from", server.url).status == 0
        unsigned = check(open_source(place), open_source(place, rev="HEAD~1")).problems
        assert any("docker 1.0.0 is not signed" in problem.message for problem in unsigned), unsigned
        subprocess.run(["git", "-C", str(place), "reset", "-q", "--hard", "HEAD~1"], check=True)
        ran = run_import(capsys, place, "pack/dev", "--from", server.url, "--sign", key)
        assert (ran.status, "signed: skills/git/1.2.0.sig" in ran.err) == (0, True), ran
        judged = check(open_source(place), open_source(place, rev="HEAD~1")).problems
        assert [problem.message for problem in judged if problem.severity == "error"] == []
        whole = [problem.message for problem in check(open_source(place)).problems if problem.severity == "error"]
        assert [message.partition(" is ")[0] for message in whole] == ["own 1.0.0"]  # it was there unsigned
        built = run_molthub(capsys, "build", "--registry", place, "--out", tmp_path / "site", *ALLOWED, "--json")
    named = {problem["message"].partition(" is ")[0] for problem in built.json["problems"]}
    assert named == {"own 1.0.0"}, built  # what is signed is verified over the fetched bytes too
    assert built.json["counts"]["packVersions"] == 2
