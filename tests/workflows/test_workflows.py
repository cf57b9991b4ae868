"""The workflows that `molthub init` writes, each run by its own steps: pull requests in, signed files out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from molthub import __version__
from molthub.index.serve import IndexServer
from tests.builders import Tree, bot, fleet, skill
from tests.index import walk
from tests.loopback import serving
from tests.registry.command import run_molthub, run_skills
from tests.review.changes import git_with
from tests.workflows.expressions import evaluate, filled, is_true
from tests.workflows.hub import Hub, Released, make_hub, release
from tests.workflows.runner import git

PEOPLE: Tree = {
    "publishers/acme/publisher.yaml": "name: acme\ngithub: [ada]\nscopes: [acme]\n",
    **git_with("1.0.0"),
}
BUMP = git_with("1.0.0", "1.0.1")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release(tmp_path_factory.mktemp("released"))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serve what is published, over HTTP; at first that is nothing."""
    with serving(IndexServer(tmp_path / "hub/pages", "127.0.0.1", 0, lambda _line: None)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture
def hub(tmp_path: Path, url: str, released: Released, capsys: pytest.CaptureFixture[str]) -> Hub:
    """Make a registry with `molthub init`, push it, and let ada be a publisher."""
    made = tmp_path / "made"
    ran = run_molthub(capsys, "init", made, "--name", "hub", "--github", "olga", "--url", url)
    assert ran.status == 0, ran
    (tmp_path / "hub").mkdir(exist_ok=True)
    hub = make_hub(tmp_path / "hub", made, released, os.environ["PATH"])
    hub.push(PEOPLE, "Let ada in")
    return hub


# --- check ---------------------------------------------------------------------------------------------------------


def test_the_check_tells_author_and_reviewers_what_a_pull_request_does(hub: Hub) -> None:
    job = hub.check(hub.open_pull(BUMP))
    assert not job.failed, job.log
    assert "Class **at-once**" in job.summary
    assert "+version: 1.0.1" in job.summary
    bad = hub.check(hub.open_pull({"skills/git/1.0.0/SKILL.md": "changed\n"}))
    assert bad.failed == "Check what it changes"
    assert "::error file=skills/git/1.0.0/SKILL.md" in bad.log
    assert "Class **refused**" in bad.summary


def test_the_check_is_made_by_the_base_and_never_by_the_pull_request(hub: Hub) -> None:
    """Neither the tool that a pull request names nor any program or file of it is used."""
    tree: Tree = {".github/requirements.txt": "evil\n", "molthub.py": "raise SystemExit(0)\n",
                  "registry.yaml": "name: mine\nowner: eve\n"}  # fmt: skip
    job = hub.check(hub.open_pull(tree, author="eve"))
    assert job.failed == "Check what it changes", job.log
    assert "MH412" in job.log


def test_nobody_publishes_for_somebody_else(hub: Hub) -> None:
    for author, pusher in (("eve", "eve"), ("ada", "eve"), ("eve", "ada")):
        job = hub.check(hub.open_pull(BUMP, author=author), pusher=pusher)
        assert "MH411" in job.log
        assert job.failed == "Check what it changes"


def test_a_pull_request_cannot_command_the_runner(hub: Hub) -> None:
    evil = "x\n::add-mask::git\n::error::Approved\n::set-output name=class::at-once"
    tree = git_with("1.0.0", "1.0.1", description=evil, files={"docs/::error::Approved.md": evil})
    job = hub.check(hub.open_pull({**tree, "notes ::error::.md": evil}))
    commands = [line for line in job.log.splitlines() if line.startswith("::")]
    assert all(line.startswith(("::error file=", "::warning file=")) for line in commands), commands


# --- review and merge ----------------------------------------------------------------------------------------------


def test_a_bump_by_its_owner_is_merged_at_once_where_that_is_on(hub: Hub) -> None:
    pull = hub.open_pull(BUMP)
    jobs = hub.review(pull)
    assert jobs["judge"].outputs["class"] == "at-once", jobs["judge"].log
    assert "merge" not in jobs, "it is off until somebody turns it on"
    assert hub.asked()["comments"][0]["body"].startswith("<!-- molthub summary -->")
    hub.runner.variables = {"MOLTHUB_AUTO_MERGE": "true"}
    before = hub.main
    merged = hub.review(pull)
    assert not merged["merge"].failed, merged["merge"].log
    assert git(hub.repository, "rev-parse", "main^") == before
    assert git(hub.repository, "ls-tree", "--name-only", "main", "skills/git/1.0.1/") != ""
    said = hub.asked()["said"]
    assert [call[0] for call in said] == ["POST", "PATCH", "merge", "workflow"]
    assert len(hub.asked()["comments"]) == 1, "one comment, brought up to date"


@pytest.mark.parametrize(
    ("tree", "author", "expected"),
    [
        (BUMP | {".github/workflows/publish.yml": "on: push\njobs: {}\n"}, "ada", "person"),
        (fleet("prod") | bot("prod", "ada", skills=["git"]), "olga", "person"),
        (skill("kube"), "eve", "refused"),
    ],
)
def test_what_is_more_than_that_waits(hub: Hub, tree: Tree, author: str, expected: str) -> None:
    hub.runner.variables = {"MOLTHUB_AUTO_MERGE": "true"}
    jobs = hub.review(hub.open_pull(tree, author=author))
    assert jobs["judge"].outputs["class"] == expected, jobs["judge"].log
    assert "merge" not in jobs
    assert f"Class **{expected}**" in hub.asked()["comments"][0]["body"]


def test_what_moves_on_meanwhile_is_not_merged(hub: Hub) -> None:
    hub.runner.variables = {"MOLTHUB_AUTO_MERGE": "true"}
    pull = hub.open_pull(BUMP)
    stale = hub.review({**pull, "head": {**pull["head"], "sha": "0" * 40}})
    assert set(stale) == {"judge"}
    assert stale["judge"].outputs["class"] == ""
    hub.push({"README.md": "later\n"})  # the base moves after the host made the merge commit
    late = hub.review(pull)
    assert late["merge"].ran == ["Merge exactly what was judged"]
    assert "has moved on since this was judged" in late["merge"].log
    assert ["merge", pull["number"]] not in hub.asked()["said"]


def test_a_cancelled_check_is_not_reviewed(hub: Hub) -> None:
    assert hub.review(hub.open_pull(BUMP), conclusion="cancelled") == {}


# --- publish and refresh -------------------------------------------------------------------------------------------


def test_publish_and_refresh(hub: Hub, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the first publication to a signed one, a second with the old files kept, and a refresh."""
    first = hub.publish()
    assert not first["publish"].failed, first["publish"].log
    assert "Sign the index" not in first["publish"].ran
    unsigned = (hub.runner.pages / "registry.json").read_bytes()
    walk.verify(hub.runner.pages)
    assert (hub.runner.pages / "s/git/.well-known/agent-skills/index.json").exists()
    assert not (hub.runner.pages / ".molthub-state").exists()
    assert hub.publish("refresh") == {}, "there is nothing to refresh"

    begin_to_sign(hub, tmp_path, capsys)
    signed = hub.publish(first=True)["publish"]
    assert not signed.failed, signed.log
    assert timestamp(hub)["version"] == 1
    assert "PRIVATE" not in signed.log

    hub.push(BUMP)
    second = hub.publish()
    assert not second["publish"].failed, second["publish"].log
    assert timestamp(hub)["version"] == 2
    root = walk.verify(hub.runner.pages)
    assert root["revision"] == hub.main
    kept = json.loads((hub.runner.pages / "replaced.json").read_bytes())["roots"]
    assert walk.sha256(unsigned) in kept
    verify_older(hub, unsigned)

    refreshed = hub.publish("refresh")
    assert not refreshed["publish"].failed, refreshed["publish"].log
    assert timestamp(hub)["version"] == 3
    assert timestamp(hub)["meta"]["snapshot.json"]["version"] == 2, "only the timestamp is new"
    read_as_a_client(url, tmp_path, capsys)


def begin_to_sign(hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Do what the workflow's head says: keys, the root in the repository, the secret, the variable."""
    keys = folder / "keys"
    assert run_molthub(capsys, "sign", "init", "--keys", keys).status == 0
    hub.push({"trust/1.root.json": (keys / "1.root.json").read_bytes()})
    hub.runner.secrets = {"MOLTHUB_ONLINE_KEY": next(keys.glob("online-*.pem")).read_text()}
    hub.runner.variables = {"MOLTHUB_SIGNED": "true"}


def timestamp(hub: Hub) -> Any:
    return json.loads((hub.runner.pages / "metadata/timestamp.json").read_bytes())["signed"]


def verify_older(hub: Hub, root: bytes) -> None:
    """Follow the root of an index that was replaced, with what is published now."""
    now = (hub.runner.pages / "registry.json").read_bytes()
    (hub.runner.pages / "registry.json").write_bytes(root)
    walk.verify(hub.runner.pages)
    (hub.runner.pages / "registry.json").write_bytes(now)


def read_as_a_client(url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder / "keys/1.root.json"
    assert run_skills(capsys, "registry", "add", url, "--root", root, "--global").status == 0
    found = run_skills(capsys, "search", "git", "--json")
    assert found.status == 0, found
    assert '"1.0.1"' in found.out


def test_what_is_left_out_does_not_stop_the_rest(hub: Hub) -> None:
    hub.push({"skills/broken/project.yaml": "owners: [acme]\nstatus: active\nversions: {1.0.0: {}}\n"})
    jobs = hub.publish()
    assert "::warning::something is left out of the index" in jobs["index"].log
    assert not jobs["publish"].failed, jobs["publish"].log
    walk.verify(hub.runner.pages)


# --- what they are allowed -----------------------------------------------------------------------------------------


def workflows(hub: Hub) -> dict[str, dict[str, object]]:
    return {name: hub.runner.workflow(name) for name in ("check", "review", "publish", "refresh")}


def test_permissions_are_the_least(hub: Hub) -> None:
    granted = {
        f"{name}/{job}": described.get("permissions")
        for name, workflow in workflows(hub).items()
        for job, described in workflow["jobs"].items()  # type: ignore[attr-defined] # a mapping of jobs
    }
    assert all(workflow["permissions"] == {} for workflow in workflows(hub).values())
    pages = {"contents": "read", "pages": "write", "id-token": "write"}
    assert granted == {
        "check/check": {"contents": "read"},
        "review/judge": {"contents": "read", "pull-requests": "read"},
        "review/comment": {"pull-requests": "write"},
        "review/merge": {"actions": "write", "contents": "write", "pull-requests": "write"},
        "publish/index": {"contents": "read"},
        "publish/publish": pages,
        "refresh/publish": pages,
    }


def test_the_untrusted_side_has_no_secret_and_the_key_is_in_one_step(hub: Hub) -> None:
    texts = {name: git(hub.repository, "show", f"main:.github/workflows/{name}.yml") for name in workflows(hub)}
    assert "${{ secrets." not in texts["check"] + texts["review"]
    steps = yaml.safe_load(texts["publish"])["jobs"]["publish"]["steps"]
    holding = [step["name"] for step in steps if "secrets." in json.dumps(step)]
    assert holding == ["Sign the index"]
    assert "secrets." not in json.dumps(yaml.safe_load(texts["publish"])["jobs"]["index"])


def test_publications_wait_for_each_other(hub: Hub) -> None:
    assert hub.runner.workflow("publish")["concurrency"] == {"group": "publish", "cancel-in-progress": "false"}


def test_the_tool_is_the_released_one(hub: Hub) -> None:
    pinned = git(hub.repository, "show", "main:.github/requirements.txt").splitlines()[-1]
    assert pinned == f"molthub[registry,sign,verify]=={__version__}"


# --- the runner itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a.b == 'x' && !c", True),
        ("a.b != 'x' || a.missing", None),
        ("(a.b == 'y' || c) || 'it''s'", "it's"),
        ("a.missing || 'default'", "default"),
    ],
)
def test_expressions(expression: str, value: object) -> None:
    assert evaluate(expression, {"a": {"b": "x"}, "c": False}) == value
    assert is_true(expression, {"a": {"b": "x"}, "c": False}) == bool(value)
    assert filled("<${{ a.b }}>", {"a": {"b": True}}) == "<true>"
