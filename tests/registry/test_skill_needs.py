"""What skills need where they run: read from every form it is declared in, published, and held against their bots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from molthub.documents import bot_from_json, bot_to_json, canonical
from molthub.index.build import build_index
from molthub.model import EnvNeed, Needs
from molthub.registry.catalog import read_catalog
from molthub.registry.reading.skill_needs import SaidNeeds, said_needs
from molthub.registry.resolve import resolve_bot
from molthub.yaml_text import parse
from tests import builders
from tests.registry.command import Command, assert_document, schema_validator

TOKEN = EnvNeed("GH_TOKEN", secret=True, required=True)
OPENCLAW_IN_ONE_LINE = """metadata: {"openclaw": {"emoji": "x", "os": ["darwin", "linux"], "primaryEnv": "GH_TOKEN",
  "requires": {"bins": ["gh"], "anyBins": ["chromium", "chrome"], "env": ["HOST"], "config": ["a.b"]}}}"""
OLD_AND_NEW = "metadata: {clawdbot: {requires: {bins: [old]}}, openclaw: {requires: {bins: [new]}}}"
INSTALLED = """metadata: {openclaw: {requires: {bins: [gh]}, install: [
  {kind: brew, formula: acme/tap/gh, bins: [gh]}, {kind: node, package: "@acme/gh@1", bins: [gh]}, no map,
  {kind: go, module: a.b/c@v1, bins: gh}, {kind: shell, command: "curl x | sh", bins: [gh]},
  {kind: uv, package: "-r x", bins: [gh]}, {kind: uv, package: gh}, {kind: uv, package: [gh], bins: [gh]}]}}"""
OTHER_WORDS = """requires: {bin: curl, envs: [HOST], os: linux}
metadata: {clawdbot: {requires: {binaries: [jq], commands: [gh], os: [darwin], primaryEnv: GH_TOKEN, tools: [exec]}}}"""
HOST = EnvNeed("HOST", required=True)
FORMS: dict[str, tuple[str, SaidNeeds]] = {
    "nothing": ("name: a", SaidNeeds()),
    "at the top": (
        "requires: {mcp: [rube], env: [GH_TOKEN, HOST], bins: [gh], anyBins: [rg, grep]}",
        SaidNeeds(("rube",), (TOKEN, HOST), ("gh",), (("rg", "grep"),)),
    ),
    "other skills": (
        "requires: {skills: [gws-shared]}\nmetadata: {openclaw: {requires: {skills: ['@a/b', 'No Name', gws-shared]}}}",
        SaidNeeds(skills=("gws-shared", "@a/b")),
    ),
    "settings, where OpenClaw reads them": (
        "requires: {config: [x.y]}\nmetadata: {openclaw: {requires: {config: [channels.slack, 'a b', 5]}}}",
        SaidNeeds(settings=("channels.slack", "5")),
    ),
    "a word": ("requires: {mcp: rube, bins: 'gh, git'}", SaidNeeds(("rube",), None, ("gh", "git"))),
    "a list of words": ("requires: [python]", SaidNeeds()),
    "in metadata": ("metadata: {requires: {bins: [gh]}}", SaidNeeds(bins=("gh",))),
    "where OpenClaw reads it": (
        OPENCLAW_IN_ONE_LINE,
        SaidNeeds(None, (HOST, TOKEN), ("gh",), (("chromium", "chrome"),), ("macos", "linux"), None, ("a.b",)),
    ),
    "under an older name": (
        "metadata: {clawdbot: {requires: {bins: [gh]}, os: win32}}",
        SaidNeeds(bins=("gh",), systems=("windows",)),
    ),
    "how programs come": (
        INSTALLED,
        SaidNeeds(
            bins=("gh",),
            installs=(
                ("gh", "brew install acme/tap/gh"),
                ("gh", "npm install -g @acme/gh@1"),
                ("gh", "go install a.b/c@v1"),
            ),
        ),
    ),
    "in other words": (
        OTHER_WORDS,
        SaidNeeds(None, (HOST, TOKEN), ("curl", "jq", "gh"), systems=("macos",)),
    ),
    "under both, the newest counts": (OLD_AND_NEW, SaidNeeds(bins=("new",))),
    "our own": (
        "metadata: {mcp-servers: [github], env: GH_TOKEN}",
        SaidNeeds(("github",), (EnvNeed("GH_TOKEN", secret=True),)),
    ),
    "no names": ("requires: {bins: ['a b', ''], env: [5, 'x-y'], mcp: [A_B], anyBins: [['x y']]}", SaidNeeds()),
    "no maps": ("requires: x\nmetadata: [a]", SaidNeeds()),
    "no maps below": ("metadata: {openclaw: text, requires: 5}", SaidNeeds()),
}


@pytest.mark.parametrize("form", FORMS)
def test_needs_are_read_from_every_form(form: str) -> None:
    text, needs = FORMS[form]
    assert said_needs(parse(text, "SKILL.md").value) == needs


def wild(**metadata: Any) -> str:
    return builders.skill_md("gh", metadata={"openclaw": metadata})


def registry(*trees: builders.Tree, files: dict[str, builders.Content], **fields: Any) -> builders.Tree:
    version = builders.skill_version("gh", "1.0.0", files, **fields)
    return builders.registry(
        builders.skill("gh", versions={"1.0.0": version}), builders.fleet("prod"), *trees,
    )  # fmt: skip


OPENCLAW = {"os": ["linux"], "requires": {"bins": ["gh"], "env": ["GH_TOKEN"], "anyBins": ["rg", "grep"]}}


def test_what_skill_yaml_says_counts_and_where_it_is_silent_skill_md() -> None:
    tree = registry(files={"SKILL.md": wild(**OPENCLAW)}, bins=["git"], any_bins=[["a", "b"], ["c"]])
    manifest = read_catalog(builders.TreeSource(tree)).skills["gh"].versions["1.0.0"].manifest
    assert manifest.needs == Needs((), (TOKEN,), ("git",), (("a", "b"), ("c",)), ("linux",))


def test_how_programs_come_is_published_for_those_that_are_needed() -> None:
    install = [{"kind": "brew", "formula": "gh", "bins": ["gh", "hub"]}, {"kind": "uv", "package": "rg", "bins": "rg"}]
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), files={"SKILL.md": wild(**OPENCLAW, install=install)})
    source = builders.TreeSource(tree)
    content = build_index(read_catalog(source), source, fleets=True).files["bots/prod/ada.json"]
    installs = json.loads(content)["needs"]["gh"]["installs"]
    assert installs == [
        {"program": "gh", "line": "brew install gh"}, {"program": "rg", "line": "uv tool install rg"}
    ]  # fmt: skip
    schema_validator("bot-document").validate(json.loads(content))
    assert canonical(bot_to_json(bot_from_json(content, "x"))) == content


def test_needs_are_published_with_the_version_and_with_the_bot() -> None:
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), files={"SKILL.md": wild(**OPENCLAW)})
    source = builders.TreeSource(tree)
    files = build_index(read_catalog(source), source, fleets=True).files
    document = json.loads(files["bots/prod/ada.json"])
    needs = {
        "env": [{"name": "GH_TOKEN", "secret": True, "required": True}],
        "bins": ["gh"],
        "anyBins": [["rg", "grep"]],
        "os": ["linux"],
    }
    assert document["needs"] == {"gh": needs}
    read = bot_from_json(files["bots/prod/ada.json"], "x")
    assert read.needs == {"gh": Needs((), (TOKEN,), ("gh",), (("rg", "grep"),), ("linux",))}
    assert canonical(bot_to_json(read)) == files["bots/prod/ada.json"]


def test_skills_and_settings_are_published_too() -> None:
    needs = {"requires": {"skills": ["hub"], "config": ["channels.slack"]}}
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), files={"SKILL.md": wild(**needs)})
    source = builders.TreeSource(tree)
    files = build_index(read_catalog(source), source, fleets=True).files
    assert json.loads(files["bots/prod/ada.json"])["needs"] == {
        "gh": {"skills": ["hub"], "settings": ["channels.slack"]}
    }
    assert_document("bot-document", json.loads(files["bots/prod/ada.json"]))
    assert bot_from_json(files["bots/prod/ada.json"], "x").needs["gh"].skills == ("hub",)


def test_people_see_what_a_skill_needs(tmp_path: Path, molthub: Command, skills: Command) -> None:
    builders.commit(registry(files={"SKILL.md": wild(**OPENCLAW)}), tmp_path / "registry")
    assert molthub("build", "--registry", tmp_path / "registry", "--out", tmp_path / "site").status == 0
    shown = skills("info", "gh", "--registry", tmp_path / "site").out
    assert "gh, rg or grep" in shown
    assert "linux" in shown
    told = skills("info", "gh", "--registry", tmp_path / "site", "--json").json
    assert (told["anyBins"], told["os"]) == ([["rg", "grep"]], ["linux"])
    page = (tmp_path / "site" / "skills" / "gh" / "index.html").read_text()
    assert "rg or grep" in page
    assert "Systems" in page


def problems(tree: builders.Tree) -> list[tuple[str, str, str, str]]:
    catalog = read_catalog(builders.TreeSource(tree))
    found = resolve_bot(catalog, catalog.bots["prod/ada"])
    assert found.resolved
    return [(problem.id, problem.severity, problem.place, problem.remedy) for problem in found.problems]


def test_a_bot_that_lacks_what_a_skill_needs_is_told_with_the_lines_to_write() -> None:
    skill = {
        "files": {},
        "mcp_servers": ["github"],
        "env": [{"name": "GH_TOKEN", "secret": True, "required": True}, {"name": "X"}],
    }
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), **skill)  # type: ignore[arg-type] # fields of skill.yaml
    at = "fleets/prod/bots/ada.yaml:8"
    assert problems(tree) == [
        ("MH221", "warning", at, "write under mcps: - {name: github, command: ...}"),
        ("MH222", "warning", at, 'write under envVars: GH_TOKEN: "${secrets.gh_token}"'),
    ]
    given = {"mcps": [{"name": "github", "command": "x"}], "envVars": {"GH_TOKEN": "${secrets.gh}"}}
    assert problems(registry(builders.bot("prod", "ada", skills=["gh"], **given), **skill)) == []  # type: ignore[arg-type] # likewise


def test_a_bot_that_lacks_a_skill_that_another_counts_on_is_told() -> None:
    needs = {"requires": {"skills": ["hub", "@acme/gh", "1password"]}}
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), files={"SKILL.md": wild(**needs)})
    told = [
        ("MH224", "warning", "fleets/prod/bots/ada.yaml:8", f"write under skills: - {name}")
        for name in ("hub", "1password")
    ]
    assert problems(tree) == told
    on_openclaw = builders.bot("prod", "ada", platform="openclaw", skills=["gh"])
    tree = registry(on_openclaw, files={"SKILL.md": wild(**needs)})
    assert [remedy for *_, remedy in problems(tree)] == ["write under skills: - hub"], "it brings the other itself"


def test_what_a_layer_takes_away_is_no_mistake() -> None:
    tree = registry(
        builders.pack("dev", {"skills": ["gh"], "mcps": [{"name": "github", "command": "x"}]}),
        builders.overlay("bare", mcps=[{"name": "github", "enabled": False}]),
        builders.bot("prod", "ada", packs=["dev"], overlays=["bare"]),
        files={},
        mcp_servers=["github"],
    )
    catalog = read_catalog(builders.TreeSource(tree))
    assert resolve_bot(catalog, catalog.bots["prod/ada"]).problems == ()


def test_check_and_publish_say_and_write_it(tmp_path: Path, molthub: Command, skills: Command) -> None:
    tree = registry(builders.bot("prod", "ada", skills=["gh"]), files={"SKILL.md": wild(**OPENCLAW)})
    builders.commit(tree, tmp_path / "registry")
    ran = molthub("check", "--registry", tmp_path / "registry")
    assert (ran.status, "gh@1.0.0 requires the variable GH_TOKEN, which no layer gives" in ran.out + ran.err) == (
        0,
        True,
    )
    builders.write_tree({"SKILL.md": builders.skill_md("hub", metadata={"openclaw": OPENCLAW})}, tmp_path / "hub")
    assert skills("publish", tmp_path / "hub", "--registry", tmp_path / "registry", "--yes").status == 0
    written = parse((tmp_path / "registry/skills/hub/1.0.0/skill.yaml").read_bytes(), "skill.yaml").value
    assert {key: written[key] for key in ("env", "bins", "any-bins", "os")} == {
        "env": [{"name": "GH_TOKEN", "secret": True, "required": True}],
        "bins": ["gh"],
        "any-bins": [["rg", "grep"]],
        "os": ["linux"],
    }
