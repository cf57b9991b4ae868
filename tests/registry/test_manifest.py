"""Reading one manifest: every problem, its place, and words that never repeat a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molthub import schema_files
from molthub.errors import ManifestError, Problem
from molthub.registry.manifest import Manifest, read_manifest
from molthub.registry.reading import schemas
from molthub.registry.reading.clear_secrets import near_placeholder, token_shape
from molthub.registry.reading.schema_findings import schema_findings
from molthub.yaml_text import parse

SCHEMA_CASES = sorted((Path(__file__).parents[1] / "schemas").glob("*valid/*/*"))

BOT = """\
apiVersion: molthub.dev/v1alpha1
kind: Bot
metadata: {{name: ada}}
spec:
  platform: openclaw
  {0}
"""


def read(kind: str, text: str) -> tuple[Manifest | None, list[Problem]]:
    return read_manifest(kind, text.encode(), "file.yaml")


def findings(kind: str, text: str) -> list[str]:
    """Return the findings as `ID line:column pointer: message (remedy)`."""
    return [
        f"{found.id} {found.line}:{found.column} {found.at or '-'}: {found.message} ({found.remedy})"
        for found in read(kind, text)[1]
    ]


def bot(line: str) -> str:
    return BOT.format(line.replace("\n", "\n  "))


def test_a_valid_manifest_has_values_and_places() -> None:
    manifest, problems = read("profile", PROFILE)
    assert problems == []
    assert manifest is not None
    assert manifest.value["spec"]["skills"] == ["git"]
    assert manifest.at(("spec", "skills", 0)) == "file.yaml:5"
    assert manifest.at(("spec", "envVars", "A")) == "file.yaml:7"
    problem = manifest.problem("MH203", ("spec", "skills", 0), "no such skill", "add it")
    assert problem.to_json() == {
        "id": "MH203",
        "severity": "error",
        "file": "file.yaml",
        "line": 5,
        "column": 12,
        "at": "/spec/skills/0",
        "message": "no such skill",
        "remedy": "add it",
    }


PROFILE = """\
apiVersion: molthub.dev/v1alpha1
kind: Profile
metadata: {name: backend}
spec:
  skills: [git]
  envVars:
    A: x
"""


def test_every_problem_is_reported_with_its_place_in_the_order_of_the_file() -> None:
    text = "name: git\nversion: 1\ntags: vcs\nauthro: me\nenv:\n  - {name: 9X, secret: maybe}\n"
    assert [found.partition(" (expected")[0] for found in findings("skill", text)] == [
        "MH007 2:10 /version: text that YAML reads as something else (quote it)",
        "MH101 1:1 -: the key 'description' is missing (add it: What the skill does and when to use it.)",
        "MH101 2:10 /version: the text of 'version' does not have the form that is wanted here",
        "MH101 3:7 /tags: expected a list, found text",
        "MH102 4:1 /authro: unknown key 'authro' (did you mean author?)",
        "MH101 6:12 /env/0/name: the text of 'name' does not have the form that is wanted here",
        "MH101 6:24 /env/0/secret: expected true or false, found text",
    ]
    assert "for example LOG_LEVEL)" in findings("skill", text)[5]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("platfrm: openclaw", "MH102 6:3 /spec/platfrm: unknown key 'platfrm' (did you mean platform?)"),
        ("zzz: 1", "MH102 6:3 /spec/zzz: unknown key 'zzz' (known here: platform, home, agent, "),
        ("envVars: {9A: x}", "MH101 6:13 /spec/envVars/9A: '9A' cannot be a key of 'envVars' (expected: Environment"),
        ("overlays: [a, a]", "MH101 6:13 /spec/overlays: the list holds an item twice (keep one of the two)"),
        ("packs: [{version: 3}]", "MH101 6:11 /spec/packs/0: the key 'name' is missing (add it: The pack's name.)"),
        ("packs: [{name: a, version: 0}]", "the number is below 1"),
        ("packs: [{name: a, version: 9999999999}]", "the number is above 999999999"),
        ("packs: [{name: a, when: {matchLabels: {}}}]", "the map holds fewer than 1 keys"),
        ("template: 3", "expected true or false, found a number"),
        ("skills: [3.5]", "MH007 6:12 /spec/skills/0"),
        ("sync: [a]", "expected a map, found a list"),
        ("envVars: {A: true, B: [x]}", "MH101 6:25 /spec/envVars/B: expected text or null, found a list"),
        ("home: ''", "the text of 'home' does not have the form"),
        ("mcps: [{name: m, command: ''}]", "the text is shorter than 1 characters"),
        ("hosts: nothing", "expected a map, found text"),
        ("hosts:", "expected a map, found nothing"),
        ("sync: {mode: detct}", "the value must be one of correct, detect (did you mean detect?)"),
        ("sync: {mode: zzzzz}", "the value must be one of correct, detect (choose one of these)"),
    ],
)
def test_schema_errors_say_what_and_where(line: str, expected: str) -> None:
    found = findings("bot", bot(line))
    assert any(expected in text for text in found), found


def test_another_kind_says_which_is_wanted() -> None:
    found = findings("overlay", PROFILE)
    assert found == ["MH101 2:7 /kind: the value must be Overlay (write Overlay)"]


def test_upstream_needs_what_its_form_needs() -> None:
    digest = f"sha256:{'0' * 64}"
    head = f'versions:\n  1.0.0:\n    published: "2026-11-02T09:00:00Z"\n    digest: {digest}\n    upstream: '
    assert "the key 'commit' is missing" in findings("skill-project", head + "{git: 'https://x.example/'}\n")[0]
    assert "the key 'url' is missing" in findings("skill-project", head + "{path: a}\n")[0]


def test_scalars_stay_what_was_typed_where_text_is_wanted() -> None:
    manifest, problems = read("bot", bot("envVars: {A: no, B: 1.20, C: true, D: 08, E: 2024-01-01, F: ~, G: 12:30}"))
    assert manifest is not None
    assert manifest.value["spec"]["envVars"] == {
        "A": "no", "B": "1.20", "C": "true", "D": "08", "E": "2024-01-01", "F": None, "G": "12:30",
    }  # fmt: skip
    assert [(problem.id, problem.severity, problem.at) for problem in problems] == [
        ("MH007", "warning", "/spec/envVars/B"),
        ("MH007", "warning", "/spec/envVars/C"),
    ]


def test_settings_of_skills_keep_their_types() -> None:
    manifest, problems = read("bot", bot("skills: [{name: git, config: {a: 1, b: true, c: 1.5, d: ~}}]"))
    assert problems == []
    assert manifest is not None
    assert manifest.value["spec"]["skills"][0]["config"] == {"a": 1, "b": True, "c": 1.5, "d": None}


def test_yaml_that_does_not_parse_is_a_problem_with_its_place() -> None:
    manifest, problems = read("bot", "spec: {T: ${secrets.x}}\n")
    assert manifest is None
    assert [(problem.id, problem.line) for problem in problems] == [("MH002", 1)]
    assert "quote it" in problems[0].remedy
    assert read("bot", "")[0] is None


# --- secrets -------------------------------------------------------------------------------------------------------

TOKENS = [
    "ghp_" + "a1" * 18,
    "github_pat_" + "A1" * 20,
    "glpat-" + "a1" * 10,
    "xoxb-" + "1234567890-abc",
    "AKIA" + "ABCDEFGH12345678",
    "AIza" + "a1" * 18,
    "sk-" + "proj-a1" * 6,
    "sk_live_" + "a1" * 12,
    "npm_" + "a1" * 18,
    "hf_" + "a1" * 18,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.c2ln",
    "-----BEGIN RSA PRIVATE KEY-----",
]
PLACES = [
    "envVars: {{A: '{0}'}}",
    "mcps: [{{name: m, command: run, env: {{A: '{0}'}}}}]",
    "mcps: [{{name: m, command: run, args: ['--token={0}']}}]",
    "mcps: [{{name: m, url: 'https://x.example/', headers: {{A: 'Bearer {0}'}}}}]",
    "packs: [{{name: p, envOverrides: {{A: '{0}'}}}}]",
    "skills: [{{name: s, config: {{deep: [{{a: '{0}'}}]}}}}]",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_tokens_shape_is_refused_and_never_repeated(token: str) -> None:
    manifest, problems = read("bot", bot(PLACES[0].format(token)))
    assert manifest is None
    assert [problem.id for problem in problems] == ["MH105"]
    assert token not in str(problems)


@pytest.mark.parametrize("place", PLACES)
def test_tokens_are_found_wherever_values_stand(place: str) -> None:
    manifest, problems = read("bot", bot(place.format(TOKENS[0])))
    assert manifest is None
    assert [problem.id for problem in problems] == ["MH105"]


@pytest.mark.parametrize(
    "text",
    ["info", "task-force-of-many-people-and-1-more", "sk-learn", "ghp_short", "eyJ", "AKIA", "risk-" + "a1" * 20],
)
def test_ordinary_text_is_no_token(text: str) -> None:
    assert token_shape(text) is None


@pytest.mark.parametrize(
    "text",
    ["${secret.x}", "${secrets.X Y}", "${secrets.}", "${secrets}", "${{ secrets.TOKEN }}", "$secrets.x", "${Secrets.x}",
     "$${secrets.a} ${secret.b}", "${secrets[x]}", "a${secrets.x"],
)  # fmt: skip
def test_near_misses_of_a_placeholder_are_refused(text: str) -> None:
    assert near_placeholder(text)
    manifest, problems = read("bot", bot(f"envVars: {{A: '{text}'}}"))
    assert manifest is None
    assert [problem.id for problem in problems] == ["MH106"]


@pytest.mark.parametrize(
    "text",
    ["${secrets.github_token}", "a ${secrets.a-b.c} b", "$${secrets.x}", "$${secret.x}", "$HOME", "${HOME}", "$5", "$"],
)
def test_placeholders_escapes_and_other_dollars_are_fine(text: str) -> None:
    assert not near_placeholder(text)
    assert read("bot", bot(f"envVars: {{A: '{text}'}}"))[1] == []


def test_refused_values_are_never_repeated() -> None:
    secret = "hunter2-hunter2"  # noqa: S105 (made up)
    for line in (f"envVars: {{A: ['{secret}']}}", f"home: '{secret}!'", f"mcps: [{{name: m, command: ['{secret}']}}]"):
        problems = read("bot", bot(line))[1]
        assert problems
        assert secret not in str(problems)


# --- the quick answer and the library's are the same ---------------------------------------------------------------


NEVER_DECLARED = {"shard", "secrets-settings", "assignment", "observed-bots", "order", "report"}
"""Documents that no registry holds, of schemas with keywords that need not be quick."""


@pytest.mark.parametrize("path", SCHEMA_CASES, ids=[f"{path.parent.name}-{path.stem}" for path in SCHEMA_CASES])
def test_the_compiled_schema_and_the_library_agree(path: Path) -> None:
    kind = path.parent.name
    try:
        document = parse(path.read_bytes(), path.name)
    except ManifestError:
        document = parse("null", path.name)
    value = json.loads(path.read_text()) if path.suffix == ".json" else document.value
    if path.suffix == ".json" and "/invalid/" in path.as_posix():
        value = value["document"]
    if kind in NEVER_DECLARED:
        with pytest.raises(NotImplementedError, match=r"anyOf|allOf|oneOf|propertyNames"):
            schemas.accepts(kind, value)
    else:
        assert schemas.accepts(kind, value) == (not schema_findings(kind, value, document, path.name))


def test_every_declared_kind_can_be_compiled() -> None:
    for kind in ("registry", "publisher", "skill-project", "pack-project", "skill", "skillpack", "profile", "overlay"):
        assert not schemas.accepts(kind, None)
    for kind in ("fleet", "bot", "skill-frontmatter"):
        assert not schemas.accepts(kind, [])
    assert "common" in schema_files.names()
